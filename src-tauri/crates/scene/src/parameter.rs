//! How what a person sets of a filter or a transition describes itself: one declaration gives the
//! struct, its defaults, its limits and the controls that the interface shows.

use serde::Serialize;
use ts_rs::TS;

use crate::Invalid;

/// The longest path of a file.
const LONGEST_PATH: usize = 4096;

/// One thing that a person sets.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, TS)]
pub struct Parameter {
    /// Its field in the settings.
    pub key: &'static str,
    /// What people call it.
    pub name: &'static str,
    /// How it is set.
    pub control: Control,
}

/// How a parameter is set.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, TS)]
#[serde(tag = "control", rename_all = "snake_case")]
pub enum Control {
    /// A number that moves by degrees.
    Number {
        /// The least.
        min: f32,
        /// The most.
        max: f32,
        /// What it is at first.
        default: f32,
        /// By how much an arrow key moves it.
        step: f32,
        /// What it is counted in; empty for a bare number.
        unit: &'static str,
    },
    /// On or off.
    Toggle {
        /// What it is at first.
        default: bool,
    },
    /// A colour, `#rrggbb` or `#rrggbbaa`.
    Color {
        /// What it is at first.
        default: &'static str,
    },
    /// A file; relative paths start at the collection's folder.
    File {
        /// What it holds.
        accepts: Accepts,
    },
    /// One of a few.
    Choice {
        /// What it is at first.
        default: &'static str,
        /// Value and name of each.
        options: &'static [(&'static str, &'static str)],
    },
}

/// What a file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Accepts {
    /// A picture.
    Image,
    /// A table of colours (`.cube`).
    Lut,
    /// A video.
    Video,
}

/// A filter or a transition as the interface offers it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, TS)]
pub struct Described {
    /// Its `kind` in the document.
    pub kind: &'static str,
    /// What people call it.
    pub name: &'static str,
    /// What it is good for.
    pub hint: &'static str,
    /// What a person sets.
    pub parameters: &'static [Parameter],
}

/// Declares the parameters of a filter or a transition.
///
/// Each line is `field: type = kind(default, …), "Name"`; kinds are `number(default, min, max, step, unit)`,
/// `toggle(default)`, `color(default)`, `file(accepts)` and `choice(variant, text, options)`.
macro_rules! parameters {
    (
        $(#[$doc:meta])*
        $name:ident ($kind:literal, $title:literal, $hint:literal) {
            $( $(#[$about:meta])* $field:ident: $type:ident = $control:ident($($set:tt)*), $label:literal; )*
        }
    ) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize, ts_rs::TS, schemars::JsonSchema)]
        #[serde(default)]
        pub struct $name {
            $( $(#[$about])* pub $field: $type, )*
        }

        impl Default for $name {
            fn default() -> Self {
                Self { $( $field: $crate::parameter::parameters!(@default $control($($set)*)), )* }
            }
        }

        impl $name {
            /// How the interface offers it.
            pub const DESCRIBED: $crate::Described = $crate::Described {
                kind: $kind,
                name: $title,
                hint: $hint,
                parameters: &[ $( $crate::Parameter {
                    key: stringify!($field),
                    name: $label,
                    control: $crate::parameter::parameters!(@control $control($($set)*)),
                }, )* ],
            };

            pub(crate) fn validate(&self) -> Result<(), $crate::Invalid> {
                $( $crate::parameter::parameters!(@check $control, self.$field, $label, ($($set)*)); )*
                Ok(())
            }
        }
    };
    (@default number($default:expr, $($rest:tt)*)) => { $default };
    (@default toggle($default:expr)) => { $default };
    (@default color($default:expr)) => { $default.to_owned() };
    (@default file($accepts:ident)) => { String::new() };
    (@default choice($default:expr, $($rest:tt)*)) => { $default };
    (@control number($default:expr, $min:expr, $max:expr, $step:expr, $unit:expr)) => {
        $crate::Control::Number { min: $min, max: $max, default: $default, step: $step, unit: $unit }
    };
    (@control toggle($default:expr)) => { $crate::Control::Toggle { default: $default } };
    (@control color($default:expr)) => { $crate::Control::Color { default: $default } };
    (@control file($accepts:ident)) => { $crate::Control::File { accepts: $crate::Accepts::$accepts } };
    (@control choice($value:expr, $default:expr, $options:expr)) => {
        $crate::Control::Choice { default: $default, options: $options }
    };
    (@check number, $value:expr, $label:expr, ($default:expr, $min:expr, $max:expr, $($rest:tt)*)) => {
        $crate::within($label, $value.into(), $min.into(), $max.into())?
    };
    (@check color, $value:expr, $label:expr, $set:tt) => { $crate::parameter::color($label, &$value)? };
    (@check file, $value:expr, $label:expr, $set:tt) => { $crate::parameter::path($label, &$value)? };
    (@check $other:ident, $value:expr, $label:expr, $set:tt) => {};
}

pub(crate) use parameters;

/// Declares a choice: its values as the document has them, and as people read them.
macro_rules! choices {
    ($(#[$doc:meta])* $name:ident { $( $(#[$about:meta])* $variant:ident = $text:literal, $label:literal; )* }) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, ts_rs::TS, schemars::JsonSchema,
        )]
        #[serde(rename_all = "snake_case")]
        pub enum $name { $( $(#[$about])* $variant, )* }

        impl $name {
            pub(crate) const OPTIONS: &[(&str, &str)] = &[ $( ($text, $label), )* ];
        }
    };
}

pub(crate) use choices;

pub(crate) fn color(field: &'static str, text: &str) -> Result<(), Invalid> {
    let digits = text.strip_prefix('#').unwrap_or_default();
    let fits = matches!(digits.len(), 6 | 8) && digits.bytes().all(|b| b.is_ascii_hexdigit());
    if fits {
        return Ok(());
    }
    Err(Invalid::Color {
        field,
        text: text.chars().take(40).collect(),
    })
}

pub(crate) fn path(field: &'static str, text: &str) -> Result<(), Invalid> {
    let length = text.len() as f64;
    crate::within(field, length, 0.0, LONGEST_PATH as f64)
}

/// Red, green, blue and straight alpha, 0 to 1, of a colour of the document; white where it is none.
pub fn rgba(text: &str) -> [f32; 4] {
    let digits = text.strip_prefix('#').unwrap_or_default();
    let byte = |at: usize| {
        let pair = digits.get(at..at + 2)?;
        u8::from_str_radix(pair, 16).ok()
    };
    let part = |at| f32::from(byte(at).unwrap_or(255)) / 255.0;
    [part(0), part(2), part(4), part(6)]
}
