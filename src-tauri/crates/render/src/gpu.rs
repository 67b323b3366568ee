//! The graphics device: which adapter, its pipelines, and whether it is still there.

mod works;

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytemuck::{Pod, Zeroable};

use crate::{Adapter, Error};
pub(crate) use works::{Kernel, Slot, Work, Works, slot};

/// Pixels of the canvas and of source textures: premultiplied, in the canvas's own gamma.
pub(crate) const PIXELS: wgpu::TextureFormat = wgpu::TextureFormat::Rgba8Unorm;

/// Longer than any frame takes; a device that does not answer within it counts as lost.
const PATIENCE: Duration = Duration::from_secs(5);

/// An open device with everything that is made once.
pub(crate) struct Gpu {
    pub(crate) device: wgpu::Device,
    pub(crate) queue: wgpu::Queue,
    /// As people read it: `llvmpipe (software)`.
    pub(crate) name: String,
    /// Planes go up and down as they are, and shaders convert; otherwise the CPU does.
    pub(crate) shaders_convert: bool,
    /// The largest side of a texture.
    pub(crate) max_side: u32,
    pub(crate) layers: Layers,
    pub(crate) works: Works,
    pub(crate) converters: Option<Converters>,
    lost: Arc<AtomicBool>,
}

/// The pipelines that draw a picture on the canvas.
pub(crate) struct Layers {
    pub(crate) replace: wgpu::RenderPipeline,
    pub(crate) blend: wgpu::RenderPipeline,
    pub(crate) smooth: wgpu::RenderPipeline,
    pub(crate) add: wgpu::RenderPipeline,
    pub(crate) screen: wgpu::RenderPipeline,
    /// Each blend mode that needs to see what lies below: multiply, lighten, darken, subtract.
    pub(crate) mixed: [wgpu::RenderPipeline; 4],
    pub(crate) textures: wgpu::BindGroupLayout,
    pub(crate) nearest: wgpu::Sampler,
    pub(crate) linear: wgpu::Sampler,
}

/// The pipelines that convert on a GPU.
pub(crate) struct Converters {
    pub(crate) planes: wgpu::RenderPipeline,
    pub(crate) planes_layout: wgpu::BindGroupLayout,
    pub(crate) canvas: wgpu::ComputePipeline,
    pub(crate) canvas_layout: wgpu::BindGroupLayout,
}

/// One picture on the canvas, as `layer.wgsl` reads it.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
pub(crate) struct Layer {
    /// Middle and half size, canvas pixels.
    pub(crate) place: [f32; 4],
    /// Cosine and sine of the rotation, opacity, pixels of soft edge.
    pub(crate) turn: [f32; 4],
    /// Left, top, right, bottom in texture coordinates.
    pub(crate) part: [f32; 4],
    /// The same, half a texel further in.
    pub(crate) limits: [f32; 4],
    /// 2 / canvas size; the rest is unused.
    pub(crate) to_clip: [f32; 4],
}

impl Gpu {
    /// Opens the best adapter that can be opened.
    pub(crate) fn open(wanted: Adapter) -> Result<Self, Error> {
        let found = adapters(wgpu::Backends::PRIMARY);
        let mut first_problem = None;
        for adapter in ranked(found, wanted) {
            match Self::with(&adapter, wanted) {
                Ok(gpu) => return Ok(gpu),
                Err(problem) => {
                    tracing::warn!(%problem, "this graphics adapter is passed over");
                    first_problem.get_or_insert(problem);
                }
            }
        }
        Err(first_problem.unwrap_or(Error::NoAdapter))
    }

