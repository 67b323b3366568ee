//! The pictures of sources as textures: made when a source has a new frame, kept while it is drawn.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytemuck::{Pod, Zeroable};
use media::{Frame, PixelFormat};
use scene::SourceId;

use crate::gpu::{Gpu, PIXELS};
use crate::pixels::{self, Scratch};

/// Renders for which a picture that is not drawn stays, so that a cut back costs nothing.
const KEPT: u64 = 30;

/// The textures of all sources.
#[derive(Default)]
pub(crate) struct Textures {
    sources: BTreeMap<SourceId, Source>,
    scratch: Scratch,
    turn: u64,
}

struct Source {
    /// The frame that is up. It is held, so that no other frame can take its place in memory and be
    /// mistaken for it.
    frame: Frame,
    raw: Option<Raw>,
    pictures: Vec<Picture>,
}

/// The planes of a source as they are, for shaders to convert.
struct Raw {
    planes: Vec<(wgpu::Texture, wgpu::TextureView)>,
    current: bool,
}

/// A source's picture, premultiplied RGBA, halved `level` times.
struct Picture {
    level: u32,
    width: u32,
    height: u32,
    texture: wgpu::Texture,
    view: wgpu::TextureView,
    nearest: wgpu::BindGroup,
    linear: wgpu::BindGroup,
    convert: Option<wgpu::BindGroup>,
    staging: Option<Staging>,
    current: bool,
    drawn: u64,
}

/// Memory that both the CPU and the device see, through which pixels go up.
struct Staging {
    buffer: wgpu::Buffer,
    mapped: Arc<AtomicBool>,
    in_use: bool,
    written: u64,
}

/// What `planes.wgsl` is told.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct PlanesUniform {
    to_rgb: [[f32; 4]; 3],
    size: [u32; 2],
    kind: u32,
    factor: u32,
}

impl Textures {
    /// Begins a render.
    pub(crate) fn begin(&mut self) {
        self.turn += 1;
    }

    /// Makes the picture of `frame`, halved `level` times, ready to be drawn; does nothing when it is.
    /// False when it could not be made.
    pub(crate) fn prepare(
        &mut self,
        gpu: &Gpu,
        encoder: &mut wgpu::CommandEncoder,
        id: &SourceId,
        frame: &Frame,
        level: u32,
    ) -> bool {
        let Self {
            sources,
            scratch,
            turn,
        } = self;
        let source = match sources.get_mut(id) {
            Some(source) => source,
            None => sources.entry(id.clone()).or_insert_with(|| Source {
                frame: frame.clone(),
                raw: None,
                pictures: Vec::new(),
            }),
        };
        source.show(frame);
        source.picture(gpu, encoder, level, *turn, scratch)
    }

    /// What draws a picture that was prepared.
    pub(crate) fn bind_group(&self, id: &SourceId, level: u32, linear: bool) -> Option<&wgpu::BindGroup> {
        let picture = self
            .sources
            .get(id)?
            .pictures
            .iter()
            .find(|picture| picture.level == level)?;
        Some(if linear { &picture.linear } else { &picture.nearest })
    }

    /// Ends a render whose commands were submitted: what went up may be written again once it has, and
    /// what was not drawn for a while is dropped.
    pub(crate) fn submitted(&mut self) {
        let turn = self.turn;
        self.sources.retain(|_, source| {
            source
                .pictures
                .retain(|picture| turn - picture.drawn < KEPT);
            for picture in &mut source.pictures {
                picture.release(turn);
            }
            !source.pictures.is_empty()
        });
    }

    /// Forgets everything, as after the loss of the device.
    pub(crate) fn clear(&mut self) {
        self.sources.clear();
    }

