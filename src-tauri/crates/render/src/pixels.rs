//! Conversions on the CPU: a source's planes to premultiplied RGBA, the canvas to I420.

use std::borrow::Cow;

use media::{Color, Frame, Matrix, PixelFormat, Range};
use yuv::{
    BufferStoreMut, YuvBiPlanarImage, YuvConversionMode, YuvError, YuvPlanarImage,
    YuvPlanarImageMut, YuvRange, YuvStandardMatrix,
};

/// Rows that are converted at a time: few enough to stay in the CPU's cache on their way, and even.
pub(crate) const BAND: u32 = 16;

/// Space to work in, kept from frame to frame.
#[derive(Default)]
pub(crate) struct Scratch {
    planes: [Vec<u8>; 3],
    sums: Vec<u16>,
    wide_sums: Vec<u32>,
}

/// The size of a picture that was halved `level` times; edges that are cut through count.
pub(crate) fn reduced(width: u32, height: u32, level: u32) -> (u32, u32) {
    let factor = 1 << level;
    (width.div_ceil(factor), height.div_ceil(factor))
}

/// Converts `rows` rows from row `top` on of the picture halved `level` times to premultiplied RGBA, into
/// rows of `stride` bytes. `top` is even. Compressed frames leave `to` as it is.
pub(crate) fn band(
    frame: &Frame,
    level: u32,
    top: u32,
    rows: u32,
    to: &mut [u8],
    stride: usize,
    scratch: &mut Scratch,
) -> Result<(), YuvError> {
    let (width, _) = reduced(frame.width(), frame.height(), level);
    match frame.format() {
        PixelFormat::Mjpeg => Ok(()),
        PixelFormat::Rgba | PixelFormat::Bgrx if level == 0 => {
            let swapped = frame.format() == PixelFormat::Bgrx;
            for (y, to) in (top..top + rows).zip(to.chunks_mut(stride)) {
                let from = row(frame, 0, y as usize, width as usize * 4);
                let to = &mut to[..width as usize * 4];
                if swapped {
                    swap(from, to);
                } else {
                    premultiply(from, to);
                }
            }
            Ok(())
        }
        PixelFormat::Rgba | PixelFormat::Bgrx => {
            reduce_rgb(frame, level, top, rows, to, stride, &mut scratch.wide_sums);
            Ok(())
        }
        PixelFormat::I420 | PixelFormat::Nv12 if level == 0 => {
            whole_yuv(frame, top, rows, to, stride)
        }
        PixelFormat::Yuyv if level == 0 => {
            split_yuyv(frame, top, rows, &mut scratch.planes);
            let half = width.div_ceil(2);
            yuv::yuv422_to_rgba(
                &image(&scratch.planes, [width, half, half], width, rows),
                to,
                stride as u32,
                range(frame.color()),
                matrix(frame.color()),
            )
        }
        PixelFormat::I420 | PixelFormat::Nv12 | PixelFormat::Yuyv => {
            reduce_yuv(frame, level, top, rows, scratch);
            yuv::yuv444_to_rgba(
                &image(&scratch.planes, [width; 3], width, rows),
                to,
                stride as u32,
                range(frame.color()),
                matrix(frame.color()),
            )
        }
    }
}

/// Converts the canvas, RGBA in rows of `stride` bytes, to I420 BT.709 limited without padding.
pub(crate) fn canvas_to_i420(
    rgba: &[u8],
    stride: usize,
    width: u32,
    height: u32,
    to: &mut [u8],
) -> Result<(), YuvError> {
    let (luma, luma_rows) = PixelFormat::I420.plane_size(0, width, height);
    let (chroma, chroma_rows) = PixelFormat::I420.plane_size(1, width, height);
    let (y, rest) = to.split_at_mut(luma * luma_rows);
    let (u, v) = rest.split_at_mut(chroma * chroma_rows);
    i420_of(rgba, stride, (width, height), [y, u, v])
}

fn i420_of(
    rgba: &[u8],
    stride: usize,
    (width, height): (u32, u32),
    [y, u, v]: [&mut [u8]; 3],
) -> Result<(), YuvError> {
    let chroma = width.div_ceil(2);
    let mut planes = YuvPlanarImageMut {
        y_plane: BufferStoreMut::Borrowed(y),
        y_stride: width,
        u_plane: BufferStoreMut::Borrowed(u),
        u_stride: chroma,
        v_plane: BufferStoreMut::Borrowed(v),
        v_stride: chroma,
        width,
        height,
    };
    yuv::rgba_to_yuv420(
        &mut planes,
        rgba,
        stride as u32,
        YuvRange::Limited,
        YuvStandardMatrix::Bt709,
        YuvConversionMode::Balanced,
    )
}