    fn with(adapter: &wgpu::Adapter, wanted: Adapter) -> Result<Self, Error> {
        let info = adapter.get_info();
        let software = info.device_type == wgpu::DeviceType::Cpu;
        let limits = adapter.limits();
        let max_side = limits.max_texture_dimension_2d.min(8192);
        let (device, queue) = pollster::block_on(adapter.request_device(&wgpu::DeviceDescriptor {
            label: Some("compositor"),
            required_limits: limits,
            // A canvas and a handful of pictures: blocks of hundreds of megabytes, the default,
            // would weigh on a machine whose GPU is its CPU.
            memory_hints: wgpu::MemoryHints::Manual {
                suballocated_device_memory_block_size: (8 << 20)..(32 << 20),
            },
            ..Default::default()
        }))
        .map_err(|problem| Error::Open {
            name: info.name.clone(),
            reason: problem.to_string(),
        })?;

        let lost = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&lost);
        device.set_device_lost_callback(move |reason, message| {
            tracing::warn!(?reason, message, "the graphics device is lost");
            flag.store(true, Ordering::Release);
        });
        let flag = Arc::clone(&lost);
        device.on_uncaptured_error(Arc::new(move |problem: wgpu::Error| {
            // Out of memory, or a driver that refuses: what follows would be drawn on nothing.
            if !flag.swap(true, Ordering::AcqRel) {
                tracing::error!(%problem, "the graphics device refuses to work");
            }
        }));

        let shaders_convert = !software || wanted == Adapter::SoftwareAsGpu;
        let layers = Layers::new(&device);
        Ok(Self {
            name: if software {
                let bare = info.name.split(" (").next().unwrap_or(&info.name);
                format!("{bare} (software)")
            } else {
                info.name
            },
            shaders_convert,
            max_side,
            works: Works::new(&device, &layers.textures),
            layers,
            converters: shaders_convert.then(|| Converters::new(&device)),
            device,
            queue,
            lost,
        })
    }

    /// What samples a picture.
    pub(crate) fn sampled(
        &self,
        view: &wgpu::TextureView,
        sampler: &wgpu::Sampler,
    ) -> wgpu::BindGroup {
        self.device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: Some("picture"),
            layout: &self.layers.textures,
            entries: &[
                wgpu::BindGroupEntry {
                    binding: 0,
                    resource: wgpu::BindingResource::TextureView(view),
                },
                wgpu::BindGroupEntry {
                    binding: 1,
                    resource: wgpu::BindingResource::Sampler(sampler),
                },
            ],
        })
    }

    /// Whether the device has gone; it never comes back, a new one must be opened.
    pub(crate) fn is_lost(&self) -> bool {
        self.lost.load(Ordering::Acquire)
    }

    /// Waits until all that was submitted so far is done and its callbacks were called.
    /// False when the device is lost.
    pub(crate) fn wait(&self) -> bool {
        self.poll(None)
    }

    /// Waits until one submission is done and its callbacks were called. False when the device is lost.
    pub(crate) fn wait_for(&self, submission: &wgpu::SubmissionIndex) -> bool {
        self.poll(Some(submission.clone()))
    }

    /// Calls the callbacks of what is done, without waiting.
    pub(crate) fn look(&self) {
        if let Err(problem) = self.device.poll(wgpu::PollType::Poll) {
            tracing::debug!(%problem, "polling the graphics device");
        }
    }

    fn poll(&self, submission_index: Option<wgpu::SubmissionIndex>) -> bool {
        let waited = self.device.poll(wgpu::PollType::Wait {
            submission_index,
            timeout: Some(PATIENCE),
        });
        if let Err(problem) = waited {
            tracing::warn!(%problem, "the graphics device does not answer");
            self.lost.store(true, Ordering::Release);
        }
        !self.is_lost()
    }
}

fn adapters(backends: wgpu::Backends) -> Vec<wgpu::Adapter> {
    let instance = wgpu::Instance::new(wgpu::InstanceDescriptor {
        backends,
        // Validation layers are for those who have them and ask: WGPU_VALIDATION=1.
        flags: wgpu::InstanceFlags::empty().with_env(),
        ..wgpu::InstanceDescriptor::new_without_display_handle()
    });
    pollster::block_on(instance.enumerate_adapters(backends))
}

/// Best first; only software when that is wanted.
fn ranked(mut adapters: Vec<wgpu::Adapter>, wanted: Adapter) -> Vec<wgpu::Adapter> {
    let rank = |adapter: &wgpu::Adapter| match adapter.get_info().device_type {
        wgpu::DeviceType::DiscreteGpu => 0,
        wgpu::DeviceType::IntegratedGpu => 1,
        wgpu::DeviceType::VirtualGpu => 2,
        wgpu::DeviceType::Other => 3,
        wgpu::DeviceType::Cpu => 4,
    };
    if wanted != Adapter::Auto {
        adapters.retain(|adapter| rank(adapter) == 4);
    }
    adapters.sort_by_key(rank);
    adapters
}

