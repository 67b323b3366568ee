//! The picture that is composed, and its way back from the device as I420.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use bytemuck::{Pod, Zeroable};
use bytes::Bytes;
use media::{BufferPool, Frame, PixelFormat};

use crate::Error;
use crate::gpu::{Gpu, PIXELS};
use crate::pixels;
use crate::textures::{copy_from, extent, texture};

/// The canvas and the buffers through which it comes back.
pub(crate) struct Canvas {
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) view: wgpu::TextureView,
    pub(crate) texture: wgpu::Texture,
    convert: Option<Convert>,
    ring: Vec<Slot>,
    next: usize,
    /// Rows that are mixed, kept from picture to picture for their space.
    band: Vec<u8>,
}

/// What converts the canvas on a GPU.
struct Convert {
    bind: wgpu::BindGroup,
    planes: wgpu::Buffer,
}

/// One readback buffer.
struct Slot {
    main: Readback,
    /// Made when it is first needed.
    under: Option<Readback>,
    /// How much the canvas counts beside what came back with it, of 256.
    share: Option<u16>,
}

/// Memory of the device that the CPU reads.
struct Readback {
    buffer: wgpu::Buffer,
    state: Arc<AtomicU8>,
}

impl Readback {
    fn new(gpu: &Gpu, size: u64) -> Self {
        Self {
            buffer: gpu.device.create_buffer(&wgpu::BufferDescriptor {
                label: Some("readback"),
                size,
                usage: wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST,
                mapped_at_creation: false,
            }),
            state: Arc::new(AtomicU8::new(IDLE)),
        }
    }

    /// Asks for it to be readable once the commands submitted so far are done.
    fn map(&self) {
        let state = Arc::clone(&self.state);
        state.store(MAPPING, Ordering::Release);
        self.buffer
            .map_async(wgpu::MapMode::Read, .., move |result| {
                let outcome = if result.is_ok() { MAPPED } else { FAILED };
                state.store(outcome, Ordering::Release);
            });
    }

    /// What it holds, when that has come.
    fn memory(&self) -> Option<wgpu::BufferView> {
        if self.state.load(Ordering::Acquire) != MAPPED {
            return None;
        }
        self.buffer.get_mapped_range(..).ok()
    }

    fn release(&self) {
        self.buffer.unmap();
        self.state.store(IDLE, Ordering::Release);
    }
}

const IDLE: u8 = 0;
const MAPPING: u8 = 1;
const MAPPED: u8 = 2;
const FAILED: u8 = 3;

/// I420 as `canvas.wgsl` writes it: rows padded so that eight pixels are whole words in every plane.
#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
#[repr(C)]
struct Layout {
    size: [u32; 2],
    luma_words: u32,
    u_at: u32,
    v_at: u32,
    /// Uniforms come in sizes of 8.
    unused: u32,
}

impl Layout {
    fn new(width: u32, height: u32) -> Self {
        let luma_words = width.div_ceil(8) * 2;
        let chroma = luma_words / 2 * height.div_ceil(2);
        Self {
            size: [width, height],
            luma_words,
            u_at: luma_words * height,
            v_at: luma_words * height + chroma,
            unused: 0,
        }
    }

    fn bytes(&self) -> u64 {
        u64::from(self.v_at + (self.v_at - self.u_at)) * 4
    }
}

impl Canvas {
    pub(crate) fn new(gpu: &Gpu, width: u32, height: u32) -> Result<Self, Error> {
        let max = gpu.max_side;
        if !(1..=max).contains(&width) || !(1..=max).contains(&height) {
            return Err(Error::Size {
                width,
                height,
                adapter: gpu.name.clone(),
                max,
            });
        }
        let usage = wgpu::TextureUsages::RENDER_ATTACHMENT
            | wgpu::TextureUsages::COPY_SRC
            | wgpu::TextureUsages::COPY_DST
            | wgpu::TextureUsages::TEXTURE_BINDING;
        let texture = texture(gpu, "canvas", width, height, PIXELS, usage);
        let view = texture.create_view(&Default::default());
        let layout = Layout::new(width, height);
        let convert = gpu.converters.as_ref().map(|converters| {
            let uniform = gpu.device.create_buffer(&wgpu::BufferDescriptor {
                label: Some("canvas layout"),
                size: size_of::<Layout>() as u64,
                usage: wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST,
                mapped_at_creation: false,
            });
            gpu.queue
                .write_buffer(&uniform, 0, bytemuck::bytes_of(&layout));
            let planes = gpu.device.create_buffer(&wgpu::BufferDescriptor {
                label: Some("canvas planes"),
                size: layout.bytes(),
                usage: wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC,
                mapped_at_creation: false,
            });
            let bind = gpu.device.create_bind_group(&wgpu::BindGroupDescriptor {
                label: Some("canvas"),
                layout: &converters.canvas_layout,
                entries: &[
                    wgpu::BindGroupEntry {
                        binding: 0,
                        resource: uniform.as_entire_binding(),
                    },
                    wgpu::BindGroupEntry {
                        binding: 1,
                        resource: wgpu::BindingResource::TextureView(&view),
                    },
                    wgpu::BindGroupEntry {
                        binding: 2,
                        resource: planes.as_entire_binding(),
                    },
                ],
            });
            Convert { bind, planes }
        });
        let size = match convert {
            Some(_) => layout.bytes(),
            None => u64::from(rgba_stride(width)) * u64::from(height),
        };
        // A software adapter has nothing to overlap with: a second buffer would only add latency.
        let depth = if convert.is_some() { 2 } else { 1 };
        let ring = (0..depth)
            .map(|_| Slot {
                main: Readback::new(gpu, size),
                under: None,
                share: None,
            })
            .collect();
        Ok(Self {
            width,
            height,
            view,
            texture,
            convert,
            ring,
            next: 0,
            band: Vec::new(),
        })
    }