/// The same of two pictures of one size, of which the second counts `share` of 256: row by row, while they are in
/// the CPU's cache.
pub(crate) fn mix_to_i420(
    (first, second): (&[u8], &[u8]),
    share: u16,
    stride: usize,
    (width, height): (u32, u32),
    band: &mut Vec<u8>,
    to: &mut [u8],
) -> Result<(), YuvError> {
    let share = share.min(256);
    let (luma, luma_rows) = PixelFormat::I420.plane_size(0, width, height);
    let (chroma, chroma_rows) = PixelFormat::I420.plane_size(1, width, height);
    let (y, rest) = to.split_at_mut(luma * luma_rows);
    let (u, v) = rest.split_at_mut(chroma * chroma_rows);
    let rows = BAND as usize;
    let bands = (first.chunks(stride * rows)).zip(second.chunks(stride * rows));
    let planes = y
        .chunks_mut(luma * rows)
        .zip(u.chunks_mut(chroma * rows / 2))
        .zip(v.chunks_mut(chroma * rows / 2));
    for ((first, second), ((y, u), v)) in bands.zip(planes) {
        band.resize(first.len(), 0);
        for ((to, first), second) in band.iter_mut().zip(first).zip(second) {
            let sum = u16::from(*first)
                .wrapping_mul(256 - share)
                .wrapping_add(u16::from(*second).wrapping_mul(share));
            *to = (sum.wrapping_add(128) >> 8) as u8;
        }
        let lines = (y.len() / luma) as u32;
        i420_of(band, stride, (width, lines), [y, u, v])?;
    }
    Ok(())
}

/// What Y, U and V (0 to 1, as stored) and a constant add to red, green and blue (0 to 1).
pub(crate) fn to_rgb(color: Color) -> [[f32; 4]; 3] {
    let (kr, kb) = match color.matrix {
        Matrix::Bt601 => (0.299, 0.114),
        Matrix::Bt709 => (0.2126, 0.0722),
    };
    let kg = 1.0 - kr - kb;
    let (luma, chroma, black) = match color.range {
        Range::Limited => (255.0 / 219.0, 255.0 / 224.0, 16.0 / 255.0),
        Range::Full => (1.0, 1.0, 0.0),
    };
    let row = |u: f32, v: f32| {
        let constant = -luma * black - (u + v) * chroma * 128.0 / 255.0;
        [luma, u * chroma, v * chroma, constant]
    };
    [
        row(0.0, 2.0 * (1.0 - kr)),
        row(-2.0 * (1.0 - kb) * kb / kg, -2.0 * (1.0 - kr) * kr / kg),
        row(2.0 * (1.0 - kb), 0.0),
    ]
}

fn range(color: Color) -> YuvRange {
    match color.range {
        Range::Limited => YuvRange::Limited,
        Range::Full => YuvRange::Full,
    }
}

fn matrix(color: Color) -> YuvStandardMatrix {
    match color.matrix {
        Matrix::Bt601 => YuvStandardMatrix::Bt601,
        Matrix::Bt709 => YuvStandardMatrix::Bt709,
    }
}

fn row(frame: &Frame, plane: usize, y: usize, len: usize) -> &[u8] {
    let plane = &frame.planes()[plane];
    &plane.data[y * plane.stride..][..len]
}

fn image<'a>(
    planes: &'a [Vec<u8>; 3],
    strides: [u32; 3],
    width: u32,
    height: u32,
) -> YuvPlanarImage<'a, u8> {
    YuvPlanarImage {
        y_plane: &planes[0],
        y_stride: strides[0],
        u_plane: &planes[1],
        u_stride: strides[1],
        v_plane: &planes[2],
        v_stride: strides[2],
        width,
        height,
    }
}

/// Rows of a plane. The last row of a frame may end with its last pixel, where `yuv` reads whole
/// strides: then they are copied.
fn rows(frame: &Frame, plane: usize, top: usize, count: usize) -> (Cow<'_, [u8]>, u32) {
    let (row_len, _) = frame
        .format()
        .plane_size(plane, frame.width(), frame.height());
    let stride = frame.planes()[plane].stride;
    let data = &frame.planes()[plane].data[top * stride..];
    if data.len() >= stride * count {
        return (Cow::Borrowed(&data[..stride * count]), stride as u32);
    }
    let mut tight = Vec::with_capacity(row_len * count);
    for y in 0..count {
        tight.extend_from_slice(&data[y * stride..][..row_len]);
    }
    (Cow::Owned(tight), row_len as u32)
}