fn shader(
    device: &wgpu::Device,
    label: &str,
    source: impl Into<Cow<'static, str>>,
) -> wgpu::ShaderModule {
    device.create_shader_module(wgpu::ShaderModuleDescriptor {
        label: Some(label),
        source: wgpu::ShaderSource::Wgsl(source.into()),
    })
}

pub(crate) fn texture_entry(
    binding: u32,
    filterable: bool,
    at: wgpu::ShaderStages,
) -> wgpu::BindGroupLayoutEntry {
    wgpu::BindGroupLayoutEntry {
        binding,
        visibility: at,
        ty: wgpu::BindingType::Texture {
            sample_type: wgpu::TextureSampleType::Float { filterable },
            view_dimension: wgpu::TextureViewDimension::D2,
            multisampled: false,
        },
        count: None,
    }
}

fn buffer_entry(
    binding: u32,
    ty: wgpu::BufferBindingType,
    at: wgpu::ShaderStages,
) -> wgpu::BindGroupLayoutEntry {
    wgpu::BindGroupLayoutEntry {
        binding,
        visibility: at,
        ty: wgpu::BindingType::Buffer {
            ty,
            has_dynamic_offset: false,
            min_binding_size: None,
        },
        count: None,
    }
}

impl Layers {
    fn new(device: &wgpu::Device) -> Self {
        let textures = device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
            label: Some("picture"),
            entries: &[
                texture_entry(0, true, wgpu::ShaderStages::FRAGMENT),
                wgpu::BindGroupLayoutEntry {
                    binding: 1,
                    visibility: wgpu::ShaderStages::FRAGMENT,
                    ty: wgpu::BindingType::Sampler(wgpu::SamplerBindingType::Filtering),
                    count: None,
                },
            ],
        });
        let layout = device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
            label: Some("layer"),
            bind_group_layouts: &[Some(&textures)],
            immediate_size: 0,
        });
        let over_backdrop = device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
            label: Some("layer over a backdrop"),
            bind_group_layouts: &[Some(&textures), Some(&textures)],
            immediate_size: 0,
        });
        let module = shader(device, "layer", include_str!("shaders/layer.wgsl"));
        let attributes = wgpu::vertex_attr_array![
            0 => Float32x4, 1 => Float32x4, 2 => Float32x4, 3 => Float32x4, 4 => Float32x4
        ];
        let with = |layout, entry: &str, blend: Option<wgpu::BlendState>| {
            device.create_render_pipeline(&wgpu::RenderPipelineDescriptor {
                label: Some(entry),
                layout: Some(layout),
                vertex: wgpu::VertexState {
                    module: &module,
                    entry_point: Some("corner"),
                    compilation_options: Default::default(),
                    buffers: &[Some(wgpu::VertexBufferLayout {
                        array_stride: size_of::<Layer>() as u64,
                        step_mode: wgpu::VertexStepMode::Instance,
                        attributes: &attributes,
                    })],
                },
                primitive: wgpu::PrimitiveState {
                    topology: wgpu::PrimitiveTopology::TriangleStrip,
                    ..Default::default()
                },
                depth_stencil: None,
                multisample: Default::default(),
                fragment: Some(wgpu::FragmentState {
                    module: &module,
                    entry_point: Some(entry),
                    compilation_options: Default::default(),
                    targets: &[Some(wgpu::ColorTargetState {
                        format: PIXELS,
                        blend,
                        write_mask: wgpu::ColorWrites::ALL,
                    })],
                }),
                multiview_mask: None,
                cache: None,
            })
        };
        let pipeline = |entry: &str, blend| with(&layout, entry, blend);
        let over = Some(wgpu::BlendState::PREMULTIPLIED_ALPHA_BLENDING);
        // Transparency adds up as it does when pictures lie over each other.
        let lit = |below: wgpu::BlendFactor| {
            Some(wgpu::BlendState {
                color: wgpu::BlendComponent {
                    src_factor: wgpu::BlendFactor::One,
                    dst_factor: below,
                    operation: wgpu::BlendOperation::Add,
                },
                alpha: wgpu::BlendComponent::OVER,
            })
        };
        let sampler = |filter| {
            device.create_sampler(&wgpu::SamplerDescriptor {
                label: Some("picture"),
                mag_filter: filter,
                min_filter: filter,
                ..Default::default()
            })
        };
        Self {
            replace: pipeline("replace", None),
            blend: pipeline("blend", over),
            smooth: pipeline("smooth_blend", over),
            add: pipeline("smooth_blend", lit(wgpu::BlendFactor::One)),
            screen: pipeline("smooth_blend", lit(wgpu::BlendFactor::OneMinusSrc)),
            mixed: ["multiply", "lighten", "darken", "subtract"]
                .map(|entry| with(&over_backdrop, entry, None)),
            textures,
            nearest: sampler(wgpu::FilterMode::Nearest),
            linear: sampler(wgpu::FilterMode::Linear),
        }
    }
}

