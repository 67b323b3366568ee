//! A line around the box.

use scene::Border;

use super::{Form, Op, Place, rgba};

pub(super) const SHADER: &str = include_str!("shader.wgsl");

pub(super) fn form(set: &Border, place: Place) -> Form {
    let [across, down] = place.scale.map(|scale| (set.width * scale).round());
    if across < 1.0 || down < 1.0 {
        return Form::Nothing;
    }
    Form::Framed {
        grow: [across, down, across, down],
        op: Op {
            a: [across, down, set.radius * place.mean(), 0.0],
            b: rgba(&set.color),
            ..Op::new("border")
        },
    }
}
