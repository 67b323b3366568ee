//! The doors: render a picture, compose a show, look at scenes, resize the canvas.

mod draw;

use std::collections::VecDeque;

use media::{BufferPool, Color, Frame, PixelFormat, Timestamp};
use scene::{Collection, Scene};

use crate::canvas::Canvas;
use crate::files::{Files, Uploads};
use crate::gpu::{Gpu, Layer, Slot};
use crate::plan::{How, Parts, Picture, Plan, Step};
use crate::surface::Surfaces;
use crate::textures::Textures;
use crate::{Error, Frames, Options, Show};

/// Finished pictures whose buffers are kept for the next ones: those under way to encoders and previews.
const KEPT_BUFFERS: usize = 8;

/// Nanoseconds between attempts to open a device again after one was lost.
const REOPEN_EVERY: i64 = 1_000_000_000;

/// Boards of scenes that are kept for the next ones: a preview's and a multiview's.
const KEPT_BOARDS: usize = 2;

/// Composes scenes on a canvas.
///
/// Pure given its inputs: the same show gives the same picture, whatever came before. The one
/// exception says so: [`Before::Still`](crate::Before).
pub struct Compositor {
    options: Options,
    gpu: Gpu,
    canvas: Canvas,
    boards: Vec<Canvas>,
    textures: Textures,
    surfaces: Surfaces,
    uploads: Uploads,
    plan: Plan,
    uploaded: Vec<Layer>,
    instances: wgpu::Buffer,
    slots: Slots,
    pool: BufferPool,
    pending: VecDeque<Pending>,
    held: Option<Frame>,
    reopen_at: Option<Timestamp>,
}

/// What shaders of whole pictures read.
struct Slots {
    buffer: wgpu::Buffer,
    bind: wgpu::BindGroup,
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
            slots: Slots::new(&gpu, 16),
            gpu,
            canvas,
            boards: Vec::new(),
            textures: Textures::default(),
            surfaces: Surfaces::default(),
            uploads: Uploads::default(),
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

    /// The picture of a scene by itself, as [`compose`](Self::compose) makes it.
    ///
    /// # Errors
    /// As [`compose`](Self::compose).
    pub fn render(
        &mut self,
        scene: &Scene,
        frames: &Frames,
        now: Timestamp,
    ) -> Result<Frame, Error> {
        self.compose(&Show::scene(scene, frames, &Files::new()), now)
    }

    /// The picture of a show: I420, BT.709 limited, of the canvas's size, stamped `now`. Items whose
    /// source has no frame are left out, and so are compressed frames. `now` is the time that
    /// filters go by.
    ///
    /// Without a device (it was lost, and no other can be opened yet) the last picture is held, black
    /// if there was none.
    ///
    /// # Errors
    /// [`Error::Frame`], which does not happen with a canvas that could be opened.
    pub fn compose(&mut self, show: &Show<'_>, now: Timestamp) -> Result<Frame, Error> {
        self.pending.clear();
        self.submit(show, now);
        self.collect(now)
    }

    /// Starts a picture without waiting for it, so that a GPU works while the caller does something
    /// else. [`collect`](Self::collect) gives the pictures in order. One more than the ring holds
    /// makes the oldest one be forgotten.
    pub fn submit(&mut self, show: &Show<'_>, now: Timestamp) {
        if self.gpu.is_lost() {
            self.reopen(now);
        }
        if self.gpu.is_lost() {
            return;
        }
        while self.pending.len() >= self.canvas.depth() {
            if let Some(oldest) = self.pending.pop_front() {
                self.wait(&oldest);
                drop(self.canvas.collect(oldest.slot, &self.pool));
            }
        }
        let canvas = (self.canvas.width, self.canvas.height);
        self.begin();
        let mut plan = std::mem::take(&mut self.plan);
        plan.make(&mut self.parts(show, now), canvas);
        self.plan = plan;
        let mut encoder = self.record();
        self.draw(&self.canvas, &mut encoder);
        let under = self.plan.mixed;
        let under = under.map(|(at, far)| (&self.surfaces.get(at).texture, far));
        let slot = self.canvas.read_back(&self.gpu, &mut encoder, under);
        let submission = self.gpu.queue.submit([encoder.finish()]);
        self.canvas.map(slot);
        self.end();
        self.pending.push_back(Pending {
            slot,
            timestamp: now,
            submission,
        });
    }

