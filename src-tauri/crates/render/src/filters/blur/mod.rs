//! A Gauss bell, in two directions. Wide ones run on a picture that was halved before.

use scene::Blur;

use super::{Form, Op, Place};

pub(super) const SHADER: &str = include_str!("shader.wgsl");

/// The widest bell that thirteen texels hold.
pub(crate) const WIDEST: f32 = 2.2;

pub(super) fn form(set: &Blur, place: Place) -> Form {
    let deviation = set.radius * place.mean() / 2.0;
    if deviation < 0.2 {
        return Form::Nothing;
    }
    Form::Blur { deviation }
}

/// The bell's weights and where its samples lie; `step` is from texel to texel.
pub(crate) fn op(deviation: f32, step: [f32; 2]) -> Op {
    let bell = |x: f32| (-x * x / (2.0 * deviation * deviation)).exp();
    let mut weights = [bell(0.0), 0.0, 0.0, 0.0];
    let mut places = [0.0; 4];
    for pair in 0..3 {
        let near = (pair * 2 + 1) as f32;
        let (first, second) = (bell(near), bell(near + 1.0));
        weights[pair + 1] = first + second;
        places[pair] = near + second / (first + second).max(1e-12);
    }
    let sum = weights[0] + 2.0 * (weights[1] + weights[2] + weights[3]);
    Op {
        a: weights.map(|weight| weight / sum),
        b: places,
        c: [step[0], step[1], 0.0, 0.0],
        ..Op::default()
    }
}
