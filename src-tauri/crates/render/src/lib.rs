//! The compositor: a picture from a scene, its frames and the time.
//!
//! [`Compositor::new`] opens a graphics adapter, [`Compositor::render`] makes one picture of the
//! canvas, [`Compositor::resize`] changes the canvas. There are two ways through it, chosen by the
//! kind of adapter, and they give the same picture within ±2:
//!
//! * on a **GPU**, the planes of YUV pictures are uploaded and converted in shaders, and the canvas is
//!   converted to I420 by a compute pass into a ring of readback buffers;
//! * on a **software adapter**, pictures are converted to RGBA on the CPU before they are uploaded,
//!   those shown upright fitted to their place, and the canvas is read back as RGBA and converted
//!   there too: a CPU that plays a GPU pays dearly for each sample, and little for plain copies.
//!
//! On both, a picture that is shown small is halved first until more than half of its scale
//! remains, then sampled bilinearly, and blended as premultiplied RGBA by the same shaders.
//!
//! This crate knows no devices, no files, no clock and no codec: compressed pictures (MJPEG) are
//! decoded before they come here.

mod canvas;
mod compositor;
mod fit;
mod gpu;
mod pixels;
mod place;
mod plan;
mod textures;

use std::collections::BTreeMap;

use media::{Frame, FrameError};
use scene::SourceId;

pub use compositor::Compositor;

/// The newest picture of each source. Sources that are missing are not drawn.
pub type Frames = BTreeMap<SourceId, Frame>;

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
