//! Text that moves: drawn once, and copied into each picture at its place.

use std::time::Duration;

use media::{BufferPool, Color, Frame, PixelFormat, Timestamp};
use scene::{Crawl, CrawlDirection, TextStyle};

use crate::source::color;
use crate::source::text::Pixels;

/// A text as long as it is, and how it moves through its picture.
pub(super) struct Strip {
    pixels: Pixels,
    direction: CrawlDirection,
    /// Pixels a second.
    speed: f64,
    /// Pixels of the picture along the way.
    span: u32,
    /// Pixels from one beginning to the next.
    period: u64,
    /// Where no text is, straight RGBA.
    empty: [u8; 4],
}

impl Strip {
    pub(super) fn new(pixels: Pixels, crawl: &Crawl, span: u32, style: &TextStyle) -> Self {
        let sideways = sideways(crawl.direction);
        let length = if sideways {
            pixels.width
        } else {
            pixels.height
        };
        let span = span.clamp(1, Frame::MAX_SIDE);
        let gap = crawl.gap.map_or(span, |gap| gap.max(0.0) as u32);
        Self {
            direction: crawl.direction,
            speed: f64::from(crawl.speed.clamp(1.0, 4000.0)),
            span,
            period: u64::from(length) + u64::from(gap),
            empty: style
                .background
                .as_deref()
                .and_then(|text| color::parse(text).ok())
                .unwrap_or_default(),
            pixels,
        }
    }

    /// The picture after a time: RGBA, straight alpha. Nothing is drawn anew, and moved by whole pixels.
    pub(super) fn frame(&self, after: Duration, at: Timestamp, pool: &BufferPool) -> Frame {
        let (width, height) = if sideways(self.direction) {
            (self.span, self.pixels.height)
        } else {
            (self.pixels.width, self.span)
        };
        let mut data = pool.take(width as usize * height as usize * 4);
        for pixel in data.as_chunks_mut::<4>().0 {
            *pixel = self.empty;
        }
        let gone = (after.as_secs_f64() * self.speed) as u64;
        for place in self.places(gone) {
            self.copy(&mut data, place);
        }
        match Frame::packed(
            PixelFormat::Rgba,
            width,
            height,
            Color::default(),
            at,
            data.freeze(),
        ) {
            Ok(frame) => frame,
            Err(problem) => unreachable!("the bytes were made for the size: {problem}"),
        }
    }

    /// Where the copies of the text stand that are in the picture after so many pixels of way: the first pixel
    /// of each, from the picture's left or top.
    fn places(&self, gone: u64) -> impl Iterator<Item = i64> {
        let (span, length) = (i64::from(self.span), self.length());
        let period = self.period.max(1);
        let newest = gone / period;
        // A copy is in the picture until it has gone its own length and the picture's.
        let seen = (self.span as u64 + length as u64) / period + 1;
        let forwards = matches!(self.direction, CrawlDirection::Left | CrawlDirection::Up);
        (newest.saturating_sub(seen)..=newest).map(move |copy| {
            let way = i64::try_from(gone - copy * period).unwrap_or(i64::MAX);
            if forwards {
                span - way.min(span + length)
            } else {
                way.min(span + length) - length
            }
        })
    }

    fn length(&self) -> i64 {
        i64::from(if sideways(self.direction) {
            self.pixels.width
        } else {
            self.pixels.height
        })
    }

    /// Copies what of the text lies inside of the picture.
    fn copy(&self, data: &mut [u8], place: i64) {
        let first = (-place).max(0);
        let last = (i64::from(self.span) - place).min(self.length());
        if last <= first {
            return;
        }
        let (from, count) = (first as usize, (last - first) as usize);
        let to = (place + first) as usize;
        let row = self.pixels.width as usize * 4;
        if sideways(self.direction) {
            let rows = data.chunks_exact_mut(self.span as usize * 4);
            for (to_row, from_row) in rows.zip(self.pixels.data.chunks_exact(row)) {
                to_row[to * 4..(to + count) * 4]
                    .copy_from_slice(&from_row[from * 4..(from + count) * 4]);
            }
        } else {
            data[to * row..(to + count) * row]
                .copy_from_slice(&self.pixels.data[from * row..(from + count) * row]);
        }
    }
}

fn sideways(direction: CrawlDirection) -> bool {
    matches!(direction, CrawlDirection::Left | CrawlDirection::Right)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A strip of `length` pixels, whose pixels are numbered from 1.
    fn strip(direction: CrawlDirection, length: u32, span: u32, gap: Option<f32>) -> Strip {
        let data = (1..=length).flat_map(|n| [n as u8, 0, 0, 255]).collect();
        let (width, height) = if sideways(direction) {
            (length, 1)
        } else {
            (1, length)
        };
        let crawl = Crawl {
            direction,
            speed: 10.0,
            gap,
            span: 0.0,
        };
        let style = TextStyle {
            background: Some("#00000080".into()),
            ..TextStyle::default()
        };
        let pixels = Pixels {
            width,
            height,
            data,
        };
        Strip::new(pixels, &crawl, span, &style)
    }

    /// The numbers of the pixels in the picture; 0 is the background.
    fn seen(strip: &Strip, pixels: u64) -> Vec<u8> {
        let after = Duration::from_millis(pixels * 100 + 1);
        let frame = strip.frame(after, Timestamp::ZERO, &BufferPool::new(1));
        let data = &frame.planes()[0].data;
        let alpha = |pixel: &[u8]| if pixel[0] == 0 { 128 } else { 255 };
        assert!(data.chunks(4).all(|pixel| pixel[3] == alpha(pixel)));
        data.chunks(4).map(|pixel| pixel[0]).collect()
    }

    #[test]
    fn a_text_comes_in_crosses_and_leaves_before_it_comes_again() {
        for (direction, back) in [
            (CrawlDirection::Left, false),
            (CrawlDirection::Up, false),
            (CrawlDirection::Right, true),
            (CrawlDirection::Down, true),
        ] {
            let strip = strip(direction, 3, 5, None);
            for (gone, expect) in [
                (0, [0, 0, 0, 0, 0]),
                (1, [0, 0, 0, 0, 1]),
                (3, [0, 0, 1, 2, 3]),
                (5, [1, 2, 3, 0, 0]),
                (7, [3, 0, 0, 0, 0]),
                (8, [0, 0, 0, 0, 0]),
                (9, [0, 0, 0, 0, 1]),
                (8 * 1_000_000 + 3, [0, 0, 1, 2, 3]),
            ] {
                let mut expect = expect.to_vec();
                if back {
                    // The same from the other side: its last pixel comes first.
                    expect.reverse();
                    for pixel in &mut expect {
                        *pixel = if *pixel == 0 { 0 } else { 4 - *pixel };
                    }
                }
                assert_eq!(seen(&strip, gone), expect, "{direction:?} after {gone}");
            }
        }
    }

    #[test]
    fn with_a_gap_it_follows_itself() {
        let strip = strip(CrawlDirection::Left, 2, 7, Some(1.0));
        assert_eq!(seen(&strip, 4), [0, 0, 0, 1, 2, 0, 1]);
        assert_eq!(seen(&strip, 9), [0, 1, 2, 0, 1, 2, 0]);
        assert_eq!(seen(&strip, 9 + 3 * 1000), seen(&strip, 9));
    }

    #[test]
    fn a_text_longer_than_its_picture_fills_it() {
        let strip = strip(CrawlDirection::Left, 20, 4, None);
        assert_eq!(seen(&strip, 10), [7, 8, 9, 10]);
    }
}
