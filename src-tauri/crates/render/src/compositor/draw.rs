//! What a plan says, said to the device.

use std::ops::Range;

use scene::Blend;

use super::Compositor;
use crate::canvas::Canvas;
use crate::gpu::Slot;
use crate::plan::{Bind, Drawn, How, Onto, Picture, Step, by_shader};
use crate::surface::Surface;
use crate::textures::{Shape, copy_from, extent};

/// On what is drawn.
#[derive(Clone, Copy)]
struct Ground<'a> {
    texture: &'a wgpu::Texture,
    view: &'a wgpu::TextureView,
}

impl Compositor {
    /// All steps of the plan; those onto the canvas go onto this one.
    pub(super) fn draw(&self, canvas: &Canvas, encoder: &mut wgpu::CommandEncoder) {
        for step in &self.plan.steps {
            match step {
                Step::Draw {
                    onto,
                    run,
                    clear,
                    backdrop,
                } => {
                    let ground = self.ground(canvas, *onto);
                    let backdrop = backdrop.map(|at| self.surfaces.get(at));
                    self.lay(encoder, ground, run.clone(), *clear, backdrop);
                }
                Step::Work { onto, .. } => self.work(encoder, self.ground(canvas, *onto), step),
                Step::Hold { surface } => {
                    let surface = self.surfaces.get(*surface);
                    encoder.copy_texture_to_texture(
                        canvas.texture.as_image_copy(),
                        surface.texture.as_image_copy(),
                        surface.extent(),
                    );
                }
            }
        }
    }

    fn ground<'a>(&'a self, canvas: &'a Canvas, onto: Onto) -> Ground<'a> {
        let (texture, view) = match onto {
            Onto::Canvas => (&canvas.texture, &canvas.view),
            Onto::Surface(at) => {
                let surface = self.surfaces.get(at);
                (&surface.texture, &surface.view)
            }
        };
        Ground { texture, view }
    }

    /// Draws in runs: copies, and what needs to see what lies below, go between render passes.
    fn lay(
        &self,
        encoder: &mut wgpu::CommandEncoder,
        ground: Ground<'_>,
        run: Range<usize>,
        clear: Option<wgpu::Color>,
        backdrop: Option<&Surface>,
    ) {
        let drawn = &self.plan.drawn;
        let mut load = clear.map_or(wgpu::LoadOp::Load, wgpu::LoadOp::Clear);
        let mut at = run.start;
        while at < run.end || load != wgpu::LoadOp::Load {
            let apart =
                |drawn: &Drawn| matches!(drawn.how, How::Copy { .. }) || by_shader(drawn.blend);
            let rest = &drawn[at..run.end];
            let end = at + rest.iter().position(apart).unwrap_or(rest.len());
            if at < end || load != wgpu::LoadOp::Load {
                self.draw_run(encoder, ground, at..end, load, None);
                load = wgpu::LoadOp::Load;
            }
            if let Some(one) = drawn[..run.end].get(end) {
                if by_shader(one.blend) {
                    self.mix(encoder, ground, end, backdrop);
                } else {
                    self.copy(encoder, ground, one);
                }
            }
            at = end + 1;
        }
    }

    fn copy(&self, encoder: &mut wgpu::CommandEncoder, ground: Ground<'_>, drawn: &Drawn) {
        let How::Copy { to } = drawn.how else {
            return;
        };
        let Picture::Source { slot, shape } = drawn.picture else {
            return;
        };
        let Shape::Fitted(fit) = shape else {
            return;
        };
        let Some((memory, stride)) = self.textures.memory(slot, &shape) else {
            return;
        };
        encoder.copy_buffer_to_texture(
            copy_from(memory, stride),
            wgpu::TexelCopyTextureInfo {
                origin: wgpu::Origin3d {
                    x: to[0],
                    y: to[1],
                    z: 0,
                },
                ..ground.texture.as_image_copy()
            },
            extent(fit.width, fit.height),
        );
    }

    /// Draws one that needs to see what lies below.
    fn mix(
        &self,
        encoder: &mut wgpu::CommandEncoder,
        ground: Ground<'_>,
        at: usize,
        backdrop: Option<&Surface>,
    ) {
        let Some(backdrop) = backdrop else {
            return;
        };
        encoder.copy_texture_to_texture(
            ground.texture.as_image_copy(),
            backdrop.texture.as_image_copy(),
            backdrop.extent(),
        );
        let below = Some(&backdrop.nearest);
        self.draw_run(encoder, ground, at..at + 1, wgpu::LoadOp::Load, below);
    }

