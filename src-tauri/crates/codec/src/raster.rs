//! Raw pictures for the codecs: other formats into planes, and planes made smaller.

use std::sync::LazyLock;

use media::{BufferPool, Color, Frame, Matrix, PixelFormat, Plane, Range};
use yuv::{BufferStoreMut, YuvConversionMode, YuvPlanarImageMut, YuvRange, YuvStandardMatrix};

use crate::Error;

/// Buffers of the pictures on their way; the preview needs the same few over and over.
pub(crate) static POOL: LazyLock<BufferPool> = LazyLock::new(|| BufferPool::new(6));

/// The colour of JPEG (JFIF 1.02).
pub(crate) const JPEG: Color = Color {
    matrix: Matrix::Bt601,
    range: Range::Full,
};

/// The same picture as I420. RGB becomes YUV as JPEG has it; MJPEG is decoded.
pub(crate) fn to_i420(frame: &Frame) -> Result<Frame, Error> {
    let (width, height) = (frame.width(), frame.height());
    let plane = &frame.planes()[0];
    match frame.format() {
        PixelFormat::I420 => Ok(frame.clone()),
        PixelFormat::Mjpeg => crate::decode::picture::jpeg(&plane.data, frame.timestamp()),
        PixelFormat::Nv12 => {
            let (row, rows) = PixelFormat::I420.plane_size(1, width, height);
            let mut chroma = POOL.take(2 * row * rows);
            let (u, v) = chroma.split_at_mut(row * rows);
            let mixed = &frame.planes()[1];
            let lines = u.chunks_exact_mut(row).zip(v.chunks_exact_mut(row));
            for ((u, v), from) in lines.zip(mixed.data.chunks(mixed.stride)) {
                for ((u, v), pair) in u.iter_mut().zip(v).zip(from.chunks_exact(2)) {
                    (*u, *v) = (pair[0], pair[1]);
                }
            }
            let chroma = chroma.freeze();
            let part = |at: usize| Plane {
                data: chroma.slice(at * row * rows..(at + 1) * row * rows),
                stride: row,
            };
            let planes = [plane.clone(), part(0), part(1)];
            let (color, at) = (frame.color(), frame.timestamp());
            Ok(Frame::new(
                PixelFormat::I420,
                width,
                height,
                color,
                at,
                planes,
            )?)
        }
        PixelFormat::Yuyv => convert(frame, frame.color(), |target| {
            unpack(
                target,
                plane.data.chunks(plane.stride),
                width as usize,
                height as usize,
            );
            Ok(())
        }),
        PixelFormat::Rgba | PixelFormat::Bgrx => convert(frame, JPEG, |target| {
            let make = match frame.format() {
                PixelFormat::Rgba => yuv::rgba_to_yuv420,
                _ => yuv::bgra_to_yuv420,
            };
            make(
                target,
                &plane.data,
                stride(plane),
                YuvRange::Full,
                YuvStandardMatrix::Bt601,
                YuvConversionMode::Balanced,
            )
        }),
    }
}

/// 4:2:2 packed into planes of 4:2:0, each chroma value the mean of the two above each other.
fn unpack<'a>(
    target: &mut YuvPlanarImageMut<'_, u8>,
    mut rows: impl Iterator<Item = &'a [u8]>,
    width: usize,
    height: usize,
) {
    let (row, pair) = (width.div_ceil(2) * 4, width * 2);
    let luma = target.y_plane.borrow_mut().chunks_mut(pair);
    let chroma = width.div_ceil(2);
    let u = target.u_plane.borrow_mut().chunks_exact_mut(chroma);
    let v = target.v_plane.borrow_mut().chunks_exact_mut(chroma);
    for (((y, u), v), at) in luma.zip(u).zip(v).zip((0..height).step_by(2)) {
        let Some(above) = rows.next() else { return };
        // The last row of an odd height stands for both.
        let below = if at + 1 < height {
            rows.next().unwrap_or(above)
        } else {
            above
        };
        let (above, below) = (&above[..row], &below[..row]);
        for (y, from) in y.chunks_mut(width).zip([above, below]) {
            for (y, pixel) in y.iter_mut().zip(from.chunks_exact(2)) {
                *y = pixel[0];
            }
        }
        let fours = above.chunks_exact(4).zip(below.chunks_exact(4));
        for ((u, v), (a, b)) in u.iter_mut().zip(v).zip(fours) {
            let mean = |c: usize| (u16::from(a[c]) + u16::from(b[c])).div_ceil(2) as u8;
            (*u, *v) = (mean(1), mean(3));
        }
    }
}

