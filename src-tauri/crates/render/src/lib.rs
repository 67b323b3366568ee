//! The compositor: a picture from a scene, its frames and the time.
//!
//! [`Compositor::new`] opens a graphics adapter, [`Compositor::compose`] makes one picture of the
//! canvas of a [`Show`], [`Compositor::look`] one of other scenes, [`Compositor::resize`] changes the canvas. There are two ways through it, chosen by the
//! kind of adapter, and they give the same picture within ±2:
//!
//! * on a **GPU**, the planes of YUV pictures are uploaded and converted in shaders, and the canvas is
//!   converted to I420 by a compute pass into a ring of readback buffers;
//! * on a **software adapter**, pictures are converted to RGBA on the CPU before they are uploaded,
//!   those shown upright fitted to their place, and the canvas is read back as RGBA and converted
//!   there too, in a fade mixed with the old scene: a CPU that plays a GPU pays dearly for each sample,
//!   and little for plain copies.
//!
//! On both, a picture that is shown small is halved first until more than half of its scale
//! remains, then sampled bilinearly, and blended as premultiplied RGBA by the same shaders.
//!
//! Scenes in scenes, what filters work on and both sides of a transition are drawn on surfaces of their
//! own before what shows them. A filter or a transition is a folder in `filters` or `transitions`.
//!
//! This crate knows no devices, no files, no clock and no codec: compressed pictures (MJPEG) are
//! decoded before they come here.

mod canvas;
mod compositor;
mod files;
mod filters;
mod fit;
mod gpu;
mod pixels;
mod place;
mod plan;
mod surface;
mod textures;
mod transitions;

use std::collections::BTreeMap;

use media::{Frame, FrameError};
use scene::{Collection, Item, Scene, SourceId, TransitionKind};

pub use compositor::Compositor;
pub use files::{File, Files};
pub use filters::{Cube, CubeError};

/// The newest picture of each source. Sources that are missing are not drawn.
pub type Frames = BTreeMap<SourceId, Frame>;

/// What a picture is made of.
#[derive(Clone, Copy, Debug)]
pub struct Show<'a> {
    /// Where scenes in scenes and the filters of sources are found; without it there are none.
    pub collection: Option<&'a Collection>,
    /// The scene; during a transition the new one.
    pub scene: &'a Scene,
    /// A transition that is on its way.
    pub passage: Option<Passage<'a>>,
    /// A picture above everything, and its place: a stinger.
    pub over: Option<(&'a Item, &'a Frame)>,
    /// The pictures of the sources.
    pub frames: &'a Frames,
    /// The files that filters and transitions use.
    pub files: &'a Files,
}

impl<'a> Show<'a> {
    /// A scene by itself.
    pub fn scene(scene: &'a Scene, frames: &'a Frames, files: &'a Files) -> Self {
        Self {
            collection: None,
            scene,
            passage: None,
            over: None,
            frames,
            files,
        }
    }
}

/// A transition that is on its way.
#[derive(Clone, Copy, Debug)]
pub struct Passage<'a> {
    /// From where.
    pub before: Before<'a>,
    /// What happens. A cut and a stinger show the new scene alone.
    pub kind: &'a TransitionKind,
    /// How far it is, 0 to 1.
    pub far: f32,
}

/// What a transition begins with.
#[derive(Clone, Copy, Debug)]
pub enum Before<'a> {
    /// Another scene, as it is now.
    Scene(&'a Scene),
    /// The picture that was composed last when a passage of this number was first seen: a
    /// transition that was cut short. A new number takes a new picture.
    Still(u64),
}

/// How to open a [`Compositor`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Pixels across of the canvas, 1 to 8192.
    pub width: u32,
    /// Pixels down of the canvas, 1 to 8192.
    pub height: u32,
    /// On what it is composed.
    pub adapter: Adapter,
}

/// On what a canvas is composed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Adapter {
    /// The best GPU of the machine; a software adapter where there is none.
    #[default]
    Auto,
    /// A software adapter, even where there is a GPU.
    Software,
    /// A software adapter driven as if it were a GPU. Slow: it lets a machine without a GPU test
    /// what runs on one.
    SoftwareAsGpu,
}

/// Why there is no picture.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The machine has no Vulkan, Metal or Direct3D 12 driver, not even a software one.
    #[error(
        "no graphics driver was found, not even a software one, so no picture can be composed; \
         install one (on Debian and Ubuntu: sudo apt install mesa-vulkan-drivers) and start again"
    )]
    NoAdapter,
    /// There are drivers, and none of them could be opened.
    #[error(
        "the graphics adapter \"{name}\" could not be opened: {reason}; update its driver or install mesa-vulkan-drivers"
    )]
    Open {
        /// The adapter's name.
        name: String,
        /// What the driver says.
        reason: String,
    },
    /// The canvas is out of range.
    #[error(
        "a canvas of {width}×{height} is not possible on \"{adapter}\"; it takes 1×1 to {max}×{max}"
    )]
    Size {
        /// Pixels across.
        width: u32,
        /// Pixels down.
        height: u32,
        /// The adapter's name.
        adapter: String,
        /// Its largest side.
        max: u32,
    },
    /// The finished picture could not be made into a frame.
    #[error("the finished picture is no frame")]
    Frame(#[from] FrameError),
}
