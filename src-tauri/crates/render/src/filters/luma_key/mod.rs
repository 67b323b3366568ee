//! Keys out by brightness.

use scene::LumaKey;

use super::{Form, Op, switch};

pub(super) const SHADER: &str = include_str!("shader.wgsl");

pub(super) fn form(set: &LumaKey) -> Form {
    Form::Pixel(Op {
        a: [set.low, set.high, set.smoothness, switch(set.invert)],
        ..Op::new("luma_key")
    })
}