fn whole_yuv(
    frame: &Frame,
    top: u32,
    count: u32,
    to: &mut [u8],
    stride: usize,
) -> Result<(), YuvError> {
    let (top, lines) = (top as usize, count as usize);
    let half = lines.div_ceil(2);
    let (y, y_stride) = rows(frame, 0, top, lines);
    let (u, u_stride) = rows(frame, 1, top / 2, half);
    let color = frame.color();
    if frame.format() == PixelFormat::Nv12 {
        return yuv::yuv_nv12_to_rgba(
            &YuvBiPlanarImage {
                y_plane: &y,
                y_stride,
                uv_plane: &u,
                uv_stride: u_stride,
                width: frame.width(),
                height: count,
            },
            to,
            stride as u32,
            range(color),
            matrix(color),
            YuvConversionMode::Balanced,
        );
    }
    let (v, v_stride) = rows(frame, 2, top / 2, half);
    yuv::yuv420_to_rgba(
        &YuvPlanarImage {
            y_plane: &y,
            y_stride,
            u_plane: &u,
            u_stride,
            v_plane: &v,
            v_stride,
            width: frame.width(),
            height: count,
        },
        to,
        stride as u32,
        range(color),
        matrix(color),
    )
}

fn split_yuyv(frame: &Frame, top: u32, count: u32, planes: &mut [Vec<u8>; 3]) {
    let width = frame.width() as usize;
    let half = width.div_ceil(2);
    let lines = count as usize;
    for (plane, len) in planes.iter_mut().zip([width, half, half]) {
        plane.resize(len * lines, 0);
    }
    let [luma, blue, red] = planes;
    for (((y, luma), blue), red) in (top as usize..)
        .zip(luma.chunks_exact_mut(width))
        .zip(blue.chunks_exact_mut(half))
        .zip(red.chunks_exact_mut(half))
    {
        let packed = row(frame, 0, y, half * 4);
        for (to, from) in luma.iter_mut().zip(packed.chunks_exact(2)) {
            *to = from[0];
        }
        for ((u, v), from) in blue.iter_mut().zip(red).zip(packed.chunks_exact(4)) {
            *u = from[1];
            *v = from[3];
        }
    }
}

/// Where the values of one channel lie in a frame.
struct Channel {
    plane: usize,
    /// Bytes before the first value and from one to the next.
    offset: usize,
    step: usize,
    /// How many there are.
    width: usize,
    height: usize,
    /// How many of them make one of the result, as powers of two.
    across: u32,
    down: u32,
}

/// Halves luma `level` times and chroma, which is at half size already, once less: what comes out has
/// chroma for every pixel, and costs less to convert than the whole picture.
fn reduce_yuv(frame: &Frame, level: u32, top: u32, count: u32, scratch: &mut Scratch) {
    let (width, height) = (frame.width() as usize, frame.height() as usize);
    let (half_width, half_height) = (width.div_ceil(2), height.div_ceil(2));
    let luma = |step| Channel {
        plane: 0,
        offset: 0,
        step,
        width,
        height,
        across: level,
        down: level,
    };
    let chroma = |plane, offset, step| Channel {
        plane,
        offset,
        step,
        width: half_width,
        height: half_height,
        across: level - 1,
        down: level - 1,
    };
    let packed = |offset| Channel {
        height,
        down: level,
        ..chroma(0, offset, 4)
    };
    let channels = match frame.format() {
        PixelFormat::Nv12 => [luma(1), chroma(1, 0, 2), chroma(1, 1, 2)],
        PixelFormat::Yuyv => [luma(2), packed(1), packed(3)],
        _ => [luma(1), chroma(1, 0, 1), chroma(2, 0, 1)],
    };
    let (to_width, _) = reduced(frame.width(), frame.height(), level);
    let Scratch { planes, sums, .. } = scratch;
    for (channel, to) in channels.iter().zip(planes) {
        to.resize(to_width as usize * count as usize, 0);
        for (y, to) in (top as usize..).zip(to.chunks_exact_mut(to_width as usize)) {
            reduce_row(frame, channel, y, to, sums);
        }
    }
}

