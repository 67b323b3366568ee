//! Pictures that the device draws for itself: scenes in scenes, what filters make, both sides of a
//! transition. They are kept and used again, so that a program that runs makes none.

use crate::gpu::{Gpu, PIXELS};
use crate::textures::{self, extent};

/// Renders for which one that is not used stays.
const KEPT: u64 = 30;

/// Renders for which what is kept is safe from being drawn on: a program's, and those of two who look.
const SAFE: u64 = 4;

/// All of them. What they are called by holds until [`Surfaces::end`].
#[derive(Default)]
pub(crate) struct Surfaces {
    all: Vec<Surface>,
    turn: u64,
}

/// A picture on the device, premultiplied RGBA.
pub(crate) struct Surface {
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) texture: wgpu::Texture,
    pub(crate) view: wgpu::TextureView,
    pub(crate) nearest: wgpu::BindGroup,
    pub(crate) linear: wgpu::BindGroup,
    taken: bool,
    /// Whose picture it keeps, and of what it was made.
    kept: Option<(u64, u64)>,
    used: u64,
}

impl Surfaces {
    /// Begins a render: nothing is taken.
    pub(crate) fn begin(&mut self) {
        self.turn += 1;
        for surface in &mut self.all {
            surface.taken = false;
        }
    }

    pub(crate) fn get(&self, at: usize) -> &Surface {
        &self.all[at]
    }

    /// One that nobody uses, with anything on it.
    pub(crate) fn take(&mut self, gpu: &Gpu, width: u32, height: u32) -> usize {
        let turn = self.turn;
        let free = |s: &Surface| {
            let stale = s.kept.is_none() || s.used + SAFE < turn;
            !s.taken && stale && (s.width, s.height) == (width, height)
        };
        let at = self.all.iter().position(free).unwrap_or_else(|| {
            self.all.push(Surface::new(gpu, width, height));
            self.all.len() - 1
        });
        let surface = &mut self.all[at];
        surface.taken = true;
        surface.kept = None;
        surface.used = turn;
        at
    }

    /// What comes after in this render may draw on it.
    pub(crate) fn give(&mut self, at: usize) {
        self.all[at].taken = false;
    }

    /// The picture that was kept for `whom`, if it was made of the same.
    pub(crate) fn kept(&mut self, whom: u64, of: u64) -> Option<usize> {
        let found = |s: &Surface| s.kept == Some((whom, of)) && !s.taken;
        let at = self.all.iter().position(found)?;
        self.all[at].taken = true;
        self.all[at].used = self.turn;
        Some(at)
    }

    /// Keeps one for the next renders, in place of what was kept for the same.
    pub(crate) fn keep(&mut self, at: usize, whom: u64, of: u64) {
        for surface in &mut self.all {
            if surface.kept.is_some_and(|(other, _)| other == whom) {
                surface.kept = None;
            }
        }
        self.all[at].kept = Some((whom, of));
    }

    /// Ends a render: what was not used for a while is dropped.
    pub(crate) fn end(&mut self) {
        let turn = self.turn;
        self.all.retain(|surface| turn - surface.used < KEPT);
    }

    /// Forgets everything, as after the loss of the device.
    pub(crate) fn clear(&mut self) {
        self.all.clear();
    }
}

impl Surface {
    fn new(gpu: &Gpu, width: u32, height: u32) -> Self {
        let usage = wgpu::TextureUsages::RENDER_ATTACHMENT
            | wgpu::TextureUsages::TEXTURE_BINDING
            | wgpu::TextureUsages::COPY_SRC
            | wgpu::TextureUsages::COPY_DST;
        let texture = textures::texture(gpu, "surface", width, height, PIXELS, usage);
        let view = texture.create_view(&Default::default());
        Self {
            width,
            height,
            nearest: gpu.sampled(&view, &gpu.layers.nearest),
            linear: gpu.sampled(&view, &gpu.layers.linear),
            texture,
            view,
            taken: false,
            kept: None,
            used: 0,
        }
    }

    /// All of it.
    pub(crate) fn extent(&self) -> wgpu::Extent3d {
        extent(self.width, self.height)
    }
}
