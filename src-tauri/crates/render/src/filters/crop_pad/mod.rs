//! Cuts edges off, or adds empty ones: the box changes, the picture stays where it is.

use scene::CropPad;

use super::{Form, Place};

pub(super) fn form(set: &CropPad, place: Place) -> Form {
    if [set.left, set.top, set.right, set.bottom] == [0.0; 4] {
        return Form::Nothing;
    }
    let [x, y] = place.scale;
    Form::Grow([-set.left * x, -set.top * y, -set.right * x, -set.bottom * y].map(f32::round))
}
