//! Pictures made smaller, one after the other: what a rendition of fewer lines is encoded from.

use media::{BufferPool, Frame, PixelFormat};

use crate::Error;
use crate::raster::Shrink;

/// Buffers of pictures that wait for their encoder, or are in it.
const KEPT: usize = 4;

/// The smallest side that encoders take.
const LEAST: u32 = 16;

/// Makes pictures smaller by area averaging, for one thread. While their size stays, nothing is allocated.
#[derive(Default)]
pub struct Scaler {
    pool: Option<BufferPool>,
    plan: Option<Plan>,
}

/// What is known of one pair of sizes.
struct Plan {
    from: (u32, u32),
    to: (u32, u32),
    luma: Shrink,
    chroma: Shrink,
}

/// The size of a picture of `width` × `height` with at most so many lines, in its shape: even, and never larger
/// than it is.
pub fn fit(width: u32, height: u32, lines: u32) -> (u32, u32) {
    if lines >= height {
        return (width, height);
    }
    let down = (lines & !1).max(LEAST).min(height);
    let across = u64::from(width) * u64::from(down) / u64::from(height.max(1));
    // Rounded up to an even number.
    let across = u32::try_from(across.div_ceil(2) * 2).unwrap_or(width);
    (across.clamp(LEAST.min(width), width), down)
}

impl Scaler {
    /// A picture (I420) with at most so many lines; the same one where it has no more.
    ///
    /// # Errors
    /// [`Error::Input`] for another format.
    pub fn fit(&mut self, frame: &Frame, lines: u32) -> Result<Frame, Error> {
        let from = (frame.width(), frame.height());
        let to = fit(from.0, from.1, lines);
        if from == to {
            return Ok(frame.clone());
        }
        if frame.format() != PixelFormat::I420 {
            return Err(Error::Input {
                codec: "scaling",
                what: format!("a {:?} frame", frame.format()),
            });
        }
        let pool = self.pool.get_or_insert_with(|| BufferPool::new(KEPT));
        let mut buffer = pool.take(Frame::packed_len(PixelFormat::I420, to.0, to.1));
        let plan = match self.plan.take().filter(|p| p.from == from && p.to == to) {
            Some(plan) => plan,
            None => Plan::new(from, to),
        };
        let plan = self.plan.insert(plan);
        let mut rest = &mut buffer[..];
        for (index, plane) in frame.planes().iter().enumerate() {
            let (across, down) = PixelFormat::I420.plane_size(index, to.0, to.1);
            let (target, after) = rest.split_at_mut(across * down);
            let shrink = match index {
                0 => &mut plan.luma,
                _ => &mut plan.chroma,
            };
            shrink.plane(&plane.data, plane.stride, target);
            rest = after;
        }
        let (color, at) = (frame.color(), frame.timestamp());
        let (format, buffer) = (PixelFormat::I420, buffer.freeze());
        Ok(Frame::packed(format, to.0, to.1, color, at, buffer)?)
    }
}

impl Plan {
    fn new(from: (u32, u32), to: (u32, u32)) -> Self {
        let plane = |index| {
            Shrink::new(
                PixelFormat::I420.plane_size(index, from.0, from.1),
                PixelFormat::I420.plane_size(index, to.0, to.1),
            )
        };
        Self {
            from,
            to,
            luma: plane(0),
            chroma: plane(1),
        }
    }
}

#[cfg(test)]
mod tests {
    use media::{Color, Timestamp};

    use super::*;

    #[test]
    fn sizes_keep_their_shape_and_are_even() {
        for ((width, height), lines, expect) in [
            ((1920, 1080), 720, (1280, 720)),
            ((1280, 720), 480, (854, 480)),
            ((1280, 720), 481, (854, 480)),
            ((1080, 1920), 960, (540, 960)),
            ((1280, 720), 720, (1280, 720)),
            ((1280, 720), 2160, (1280, 720)),
            ((3840, 16), 16, (3840, 16)),
            ((32, 3840), 144, (16, 144)),
        ] {
            assert_eq!(
                fit(width, height, lines),
                expect,
                "{width}×{height}, {lines}"
            );
        }
    }

    /// Dark on the left, bright on the right; red above, blue below.
    fn quarters(width: u32, height: u32) -> Frame {
        let (w, h) = (width as usize, height as usize);
        let mut data = Vec::new();
        for _ in 0..h {
            data.extend((0..w).map(|x| if x < w / 2 { 40 } else { 200 }));
        }
        for (above, below) in [(90, 160), (240, 100)] {
            for y in 0..h / 2 {
                data.extend(std::iter::repeat_n(
                    if y < h / 4 { above } else { below },
                    w / 2,
                ));
            }
        }
        let (format, color) = (PixelFormat::I420, Color::default());
        let at = Timestamp::from_millis(40);
        Frame::packed(format, width, height, color, at, data.into()).unwrap()
    }

    #[test]
    fn each_plane_is_made_smaller_and_nothing_else_changes() {
        let mut scaler = Scaler::default();
        let large = quarters(1280, 720);
        for lines in [360, 480, 360] {
            let small = scaler.fit(&large, lines).unwrap();
            assert_eq!((small.width(), small.height()), fit(1280, 720, lines));
            assert_eq!(small.timestamp(), large.timestamp());
            let (w, h) = (small.width() as usize, small.height() as usize);
            let pixel = |plane: usize, x: usize, y: usize| {
                let plane = &small.planes()[plane];
                plane.data[y * plane.stride + x]
            };
            assert_eq!((pixel(0, 3, 3), pixel(0, w - 3, h - 3)), (40, 200));
            assert_eq!((pixel(1, 3, 3), pixel(1, 3, h / 2 - 3)), (90, 160));
            assert_eq!((pixel(2, 3, 3), pixel(2, 3, h / 2 - 3)), (240, 100));
        }
        let same = scaler.fit(&large, 720).unwrap();
        assert_eq!(
            same.planes()[0].data.as_ptr(),
            large.planes()[0].data.as_ptr()
        );
    }
}
