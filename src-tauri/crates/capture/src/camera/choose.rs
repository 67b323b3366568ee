//! Which of a camera's modes serves a wish best.

use media::PixelFormat;

/// What a camera can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mode {
    pub(crate) format: PixelFormat,
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) fps: u32,
}

/// What is wished for; 0 leaves it open.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wish {
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) fps: u32,
}

/// The mode nearest to a wish: first the size (larger rather than smaller), then the rate (faster rather than
/// slower), then the format that costs least: raw before compressed, 4:2:0 before 4:2:2.
pub(crate) fn choose(modes: &[Mode], wish: Wish) -> Option<Mode> {
    let (width, height) = match (wish.width, wish.height) {
        (0, 0) => (1280, 720),
        (w, 0) => (w, w.saturating_mul(9) / 16),
        (0, h) => (h.saturating_mul(16) / 9, h),
        both => both,
    };
    let fps = if wish.fps == 0 { 30 } else { wish.fps };
    modes.iter().copied().min_by_key(|mode| {
        let area = |width: u32, height: u32| u128::from(width) * u128::from(height);
        let missing = area(width.saturating_sub(mode.width), height)
            + area(width, height.saturating_sub(mode.height));
        let surplus = area(mode.width, mode.height).saturating_sub(area(width, height));
        let slower = fps.saturating_sub(mode.fps);
        let faster = mode.fps.saturating_sub(fps);
        (missing, surplus, slower, faster, rank(mode.format))
    })
}

fn rank(format: PixelFormat) -> u8 {
    match format {
        PixelFormat::Nv12 => 0,
        PixelFormat::Yuyv => 1,
        _ => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use PixelFormat::{Mjpeg, Nv12, Yuyv};

    const fn mode(format: PixelFormat, width: u32, height: u32, fps: u32) -> Mode {
        Mode {
            format,
            width,
            height,
            fps,
        }
    }

    #[test]
    fn the_nearest_mode_is_chosen() {
        // A usual webcam: raw pictures are slow when they are large.
        const MODES: [Mode; 9] = [
            mode(Yuyv, 640, 480, 30),
            mode(Yuyv, 640, 480, 15),
            mode(Yuyv, 1280, 720, 10),
            mode(Mjpeg, 640, 480, 30),
            mode(Mjpeg, 1280, 720, 30),
            mode(Mjpeg, 1280, 720, 60),
            mode(Mjpeg, 1920, 1080, 30),
            mode(Nv12, 640, 480, 30),
            mode(Yuyv, 320, 240, 30),
        ];
        for (wish, expected) in [
            ((0, 0, 0), mode(Mjpeg, 1280, 720, 30)),
            ((1280, 720, 60), mode(Mjpeg, 1280, 720, 60)),
            ((1280, 720, 10), mode(Yuyv, 1280, 720, 10)),
            ((640, 480, 30), mode(Nv12, 640, 480, 30)),
            ((640, 480, 15), mode(Yuyv, 640, 480, 15)),
            ((1920, 1080, 60), mode(Mjpeg, 1920, 1080, 30)),
            ((4096, 2160, 0), mode(Mjpeg, 1920, 1080, 30)),
            ((800, 600, 0), mode(Mjpeg, 1280, 720, 30)),
            ((100, 0, 0), mode(Yuyv, 320, 240, 30)),
            ((0, 480, 0), mode(Mjpeg, 1280, 720, 30)),
            ((u32::MAX, u32::MAX, u32::MAX), mode(Mjpeg, 1920, 1080, 30)),
        ] {
            let (width, height, fps) = wish;
            let wish = Wish { width, height, fps };
            assert_eq!(choose(&MODES, wish), Some(expected), "{wish:?}");
        }
        let any = Wish {
            width: 0,
            height: 0,
            fps: 0,
        };
        assert_eq!(choose(&[], any), None);
    }
}
