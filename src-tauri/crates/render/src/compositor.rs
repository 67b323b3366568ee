//! The two doors: render a picture, resize the canvas.

use std::collections::VecDeque;
use std::ops::Range;

use media::{BufferPool, Color, Frame, PixelFormat, Timestamp};
use scene::Scene;

use crate::canvas::Canvas;
use crate::gpu::{Gpu, Layer};
use crate::plan::{Drawn, How, Means, Plan};
use crate::textures::{Shape, Textures, copy_from, extent};
use crate::{Error, Frames, Options};

/// Finished pictures whose buffers are kept for the next ones: those under way to encoders and previews.
const KEPT_BUFFERS: usize = 8;

/// Nanoseconds between attempts to open a device again after one was lost.
const REOPEN_EVERY: i64 = 1_000_000_000;

/// Composes scenes on a canvas.
///
/// Pure given its inputs: the same scene and frames give the same picture, whatever came before.
pub struct Compositor {
    options: Options,
    gpu: Gpu,
    canvas: Canvas,
    textures: Textures,
    plan: Plan,
    uploaded: Vec<Layer>,
    instances: wgpu::Buffer,
    pool: BufferPool,
    pending: VecDeque<Pending>,
    held: Option<Frame>,
    reopen_at: Option<Timestamp>,
}

/// A picture under way.
struct Pending {
    slot: usize,
    timestamp: Timestamp,
    submission: wgpu::SubmissionIndex,
}

impl Compositor {
    /// Opens an adapter and makes a canvas.
    ///
    /// # Errors
    /// [`Error::NoAdapter`] on a machine without any graphics driver, [`Error::Open`] when none can be
    /// opened, [`Error::Size`] when the canvas is out of range.
    pub fn new(options: Options) -> Result<Self, Error> {
        let gpu = Gpu::open(options.adapter)?;
        let canvas = Canvas::new(&gpu, options.width, options.height)?;
        tracing::info!(
            adapter = gpu.name,
            by_shader = gpu.shaders_convert,
            "composing"
        );
        Ok(Self {
            options,
            instances: instances(&gpu, 16),
            gpu,
            canvas,
            textures: Textures::default(),
            plan: Plan::default(),
            uploaded: Vec::new(),
            pool: BufferPool::new(KEPT_BUFFERS),
            pending: VecDeque::new(),
            held: None,
            reopen_at: None,
        })
    }

    /// On what it is composed, as people read it: `llvmpipe (software)`.
    pub fn adapter(&self) -> &str {
        &self.gpu.name
    }

    /// Changes the size of the canvas; the next picture has it.
    ///
    /// # Errors
    /// [`Error::Size`] when it is out of range; the canvas stays as it was.
    pub fn resize(&mut self, width: u32, height: u32) -> Result<(), Error> {
        if (width, height) != (self.canvas.width, self.canvas.height) {
            self.canvas = Canvas::new(&self.gpu, width, height)?;
            self.options.width = width;
            self.options.height = height;
            self.pending.clear();
            self.held = None;
        }
        Ok(())
    }

    /// The picture of a scene: I420, BT.709 limited, of the canvas's size, stamped `now`. Items whose
    /// source has no frame are left out, and so are compressed frames.
    ///
    /// Without a device (it was lost, and no other can be opened yet) the last picture is held, black
    /// if there was none.
    ///
    /// # Errors
    /// [`Error::Frame`], which does not happen with a canvas that could be opened.
    pub fn render(
        &mut self,
        scene: &Scene,
        frames: &Frames,
        now: Timestamp,
    ) -> Result<Frame, Error> {
        self.pending.clear();
        self.submit(scene, frames, now)?;
        self.collect(now)
    }