    fn draw_run(
        &self,
        encoder: &mut wgpu::CommandEncoder,
        ground: Ground<'_>,
        run: Range<usize>,
        load: wgpu::LoadOp<wgpu::Color>,
        backdrop: Option<&wgpu::BindGroup>,
    ) {
        let mut pass = begin(encoder, "board", ground, load);
        pass.set_vertex_buffer(0, self.instances.slice(..));
        let mut pipeline = None;
        for index in run {
            let drawn = &self.plan.drawn[index];
            let (wanted, linear) = self.pipeline(drawn);
            let Some(bind) = self.picture(drawn.picture, linear) else {
                continue;
            };
            if pipeline != Some(wanted) {
                pass.set_pipeline(wanted);
                pipeline = Some(wanted);
            }
            pass.set_bind_group(0, bind, &[]);
            if let Some(below) = backdrop {
                pass.set_bind_group(1, below, &[]);
            }
            let instance = index as u32;
            pass.draw(0..4, instance..instance + 1);
        }
    }

    /// The pipeline that draws a picture, and whether it samples between pixels.
    fn pipeline(&self, drawn: &Drawn) -> (&wgpu::RenderPipeline, bool) {
        let layers = &self.gpu.layers;
        let linear = match drawn.how {
            How::Replace { linear } | How::Blend { linear } => linear,
            How::Smooth => true,
            How::Copy { .. } => false,
        };
        let pipeline = match (drawn.blend, drawn.how) {
            (Blend::Normal, How::Replace { .. } | How::Copy { .. }) => &layers.replace,
            (Blend::Normal, How::Blend { .. }) => &layers.blend,
            (Blend::Normal, How::Smooth) => &layers.smooth,
            (Blend::Add, _) => &layers.add,
            (Blend::Screen, _) => &layers.screen,
            (Blend::Multiply, _) => &layers.mixed[0],
            (Blend::Lighten, _) => &layers.mixed[1],
            (Blend::Darken, _) => &layers.mixed[2],
            (Blend::Subtract, _) => &layers.mixed[3],
        };
        (pipeline, linear)
    }

    /// What samples a picture.
    fn picture(&self, picture: Picture, linear: bool) -> Option<&wgpu::BindGroup> {
        match picture {
            Picture::Source { slot, shape } => self.textures.bind_group(slot, &shape, linear),
            Picture::Surface(at) => {
                let surface = self.surfaces.get(at);
                Some(if linear {
                    &surface.linear
                } else {
                    &surface.nearest
                })
            }
        }
    }

    fn bind(&self, bind: Bind, linear: bool) -> &wgpu::BindGroup {
        match bind {
            Bind::File(at) => self.uploads.bind(at),
            Bind::Surface(at) if linear => &self.surfaces.get(at).linear,
            Bind::Surface(at) => &self.surfaces.get(at).nearest,
        }
    }

    /// Runs a shader over a whole picture.
    fn work(&self, encoder: &mut wgpu::CommandEncoder, ground: Ground<'_>, step: &Step) {
        let Step::Work {
            kernel,
            linear,
            slot,
            from,
            extra,
            third,
            ..
        } = step
        else {
            return;
        };
        let clear = wgpu::LoadOp::Clear(wgpu::Color::TRANSPARENT);
        let mut pass = begin(encoder, "work", ground, clear);
        let Some(from) = self.picture(*from, *linear) else {
            return;
        };
        pass.set_pipeline(self.gpu.works.kernel(*kernel));
        pass.set_bind_group(0, from, &[]);
        pass.set_bind_group(1, &self.slots.bind, &[(slot * size_of::<Slot>()) as u32]);
        pass.set_bind_group(2, self.bind(*extra, *linear), &[]);
        pass.set_bind_group(3, self.bind(*third, true), &[]);
        pass.draw(0..3, 0..1);
    }
}

fn begin<'e>(
    encoder: &'e mut wgpu::CommandEncoder,
    label: &'static str,
    ground: Ground<'_>,
    load: wgpu::LoadOp<wgpu::Color>,
) -> wgpu::RenderPass<'e> {
    encoder.begin_render_pass(&wgpu::RenderPassDescriptor {
        label: Some(label),
        color_attachments: &[Some(wgpu::RenderPassColorAttachment {
            view: ground.view,
            depth_slice: None,
            resolve_target: None,
            ops: wgpu::Operations {
                load,
                store: wgpu::StoreOp::Store,
            },
        })],
        ..Default::default()
    })
}
