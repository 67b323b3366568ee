//! Single pictures as JPEG: the preview, thumbnails.

use bytes::Bytes;
use jpeg_encoder::{Encoder, ImageBuffer, JpegColorType, SamplingFactor};
use media::{Frame, PixelFormat};

use crate::{Error, raster};

/// A JPEG file (4:2:0, quality 1 to 100) of a frame of any format, made smaller to fit the limits in
/// pixels where it is larger.
///
/// # Errors
/// [`Error::Damaged`] and its like when an MJPEG frame cannot be decoded; [`Error::Library`] when encoding fails.
pub fn jpeg(frame: &Frame, max_width: u32, max_height: u32, quality: u8) -> Result<Bytes, Error> {
    let source = raster::to_i420(frame)?;
    let (from_width, from_height) = (source.width(), source.height());
    let (width, height) = raster::fit(from_width, from_height, max_width, max_height);

    let mut planes = raster::POOL.take(Frame::packed_len(PixelFormat::I420, width, height));
    let mut rest = &mut planes[..];
    for (index, plane) in source.planes().iter().enumerate() {
        let from = PixelFormat::I420.plane_size(index, from_width, from_height);
        let to = PixelFormat::I420.plane_size(index, width, height);
        let (target, after) = rest.split_at_mut(to.0 * to.1);
        raster::shrink(&plane.data, plane.stride, from, target, to);
        rest = after;
    }
    raster::to_jpeg_color(&mut planes, width as usize, height as usize, source.color());

    let mut out = Vec::with_capacity((width * height) as usize / 6 + 1024);
    let mut encoder = Encoder::new(&mut out, quality.clamp(1, 100));
    encoder.set_sampling_factor(SamplingFactor::R_4_2_0);
    encoder
        .encode_image(Planes {
            data: &planes,
            width,
            height,
        })
        .map_err(|e| Error::Library {
            codec: "JPEG",
            message: e.to_string(),
        })?;
    Ok(out.into())
}

/// I420 without padding, handed to the encoder row by row.
struct Planes<'a> {
    data: &'a [u8],
    width: u32,
    height: u32,
}

impl ImageBuffer for Planes<'_> {
    fn get_jpeg_color_type(&self) -> JpegColorType {
        JpegColorType::Ycbcr
    }

    fn width(&self) -> u16 {
        u16::try_from(self.width).unwrap_or(u16::MAX)
    }

    fn height(&self) -> u16 {
        u16::try_from(self.height).unwrap_or(u16::MAX)
    }

    fn fill_buffers(&self, row: u16, buffers: &mut [Vec<u8>; 4]) {
        let (width, height, row) = (self.width as usize, self.height as usize, usize::from(row));
        let (chroma, luma) = (width.div_ceil(2), width * height);
        buffers[0].extend_from_slice(&self.data[row * width..][..width]);
        for (index, buffer) in buffers[1..3].iter_mut().enumerate() {
            let plane = luma + index * chroma * height.div_ceil(2);
            let line = &self.data[plane + row / 2 * chroma..][..chroma];
            // The encoder wants full width, and keeps the first of each block of four again.
            let doubled = line.iter().flat_map(|&c| [c, c]);
            buffer.extend(doubled.take(width));
        }
    }
}

#[cfg(test)]
mod tests;
