//! The new scene pushes the old one out.

use scene::Push;

use super::{Way, toward};

pub(super) const SHADER: &str = include_str!("shader.wgsl");

pub(super) fn way(set: &Push, far: f32) -> Way {
    let [x, y] = toward(set.direction);
    Way {
        a: [x, y, 0.0, 0.0],
        ..Way::new("push", far)
    }
}
