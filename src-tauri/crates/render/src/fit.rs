//! Pictures fitted to their place on the CPU, for adapters that are CPUs themselves: what is shown
//! upright is scaled here and lies 1:1 on the canvas, which costs a third of having it sampled.
//!
//! The samples are those that a GPU's bilinear filter takes.

use media::Frame;
use yuv::YuvError;

use crate::pixels::{self, BAND, Scratch};

/// How a part of a picture becomes `width` × `height` pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Fit {
    /// How often the picture is halved first. What follows is in pixels of the halved picture.
    pub(crate) level: u32,
    /// Left and top edge of what is shown.
    pub(crate) from: [f32; 2],
    /// From one pixel of the result to the next; below 0 where the picture is mirrored.
    pub(crate) step: [f32; 2],
    /// Where samples may lie: least x and y, most x and y.
    pub(crate) limits: [f32; 4],
    /// Pixels across of the result.
    pub(crate) width: u32,
    /// Pixels down of the result.
    pub(crate) height: u32,
}

/// Space to work in, kept from frame to frame.
#[derive(Default)]
pub(crate) struct Space {
    scratch: Scratch,
    /// The band of the halved picture that is worked on. Words, so that pixels are whole ones.
    band: Vec<u32>,
    /// Two rows scaled across, four channels of 16 bits each, and which rows they are.
    lines: [(Option<u32>, Vec<u64>); 2],
    columns: Vec<Column>,
    row: Vec<u8>,
}

/// Where a pixel of the result comes from in a row: two neighbours, and how much of the second, of 256.
#[derive(Clone, Copy)]
struct Column {
    first: u32,
    second: u32,
    share: u32,
}

impl Fit {
    /// The whole picture, halved `level` times.
    pub(crate) fn whole(frame: &Frame, level: u32) -> Self {
        let (width, height) = pixels::reduced(frame.width(), frame.height(), level);
        Self {
            level,
            from: [0.0; 2],
            step: [1.0; 2],
            limits: [0.0, 0.0, width as f32, height as f32],
            width,
            height,
        }
    }

    /// Whether each pixel is one of the halved picture's.
    fn exact(&self) -> bool {
        self.step == [1.0, 1.0] && self.from[0].fract() == 0.0 && self.from[1].fract() == 0.0
    }

    /// Gives the rows of the result to `emit`, top first: premultiplied RGBA, 4 × width bytes each.
    pub(crate) fn draw(
        &self,
        frame: &Frame,
        space: &mut Space,
        mut emit: impl FnMut(u32, &[u8]),
    ) -> Result<(), YuvError> {
        let mut bands = Bands {
            size: pixels::reduced(frame.width(), frame.height(), self.level),
            level: self.level,
            frame,
            top: None,
        };
        let Space {
            scratch,
            band,
            lines,
            columns,
            row,
        } = space;
        if self.exact() {
            let (left, top) = (self.from[0] as usize * 4, self.from[1] as u32);
            for y in 0..self.height {
                let pixels = bytemuck::cast_slice(bands.row(top + y, band, scratch)?);
                emit(y, &pixels[left..left + self.width as usize * 4]);
            }
            return Ok(());
        }

        let place = |index: u32, axis: usize, size: u32| {
            let at = self.from[axis] + (index as f32 + 0.5) * self.step[axis];
            let (least, most) = (self.limits[axis], self.limits[axis + 2]);
            let at = at.max(least).min(most) - 0.5;
            let first = at.floor().clamp(0.0, size as f32 - 1.0);
            Column {
                first: first as u32,
                second: (first as u32 + 1).min(size - 1),
                share: ((at - first).clamp(0.0, 1.0) * 256.0).round() as u32,
            }
        };
        columns.clear();
        columns.extend((0..self.width).map(|x| place(x, 0, bands.size.0)));
        for (index, line) in lines.iter_mut() {
            *index = None;
            line.resize(self.width as usize, 0);
        }
        row.resize(self.width as usize * 4, 0);
        for y in 0..self.height {
            let Column {
                first,
                second,
                share,
            } = place(y, 1, bands.size.1);
            for wanted in [first, second] {
                // Rows are asked for in order, up or down, so odd and even ones never push out what
                // is needed.
                let (index, line) = &mut lines[wanted as usize % 2];
                if *index != Some(wanted) {
                    across(bands.row(wanted, band, scratch)?, columns, line);
                    *index = Some(wanted);
                }
            }
            let line =
                |index: u32| -> &[u16] { bytemuck::cast_slice(&lines[index as usize % 2].1) };
            down(line(first), line(second), share, row);
            emit(y, row);
        }
        Ok(())
    }
}

