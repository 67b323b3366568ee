//! One scene fades into the other.

use super::Way;

pub(super) const SHADER: &str = include_str!("shader.wgsl");

pub(super) fn way(far: f32) -> Way {
    Way::new("fade", far)
}
