//! The masks that are brought along. They are drawn when they are first needed: a formula is smaller
//! than a picture.

use scene::WipeShape;

/// Pixels across and down of a mask; it is stretched over the canvas.
pub(crate) const SIDE: u32 = 256;

/// How many slats blinds have.
const SLATS: f32 = 8.0;

/// The mask of a shape, RGBA, [`SIDE`] × [`SIDE`].
pub(crate) fn shape(shape: WipeShape) -> Vec<u8> {
    let mut bytes = Vec::with_capacity((SIDE * SIDE * 4) as usize);
    for row in 0..SIDE {
        for column in 0..SIDE {
            let at = |index: u32| (index as f32 + 0.5) / SIDE as f32;
            let level = level(shape, at(column), at(row));
            let byte = (level.clamp(0.0, 1.0) * 255.0).round() as u8;
            bytes.extend([byte, byte, byte, 255]);
        }
    }
    bytes
}

fn level(shape: WipeShape, x: f32, y: f32) -> f32 {
    // From the middle, 1 at the corners.
    let (across, down) = ((x - 0.5) * 2.0, (y - 0.5) * 2.0);
    match shape {
        WipeShape::Bar => x,
        WipeShape::Curtain => y,
        WipeShape::Diagonal => (x + y) / 2.0,
        WipeShape::Circle => across.hypot(down) / std::f32::consts::SQRT_2,
        WipeShape::Diamond => (across.abs() + down.abs()) / 2.0,
        // Clockwise from the top.
        WipeShape::Clock => (across.atan2(-down) / std::f32::consts::TAU).rem_euclid(1.0),
        WipeShape::Blinds => (y * SLATS).fract(),
        WipeShape::Dissolve => grain(x, y),
    }
}

/// Grains of four pixels, the same each time.
fn grain(x: f32, y: f32) -> f32 {
    let cell = |value: f32| (value * SIDE as f32 / 4.0) as u32;
    let mut mixed = cell(x).wrapping_mul(0x9e37_79b1) ^ cell(y).wrapping_mul(0x85eb_ca77);
    mixed = (mixed ^ (mixed >> 15)).wrapping_mul(0x2c1b_3c6d);
    mixed = (mixed ^ (mixed >> 12)).wrapping_mul(0x297a_2d39);
    ((mixed ^ (mixed >> 15)) >> 8) as f32 / (1 << 24) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shape_uses_all_of_its_range() {
        for one in [
            WipeShape::Bar,
            WipeShape::Curtain,
            WipeShape::Diagonal,
            WipeShape::Circle,
            WipeShape::Diamond,
            WipeShape::Clock,
            WipeShape::Blinds,
            WipeShape::Dissolve,
        ] {
            let bytes = shape(one);
            let levels = || bytes.chunks(4).map(|pixel| pixel[0]);
            assert!(levels().min() < Some(12), "{one:?}");
            assert!(levels().max() > Some(240), "{one:?}");
        }
    }
}
