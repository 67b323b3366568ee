//! Moves the picture through its box, by the time alone.

use scene::Scroll;

use super::{Form, Place};

pub(super) fn form(set: &Scroll, place: Place) -> Form {
    let round: f32 = if set.loops { 1.0 } else { 2.0 };
    let gone = |speed: f32, scale: f32, side: f32| {
        // In whole precision until it is a part of a round: hours of it must stay smooth.
        let boxes = place.seconds * f64::from(speed * scale / side.max(1.0));
        boxes.rem_euclid(f64::from(round)) as f32
    };
    Form::Scroll {
        gone: [
            gone(set.speed_x, place.scale[0], place.size[0]),
            gone(set.speed_y, place.scale[1], place.size[1]),
        ],
        round,
    }
}
