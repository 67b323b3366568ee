//! A soft copy of the outline, below the picture and aside.

use scene::Shadow;

use super::{Form, Op, Place, rgba};

pub(super) const SHADER: &str = include_str!("shader.wgsl");

pub(super) fn form(set: &Shadow, place: Place) -> Form {
    let [x, y] = [set.x * place.scale[0], set.y * place.scale[1]];
    let reach = set.blur * place.mean();
    Form::Shadow {
        grow: [reach - x, reach - y, reach + x, reach + y].map(|side| side.max(0.0).ceil()),
        offset: [x, y],
        deviation: reach / 2.0,
        color: rgba(&set.color),
    }
}

/// `offset` in boxes.
pub(crate) fn op(color: [f32; 4], offset: [f32; 2]) -> Op {
    Op {
        b: color,
        c: [offset[0], offset[1], 0.0, 0.0],
        ..Op::default()
    }
}