    /// Starts a picture without waiting for it, so that a GPU works while the caller does something
    /// else. [`collect`](Self::collect) gives the pictures in order. One more than the ring holds
    /// makes the oldest one be forgotten.
    ///
    /// # Errors
    /// As [`render`](Self::render).
    pub fn submit(&mut self, scene: &Scene, frames: &Frames, now: Timestamp) -> Result<(), Error> {
        if self.gpu.is_lost() {
            self.reopen(now);
        }
        if self.gpu.is_lost() {
            return Ok(());
        }
        while self.pending.len() >= self.canvas.depth() {
            if let Some(oldest) = self.pending.pop_front() {
                self.wait(&oldest);
                drop(self.canvas.collect(oldest.slot, &self.pool));
            }
        }
        self.textures.begin();
        let means = Means {
            canvas: (self.canvas.width, self.canvas.height),
            max_side: self.gpu.max_side,
            fits: !self.gpu.shaders_convert,
        };
        self.plan.make(scene, frames, means, &mut self.textures);
        let mut encoder = self
            .gpu
            .device
            .create_command_encoder(&wgpu::CommandEncoderDescriptor {
                label: Some("frame"),
            });
        for drawn in &self.plan.drawn {
            let id = &scene.items[drawn.item].source;
            let sampled = !matches!(drawn.how, How::Copy { .. });
            self.textures
                .prepare(&self.gpu, &mut encoder, id, drawn.shape, sampled);
        }
        self.upload_layers();
        self.draw(scene, &mut encoder);
        let slot = self.canvas.read_back(&self.gpu, &mut encoder);
        let submission = self.gpu.queue.submit([encoder.finish()]);
        self.canvas.map(slot);
        self.textures.end();
        self.pending.push_back(Pending {
            slot,
            timestamp: now,
            submission,
        });
        Ok(())
    }

    /// Waits for the oldest picture that was started. Where there is none, or the device failed, the
    /// last one is held, stamped `now`.
    ///
    /// # Errors
    /// As [`render`](Self::render).
    pub fn collect(&mut self, now: Timestamp) -> Result<Frame, Error> {
        let finished = self.pending.pop_front().and_then(|pending| {
            self.wait(&pending);
            let data = self.canvas.collect(pending.slot, &self.pool)?;
            Some((pending.timestamp, data))
        });
        let (width, height) = (self.canvas.width, self.canvas.height);
        let frame = match (finished, &self.held) {
            (Some((timestamp, data)), _) => Frame::packed(
                PixelFormat::I420,
                width,
                height,
                Color::default(),
                timestamp,
                data,
            )?,
            (None, Some(held)) => held.clone().with_timestamp(now),
            (None, None) => Frame::black(width, height, now)?,
        };
        self.held = Some(frame.clone());
        Ok(frame)
    }

    fn wait(&self, pending: &Pending) {
        self.gpu.wait_for(&pending.submission);
    }

    fn reopen(&mut self, now: Timestamp) {
        if self.reopen_at.is_some_and(|at| now < at) {
            return;
        }
        self.pending.clear();
        let Options {
            width,
            height,
            adapter,
        } = self.options;
        match Gpu::open(adapter).and_then(|gpu| {
            let canvas = Canvas::new(&gpu, width, height)?;
            Ok((gpu, canvas))
        }) {
            Ok((gpu, canvas)) => {
                self.textures.clear();
                self.uploaded.clear();
                self.instances = instances(&gpu, 16);
                self.canvas = canvas;
                self.gpu = gpu;
                self.reopen_at = None;
                tracing::info!(adapter = self.gpu.name, "composing again");
            }
            Err(problem) => {
                tracing::warn!(%problem, "no graphics device yet; the last picture is held");
                self.reopen_at = Some(now.offset(REOPEN_EVERY));
            }
        }
    }

