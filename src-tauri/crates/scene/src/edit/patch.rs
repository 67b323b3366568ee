//! What changes of an item.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::{Blend, Crop, Fit, Item, Rect};

/// What changes of an [`Item`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
#[serde(default)]
#[ts(optional_fields)]
pub struct ItemPatch {
    /// The box.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rect: Option<Rect>,
    /// The fit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fit: Option<Fit>,
    /// The crop.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub crop: Option<Crop>,
    /// The rotation in degrees.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rotation: Option<f32>,
    /// The opacity.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub opacity: Option<f32>,
    /// Visibility.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub visible: Option<bool>,
    /// Lock.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub locked: Option<bool>,
    /// Mirrored left to right.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flip_h: Option<bool>,
    /// Mirrored top to bottom.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flip_v: Option<bool>,
    /// How it mixes with what lies below.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub blend: Option<Blend>,
}

impl ItemPatch {
    pub(super) fn label(&self, item: Option<&Item>) -> &'static str {
        let resizes = |rect: &Rect| {
            item.is_some_and(|i| (i.rect.width, i.rect.height) != (rect.width, rect.height))
        };
        match self {
            Self { crop: Some(_), .. } => "Crop item",
            Self {
                rotation: Some(_), ..
            } => "Rotate item",
            Self {
                flip_h: Some(_), ..
            }
            | Self {
                flip_v: Some(_), ..
            } => "Flip item",
            Self { blend: Some(_), .. } => "Change blend mode",
            Self {
                rect: Some(rect), ..
            } if resizes(rect) => "Resize item",
            Self { rect: Some(_), .. } => "Move item",
            Self { fit: Some(_), .. } => "Change fit",
            Self {
                opacity: Some(_), ..
            } => "Change opacity",
            Self {
                visible: Some(true),
                ..
            } => "Show item",
            Self {
                visible: Some(false),
                ..
            } => "Hide item",
            Self {
                locked: Some(true), ..
            } => "Lock item",
            Self {
                locked: Some(false),
                ..
            } => "Unlock item",
            _ => "Change item",
        }
    }

    /// Only of what moves by degrees: no switch, no choice.
    pub(super) fn is_gradual(&self) -> bool {
        self.fit.is_none()
            && self.visible.is_none()
            && self.locked.is_none()
            && self.flip_h.is_none()
            && self.flip_v.is_none()
            && self.blend.is_none()
    }

    /// Whether an item would stand elsewhere, or otherwise.
    pub(super) fn moves(&self, item: &Item) -> bool {
        differs(&self.rect, &item.rect)
            || differs(&self.fit, &item.fit)
            || differs(&self.crop, &item.crop)
            || differs(&self.rotation, &item.rotation)
            || differs(&self.flip_h, &item.flip_h)
            || differs(&self.flip_v, &item.flip_v)
    }

    pub(super) fn same_fields(&self, other: &Self) -> bool {
        self.rect.is_some() == other.rect.is_some()
            && self.crop.is_some() == other.crop.is_some()
            && self.rotation.is_some() == other.rotation.is_some()
            && self.opacity.is_some() == other.opacity.is_some()
            && other.is_gradual()
    }

    pub(super) fn change(&self, item: &mut Item) {
        let Self {
            rect,
            fit,
            crop,
            rotation,
            opacity,
            visible,
            locked,
            flip_h,
            flip_v,
            blend,
        } = self;
        set(&mut item.rect, rect);
        set(&mut item.fit, fit);
        set(&mut item.crop, crop);
        set(&mut item.rotation, rotation);
        set(&mut item.opacity, opacity);
        set(&mut item.visible, visible);
        set(&mut item.locked, locked);
        set(&mut item.flip_h, flip_h);
        set(&mut item.flip_v, flip_v);
        set(&mut item.blend, blend);
    }
}

fn differs<T: PartialEq>(wish: &Option<T>, is: &T) -> bool {
    wish.as_ref().is_some_and(|wish| wish != is)
}

fn set<T: Copy>(place: &mut T, value: &Option<T>) {
    if let Some(value) = value {
        *place = *value;
    }
}