/// A halved picture, converted band by band as its rows are asked for.
struct Bands<'a> {
    frame: &'a Frame,
    level: u32,
    size: (u32, u32),
    top: Option<u32>,
}

impl Bands<'_> {
    fn row<'b>(
        &mut self,
        y: u32,
        band: &'b mut Vec<u32>,
        scratch: &mut Scratch,
    ) -> Result<&'b [u32], YuvError> {
        let (width, height) = self.size;
        let top = y / BAND * BAND;
        if self.top != Some(top) {
            band.resize((width * BAND) as usize, 0);
            let rows = BAND.min(height - top);
            // Not a row more than there are: an odd number of them is converted differently.
            let to = &mut band[..(width * rows) as usize];
            pixels::band(
                self.frame,
                self.level,
                top,
                rows,
                bytemuck::cast_slice_mut(to),
                width as usize * 4,
                scratch,
            )?;
            self.top = Some(top);
        }
        let at = ((y - top) * width) as usize;
        Ok(&band[at..at + width as usize])
    }
}

/// Mixes neighbours in a row, all four channels at once: each has 16 bits of its own in a word.
fn across(from: &[u32], columns: &[Column], to: &mut [u64]) {
    let spread = |pixel: u32| {
        let pixel = u64::from(pixel);
        let pixel = (pixel | (pixel << 16)) & 0x0000_ffff_0000_ffff;
        (pixel | (pixel << 8)) & 0x00ff_00ff_00ff_00ff
    };
    for (to, column) in to.iter_mut().zip(columns) {
        let first = spread(from[column.first as usize]);
        let second = spread(from[column.second as usize]);
        *to = first * u64::from(256 - column.share) + second * u64::from(column.share);
    }
}

fn down(first: &[u16], second: &[u16], share: u32, to: &mut [u8]) {
    for ((to, first), second) in to.iter_mut().zip(first).zip(second) {
        let mixed = u32::from(*first) * (256 - share) + u32::from(*second) * share;
        *to = ((mixed + 0x8000) >> 16) as u8;
    }
}

#[cfg(test)]
mod tests {
    use media::{Color, PixelFormat, Timestamp};

    use super::*;

    fn picture(width: u32, height: u32) -> Frame {
        let data: Vec<u8> = (0..height)
            .flat_map(|y| (0..width).flat_map(move |x| [(x * 20) as u8, (y * 20) as u8, 7, 255]))
            .collect();
        Frame::packed(
            PixelFormat::Rgba,
            width,
            height,
            Color::default(),
            Timestamp::ZERO,
            data.into(),
        )
        .unwrap()
    }

    fn drawn(fit: &Fit, frame: &Frame) -> Vec<Vec<u8>> {
        let mut rows = Vec::new();
        fit.draw(frame, &mut Space::default(), |y, row| {
            assert_eq!(y as usize, rows.len());
            rows.push(row.to_vec());
        })
        .unwrap();
        rows
    }