fn reduce_row(frame: &Frame, channel: &Channel, y: usize, to: &mut [u8], sums: &mut Vec<u16>) {
    let lines = (y << channel.down)..((y + 1) << channel.down).min(channel.height);
    let block = 1_usize << channel.across;
    let len = channel.offset + (channel.width - 1) * channel.step + 1;
    // Down first, over whole lines and whatever else is packed into them: that is one plain loop, without
    // checks, which would keep it from going sixteen at a time: 64 lines, the most, stay far below 2¹⁶.
    sums.clear();
    sums.resize(len, 0);
    for line in lines.clone() {
        for (sum, value) in sums.iter_mut().zip(row(frame, channel.plane, line, len)) {
            *sum = sum.wrapping_add(u16::from(*value));
        }
    }
    let deep = lines.len().max(1) as u32;
    let sums = &sums[channel.offset..];
    let span = block * channel.step;
    let done = if deep.is_power_of_two() {
        let shift = deep.trailing_zeros() + channel.across;
        match (channel.step, channel.across) {
            (1, 0) => means::<1, 1>(sums, to, shift),
            (1, 1) => means::<2, 1>(sums, to, shift),
            (1, 2) => means::<4, 1>(sums, to, shift),
            (1, 3) => means::<8, 1>(sums, to, shift),
            (2, 0) => means::<2, 2>(sums, to, shift),
            (2, 1) => means::<4, 2>(sums, to, shift),
            (2, 2) => means::<8, 2>(sums, to, shift),
            (2, 3) => means::<16, 2>(sums, to, shift),
            _ => 0,
        }
    } else {
        0
    };
    // What is left: blocks that the picture's edge cuts through.
    for (x, to) in to.iter_mut().enumerate().skip(done) {
        let from = &sums[x * span..];
        let across = block.min(channel.width - x * block);
        let values = from.iter().step_by(channel.step).take(across);
        let sum: u32 = values.map(|value| u32::from(*value)).sum();
        let count = deep * across as u32;
        *to = ((sum + count / 2) / count) as u8;
    }
}

/// The means of blocks of `SPAN` sums, of which every `STEP`th counts, as far as there are whole ones; says how
/// many there were. Each stands for 2^`shift` values.
fn means<const SPAN: usize, const STEP: usize>(sums: &[u16], to: &mut [u8], shift: u32) -> usize {
    let half = (1_u32 << shift) / 2;
    let (blocks, _) = sums.as_chunks::<SPAN>();
    for (to, block) in to.iter_mut().zip(blocks) {
        let mut sum = half;
        for value in block.iter().step_by(STEP) {
            sum = sum.wrapping_add(u32::from(*value));
        }
        *to = (sum >> shift) as u8;
    }
    blocks.len().min(to.len())
}

/// Halves RGBA or BGRX `level` times into premultiplied RGBA.
fn reduce_rgb(
    frame: &Frame,
    level: u32,
    top: u32,
    count: u32,
    to: &mut [u8],
    stride: usize,
    sums: &mut Vec<u32>,
) {
    let swapped = frame.format() == PixelFormat::Bgrx;
    let width = frame.width() as usize;
    let block = 1_usize << level;
    let (to_width, _) = reduced(frame.width(), frame.height(), level);
    for (y, to) in (top as usize..)
        .zip(to.chunks_mut(stride))
        .take(count as usize)
    {
        let lines = (y << level)..((y + 1) << level).min(frame.height() as usize);
        let deep = lines.len().max(1);
        sums.clear();
        sums.resize(to_width as usize * 4, 0);
        for line in lines {
            let pixels = row(frame, 0, line, width * 4).chunks(block * 4);
            for (sum, block) in sums.chunks_exact_mut(4).zip(pixels) {
                for pixel in block.chunks_exact(4) {
                    let alpha = if swapped { 255 } else { u32::from(pixel[3]) };
                    for channel in 0..3 {
                        sum[channel] += u32::from(pixel[channel]) * alpha;
                    }
                    sum[3] += alpha;
                }
            }
        }
        for (x, (to, sum)) in to.chunks_exact_mut(4).zip(sums.chunks_exact(4)).enumerate() {
            let across = block.min(width - x * block);
            let area = (across * deep) as u32;
            let mean = |sum: u32| ((sum + area * 255 / 2) / (area * 255)) as u8;
            let rgb = [mean(sum[0]), mean(sum[1]), mean(sum[2])];
            to[..3].copy_from_slice(&rgb);
            if swapped {
                to.swap(0, 2);
            }
            to[3] = ((sum[3] + area / 2) / area) as u8;
        }
    }
}

fn premultiply(from: &[u8], to: &mut [u8]) {
    for (to, from) in to.chunks_exact_mut(4).zip(from.chunks_exact(4)) {
        let alpha = u32::from(from[3]);
        for channel in 0..3 {
            // Exact rounding of a × b / 255 without a division.
            let product = u32::from(from[channel]) * alpha + 128;
            to[channel] = ((product + (product >> 8)) >> 8) as u8;
        }
        to[3] = from[3];
    }
}

/// Whether nothing below this picture shows through it.
pub(crate) fn opaque(frame: &Frame) -> bool {
    frame.format() != PixelFormat::Rgba
        || (0..frame.height() as usize).all(|y| {
            row(frame, 0, y, frame.width() as usize * 4)
                .chunks_exact(4)
                .all(|pixel| pixel[3] == 255)
        })
}

fn swap(from: &[u8], to: &mut [u8]) {
    for (to, from) in to.chunks_exact_mut(4).zip(from.chunks_exact(4)) {
        to.copy_from_slice(&[from[2], from[1], from[0], 255]);
    }
}

#[cfg(test)]
mod tests;
