//! The pictures of sources on the device: made when a source has a new frame, kept while drawn.

mod raw;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use media::Frame;
use scene::SourceId;

use crate::fit::{Fit, Space};
use crate::gpu::{Gpu, PIXELS};
use crate::pixels;
use raw::Raw;

/// Renders for which a picture that is not drawn stays, so that a cut back costs nothing.
const KEPT: u64 = 30;

/// The pictures of all sources.
#[derive(Default)]
pub(crate) struct Textures {
    /// Their places hold from [`Textures::begin`] to [`Textures::end`].
    sources: Vec<Source>,
    space: Space,
    turn: u64,
    versions: u64,
}

/// In what form a picture is needed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Shape {
    /// All of it, halved so many times, to be sampled.
    Level(u32),
    /// Fitted to its place on the canvas, to be laid there pixel by pixel.
    Fitted(Fit),
}

struct Source {
    id: SourceId,
    /// Another one for every frame.
    version: u64,
    /// When it was last shown.
    shown: u64,
    /// The frame that is up. It is held, so that no other frame can take its place in memory and be
    /// mistaken for it.
    frame: Frame,
    opaque: bool,
    raw: Option<Raw>,
    pictures: Vec<Picture>,
}

/// A source's picture, premultiplied RGBA, in one shape.
struct Picture {
    shape: Shape,
    width: u32,
    height: u32,
    memory: Option<Memory>,
    texture: Option<Texture>,
    /// Both hold the source's frame.
    current: bool,
    drawn: u64,
}

/// Memory that both the CPU and the device see: what the CPU converted, for the device to copy.
struct Memory {
    buffer: wgpu::Buffer,
    /// The CPU may write. Commands that read it may only be submitted while it may not.
    writable: Arc<AtomicBool>,
    written: u64,
}

/// What the device samples.
struct Texture {
    texture: wgpu::Texture,
    view: wgpu::TextureView,
    nearest: wgpu::BindGroup,
    linear: wgpu::BindGroup,
    convert: Option<wgpu::BindGroup>,
}

impl Textures {
    /// Begins a render.
    pub(crate) fn begin(&mut self) {
        self.turn += 1;
    }

    /// Takes a source's frame of this render; says where it is, and whether it is opaque.
    pub(crate) fn show(&mut self, id: &SourceId, frame: &Frame) -> (usize, bool) {
        let at = self.sources.iter().position(|source| source.id == *id);
        let at = at.unwrap_or_else(|| {
            self.versions += 1;
            self.sources.push(Source {
                id: id.clone(),
                version: self.versions,
                shown: 0,
                frame: frame.clone(),
                opaque: pixels::opaque(frame),
                raw: None,
                pictures: Vec::new(),
            });
            self.sources.len() - 1
        });
        let source = &mut self.sources[at];
        source.shown = self.turn;
        if source.show(frame) {
            self.versions += 1;
            source.version = self.versions;
        }
        (at, source.opaque)
    }

    /// Tells a source's frame from all others that were shown.
    pub(crate) fn version(&self, slot: usize) -> u64 {
        self.sources[slot].version
    }

    /// Makes the picture of a source that was shown ready to be drawn; does nothing when it is. It has a
    /// texture when it is to be `sampled`, otherwise it can be copied.
    pub(crate) fn prepare(
        &mut self,
        gpu: &Gpu,
        encoder: &mut wgpu::CommandEncoder,
        slot: usize,
        shape: Shape,
        sampled: bool,
    ) {
        let (turn, space) = (self.turn, &mut self.space);
        if let Some(source) = self.sources.get_mut(slot) {
            source.picture(gpu, encoder, shape, sampled, turn, space);
        }
    }

    /// What samples a picture that was prepared.
    pub(crate) fn bind_group(
        &self,
        slot: usize,
        shape: &Shape,
        linear: bool,
    ) -> Option<&wgpu::BindGroup> {
        let texture = self.find(slot, shape)?.texture.as_ref()?;
        Some(if linear {
            &texture.linear
        } else {
            &texture.nearest
        })
    }

    /// The memory of a picture that was prepared, to copy from, and its bytes from row to row.
    pub(crate) fn memory(&self, slot: usize, shape: &Shape) -> Option<(&wgpu::Buffer, u32)> {
        let picture = self.find(slot, shape)?;
        let memory = picture.memory.as_ref().filter(|_| picture.current)?;
        Some((&memory.buffer, stride(picture.width)))
    }

    fn find(&self, slot: usize, shape: &Shape) -> Option<&Picture> {
        let pictures = &self.sources.get(slot)?.pictures;
        pictures.iter().find(|picture| picture.shape == *shape)
    }

    /// Ends a render: what was not drawn for a while is dropped.
    pub(crate) fn end(&mut self) {
        let turn = self.turn;
        self.sources.retain_mut(|source| {
            source
                .pictures
                .retain(|picture| turn - picture.drawn < KEPT);
            for picture in &mut source.pictures {
                // A picture that stands still lives on in its texture.
                let still = |memory: &Memory| turn - memory.written >= KEPT;
                if picture.texture.is_some() && picture.memory.as_ref().is_some_and(still) {
                    picture.memory = None;
                }
            }
            // What filters made of a picture may outlive it.
            !source.pictures.is_empty() || turn - source.shown < KEPT
        });
    }

