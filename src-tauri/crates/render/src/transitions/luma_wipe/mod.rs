//! By the brightness of a mask: its dark parts change first.

mod shapes;

use scene::LumaWipe;

use super::Way;

pub(super) const SHADER: &str = include_str!("shader.wgsl");

pub(crate) use shapes::{SIDE, shape};

pub(super) fn way(set: &LumaWipe, far: f32) -> Way {
    let invert = if set.invert { 1.0 } else { 0.0 };
    Way {
        a: [set.softness, invert, 0.0, 0.0],
        ..Way::new("luma_wipe", far)
    }
}