    /// Pictures that may be under way at once.
    pub(crate) fn depth(&self) -> usize {
        self.ring.len()
    }

    /// Records the canvas's way into the next buffer of the ring, and says which one it is. `under` is a texture of
    /// the same size that comes along, and how much the canvas counts beside it, 0 to 1; there is none where shaders
    /// convert.
    pub(crate) fn read_back(
        &mut self,
        gpu: &Gpu,
        encoder: &mut wgpu::CommandEncoder,
        under: Option<(&wgpu::Texture, f32)>,
    ) -> usize {
        let at = self.next;
        self.next = (at + 1) % self.ring.len();
        let (width, height) = (self.width, self.height);
        let slot = &mut self.ring[at];
        slot.share = None;
        if let (Some(convert), Some(converters)) = (&self.convert, &gpu.converters) {
            let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor {
                label: Some("canvas"),
                timestamp_writes: None,
            });
            pass.set_pipeline(&converters.canvas);
            pass.set_bind_group(0, &convert.bind, &[]);
            // 8 × 2 pixels each, 8 × 8 of those to a workgroup.
            pass.dispatch_workgroups(width.div_ceil(64), height.div_ceil(16), 1);
            drop(pass);
            let to = &slot.main.buffer;
            encoder.copy_buffer_to_buffer(&convert.planes, 0, to, 0, to.size());
            return at;
        }
        let mut copy = |from: &wgpu::Texture, to: &Readback| {
            encoder.copy_texture_to_buffer(
                from.as_image_copy(),
                copy_from(&to.buffer, rgba_stride(width)),
                extent(width, height),
            );
        };
        copy(&self.texture, &slot.main);
        if let Some((texture, far)) = under {
            let size = slot.main.buffer.size();
            let to = slot.under.get_or_insert_with(|| Readback::new(gpu, size));
            copy(texture, to);
            slot.share = Some((far * 256.0).round() as u16);
        }
        at
    }

    /// Asks for a buffer to be readable once the commands submitted so far are done.
    pub(crate) fn map(&self, at: usize) {
        let slot = &self.ring[at];
        slot.main.map();
        if let (Some(under), Some(_)) = (&slot.under, slot.share) {
            under.map();
        }
    }

    /// The picture in a buffer that was waited for, I420 without padding; `None` when the device failed.
    pub(crate) fn collect(&mut self, at: usize, pool: &BufferPool) -> Option<Bytes> {
        let slot = &self.ring[at];
        let memory = slot.main.memory()?;
        let (width, height) = (self.width, self.height);
        let mut out = pool.take(Frame::packed_len(PixelFormat::I420, width, height));
        let under = slot.under.as_ref().zip(slot.share);
        let below = match under {
            Some((under, share)) => Some((under.memory()?, share)),
            None => None,
        };
        let stride = rgba_stride(width) as usize;
        let converted = match (&self.convert, &below) {
            (Some(_), _) => {
                unpad(&memory, Layout::new(width, height), &mut out);
                Ok(())
            }
            (None, None) => pixels::canvas_to_i420(&memory, stride, width, height, &mut out),
            (None, Some((below, share))) => {
                let size = (width, height);
                pixels::mix_to_i420(
                    (below, &memory),
                    *share,
                    stride,
                    size,
                    &mut self.band,
                    &mut out,
                )
            }
        };
        drop((memory, below));
        slot.main.release();
        if let Some((under, _)) = under {
            under.release();
        }
        match converted {
            Ok(()) => Some(out.freeze()),
            Err(problem) => {
                tracing::warn!(%problem, "the canvas could not be converted");
                None
            }
        }
    }
}

fn rgba_stride(width: u32) -> u32 {
    (width * 4).next_multiple_of(wgpu::COPY_BYTES_PER_ROW_ALIGNMENT)
}

/// Copies padded planes to where they follow one another.
fn unpad(padded: &[u8], layout: Layout, out: &mut [u8]) {
    let [width, height] = layout.size;
    let luma_stride = layout.luma_words as usize * 4;
    let mut at = 0;
    for (plane, (start, stride)) in [
        (0, luma_stride),
        (layout.u_at as usize * 4, luma_stride / 2),
        (layout.v_at as usize * 4, luma_stride / 2),
    ]
    .into_iter()
    .enumerate()
    {
        let (row, rows) = PixelFormat::I420.plane_size(plane, width, height);
        let to = &mut out[at..at + row * rows];
        at += row * rows;
        let from = &padded[start..];
        if stride == row {
            to.copy_from_slice(&from[..row * rows]);
            continue;
        }
        for (to, from) in to.chunks_exact_mut(row).zip(from.chunks(stride)) {
            to.copy_from_slice(&from[..row]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn padded_planes_are_copied_without_their_padding() {
        let layout = Layout::new(3, 3);
        assert_eq!((layout.luma_words, layout.u_at, layout.v_at), (2, 6, 8));
        let padded: Vec<u8> = (0..layout.bytes() as usize).map(|i| i as u8).collect();
        let mut out = vec![0; Frame::packed_len(PixelFormat::I420, 3, 3)];
        unpad(&padded, layout, &mut out);
        assert_eq!(
            out,
            [
                0, 1, 2, 8, 9, 10, 16, 17, 18, 24, 25, 28, 29, 32, 33, 36, 37
            ]
        );
    }
}
