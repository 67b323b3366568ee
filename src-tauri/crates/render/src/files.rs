//! Files that filters and transitions use, on the device.

use std::collections::BTreeMap;
use std::sync::Arc;

use media::{Frame, PixelFormat};
use scene::WipeShape;

use crate::filters::Cube;
use crate::gpu::{Gpu, PIXELS};
use crate::textures::{self, extent};
use crate::transitions;

/// A file, read and decoded.
#[derive(Clone, Debug)]
pub enum File {
    /// A picture: RGBA, straight alpha. Other formats are left out.
    Picture(Frame),
    /// A table of colours.
    Lut(Cube),
}

/// Files by the names that the document has for them. Those that are missing have no effect.
pub type Files = BTreeMap<String, Arc<File>>;

/// Files on the device, kept as long as they are the same.
#[derive(Default)]
pub(crate) struct Uploads {
    all: Vec<Upload>,
    turn: u64,
}

struct Upload {
    name: Name,
    bind: wgpu::BindGroup,
    used: u64,
}

enum Name {
    File(Arc<File>),
    Shape(WipeShape),
    /// Stands in where a shader needs something and nothing is used of it.
    White,
}

/// Renders for which one that is not used stays.
const KEPT: u64 = 300;

impl Uploads {
    pub(crate) fn begin(&mut self) {
        self.turn += 1;
    }

    /// What samples a file; uploaded when it is new.
    pub(crate) fn file(&mut self, gpu: &Gpu, file: &Arc<File>) -> Option<usize> {
        let known =
            |upload: &Upload| matches!(&upload.name, Name::File(of) if Arc::ptr_eq(of, file));
        if let Some(at) = self.all.iter().position(known) {
            self.all[at].used = self.turn;
            return Some(at);
        }
        let bind = match file.as_ref() {
            File::Picture(frame) if frame.format() == PixelFormat::Rgba => {
                let plane = &frame.planes()[0];
                let (width, height) = (frame.width(), frame.height());
                if width.max(height) > gpu.max_side {
                    return None;
                }
                upload(gpu, width, height, &plane.data, plane.stride as u32)
            }
            File::Picture(_) => return None,
            File::Lut(cube) => {
                let side = cube.side() as u32;
                upload(gpu, side * side, side, &cube.picture(), side * side * 4)
            }
        };
        Some(self.push(Name::File(Arc::clone(file)), bind))
    }

    /// What samples a mask that is brought along.
    pub(crate) fn shape(&mut self, gpu: &Gpu, shape: WipeShape) -> usize {
        let known = |upload: &Upload| matches!(upload.name, Name::Shape(of) if of == shape);
        if let Some(at) = self.all.iter().position(known) {
            self.all[at].used = self.turn;
            return at;
        }
        let side = transitions::SIDE;
        let bind = upload(gpu, side, side, &transitions::shape(shape), side * 4);
        self.push(Name::Shape(shape), bind)
    }

    /// What samples white.
    pub(crate) fn white(&mut self, gpu: &Gpu) -> usize {
        let known = |upload: &Upload| matches!(upload.name, Name::White);
        if let Some(at) = self.all.iter().position(known) {
            self.all[at].used = self.turn;
            return at;
        }
        let bind = upload(gpu, 1, 1, &[255; 4], 4);
        self.push(Name::White, bind)
    }

    fn push(&mut self, name: Name, bind: wgpu::BindGroup) -> usize {
        self.all.push(Upload {
            name,
            bind,
            used: self.turn,
        });
        self.all.len() - 1
    }

    pub(crate) fn bind(&self, at: usize) -> &wgpu::BindGroup {
        &self.all[at].bind
    }

    pub(crate) fn end(&mut self) {
        let turn = self.turn;
        self.all.retain(|upload| turn - upload.used < KEPT);
    }

    pub(crate) fn clear(&mut self) {
        self.all.clear();
    }
}

fn upload(gpu: &Gpu, width: u32, height: u32, bytes: &[u8], stride: u32) -> wgpu::BindGroup {
    let usage = wgpu::TextureUsages::TEXTURE_BINDING | wgpu::TextureUsages::COPY_DST;
    let texture = textures::texture(gpu, "file", width, height, PIXELS, usage);
    gpu.queue.write_texture(
        texture.as_image_copy(),
        bytes,
        wgpu::TexelCopyBufferLayout {
            offset: 0,
            bytes_per_row: Some(stride),
            rows_per_image: None,
        },
        extent(width, height),
    );
    let view = texture.create_view(&Default::default());
    gpu.sampled(&view, &gpu.layers.linear)
}
