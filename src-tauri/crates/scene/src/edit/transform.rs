//! Where things land that stand in something that is itself placed: plain geometry, canvas pixels,
//! degrees clockwise.

use crate::{Fit, Item, Rect};

/// From the pixels of a picture to the canvas that an item shows it on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Transform {
    /// A point of the picture that lands on `to`.
    from: [f32; 2],
    /// The middle of the item's box.
    to: [f32; 2],
    /// Canvas pixels per pixel of the picture, across and down; both above 0.
    scale: [f32; 2],
    flip: [bool; 2],
    rotation: f32,
}

impl Transform {
    /// How an item shows a picture of `size`.
    pub(super) fn of(item: &Item, size: [f32; 2]) -> Self {
        let crop = item.crop;
        let part = [
            (size[0] - crop.left as f32 - crop.right as f32).max(1.0),
            (size[1] - crop.top as f32 - crop.bottom as f32).max(1.0),
        ];
        let fill = [item.rect.width / part[0], item.rect.height / part[1]];
        let scale = match item.fit {
            Fit::Stretch => fill,
            Fit::Contain => [fill[0].min(fill[1]); 2],
            Fit::Cover => [fill[0].max(fill[1]); 2],
        };
        Self {
            from: [
                crop.left as f32 + part[0] / 2.0,
                crop.top as f32 + part[1] / 2.0,
            ],
            to: middle(item.rect),
            scale,
            flip: [item.flip_h, item.flip_v],
            rotation: item.rotation,
        }
    }

    /// Where a point of the picture lands.
    pub(super) fn point(&self, [x, y]: [f32; 2]) -> [f32; 2] {
        let sign = |flipped: bool| if flipped { -1.0 } else { 1.0 };
        let across = (x - self.from[0]) * self.scale[0] * sign(self.flip[0]);
        let down = (y - self.from[1]) * self.scale[1] * sign(self.flip[1]);
        let turned = turn([across, down], self.rotation);
        [self.to[0] + turned[0], self.to[1] + turned[1]]
    }

    /// Places an item of the picture on the canvas itself.
    pub(super) fn place(&self, item: &mut Item) {
        let centre = self.point(middle(item.rect));
        // Where the item's own sides point to when the picture is stretched.
        let stretched = |side: [f32; 2]| {
            let [x, y] = turn(side, item.rotation);
            [x * self.scale[0], y * self.scale[1]]
        };
        let across = stretched([1.0, 0.0]);
        let down = stretched([0.0, 1.0]);
        let width = item.rect.width * across[0].hypot(across[1]);
        let height = item.rect.height * down[0].hypot(down[1]);
        let mut rotation = if self.scale[0] == self.scale[1] {
            item.rotation
        } else {
            across[1].atan2(across[0]).to_degrees()
        };
        // A mirror turns the other way round.
        if self.flip[0] != self.flip[1] {
            rotation = -rotation;
        }
        item.flip_h ^= self.flip[0];
        item.flip_v ^= self.flip[1];
        item.rotation = upright(rotation + self.rotation);
        item.rect = Rect {
            x: centre[0] - width / 2.0,
            y: centre[1] - height / 2.0,
            width: width.max(1.0),
            height: height.max(1.0),
        };
    }

    /// Canvas pixels per pixel of the picture, across and down.
    pub(super) fn scale(&self) -> [f32; 2] {
        self.scale
    }
}

/// The upright box around a box that is turned: left, top, right, bottom.
pub(super) fn bounds(item: &Item) -> [f32; 4] {
    let [x, y] = middle(item.rect);
    let (sine, cosine) = item.rotation.to_radians().sin_cos();
    let (sine, cosine) = match item.rotation.rem_euclid(180.0) {
        // Exactly, so that a group of upright items is not larger by a hair.
        0.0 => (0.0, 1.0),
        90.0 => (1.0, 0.0),
        _ => (sine.abs(), cosine.abs()),
    };
    let half = [item.rect.width / 2.0, item.rect.height / 2.0];
    let across = half[0] * cosine + half[1] * sine;
    let down = half[0] * sine + half[1] * cosine;
    [x - across, y - down, x + across, y + down]
}

fn middle(rect: Rect) -> [f32; 2] {
    [rect.x + rect.width / 2.0, rect.y + rect.height / 2.0]
}

fn turn([x, y]: [f32; 2], degrees: f32) -> [f32; 2] {
    let (sine, cosine) = match degrees.rem_euclid(360.0) {
        0.0 => (0.0, 1.0),
        90.0 => (1.0, 0.0),
        180.0 => (0.0, -1.0),
        270.0 => (-1.0, 0.0),
        other => other.to_radians().sin_cos(),
    };
    [x * cosine - y * sine, x * sine + y * cosine]
}

/// The same rotation within half a turn either way.
fn upright(degrees: f32) -> f32 {
    let turned = degrees.rem_euclid(360.0);
    if turned > 180.0 {
        turned - 360.0
    } else {
        turned
    }
}
