//! The pointer, drawn into a picture.

/// Draws a pointer of premultiplied ARGB over BGRX pixels, its top left at `at`; what lies outside is cut.
pub(super) fn draw(
    picture: &mut [u8],
    (width, height): (i32, i32),
    pointer: &[u32],
    (pointer_width, pointer_height): (i32, i32),
    at: (i32, i32),
) {
    for row in 0..pointer_height {
        let y = at.1 + row;
        if !(0..height).contains(&y) {
            continue;
        }
        for column in 0..pointer_width {
            let x = at.0 + column;
            if !(0..width).contains(&x) {
                continue;
            }
            let from = (row * pointer_width + column) as usize;
            let to = (y * width + x) as usize * 4;
            let (Some(&argb), Some(pixel)) = (pointer.get(from), picture.get_mut(to..to + 4))
            else {
                continue;
            };
            let [blue, green, red, alpha] = argb.to_le_bytes();
            for (under, over) in pixel.iter_mut().zip([blue, green, red]) {
                let kept = (u32::from(*under) * u32::from(255 - alpha) + 127) / 255;
                *under = over.saturating_add(kept as u8);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pointer_covers_blends_and_is_cut_at_the_edges() {
        // A grey picture of 2×2; a pointer of 2×2: opaque red, half white, nothing, opaque blue.
        let pointer = [0xFFFF_0000, 0x8080_8080, 0, 0xFF00_00FF];
        let grey = [100, 100, 100, 0];
        let red = [0, 0, 255, 0];
        let half = [178, 178, 178, 0];
        let blue = [255, 0, 0, 0];
        for (at, expected) in [
            ((0, 0), [red, half, grey, blue]),
            ((1, 0), [grey, red, grey, grey]),
            ((-1, -1), [blue, grey, grey, grey]),
            ((0, 1), [grey, grey, red, half]),
            ((2, 2), [grey; 4]),
            ((-30_000, 5), [grey; 4]),
        ] {
            let mut picture = [grey; 4].concat();
            draw(&mut picture, (2, 2), &pointer, (2, 2), at);
            assert_eq!(picture, expected.concat(), "{at:?}");
        }
    }

    #[test]
    fn a_pointer_shorter_than_it_says_is_harmless() {
        let mut picture = vec![7; 16];
        draw(&mut picture, (2, 2), &[], (64, 64), (0, 0));
        assert_eq!(picture, [7; 16]);
    }
}