fn stride(plane: &Plane) -> u32 {
    u32::try_from(plane.stride).unwrap_or(u32::MAX)
}

fn convert(
    frame: &Frame,
    color: Color,
    work: impl FnOnce(&mut YuvPlanarImageMut<'_, u8>) -> Result<(), yuv::YuvError>,
) -> Result<Frame, Error> {
    let (width, height) = (frame.width(), frame.height());
    let mut buffer = POOL.take(Frame::packed_len(PixelFormat::I420, width, height));
    let (luma, chroma) = (width as usize * height as usize, width.div_ceil(2));
    let (y, rest) = buffer.split_at_mut(luma);
    let (u, v) = rest.split_at_mut(chroma as usize * height.div_ceil(2) as usize);
    let mut target = YuvPlanarImageMut {
        y_plane: BufferStoreMut::Borrowed(y),
        y_stride: width,
        u_plane: BufferStoreMut::Borrowed(u),
        u_stride: chroma,
        v_plane: BufferStoreMut::Borrowed(v),
        v_stride: chroma,
        width,
        height,
    };
    work(&mut target).map_err(|e| Error::Library {
        codec: "colour conversion",
        message: e.to_string(),
    })?;
    let at = frame.timestamp();
    Ok(Frame::packed(
        PixelFormat::I420,
        width,
        height,
        color,
        at,
        buffer.freeze(),
    )?)
}

/// The largest size of the same shape within the limits; never larger than it is, even where it shrinks.
pub(crate) fn fit(width: u32, height: u32, max_width: u32, max_height: u32) -> (u32, u32) {
    let (w, h) = (u64::from(width.max(1)), u64::from(height.max(1)));
    let (mw, mh) = (u64::from(max_width.max(1)), u64::from(max_height.max(1)));
    if w <= mw && h <= mh {
        return (width, height);
    }
    // Whichever limit is reached first; rounded to the nearest.
    let (fw, fh) = if w * mh > h * mw {
        (mw, (h * mw + w / 2) / w)
    } else {
        ((w * mh + h / 2) / h, mh)
    };
    let even = |n: u64| if n > 2 { n & !1 } else { n.max(1) };
    let narrow = |n: u64| u32::try_from(even(n)).unwrap_or(u32::MAX);
    (narrow(fw), narrow(fh))
}

/// For each target position the first source position and the weights (256 in all) of it and those after.
struct Taps {
    per: usize,
    starts: Vec<usize>,
    weights: Vec<u16>,
}

impl Taps {
    fn new(source: usize, target: usize) -> Self {
        let per = source.div_ceil(target) + 1;
        let mut starts = Vec::with_capacity(target);
        let mut weights = Vec::with_capacity(target * per);
        for at in 0..target {
            // The target pixel covers [from, to), in units of 1/target of a source pixel.
            let (from, to) = (at * source, (at + 1) * source);
            let start = from / target;
            let start = start.min(source.saturating_sub(per));
            let mut given = 0u16;
            let first = weights.len();
            let mut largest = first;
            for tap in 0..per {
                let pixel = start + tap;
                let (low, high) = (pixel * target, (pixel + 1) * target);
                let shared = to.min(high).saturating_sub(from.max(low));
                let weight = u16::try_from(shared * 256 / source).unwrap_or(256);
                given += weight;
                weights.push(weight);
                if weights[largest] < weight {
                    largest = weights.len() - 1;
                }
            }
            // What rounding down has lost; brightness must not depend on the size.
            weights[largest] += 256 - given;
            starts.push(start);
        }
        Self {
            per,
            starts,
            weights,
        }
    }
}

/// One plane made smaller by area averaging: `source` of `stride` bytes a row into `target` without padding.
/// Neither side of the target may be larger than the source's.
pub(crate) fn shrink(
    source: &[u8],
    stride: usize,
    from: (usize, usize),
    target: &mut [u8],
    to: (usize, usize),
) {
    Shrink::new(from, to).plane(source, stride, target);
}

/// [`shrink`] for many planes of one size: what is worked out once is kept.
pub(crate) struct Shrink {
    from: (usize, usize),
    to: (usize, usize),
    /// Across and down; none where the size stays.
    taps: Option<(Taps, Taps)>,
    sums: Vec<u16>,
}

impl Shrink {
    /// From a width and a height to others, neither of them larger.
    pub(crate) fn new(from: (usize, usize), to: (usize, usize)) -> Self {
        let taps = || (Taps::new(from.0, to.0), Taps::new(from.1, to.1));
        Self {
            from,
            to,
            taps: (from != to).then(taps),
            sums: vec![0; from.0],
        }
    }

    /// Makes a plane smaller; `target` is without padding.
    pub(crate) fn plane(&mut self, source: &[u8], stride: usize, target: &mut [u8]) {
        let (width, height) = self.from;
        let Some((across, down)) = &self.taps else {
            for (to, from) in target.chunks_exact_mut(width).zip(source.chunks(stride)) {
                to.copy_from_slice(&from[..width]);
            }
            return;
        };
        let sums = &mut self.sums;
        for (row, to) in target.chunks_exact_mut(self.to.0).enumerate() {
            // First down: whole rows at once, 256 times as bright.
            sums.fill(0);
            let weights = &down.weights[row * down.per..][..down.per];
            for (line, &weight) in (down.starts[row]..).zip(weights) {
                if weight == 0 || line >= height {
                    continue;
                }
                let from = &source[line * stride..][..width];
                for (sum, &pixel) in sums.iter_mut().zip(from) {
                    // 256 shares of a byte fit: nothing to check in this loop.
                    *sum = sum.wrapping_add(u16::from(pixel).wrapping_mul(weight));
                }
            }
            // Then across, with the usual numbers of taps known to the compiler.
            match across.per {
                2 => across.gather::<2>(sums, to),
                3 => across.gather::<3>(sums, to),
                4 => across.gather::<4>(sums, to),
                _ => across.gather_any(sums, to),
            }
        }
    }
}

impl Taps {
    fn gather<const PER: usize>(&self, sums: &[u16], to: &mut [u8]) {
        let (weights, _) = self.weights.as_chunks::<PER>();
        for ((to, &start), weights) in to.iter_mut().zip(&self.starts).zip(weights) {
            let Some(from) = sums.get(start..).and_then(|s| s.first_chunk::<PER>()) else {
                // A source narrower than the taps.
                return self.gather_any(sums, std::slice::from_mut(to));
            };
            *to = weigh(from, weights);
        }
    }

    fn gather_any(&self, sums: &[u16], to: &mut [u8]) {
        let taps = self.starts.iter().zip(self.weights.chunks(self.per));
        for (to, (&start, weights)) in to.iter_mut().zip(taps) {
            *to = weigh(&sums[start..], weights);
        }
    }
}

fn weigh(sums: &[u16], weights: &[u16]) -> u8 {
    let pairs = sums.iter().zip(weights);
    let sum = pairs.fold(1u32 << 15, |sum, (&s, &w)| {
        sum.wrapping_add(u32::from(s).wrapping_mul(u32::from(w)))
    });
    (sum >> 16).min(255) as u8
}

/// Planes of 4:2:0 in one buffer, brought from `color` to that of JPEG where they lie.
pub(crate) fn to_jpeg_color(buffer: &mut [u8], width: usize, height: usize, color: Color) {
    if color == JPEG {
        return;
    }
    let [luma, cross_u, cross_v, uu, uv, vu, vv, black] = coefficients(color);
    let chroma_width = width.div_ceil(2);
    let (y, rest) = buffer.split_at_mut(width * height);
    let (u, v) = rest.split_at_mut(chroma_width * height.div_ceil(2));

    // Luma in sixteenths: 16 bits hold them, and the processor has instructions for that.
    let scale = (luma * 4_096.0).round() as u16;
    let fixed = |k: f32| (k * 16.0 * 1_024.0).round() as i32;
    let (cross_u, cross_v, offset) = (
        fixed(cross_u),
        fixed(cross_v),
        fixed(-luma * black) + 8 * 1_024,
    );
    let mut shifts = vec![0i16; chroma_width * 2];
    let chroma = u
        .chunks_exact(chroma_width)
        .zip(v.chunks_exact(chroma_width));
    for (lines, (u, v)) in y.chunks_mut(width * 2).zip(chroma) {
        let (pairs, _) = shifts.as_chunks_mut::<2>();
        for ((pair, &u), &v) in pairs.iter_mut().zip(u).zip(v) {
            let (u, v) = (i32::from(u) - 128, i32::from(v) - 128);
            let sum = cross_u
                .wrapping_mul(u)
                .wrapping_add(cross_v.wrapping_mul(v));
            *pair = [(sum.wrapping_add(offset) >> 10) as i16; 2];
        }
        for line in lines.chunks_exact_mut(width) {
            for (pixel, &shift) in line.iter_mut().zip(&shifts) {
                let wide = u32::from(*pixel) << 8;
                let scaled = (wide.wrapping_mul(u32::from(scale)) >> 16) as i16;
                *pixel = (scaled.wrapping_add(shift) >> 4).clamp(0, 255) as u8;
            }
        }
    }
    let [uu, uv, vu, vv] = [uu, uv, vu, vv].map(|k| (k * 16_384.0).round() as i32);
    for (u, v) in u.iter_mut().zip(v) {
        let (from_u, from_v) = (i32::from(*u) - 128, i32::from(*v) - 128);
        let near = |a: i32, b: i32| {
            let sum = a.wrapping_mul(from_u).wrapping_add(b.wrapping_mul(from_v));
            ((sum.wrapping_add(8_192) >> 14) + 128).clamp(0, 255) as u8
        };
        (*u, *v) = (near(uu, uv), near(vu, vv));
    }
}

/// How JPEG's Y, U and V follow from those of `color`: Y from Y, U, V; U from U, V; V from U, V; and the
/// value of black. Derived from ITU-R BT.601 and BT.709 by way of RGB.
fn coefficients(color: Color) -> [f32; 8] {
    let weights = |matrix| match matrix {
        Matrix::Bt601 => (0.299f32, 0.114f32),
        Matrix::Bt709 => (0.2126, 0.0722),
    };
    let (kr, kb) = weights(color.matrix);
    let (tr, tb) = weights(Matrix::Bt601);
    let (y_scale, c_scale, black) = match color.range {
        Range::Limited => (255.0 / 219.0, 255.0 / 224.0, 16.0),
        Range::Full => (1.0, 1.0, 0.0),
    };
    // R, G and B as luma plus shares of U and V.
    let (red_v, blue_u) = (2.0 * (1.0 - kr), 2.0 * (1.0 - kb));
    let green = 1.0 - kr - kb;
    let (green_u, green_v) = (-kb * blue_u / green, -kr * red_v / green);
    let target_green = 1.0 - tr - tb;
    let luma_u = target_green * green_u + tb * blue_u;
    let luma_v = tr * red_v + target_green * green_v;
    let (u_by, v_by) = (2.0 * (1.0 - tb), 2.0 * (1.0 - tr));
    [
        y_scale,
        luma_u * c_scale,
        luma_v * c_scale,
        (blue_u - luma_u) / u_by * c_scale,
        -luma_v / u_by * c_scale,
        -luma_u / v_by * c_scale,
        (red_v - luma_v) / v_by * c_scale,
        black,
    ]
}

#[cfg(test)]
mod tests;