    #[test]
    fn exact_parts_are_copied() {
        let fit = Fit {
            from: [2.0, 3.0],
            width: 2,
            height: 2,
            ..Fit::whole(&picture(8, 40), 0)
        };
        assert_eq!(
            drawn(&fit, &picture(8, 40)),
            [
                [40, 60, 7, 255, 60, 60, 7, 255],
                [40, 80, 7, 255, 60, 80, 7, 255]
            ]
        );
    }

    #[test]
    fn scaled_pictures_mix_their_neighbours_and_stop_at_the_limits() {
        let frame = picture(4, 4);
        let double = Fit {
            step: [0.5, 0.5],
            limits: [0.5, 0.5, 3.5, 3.5],
            width: 8,
            height: 8,
            ..Fit::whole(&frame, 0)
        };
        let rows = drawn(&double, &frame);
        let reds: Vec<u8> = rows[0].chunks(4).map(|pixel| pixel[0]).collect();
        assert_eq!(reds, [0, 5, 15, 25, 35, 45, 55, 60]);
        let greens: Vec<u8> = rows.iter().map(|row| row[1]).collect();
        assert_eq!(greens, [0, 5, 15, 25, 35, 45, 55, 60]);
        assert!(rows.iter().all(|row| row[2] == 7 && row[3] == 255));
    }

    #[test]
    fn mirrored_pictures_are_taken_from_their_other_end() {
        let frame = picture(4, 4);
        let mirrored = Fit {
            from: [4.0, 4.0],
            step: [-1.0, -1.0],
            limits: [0.5, 0.5, 3.5, 3.5],
            ..Fit::whole(&frame, 0)
        };
        let rows = drawn(&mirrored, &frame);
        let reds: Vec<u8> = rows[0].chunks(4).map(|pixel| pixel[0]).collect();
        assert_eq!(reds, [60, 40, 20, 0]);
        let greens: Vec<u8> = rows.iter().map(|row| row[1]).collect();
        assert_eq!(greens, [60, 40, 20, 0]);
    }

    #[test]
    fn pictures_higher_than_a_band_are_scaled_down_without_seams() {
        let frame = picture(2, 12);
        let fit = Fit {
            step: [1.0, 0.75],
            limits: [0.5, 0.5, 1.5, 11.5],
            width: 2,
            height: 16,
            ..Fit::whole(&frame, 0)
        };
        let greens: Vec<u8> = drawn(&fit, &frame).iter().map(|row| row[1]).collect();
        assert!(
            greens
                .windows(2)
                .all(|pair| (0..=16).contains(&(i16::from(pair[1]) - i16::from(pair[0])))),
            "{greens:?}"
        );
    }

    /// What the compositor does with every new frame of a camera, on adapters that are CPUs.
    #[test]
    fn a_frame_is_converted_and_fitted_without_allocating() {
        let frame = |format, at: u8| {
            let data = vec![at; Frame::packed_len(format, 64, 48)];
            let of = Color::default();
            Frame::packed(format, 64, 48, of, Timestamp::ZERO, data.into()).unwrap()
        };
        for format in [
            PixelFormat::I420,
            PixelFormat::Nv12,
            PixelFormat::Yuyv,
            PixelFormat::Rgba,
            PixelFormat::Bgrx,
        ] {
            let (first, next) = (frame(format, 90), frame(format, 120));
            let scaled = Fit {
                from: [1.5, 0.0],
                step: [1.3, 1.1],
                width: 40,
                height: 40,
                ..Fit::whole(&first, 0)
            };
            for fit in [Fit::whole(&first, 0), Fit::whole(&first, 1), scaled] {
                let mut space = Space::default();
                let mut sum = 0_u64;
                let mut draw = |frame: &Frame| {
                    let emit = |_: u32, row: &[u8]| sum += u64::from(row[0]);
                    allocation_counter::measure(|| fit.draw(frame, &mut space, emit).unwrap())
                };
                draw(&first);
                let warm = draw(&next);
                assert_eq!(warm.count_total, 0, "{format:?}, {fit:?}: {warm:?}");
                assert!(sum > 0);
            }
        }
    }
}
