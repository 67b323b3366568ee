//! To a colour, and from there to the new scene.

use scene::{FadeToColor, rgba};

use super::Way;

pub(super) const SHADER: &str = include_str!("shader.wgsl");

pub(super) fn way(set: &FadeToColor, far: f32) -> Way {
    let [r, g, b, _] = rgba(&set.color);
    Way {
        a: [r, g, b, 1.0],
        ..Way::new("fade_to_color", far)
    }
}
