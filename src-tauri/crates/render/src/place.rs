//! Where an item's picture lands on the canvas: plain geometry, in canvas pixels.

use scene::{Fit, Item, Rect};

/// The most often a picture is halved before it is drawn small.
const MAX_LEVEL: u32 = 6;

/// A picture's part and place.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Placement {
    /// What is shown of the source, in its pixels: left, top, width, height.
    pub(crate) part: [f32; 4],
    /// Middle of the picture on the canvas.
    pub(crate) centre: [f32; 2],
    /// Its size on the canvas, before rotation.
    pub(crate) size: [f32; 2],
    /// Clockwise, in radians; exactly 0 when upright.
    pub(crate) rotation: f32,
    /// Mirrored across and down, before rotation.
    pub(crate) flip: [bool; 2],
}

/// Places an item whose source's picture is `width` × `height`; `None` when nothing of it is to be seen
/// (hidden, transparent, cropped away).
///
/// Upright pictures are moved to whole pixels, so that what is shown 1:1 stays sharp. `zoom` is pixels
/// drawn for each one of the item's box.
pub(crate) fn place(item: &Item, width: u32, height: u32, zoom: [f32; 2]) -> Option<Placement> {
    if !item.visible || item.opacity.is_nan() || item.opacity <= 0.0 {
        return None;
    }
    let cropped = |side: u32, from: u32, to: u32| {
        side.checked_sub(from)?
            .checked_sub(to)
            .filter(|left| *left > 0)
    };
    let crop = item.crop;
    let part_width = cropped(width, crop.left, crop.right)? as f32;
    let part_height = cropped(height, crop.top, crop.bottom)? as f32;
    let mut part = [crop.left as f32, crop.top as f32, part_width, part_height];

    let rect = zoomed(item.rect, zoom);
    if !(rect.width > 0.0 && rect.height > 0.0) {
        return None;
    }
    let (across, down) = (rect.width / part_width, rect.height / part_height);
    let size = match item.fit {
        Fit::Stretch => [rect.width, rect.height],
        Fit::Contain => {
            let scale = across.min(down);
            [part_width * scale, part_height * scale]
        }
        Fit::Cover => {
            let scale = across.max(down);
            let seen = [rect.width / scale, rect.height / scale];
            part = [
                part[0] + (part_width - seen[0]) / 2.0,
                part[1] + (part_height - seen[1]) / 2.0,
                seen[0],
                seen[1],
            ];
            [rect.width, rect.height]
        }
    };
    let centre = [rect.x + rect.width / 2.0, rect.y + rect.height / 2.0];
    let rotation = item.rotation.rem_euclid(360.0);
    if !(centre[0] + centre[1] + size[0] + size[1] + rotation).is_finite() {
        return None;
    }
    let flip = [item.flip_h, item.flip_v];
    if rotation != 0.0 {
        return Some(Placement {
            part,
            centre,
            size,
            rotation: rotation.to_radians(),
            flip,
        });
    }
    let snap = |middle: f32, length: f32| {
        let from = (middle - length / 2.0).round();
        let to = (middle + length / 2.0).round().max(from + 1.0);
        ((from + to) / 2.0, to - from)
    };
    let (x, snapped_width) = snap(centre[0], size[0]);
    let (y, snapped_height) = snap(centre[1], size[1]);
    Some(Placement {
        part,
        centre: [x, y],
        size: [snapped_width, snapped_height],
        rotation: 0.0,
        flip,
    })
}

fn zoomed(rect: Rect, [across, down]: [f32; 2]) -> Rect {
    Rect {
        x: rect.x * across,
        y: rect.y * down,
        width: rect.width * across,
        height: rect.height * down,
    }
}

impl Placement {
    /// How often the source's picture is to be halved so that what remains is a scale above one half:
    /// bilinear sampling skips pixels below that.
    pub(crate) fn level(&self) -> u32 {
        let scale = (self.size[0] / self.part[2]).max(self.size[1] / self.part[3]);
        let mut level = 0;
        while level < MAX_LEVEL && scale * ((2 << level) as f32) <= 1.0 {
            level += 1;
        }
        level
    }

    /// Whether each pixel of the picture, halved `level` times, lands on one pixel of the canvas.
    pub(crate) fn exact(&self, level: u32) -> bool {
        let part = self.part.map(|value| value / (1_u32 << level) as f32);
        self.rotation == 0.0
            && part[0].fract() == 0.0
            && part[1].fract() == 0.0
            && part[2] == self.size[0]
            && part[3] == self.size[1]
    }

    /// Whether it covers a canvas of this size all over.
    pub(crate) fn covers(&self, width: u32, height: u32) -> bool {
        let inside = |centre: f32, size: f32, side: u32| {
            centre - size / 2.0 <= 0.0 && centre + size / 2.0 >= side as f32
        };
        self.rotation == 0.0
            && inside(self.centre[0], self.size[0], width)
            && inside(self.centre[1], self.size[1], height)
    }

    /// Whether any of it may be seen on a canvas of this size.
    pub(crate) fn touches(&self, width: u32, height: u32) -> bool {
        let radius = if self.rotation == 0.0 {
            [self.size[0] / 2.0, self.size[1] / 2.0]
        } else {
            [self.size[0].hypot(self.size[1]) / 2.0 + 1.0; 2]
        };
        let outside = |centre: f32, radius: f32, side: u32| {
            centre + radius <= 0.0 || centre - radius >= side as f32
        };
        !outside(self.centre[0], radius[0], width) && !outside(self.centre[1], radius[1], height)
    }
}

#[cfg(test)]
mod tests {
    use scene::{Crop, ItemId, SourceId};