impl Converters {
    fn new(device: &wgpu::Device) -> Self {
        use wgpu::ShaderStages;
        let planes_layout = device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
            label: Some("planes"),
            entries: &[
                buffer_entry(0, wgpu::BufferBindingType::Uniform, ShaderStages::FRAGMENT),
                texture_entry(1, false, ShaderStages::FRAGMENT),
                texture_entry(2, false, ShaderStages::FRAGMENT),
                texture_entry(3, false, ShaderStages::FRAGMENT),
            ],
        });
        let module = shader(device, "planes", include_str!("shaders/planes.wgsl"));
        let layout = device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
            label: Some("planes"),
            bind_group_layouts: &[Some(&planes_layout)],
            immediate_size: 0,
        });
        let planes = device.create_render_pipeline(&wgpu::RenderPipelineDescriptor {
            label: Some("planes"),
            layout: Some(&layout),
            vertex: wgpu::VertexState {
                module: &module,
                entry_point: Some("corner"),
                compilation_options: Default::default(),
                buffers: &[],
            },
            primitive: Default::default(),
            depth_stencil: None,
            multisample: Default::default(),
            fragment: Some(wgpu::FragmentState {
                module: &module,
                entry_point: Some("convert"),
                compilation_options: Default::default(),
                targets: &[Some(PIXELS.into())],
            }),
            multiview_mask: None,
            cache: None,
        });

        let storage = wgpu::BufferBindingType::Storage { read_only: false };
        let canvas_layout = device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
            label: Some("canvas"),
            entries: &[
                buffer_entry(0, wgpu::BufferBindingType::Uniform, ShaderStages::COMPUTE),
                texture_entry(1, false, ShaderStages::COMPUTE),
                buffer_entry(2, storage, ShaderStages::COMPUTE),
            ],
        });
        let layout = device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
            label: Some("canvas"),
            bind_group_layouts: &[Some(&canvas_layout)],
            immediate_size: 0,
        });
        let canvas = device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
            label: Some("canvas"),
            layout: Some(&layout),
            module: &shader(device, "canvas", include_str!("shaders/canvas.wgsl")),
            entry_point: Some("convert"),
            compilation_options: Default::default(),
            cache: None,
        });
        Self {
            planes,
            planes_layout,
            canvas,
            canvas_layout,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_without_a_driver_is_told_what_to_install() {
        let none = adapters(wgpu::Backends::empty());
        assert!(none.is_empty());
        let text = Error::NoAdapter.to_string();
        assert!(text.contains("mesa-vulkan-drivers"), "{text}");
    }

    #[test]
    fn software_is_named_as_such_and_may_be_asked_for() {
        let gpu = Gpu::open(Adapter::Software).unwrap();
        assert!(gpu.name.ends_with("(software)"), "{}", gpu.name);
        assert!(!gpu.shaders_convert);
        assert!(Gpu::open(Adapter::SoftwareAsGpu).unwrap().shaders_convert);
    }
}
