//! A source's planes as they are, for shaders to convert.

use bytemuck::{Pod, Zeroable};
use media::{Frame, PixelFormat};

use super::{copy_layout, texture};
use crate::gpu::Gpu;
use crate::pixels;

/// The planes of a source on the device.
pub(super) struct Raw {
    planes: Vec<(wgpu::Texture, wgpu::TextureView)>,
    /// They hold the source's frame.
    pub(super) current: bool,
}

/// What `planes.wgsl` is told.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct Uniform {
    to_rgb: [[f32; 4]; 3],
    size: [u32; 2],
    kind: u32,
    factor: u32,
}

impl Raw {
    pub(super) fn new(gpu: &Gpu, frame: &Frame) -> Self {
        let planes = (0..frame.format().planes())
            .map(|index| {
                let (format, width, height) = plane_texture(frame, index);
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

    /// What converts these planes to a picture halved `level` times.
    pub(super) fn bind(&self, gpu: &Gpu, frame: &Frame, level: u32) -> Option<wgpu::BindGroup> {
        let converters = gpu.converters.as_ref()?;
        let uniform = Uniform {
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
            size: size_of::<Uniform>() as u64,
            usage: wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST,
            mapped_at_creation: false,
        });
        gpu.queue
            .write_buffer(&buffer, 0, bytemuck::bytes_of(&uniform));
        // Formats with fewer planes bind the first one again; the shader does not look there.
        let first = self.planes.first()?;
        let view = |index: usize| {
            let (_, view) = self.planes.get(index).unwrap_or(first);
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

    /// Sends the planes up, once per frame.
    pub(super) fn upload(&mut self, gpu: &Gpu, frame: &Frame) {
        if self.current {
            return;
        }
        self.current = true;
        for ((texture, _), plane) in self.planes.iter().zip(frame.planes()) {
            gpu.queue.write_texture(
                texture.as_image_copy(),
                &plane.data,
                copy_layout(plane.stride as u32),
                texture.size(),
            );
        }
    }
}

/// Format and size of the texture that holds a plane as it is.
fn plane_texture(frame: &Frame, index: usize) -> (wgpu::TextureFormat, u32, u32) {
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
