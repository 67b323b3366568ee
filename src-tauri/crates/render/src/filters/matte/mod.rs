//! Transparency from the brightness of the picture's other half, which is cut off.

use scene::{Matte, MatteSide};

use super::{Form, Op, Place, switch};

pub(super) const SHADER: &str = include_str!("shader.wgsl");

pub(super) fn form(set: &Matte, place: Place) -> Form {
    let [across, down] = place.size.map(|side| (side / 2.0).round());
    // Where the matte begins, seen from what it belongs to, in boxes.
    let (grow, aside) = match set.side {
        MatteSide::Right => ([0.0, 0.0, -across, 0.0], [1.0, 0.0]),
        MatteSide::Below => ([0.0, 0.0, 0.0, -down], [0.0, 1.0]),
    };
    Form::Framed {
        grow,
        op: Op {
            a: [aside[0], aside[1], switch(set.invert), 0.0],
            ..Op::new("matte")
        },
    }
}