    /// Forgets everything, as after the loss of the device.
    pub(crate) fn clear(&mut self) {
        self.sources.clear();
    }

    /// Pictures that are kept, for tests.
    #[cfg(test)]
    pub(crate) fn count(&self) -> usize {
        self.sources
            .iter()
            .map(|source| source.pictures.len())
            .sum()
    }
}

/// The least that a picture must be halved to fit into a texture.
pub(crate) fn least_level(frame: &Frame, max_side: u32) -> u32 {
    let mut level = 0;
    while frame.width().max(frame.height()).div_ceil(1 << level) > max_side {
        level += 1;
    }
    level
}

impl Source {
    /// Whether the frame is another one.
    fn show(&mut self, frame: &Frame) -> bool {
        if same(&self.frame, frame) {
            return false;
        }
        let alike = self.frame.format() == frame.format()
            && self.frame.color() == frame.color()
            && (self.frame.width(), self.frame.height()) == (frame.width(), frame.height());
        self.frame = frame.clone();
        self.opaque = pixels::opaque(frame);
        if alike {
            for picture in &mut self.pictures {
                picture.current = false;
            }
            if let Some(raw) = &mut self.raw {
                raw.current = false;
            }
        } else {
            self.pictures.clear();
            self.raw = None;
        }
        true
    }

    fn picture(
        &mut self,
        gpu: &Gpu,
        encoder: &mut wgpu::CommandEncoder,
        shape: Shape,
        sampled: bool,
        turn: u64,
        space: &mut Space,
    ) {
        let by_shader = gpu.shaders_convert && least_level(&self.frame, gpu.max_side) == 0;
        let at = self.place_for(shape, turn);
        let picture = &mut self.pictures[at];
        picture.drawn = turn;
        if sampled && picture.texture.is_none() {
            let mut texture = Texture::new(gpu, picture.width, picture.height);
            if let (Shape::Level(level), true) = (shape, by_shader) {
                let raw = self.raw.get_or_insert_with(|| Raw::new(gpu, &self.frame));
                texture.convert = raw.bind(gpu, &self.frame, level);
            }
            picture.texture = Some(texture);
            picture.current = false;
        }
        if !sampled && picture.memory.is_none() {
            picture.current = false;
        }
        if picture.current {
            return;
        }
        if let (Some(raw), true) = (&mut self.raw, by_shader) {
            raw.upload(gpu, &self.frame);
            picture.convert_by_shader(gpu, encoder);
            picture.current = true;
        } else {
            picture.current = picture.convert(gpu, encoder, &self.frame, turn, space);
        }
    }

    /// Where the picture of this shape is, or a new one. A fitted picture of the same size that is no
    /// longer drawn makes room: an item that is dragged leaves none behind.
    fn place_for(&mut self, shape: Shape, turn: u64) -> usize {
        if let Some(at) = self
            .pictures
            .iter()
            .position(|picture| picture.shape == shape)
        {
            return at;
        }
        let fit = match shape {
            Shape::Level(level) => Fit::whole(&self.frame, level),
            Shape::Fitted(fit) => fit,
        };
        let (width, height) = (fit.width, fit.height);
        let left_behind = |picture: &Picture| {
            matches!((picture.shape, shape), (Shape::Fitted(_), Shape::Fitted(_)))
                && picture.drawn + 1 < turn
        };
        if let Some(at) = self.pictures.iter().position(|picture| {
            left_behind(picture) && (picture.width, picture.height) == (width, height)
        }) {
            self.pictures[at].shape = shape;
            self.pictures[at].current = false;
            return at;
        }
        self.pictures.retain(|picture| !left_behind(picture));
        self.pictures.push(Picture {
            shape,
            width,
            height,
            memory: None,
            texture: None,
            current: false,
            drawn: turn,
        });
        self.pictures.len() - 1
    }
}

fn same(a: &Frame, b: &Frame) -> bool {
    let key = |frame: &Frame| {
        let first = &frame.planes()[0];
        (
            frame.timestamp(),
            first.data.as_ptr(),
            first.data.len(),
            first.stride,
            frame.format(),
            frame.color(),
            frame.width(),
            frame.height(),
        )
    };
    key(a) == key(b)
}

/// Bytes from row to row in memory that the device copies from.
fn stride(width: u32) -> u32 {
    (width * 4).next_multiple_of(wgpu::COPY_BYTES_PER_ROW_ALIGNMENT)
}

