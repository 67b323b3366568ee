//! Cuts out by a picture, or mixes it in.

use scene::{Mask, MaskChannel, MaskMode};

use super::{Form, Op, switch};

pub(super) const SHADER: &str = include_str!("shader.wgsl");

pub(super) fn form(set: &Mask) -> Form {
    // Nothing is chosen yet: a white sheet would be laid over the picture.
    if set.path.is_empty() {
        return Form::Nothing;
    }
    let mode = match set.mode {
        MaskMode::Cut => 0.0,
        MaskMode::Over => 1.0,
        MaskMode::Add => 2.0,
        MaskMode::Multiply => 3.0,
    };
    let by_luma = switch(set.channel == MaskChannel::Luma);
    Form::Pixel(Op {
        a: [mode, by_luma, switch(set.invert), set.amount],
        ..Op::new("mask")
    })
}
