//! A picture file, moving if it is animated.

use std::time::Duration;

use codec::decode::picture;
use media::{Frame, Timestamp};

/// A picture file, decoded.
#[derive(Debug)]
pub struct Image {
    /// RGBA, straight alpha, each with the time from the beginning at which it ends. Never empty.
    frames: Vec<(Frame, Duration)>,
    first: Frame,
    /// How often it goes round; for ever when absent.
    rounds: Option<u32>,
}

impl Image {
    /// Decodes the bytes of a PNG, JPEG, WebP or GIF file.
    ///
    /// # Errors
    /// What [`codec::decode::picture::file`] says of them.
    pub fn open(bytes: &[u8]) -> Result<Self, codec::Error> {
        let picture = picture::file(bytes)?;
        Self::of(picture.frames, picture.rounds)
    }

    fn of(shown: Vec<(Frame, Duration)>, rounds: Option<u32>) -> Result<Self, codec::Error> {
        let mut end = Duration::ZERO;
        let frames: Vec<_> = shown
            .into_iter()
            .map(|(frame, duration)| {
                end += duration;
                (frame, end)
            })
            .collect();
        let Some((first, _)) = frames.first() else {
            return Err(codec::Error::Unsupported {
                what: "a picture file without a picture".into(),
                instead: "PNG, JPEG, WebP or GIF",
            });
        };
        Ok(Self {
            first: first.clone(),
            frames,
            rounds,
        })
    }

    /// Whether it moves.
    pub fn is_animated(&self) -> bool {
        self.frames.len() > 1
    }

    /// How long one round takes; zero for a still.
    pub fn round(&self) -> Duration {
        self.frames.last().map_or(Duration::ZERO, |(_, end)| *end)
    }

    /// Pixels across and down.
    pub fn size(&self) -> (u32, u32) {
        (self.first.width(), self.first.height())
    }

    /// The picture at a time from its beginning: an animation goes round as often as its file says, and stays
    /// at its last picture then. The timestamp of the frame tells its place in the file, so that it is the same
    /// frame as long as it is shown.
    pub fn frame(&self, at: Timestamp) -> Frame {
        let total = self.frames.last().map_or(0, |(_, end)| end.as_nanos());
        if total == 0 {
            return self.first.clone();
        }
        let over = self.rounds.is_some_and(|rounds| {
            i128::from(at.nanos()) >= total as i128 * i128::from(rounds.max(1))
        });
        let into = if over {
            total - 1
        } else {
            i128::from(at.nanos()).rem_euclid(total as i128) as u128
        };
        let index = self
            .frames
            .partition_point(|(_, end)| end.as_nanos() <= into);
        self.frames
            .get(index)
            .map_or(&self.first, |(frame, _)| frame)
            .clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::color;

    fn frame(shade: u8, at_ms: i64) -> Frame {
        color::rgba(
            2,
            1,
            [shade, 0, 0, 255].repeat(2),
            Timestamp::from_millis(at_ms),
        )
    }

    fn red(image: &Image, at_ms: i64) -> u8 {
        image.frame(Timestamp::from_millis(at_ms)).planes()[0].data[0]
    }

    #[test]
    fn a_still_is_the_same_for_ever() {
        let still = Image::of(vec![(frame(7, 0), Duration::ZERO)], None).unwrap();
        assert_eq!(
            [red(&still, 0), red(&still, -5), red(&still, 1 << 40)],
            [7; 3]
        );
    }

    #[test]
    fn an_animation_goes_round_by_its_durations() {
        let ms = Duration::from_millis;
        let frames = vec![
            (frame(1, 0), ms(100)),
            (frame(2, 100), ms(50)),
            (frame(3, 150), ms(350)),
        ];
        let twice = Image::of(frames.clone(), Some(2)).unwrap();
        for (at, shade) in [(0, 1), (500, 1), (600, 2), (999, 3), (1000, 3), (1100, 3)] {
            assert_eq!(red(&twice, at), shade, "{at} ms of two rounds");
        }
        let image = Image::of(frames, None).unwrap();
        for (at, shade) in [
            (0, 1),
            (99, 1),
            (100, 2),
            (149, 2),
            (150, 3),
            (499, 3),
            (500, 1),
            (10_120, 2),
            (-1, 3),
        ] {
            assert_eq!(red(&image, at), shade, "{at} ms");
        }
    }

    #[test]
    fn a_file_is_decoded_and_what_is_none_refused() {
        let mut png = Vec::new();
        let pixels = ::image::RgbaImage::from_pixel(3, 2, ::image::Rgba([9, 8, 7, 6]));
        pixels
            .write_to(
                &mut std::io::Cursor::new(&mut png),
                ::image::ImageFormat::Png,
            )
            .unwrap();
        let frame = Image::open(&png).unwrap().frame(Timestamp::ZERO);
        assert_eq!((frame.width(), frame.height()), (3, 2));
        assert_eq!(frame.planes()[0].data[..4], [9, 8, 7, 6]);
        assert!(Image::open(b"no picture at all").is_err());
        assert!(Image::open(&png[..png.len() / 2]).is_err());
    }
}