impl Picture {
    /// Converts on the CPU, into memory that the device copies from, and from there into the texture if
    /// there is one.
    fn convert(
        &mut self,
        gpu: &Gpu,
        encoder: &mut wgpu::CommandEncoder,
        frame: &Frame,
        turn: u64,
        space: &mut Space,
    ) -> bool {
        let stride = stride(self.width);
        let memory = self
            .memory
            .get_or_insert_with(|| Memory::new(gpu, u64::from(stride) * u64::from(self.height)));
        memory.written = turn;
        if !memory.make_writable(gpu) {
            return false;
        }
        let Ok(mut bytes) = memory.buffer.get_mapped_range_mut(..) else {
            return false;
        };
        let fit = match self.shape {
            Shape::Level(level) => Fit::whole(frame, level),
            Shape::Fitted(fit) => fit,
        };
        let drawn = fit.draw(frame, space, |y, row| {
            let at = y as usize * stride as usize;
            bytes.slice(at..at + row.len()).copy_from_slice(row);
        });
        drop(bytes);
        memory.buffer.unmap();
        memory.writable.store(false, Ordering::Release);
        if let Err(problem) = drawn {
            tracing::warn!(%problem, "a picture could not be converted");
            return false;
        }
        if let Some(texture) = &self.texture {
            encoder.copy_buffer_to_texture(
                copy_from(&memory.buffer, stride),
                texture.texture.as_image_copy(),
                extent(self.width, self.height),
            );
        }
        true
    }

    fn convert_by_shader(&self, gpu: &Gpu, encoder: &mut wgpu::CommandEncoder) {
        let Some(texture) = &self.texture else {
            return;
        };
        let (Some(converters), Some(bind)) = (&gpu.converters, &texture.convert) else {
            return;
        };
        let mut pass = encoder.begin_render_pass(&wgpu::RenderPassDescriptor {
            label: Some("planes"),
            color_attachments: &[Some(wgpu::RenderPassColorAttachment {
                view: &texture.view,
                depth_slice: None,
                resolve_target: None,
                ops: wgpu::Operations {
                    load: wgpu::LoadOp::Clear(wgpu::Color::TRANSPARENT),
                    store: wgpu::StoreOp::Store,
                },
            })],
            ..Default::default()
        });
        pass.set_pipeline(&converters.planes);
        pass.set_bind_group(0, bind, &[]);
        pass.draw(0..3, 0..1);
    }
}

impl Memory {
    fn new(gpu: &Gpu, size: u64) -> Self {
        Self {
            buffer: gpu.device.create_buffer(&wgpu::BufferDescriptor {
                label: Some("picture memory"),
                size,
                usage: wgpu::BufferUsages::MAP_WRITE | wgpu::BufferUsages::COPY_SRC,
                mapped_at_creation: true,
            }),
            writable: Arc::new(AtomicBool::new(true)),
            written: 0,
        }
    }

    /// Takes the memory back from the device, which is done with it but for a picture that is still
    /// under way. False when the device is lost.
    fn make_writable(&self, gpu: &Gpu) -> bool {
        if self.writable.load(Ordering::Acquire) {
            return true;
        }
        let writable = Arc::clone(&self.writable);
        self.buffer
            .map_async(wgpu::MapMode::Write, .., move |result| {
                writable.store(result.is_ok(), Ordering::Release);
            });
        gpu.look();
        if !self.writable.load(Ordering::Acquire) {
            gpu.wait();
        }
        self.writable.load(Ordering::Acquire)
    }
}

impl Texture {
    fn new(gpu: &Gpu, width: u32, height: u32) -> Self {
        let mut usage = wgpu::TextureUsages::TEXTURE_BINDING | wgpu::TextureUsages::COPY_DST;
        if gpu.shaders_convert {
            usage |= wgpu::TextureUsages::RENDER_ATTACHMENT;
        }
        let texture = texture(gpu, "picture", width, height, PIXELS, usage);
        let view = texture.create_view(&Default::default());
        Self {
            nearest: gpu.sampled(&view, &gpu.layers.nearest),
            linear: gpu.sampled(&view, &gpu.layers.linear),
            texture,
            view,
            convert: None,
        }
    }
}

pub(crate) fn texture(
    gpu: &Gpu,
    label: &str,
    width: u32,
    height: u32,
    format: wgpu::TextureFormat,
    usage: wgpu::TextureUsages,
) -> wgpu::Texture {
    gpu.device.create_texture(&wgpu::TextureDescriptor {
        label: Some(label),
        size: extent(width, height),
        mip_level_count: 1,
        sample_count: 1,
        dimension: wgpu::TextureDimension::D2,
        format,
        usage,
        view_formats: &[],
    })
}

pub(crate) fn extent(width: u32, height: u32) -> wgpu::Extent3d {
    wgpu::Extent3d {
        width,
        height,
        depth_or_array_layers: 1,
    }
}

pub(crate) fn copy_from(buffer: &wgpu::Buffer, stride: u32) -> wgpu::TexelCopyBufferInfo<'_> {
    wgpu::TexelCopyBufferInfo {
        buffer,
        layout: copy_layout(stride),
    }
}

fn copy_layout(stride: u32) -> wgpu::TexelCopyBufferLayout {
    wgpu::TexelCopyBufferLayout {
        offset: 0,
        bytes_per_row: Some(stride),
        rows_per_image: None,
    }
}