    use super::*;

    fn place(item: &Item, width: u32, height: u32) -> Option<Placement> {
        super::place(item, width, height, [1.0; 2])
    }

    fn item(x: f32, y: f32, width: f32, height: f32) -> Item {
        Item {
            id: ItemId::new("item"),
            source: SourceId::new("source"),
            rect: Rect {
                x,
                y,
                width,
                height,
            },
            fit: Fit::Contain,
            crop: Crop::default(),
            rotation: 0.0,
            opacity: 1.0,
            visible: true,
            locked: false,
            flip_h: false,
            flip_v: false,
            blend: scene::Blend::Normal,
            filters: Vec::new(),
        }
    }

    /// Left, top, width, height of what `item` shows of a 400 × 200 picture, and of where.
    fn check(item: &Item, part: [f32; 4], place_at: [f32; 4]) {
        let placed = place(item, 400, 200).unwrap();
        assert_eq!(placed.part, part);
        let left = placed.centre[0] - placed.size[0] / 2.0;
        let top = placed.centre[1] - placed.size[1] / 2.0;
        assert_eq!([left, top, placed.size[0], placed.size[1]], place_at);
    }

    #[test]
    fn contain_centres_and_keeps_the_shape() {
        let all = [0.0, 0.0, 400.0, 200.0];
        check(
            &item(0.0, 0.0, 400.0, 400.0),
            all,
            [0.0, 100.0, 400.0, 200.0],
        );
        check(
            &item(10.0, 20.0, 900.0, 100.0),
            all,
            [360.0, 20.0, 200.0, 100.0],
        );
    }

    #[test]
    fn cover_cuts_what_stands_over() {
        let mut cover = item(0.0, 0.0, 300.0, 300.0);
        cover.fit = Fit::Cover;
        check(&cover, [100.0, 0.0, 200.0, 200.0], [0.0, 0.0, 300.0, 300.0]);
    }

    #[test]
    fn stretch_fills_and_crop_takes_source_pixels() {
        let mut stretched = item(5.0, 5.0, 50.0, 60.0);
        stretched.fit = Fit::Stretch;
        stretched.crop = Crop {
            left: 10,
            top: 20,
            right: 30,
            bottom: 40,
        };
        check(
            &stretched,
            [10.0, 20.0, 360.0, 140.0],
            [5.0, 5.0, 50.0, 60.0],
        );
    }

    #[test]
    fn upright_pictures_land_on_whole_pixels_and_never_vanish() {
        let all = [0.0, 0.0, 400.0, 200.0];
        let stretched = |x, y, width, height| Item {
            fit: Fit::Stretch,
            ..item(x, y, width, height)
        };
        check(
            &stretched(0.4, 0.6, 401.0, 200.0),
            all,
            [0.0, 1.0, 401.0, 200.0],
        );
        check(&stretched(7.2, 7.2, 1.0, 0.1), all, [7.0, 7.0, 1.0, 1.0]);
    }

    #[test]
    fn nothing_is_placed_where_nothing_is_seen() {
        let mut hidden = item(0.0, 0.0, 10.0, 10.0);
        hidden.visible = false;
        assert_eq!(place(&hidden, 4, 4), None);
        let mut clear = item(0.0, 0.0, 10.0, 10.0);
        clear.opacity = 0.0;
        assert_eq!(place(&clear, 4, 4), None);
        let mut cropped = item(0.0, 0.0, 10.0, 10.0);
        cropped.crop.left = 3;
        cropped.crop.right = u32::MAX;
        assert_eq!(place(&cropped, 4, 4), None);
        cropped.crop.right = 1;
        assert_eq!(place(&cropped, 4, 4), None);
        assert_eq!(place(&item(f32::NAN, 0.0, 10.0, 10.0), 4, 4), None);
    }

    #[test]
    fn pictures_are_halved_until_more_than_half_the_scale_remains() {
        for (width, level) in [
            (400.0, 0),
            (800.0, 0),
            (201.0, 0),
            (200.0, 1),
            (101.0, 1),
            (100.0, 2),
            (1.0, 6),
        ] {
            let mut item = item(0.0, 0.0, width, width / 2.0);
            item.fit = Fit::Stretch;
            assert_eq!(place(&item, 400, 200).unwrap().level(), level, "{width}");
        }
    }

    #[test]
    fn exact_means_one_to_one_after_halving() {
        let one = place(&item(3.0, 3.0, 400.0, 200.0), 400, 200).unwrap();
        assert!(one.exact(0) && !one.exact(1));
        let half = place(&item(3.0, 3.0, 200.0, 100.0), 400, 200).unwrap();
        assert!(half.exact(1) && !half.exact(0));
        let mut turned = item(3.0, 3.0, 400.0, 200.0);
        turned.rotation = 90.0;
        assert!(!place(&turned, 400, 200).unwrap().exact(0));
        turned.rotation = -360.0;
        assert!(place(&turned, 400, 200).unwrap().exact(0));
    }

    #[test]
    fn covering_and_touching() {
        let placed = |x, y, w, h| {
            let mut item = item(x, y, w, h);
            item.fit = Fit::Stretch;
            place(&item, 4, 4).unwrap()
        };
        assert!(placed(0.0, 0.0, 320.0, 180.0).covers(320, 180));
        assert!(!placed(1.0, 0.0, 320.0, 180.0).covers(320, 180));
        assert!(placed(-10.0, 0.0, 11.0, 10.0).touches(320, 180));
        assert!(!placed(-10.0, 0.0, 10.0, 10.0).touches(320, 180));
        assert!(!placed(320.0, 0.0, 10.0, 10.0).touches(320, 180));
    }
}
