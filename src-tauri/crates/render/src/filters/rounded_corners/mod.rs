//! Rounds the corners of the box.

use scene::RoundedCorners;

use super::{Form, Op, Place};

pub(super) const SHADER: &str = include_str!("shader.wgsl");

pub(super) fn form(set: &RoundedCorners, place: Place) -> Form {
    Form::Pixel(Op {
        a: [set.radius * place.mean(), 0.0, 0.0, 0.0],
        ..Op::new("rounded_corners")
    })
}
