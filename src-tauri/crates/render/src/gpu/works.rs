//! Shaders that run over a whole picture: filters and transitions.

use bytemuck::{Pod, Zeroable};

use super::{PIXELS, shader};
use crate::filters::{self, Op, RUN};
use crate::transitions;

/// The pipelines.
pub(crate) struct Works {
    pixels: Vec<wgpu::RenderPipeline>,
    exact: Vec<wgpu::RenderPipeline>,
    kernels: [wgpu::RenderPipeline; 3],
    crosses: Vec<wgpu::RenderPipeline>,
    pub(crate) slots: wgpu::BindGroupLayout,
}

/// Which shader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kernel {
    /// A filter that looks at one pixel at a time, by its number; 0 is none.
    Pixels(usize),
    /// The same where each pixel of the box is one of the picture: nothing is sampled.
    Exact(usize),
    Blur,
    Sharpen,
    Shadow,
    /// A transition, by its number.
    Cross(usize),
}

/// What shaders of filters read.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
pub(crate) struct Work {
    pub(crate) part: [f32; 4],
    pub(crate) limits: [f32; 4],
    pub(crate) size: [f32; 4],
    pub(crate) inset: [f32; 4],
    pub(crate) ops: [Op; RUN],
}

/// The place of what one shader reads in the buffer of all: a multiple of what every device can
/// begin at (256 bytes).
pub(crate) type Slot = [f32; 128];

/// What a shader reads, in a place.
pub(crate) fn slot(what: &impl Pod) -> Slot {
    let mut slot = [0.0; 128];
    let bytes = bytemuck::bytes_of(what);
    bytemuck::cast_slice_mut(&mut slot)[..bytes.len()].copy_from_slice(bytes);
    slot
}

impl Works {
    pub(crate) fn new(device: &wgpu::Device, textures: &wgpu::BindGroupLayout) -> Self {
        let slots = device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
            label: Some("slots"),
            entries: &[wgpu::BindGroupLayoutEntry {
                binding: 0,
                visibility: wgpu::ShaderStages::FRAGMENT,
                ty: wgpu::BindingType::Buffer {
                    ty: wgpu::BufferBindingType::Uniform,
                    has_dynamic_offset: true,
                    min_binding_size: None,
                },
                count: None,
            }],
        });
        let layout = device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
            label: Some("work"),
            bind_group_layouts: &[Some(textures), Some(&slots), Some(textures), Some(textures)],
            immediate_size: 0,
        });
        let filters = shader(device, "filters", filters::shader());
        let transitions = shader(device, "transitions", transitions::shader());
        let pipeline = |module: &wgpu::ShaderModule, entry: &str| {
            device.create_render_pipeline(&wgpu::RenderPipelineDescriptor {
                label: Some(entry),
                layout: Some(&layout),
                vertex: wgpu::VertexState {
                    module,
                    entry_point: Some("corner"),
                    compilation_options: Default::default(),
                    buffers: &[],
                },
                primitive: Default::default(),
                depth_stencil: None,
                multisample: Default::default(),
                fragment: Some(wgpu::FragmentState {
                    module,
                    entry_point: Some(entry),
                    compilation_options: Default::default(),
                    targets: &[Some(PIXELS.into())],
                }),
                multiview_mask: None,
                cache: None,
            })
        };
        Self {
            pixels: filters::entries()
                .map(|entry| pipeline(&filters, &entry))
                .collect(),
            exact: filters::exact_entries()
                .map(|entry| pipeline(&filters, &entry))
                .collect(),
            kernels: [
                pipeline(&filters, "blur"),
                pipeline(&filters, "sharpen"),
                pipeline(&filters, "shadow"),
            ],
            crosses: transitions::entries()
                .map(|entry| pipeline(&transitions, &entry))
                .collect(),
            slots,
        }
    }

    pub(crate) fn kernel(&self, kernel: Kernel) -> &wgpu::RenderPipeline {
        match kernel {
            Kernel::Pixels(number) => &self.pixels[number],
            Kernel::Exact(number) => &self.exact[number],
            Kernel::Blur => &self.kernels[0],
            Kernel::Sharpen => &self.kernels[1],
            Kernel::Shadow => &self.kernels[2],
            Kernel::Cross(number) => &self.crosses[number],
        }
    }
}
