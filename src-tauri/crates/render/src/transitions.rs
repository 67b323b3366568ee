//! Transitions, as the device runs them: functions of two pictures and how far it is.
//!
//! Each stands in a folder of its own, as filters do. A cut needs nothing, and a stinger is a picture
//! over a cut.

mod fade;
mod fade_to_color;
mod luma_wipe;
mod push;
mod slide;

use bytemuck::{Pod, Zeroable};
use scene::{Direction, TransitionKind};

pub(crate) use luma_wipe::{SIDE, shape};

/// The function's name and its shader. Their numbers are their places.
const ALL: &[(&str, &str)] = &[
    ("fade", fade::SHADER),
    ("fade_to_color", fade_to_color::SHADER),
    ("slide", slide::SHADER),
    ("push", push::SHADER),
    ("luma_wipe", luma_wipe::SHADER),
];

/// How far a transition is, as shaders read it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Pod, Zeroable)]
#[repr(C)]
pub(crate) struct Way {
    /// 0 to 1; the transition's number.
    far: [f32; 4],
    a: [f32; 4],
    b: [f32; 4],
}

impl Way {
    fn new(name: &str, far: f32) -> Self {
        let number = ALL.iter().position(|(known, _)| *known == name);
        Self {
            far: [far, number.unwrap_or(0) as f32, 0.0, 0.0],
            ..Self::default()
        }
    }
}

impl Way {
    /// Which transition.
    pub(crate) fn number(&self) -> usize {
        self.far[1] as usize
    }
}

/// What a transition comes to when it is `far` on its way; `None` where one scene alone is to be seen.
pub(crate) fn way(kind: &TransitionKind, far: f32) -> Option<Way> {
    Some(match kind {
        TransitionKind::Cut(_) | TransitionKind::Stinger(_) => return None,
        TransitionKind::Fade(_) => fade::way(far),
        TransitionKind::FadeToColor(set) => fade_to_color::way(set, far),
        TransitionKind::Slide(set) => slide::way(set, far),
        TransitionKind::Push(set) => push::way(set, far),
        TransitionKind::LumaWipe(set) => luma_wipe::way(set, far),
    })
}

/// The entry points, by number.
pub(crate) fn entries() -> impl Iterator<Item = String> {
    ALL.iter().map(|(name, _)| format!("cross_{name}"))
}

/// The shader of all transitions.
pub(crate) fn shader() -> String {
    let mut text = String::from(include_str!("transitions/prelude.wgsl"));
    for (_, shader) in ALL {
        text.push_str(shader);
    }
    // One entry point for each, as with filters.
    for (name, _) in ALL {
        text.push_str(&format!(
            "
@fragment
fn cross_{name}(in: At) -> @location(0) vec4<f32> {{
    return {name}(in.uv);
}}
"
        ));
    }
    text
}

/// From where the new scene comes, in canvases: the opposite of where it goes.
fn toward(direction: Direction) -> [f32; 2] {
    match direction {
        Direction::Left => [-1.0, 0.0],
        Direction::Right => [1.0, 0.0],
        Direction::Up => [0.0, -1.0],
        Direction::Down => [0.0, 1.0],
    }
}