    fn upload_layers(&mut self) {
        let bytes: &[u8] = bytemuck::cast_slice(&self.plan.layers);
        if bytes == bytemuck::cast_slice::<Layer, u8>(&self.uploaded) {
            return;
        }
        if self.instances.size() < bytes.len() as u64 {
            self.instances = instances(&self.gpu, self.plan.layers.len().next_power_of_two());
        }
        self.gpu.queue.write_buffer(&self.instances, 0, bytes);
        self.uploaded.clone_from(&self.plan.layers);
    }

    /// Draws in runs: copies go between render passes.
    fn draw(&self, scene: &Scene, encoder: &mut wgpu::CommandEncoder) {
        let drawn = &self.plan.drawn;
        let mut load = if self.plan.covered {
            wgpu::LoadOp::Load
        } else {
            wgpu::LoadOp::Clear(wgpu::Color::BLACK)
        };
        let mut at = 0;
        while at < drawn.len() || load != wgpu::LoadOp::Load {
            let copies = |drawn: &Drawn| matches!(drawn.how, How::Copy { .. });
            let rest = &drawn[at..];
            let end = at + rest.iter().position(copies).unwrap_or(rest.len());
            if at < end || load != wgpu::LoadOp::Load {
                self.draw_run(scene, encoder, at..end, load);
                load = wgpu::LoadOp::Load;
            }
            if let Some(copied) = drawn.get(end) {
                self.copy(scene, encoder, copied);
            }
            at = end + 1;
        }
    }

    fn copy(&self, scene: &Scene, encoder: &mut wgpu::CommandEncoder, drawn: &Drawn) {
        let (How::Copy { to }, Shape::Fitted(fit)) = (drawn.how, &drawn.shape) else {
            return;
        };
        let id = &scene.items[drawn.item].source;
        let Some((memory, stride)) = self.textures.memory(id, &drawn.shape) else {
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
                ..self.canvas.texture.as_image_copy()
            },
            extent(fit.width, fit.height),
        );
    }

    fn draw_run(
        &self,
        scene: &Scene,
        encoder: &mut wgpu::CommandEncoder,
        run: Range<usize>,
        load: wgpu::LoadOp<wgpu::Color>,
    ) {
        let mut pass = encoder.begin_render_pass(&wgpu::RenderPassDescriptor {
            label: Some("canvas"),
            color_attachments: &[Some(wgpu::RenderPassColorAttachment {
                view: &self.canvas.view,
                depth_slice: None,
                resolve_target: None,
                ops: wgpu::Operations {
                    load,
                    store: wgpu::StoreOp::Store,
                },
            })],
            ..Default::default()
        });
        pass.set_vertex_buffer(0, self.instances.slice(..));
        let mut pipeline = None;
        for index in run {
            let drawn = &self.plan.drawn[index];
            let (wanted, linear) = match drawn.how {
                How::Replace { linear } => (&self.gpu.layers.replace, linear),
                How::Blend { linear } => (&self.gpu.layers.blend, linear),
                How::Smooth => (&self.gpu.layers.smooth, true),
                How::Copy { .. } => continue,
            };
            let id = &scene.items[drawn.item].source;
            let Some(bind) = self.textures.bind_group(id, &drawn.shape, linear) else {
                continue;
            };
            if pipeline != Some(wanted) {
                pass.set_pipeline(wanted);
                pipeline = Some(wanted);
            }
            pass.set_bind_group(0, bind, &[]);
            let instance = index as u32;
            pass.draw(0..4, instance..instance + 1);
        }
    }

    /// Takes the device away, as a driver that crashes does.
    #[cfg(test)]
    fn lose_device(&self) {
        self.gpu.device.destroy();
    }
}

fn instances(gpu: &Gpu, count: usize) -> wgpu::Buffer {
    gpu.device.create_buffer(&wgpu::BufferDescriptor {
        label: Some("layers"),
        size: (count * size_of::<Layer>()) as u64,
        usage: wgpu::BufferUsages::VERTEX | wgpu::BufferUsages::COPY_DST,
        mapped_at_creation: false,
    })
}

#[cfg(test)]
mod tests;
