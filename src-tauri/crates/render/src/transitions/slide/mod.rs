//! The new scene moves over the old one.

use scene::Slide;

use super::{Way, toward};

pub(super) const SHADER: &str = include_str!("shader.wgsl");

pub(super) fn way(set: &Slide, far: f32) -> Way {
    let [x, y] = toward(set.direction);
    Way {
        a: [x, y, 0.0, 0.0],
        ..Way::new("slide", far)
    }
}
