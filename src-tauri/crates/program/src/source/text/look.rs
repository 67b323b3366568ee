//! A style with its values checked, and what follows from them.

use scene::{TextAlign, TextStyle};

use super::{MAX_SIDE, color};
use crate::source::gradient::Ramp;

pub(super) struct Look {
    pub(super) size: f32,
    pub(super) line_spacing: f32,
    /// Pixels.
    pub(super) letter_spacing: f32,
    pub(super) align: TextAlign,
    /// Pixels of the whole picture; infinite for a single line.
    pub(super) max_width: f32,
    /// The picture is exactly this wide.
    pub(super) wrap: Option<f32>,
    /// All figures are equally wide, so that a clock stands still.
    pub(super) figures: bool,
    pub(super) color: [u8; 4],
    pub(super) gradient: Option<Ramp>,
    pub(super) background: Option<[u8; 4]>,
    pub(super) padding: u32,
    pub(super) radius: f32,
    /// Colour and width.
    pub(super) outline: Option<([u8; 4], f32)>,
    pub(super) shadow: Option<Shadow>,
    /// Around the text: room for padding and effects.
    pub(super) margin: u32,
}

/// A shadow, in pixels.
#[derive(Clone, Copy)]
pub(super) struct Shadow {
    pub(super) x: i32,
    pub(super) y: i32,
    pub(super) blur: u32,
    pub(super) color: [u8; 4],
}

impl Look {
    pub(super) fn new(style: &TextStyle, max_width: f32) -> Self {
        let size = within(style.size, 4.0, 1000.0);
        let optional = |text: &Option<String>| color::parse(text.as_deref()?).ok();
        let width = within(style.outline_width, 0.0, 50.0);
        let outline = optional(&style.outline)
            .map(|color| (color, width))
            .filter(|_| width > 0.0);
        let shadow = style.shadow.then(|| Shadow::new(style, size));
        let padding = within(style.padding, 0.0, 500.0).round() as u32;
        let outlined = outline.map_or(0, |(_, width)| width.ceil() as u32 + 1);
        let shaded = shadow.map_or(0, |s| {
            s.x.unsigned_abs().max(s.y.unsigned_abs()) + 3 * s.blur
        });
        let wrap = (style.wrap > 0.0).then(|| within(style.wrap, 16.0, MAX_SIDE as f32));
        Self {
            size,
            line_spacing: within(style.line_spacing, 0.5, 5.0),
            letter_spacing: within(style.letter_spacing, -50.0, 200.0),
            align: style.align,
            max_width: wrap.unwrap_or_else(|| within(max_width, 16.0, MAX_SIDE as f32)),
            wrap,
            figures: false,
            color: color::parse(&style.color).unwrap_or([255; 4]),
            gradient: style.gradient.as_ref().and_then(|g| Ramp::new(g).ok()),
            background: optional(&style.background),
            padding,
            radius: within(style.radius, 0.0, 500.0),
            outline,
            shadow,
            margin: padding.max(outlined + shaded),
        }
    }

    pub(super) fn max_text_width(&self) -> f32 {
        (self.max_width - 2.0 * self.margin as f32).max(self.size)
    }
}

impl Shadow {
    fn new(style: &TextStyle, size: f32) -> Self {
        let Some(look) = &style.shadow_look else {
            let part = (size * 0.05).round().max(1.0);
            return Self {
                x: part as i32,
                y: part as i32,
                blur: part as u32,
                color: [0, 0, 0, 160],
            };
        };
        Self {
            x: within(look.x, -200.0, 200.0).round() as i32,
            y: within(look.y, -200.0, 200.0).round() as i32,
            blur: within(look.blur, 0.0, 100.0).round() as u32,
            color: color::parse(&look.color).unwrap_or([0, 0, 0, 160]),
        }
    }
}

fn within(value: f32, least: f32, most: f32) -> f32 {
    if value.is_finite() {
        value.clamp(least, most)
    } else {
        least
    }
}