    /// Pictures that are kept, for tests.
    #[cfg(test)]
    pub(crate) fn count(&self) -> usize {
        self.sources.values().map(|source| source.pictures.len()).sum()
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
    fn show(&mut self, frame: &Frame) {
        if same(&self.frame, frame) {
            return;
        }
        let alike = self.frame.format() == frame.format()
            && self.frame.color() == frame.color()
            && (self.frame.width(), self.frame.height()) == (frame.width(), frame.height());
        self.frame = frame.clone();
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
    }

    fn picture(
        &mut self,
        gpu: &Gpu,
        encoder: &mut wgpu::CommandEncoder,
        level: u32,
        turn: u64,
        scratch: &mut Scratch,
    ) -> bool {
        let by_shader = gpu.shaders_convert && least_level(&self.frame, gpu.max_side) == 0;
        let at = match self.pictures.iter().position(|picture| picture.level == level) {
            Some(at) => at,
            None => {
                let mut picture = Picture::new(gpu, &self.frame, level);
                if by_shader {
                    let raw = self.raw.get_or_insert_with(|| Raw::new(gpu, &self.frame));
                    picture.convert = raw.bind(gpu, &self.frame, level);
                }
                self.pictures.push(picture);
                self.pictures.len() - 1
            }
        };
        let picture = &mut self.pictures[at];
        picture.drawn = turn;
        if picture.current {
            return true;
        }
        if let (Some(raw), true) = (&mut self.raw, by_shader) {
            raw.upload(gpu, &self.frame);
            picture.convert_by_shader(gpu, encoder);
            picture.current = true;
        } else {
            picture.current = picture.upload(gpu, encoder, &self.frame, turn, scratch);
        }
        picture.current
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

impl Picture {
    fn new(gpu: &Gpu, frame: &Frame, level: u32) -> Self {
        let (width, height) = pixels::reduced(frame.width(), frame.height(), level);
        let mut usage = wgpu::TextureUsages::TEXTURE_BINDING | wgpu::TextureUsages::COPY_DST;
        if gpu.shaders_convert {
            usage |= wgpu::TextureUsages::RENDER_ATTACHMENT;
        }
        let texture = texture(gpu, "picture", width, height, PIXELS, usage);
        let view = texture.create_view(&Default::default());
        let bind = |sampler: &wgpu::Sampler| {
            gpu.device.create_bind_group(&wgpu::BindGroupDescriptor {
                label: Some("picture"),
                layout: &gpu.layers.textures,
                entries: &[
                    wgpu::BindGroupEntry {
                        binding: 0,
                        resource: wgpu::BindingResource::TextureView(&view),
                    },
                    wgpu::BindGroupEntry {
                        binding: 1,
                        resource: wgpu::BindingResource::Sampler(sampler),
                    },
                ],
            })
        };
        Self {
            level,
            width,
            height,
            nearest: bind(&gpu.layers.nearest),
            linear: bind(&gpu.layers.linear),
            texture,
            view,
            convert: None,
            staging: None,
            current: false,
            drawn: 0,
        }
    }

    /// Converts on the CPU, straight into memory that the device copies from.
    fn upload(
        &mut self,
        gpu: &Gpu,
        encoder: &mut wgpu::CommandEncoder,
        frame: &Frame,
        turn: u64,
        scratch: &mut Scratch,
    ) -> bool {
        let stride = (self.width * 4).next_multiple_of(wgpu::COPY_BYTES_PER_ROW_ALIGNMENT);
        let size = u64::from(stride) * u64::from(self.height);
        let staging = self.staging.get_or_insert_with(|| Staging {
            buffer: gpu.device.create_buffer(&wgpu::BufferDescriptor {
                label: Some("staging"),
                size,
                usage: wgpu::BufferUsages::MAP_WRITE | wgpu::BufferUsages::COPY_SRC,
                mapped_at_creation: true,
            }),
            mapped: Arc::new(AtomicBool::new(true)),
            in_use: false,
            written: turn,
        });
        if !staging.mapped.load(Ordering::Acquire) {
            gpu.wait();
        }
        if !staging.mapped.load(Ordering::Acquire) {
            return false;
        }
        let Ok(mut memory) = staging.buffer.get_mapped_range_mut(..) else {
            return false;
        };
        let mut rows_buffer = std::mem::take(&mut scratch.rows);
        rows_buffer.resize(stride as usize * pixels::BAND as usize, 0);
        let mut problem = None;
        for top in (0..self.height).step_by(pixels::BAND as usize) {
            let rows = pixels::BAND.min(self.height - top);
            let len = stride as usize * rows as usize;
            let band = &mut rows_buffer[..len];
            if let Err(error) =
                pixels::band(frame, self.level, top, rows, band, stride as usize, scratch)
            {
                problem = Some(error);
                break;
            }
            let at = stride as usize * top as usize;
            memory.slice(at..at + len).copy_from_slice(band);
        }
        scratch.rows = rows_buffer;
        drop(memory);
        if let Some(problem) = problem {
            tracing::warn!(%problem, "a picture could not be converted");
            return false;
        }
        staging.buffer.unmap();
        staging.mapped.store(false, Ordering::Release);
        staging.in_use = true;
        staging.written = turn;
        encoder.copy_buffer_to_texture(
            wgpu::TexelCopyBufferInfo {
                buffer: &staging.buffer,
                layout: wgpu::TexelCopyBufferLayout {
                    offset: 0,
                    bytes_per_row: Some(stride),
                    rows_per_image: None,
                },
            },
            self.texture.as_image_copy(),
            extent(self.width, self.height),
        );
        true
    }

    fn convert_by_shader(&self, gpu: &Gpu, encoder: &mut wgpu::CommandEncoder) {
        let (Some(converters), Some(bind)) = (&gpu.converters, &self.convert) else {
            return;
        };
        let mut pass = encoder.begin_render_pass(&wgpu::RenderPassDescriptor {
            label: Some("planes"),
            color_attachments: &[Some(wgpu::RenderPassColorAttachment {
                view: &self.view,
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

    /// Asks for the staging memory back, and gives it up where the picture stands still.
    fn release(&mut self, turn: u64) {
        let Some(staging) = &mut self.staging else {
            return;
        };
        if staging.in_use {
            staging.in_use = false;
            let mapped = Arc::clone(&staging.mapped);
            staging
                .buffer
                .map_async(wgpu::MapMode::Write, .., move |result| {
                    mapped.store(result.is_ok(), Ordering::Release);
                });
        } else if turn - staging.written >= KEPT {
            self.staging = None;
        }
    }
}

impl Raw {
    fn new(gpu: &Gpu, frame: &Frame) -> Self {
        let planes = (0..frame.format().planes())
            .map(|index| {
                let (format, width, height) = raw_texture(frame, index);
                let usage = wgpu::TextureUsages::TEXTURE_BINDING | wgpu::TextureUsages::COPY_DST;
                let texture = texture(gpu, "plane", width, height, format, usage);
                let view = texture.create_view(&Default::default());
                (texture, view)
            })
            .collect();
        Self {
            planes,
            current: false,
        }
    }

    fn bind(&self, gpu: &Gpu, frame: &Frame, level: u32) -> Option<wgpu::BindGroup> {
        let converters = gpu.converters.as_ref()?;
        let uniform = PlanesUniform {
            to_rgb: pixels::to_rgb(frame.color()),
            size: [frame.width(), frame.height()],
            kind: match frame.format() {
                PixelFormat::I420 => 0,
                PixelFormat::Nv12 => 1,
                PixelFormat::Yuyv => 2,
                PixelFormat::Rgba => 3,
                PixelFormat::Bgrx | PixelFormat::Mjpeg => 4,
            },
            factor: 1 << level,
        };
        let buffer = gpu.device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("planes"),
            size: size_of::<PlanesUniform>() as u64,
            usage: wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST,
            mapped_at_creation: false,
        });
        gpu.queue.write_buffer(&buffer, 0, bytemuck::bytes_of(&uniform));
        let view = |index: usize| {
            let (_, view) = self.planes.get(index).unwrap_or(&self.planes[0]);
            wgpu::BindingResource::TextureView(view)
        };
        let entry = |binding, resource| wgpu::BindGroupEntry { binding, resource };
        Some(gpu.device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: Some("planes"),
            layout: &converters.planes_layout,
            entries: &[
                entry(0, buffer.as_entire_binding()),
                entry(1, view(0)),
                entry(2, view(1)),
                entry(3, view(2)),
            ],
        }))
    }

    fn upload(&mut self, gpu: &Gpu, frame: &Frame) {
        if self.current {
            return;
        }
        self.current = true;
        for ((texture, _), plane) in self.planes.iter().zip(frame.planes()) {
            gpu.queue.write_texture(
                texture.as_image_copy(),
                &plane.data,
                wgpu::TexelCopyBufferLayout {
                    offset: 0,
                    bytes_per_row: Some(plane.stride as u32),
                    rows_per_image: None,
                },
                texture.size(),
            );
        }
    }
}

/// Format and size of the texture that holds a plane as it is.
fn raw_texture(frame: &Frame, index: usize) -> (wgpu::TextureFormat, u32, u32) {
    let (bytes, rows) = frame
        .format()
        .plane_size(index, frame.width(), frame.height());
    let (format, texel) = match (frame.format(), index) {
        (PixelFormat::I420, _) | (PixelFormat::Nv12, 0) => (wgpu::TextureFormat::R8Unorm, 1),
        (PixelFormat::Nv12, _) => (wgpu::TextureFormat::Rg8Unorm, 2),
        _ => (wgpu::TextureFormat::Rgba8Unorm, 4),
    };
    (format, (bytes / texel) as u32, rows as u32)
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
