//! Lifts each pixel away from its neighbours.

use scene::Sharpen;

use super::Form;

pub(super) const SHADER: &str = include_str!("shader.wgsl");

pub(super) fn form(set: &Sharpen) -> Form {
    if set.amount <= 0.0 {
        return Form::Nothing;
    }
    Form::Sharpen { amount: set.amount }
}
