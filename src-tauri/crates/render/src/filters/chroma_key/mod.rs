//! Keys out a colour by its distance in the plane of colours, whatever its brightness.

use scene::ChromaKey;

use super::{Form, Op, rgba};

pub(super) const SHADER: &str = include_str!("shader.wgsl");

pub(super) fn form(set: &ChromaKey) -> Form {
    let [r, g, b, _] = rgba(&set.color);
    let blue = -0.100_644 * r - 0.338_572 * g + 0.439_216 * b;
    let red = 0.439_216 * r - 0.398_942 * g - 0.040_274 * b;
    Form::Pixel(Op {
        a: [blue, red, set.similarity, set.smoothness],
        b: [set.spill, set.edge.min(0.99), 0.0, 0.0],
        ..Op::new("chroma_key")
    })
}
