//! A table of colours, from a `.cube` file.

mod cube;

use scene::Lut;

use super::{Form, Op};
pub use cube::{Cube, CubeError};

pub(super) const SHADER: &str = include_str!("shader.wgsl");

/// `table` tells side and domain of the table that is up.
pub(super) fn form(set: &Lut, table: &Cube) -> Form {
    let [low, high] = table.domain();
    let scale = |axis: usize| 1.0 / (high[axis] - low[axis]).max(1e-6);
    Form::Pixel(Op {
        a: [table.side() as f32, set.amount, 0.0, 0.0],
        b: [low[0], low[1], low[2], 0.0],
        c: [scale(0), scale(1), scale(2), 0.0],
        ..Op::new("lut")
    })
}