    /// Scenes as they are now, each in its box (left, top, width, height) of one picture of `size`:
    /// for those who look at what is not on the program. `None` while there is no device.
    ///
    /// # Errors
    /// [`Error::Size`] when the picture is too large.
    pub fn look(
        &mut self,
        collection: &Collection,
        views: &[(&Scene, [u32; 4])],
        (frames, files): (&Frames, &Files),
        size: (u32, u32),
        now: Timestamp,
    ) -> Result<Option<Frame>, Error> {
        let Some((scene, _)) = views.first().filter(|_| !self.gpu.is_lost()) else {
            return Ok(None);
        };
        let show = Show {
            collection: Some(collection),
            ..Show::scene(scene, frames, files)
        };
        let mut board = self.board(size)?;
        self.begin();
        let mut plan = std::mem::take(&mut self.plan);
        plan.make_views(&mut self.parts(&show, now), collection, views, size);
        self.plan = plan;
        let mut encoder = self.record();
        self.draw(&board, &mut encoder);
        let slot = board.read_back(&self.gpu, &mut encoder, None);
        let submission = self.gpu.queue.submit([encoder.finish()]);
        board.map(slot);
        self.end();
        self.gpu.wait_for(&submission);
        let data = board.collect(slot, &self.pool);
        self.boards.push(board);
        let frame = |data| {
            let (width, height) = size;
            Frame::packed(
                PixelFormat::I420,
                width,
                height,
                Color::default(),
                now,
                data,
            )
        };
        Ok(data.map(frame).transpose()?)
    }

    fn board(&mut self, (width, height): (u32, u32)) -> Result<Canvas, Error> {
        let fits = |board: &Canvas| (board.width, board.height) == (width, height);
        if let Some(at) = self.boards.iter().position(fits) {
            return Ok(self.boards.remove(at));
        }
        if self.boards.len() == KEPT_BOARDS {
            self.boards.remove(0);
        }
        Canvas::new(&self.gpu, width, height)
    }

    fn begin(&mut self) {
        self.textures.begin();
        self.surfaces.begin();
        self.uploads.begin();
    }

    fn end(&mut self) {
        self.textures.end();
        self.surfaces.end();
        self.uploads.end();
    }

    fn parts<'a>(&'a mut self, show: &'a Show<'a>, now: Timestamp) -> Parts<'a> {
        Parts {
            gpu: &self.gpu,
            show,
            now,
            textures: &mut self.textures,
            surfaces: &mut self.surfaces,
            uploads: &mut self.uploads,
        }
    }

    /// Brings up what the plan needs.
    fn record(&mut self) -> wgpu::CommandEncoder {
        let mut encoder = self
            .gpu
            .device
            .create_command_encoder(&wgpu::CommandEncoderDescriptor {
                label: Some("frame"),
            });
        for drawn in &self.plan.drawn {
            if let Picture::Source { slot, shape } = drawn.picture {
                let sampled = !matches!(drawn.how, How::Copy { .. });
                self.textures
                    .prepare(&self.gpu, &mut encoder, slot, shape, sampled);
            }
        }
        for step in &self.plan.steps {
            if let Step::Work {
                from: Picture::Source { slot, shape },
                ..
            } = step
            {
                self.textures
                    .prepare(&self.gpu, &mut encoder, *slot, *shape, true);
            }
        }
        self.upload_layers();
        self.upload_slots();
        encoder
    }

    /// Waits for the oldest picture that was started. Where there is none, or the device failed, the
    /// last one is held, stamped `now`.
    ///
    /// # Errors
    /// As [`compose`](Self::compose).
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
                self.surfaces.clear();
                self.uploads.clear();
                self.boards.clear();
                self.uploaded.clear();
                self.instances = instances(&gpu, 16);
                self.slots = Slots::new(&gpu, 16);
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

    fn upload_slots(&mut self) {
        let count = self.plan.slots.len();
        if count == 0 {
            return;
        }
        let bytes: &[u8] = bytemuck::cast_slice(&self.plan.slots);
        if self.slots.buffer.size() < bytes.len() as u64 {
            self.slots = Slots::new(&self.gpu, count.next_power_of_two());
        }
        self.gpu.queue.write_buffer(&self.slots.buffer, 0, bytes);
    }

    /// Takes the device away, as a driver that crashes does.
    #[cfg(test)]
    fn lose_device(&self) {
        self.gpu.device.destroy();
    }
}

impl Slots {
    fn new(gpu: &Gpu, count: usize) -> Self {
        let buffer = gpu.device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("slots"),
            size: (count * size_of::<Slot>()) as u64,
            usage: wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST,
            mapped_at_creation: false,
        });
        let bind = gpu.device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: Some("slots"),
            layout: &gpu.works.slots,
            entries: &[wgpu::BindGroupEntry {
                binding: 0,
                resource: wgpu::BindingResource::Buffer(wgpu::BufferBinding {
                    buffer: &buffer,
                    offset: 0,
                    size: std::num::NonZeroU64::new(size_of::<Slot>() as u64),
                }),
            }],
        });
        Self { buffer, bind }
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
