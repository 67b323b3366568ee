//! Pictures: the frames of MJPEG cameras, and files.

use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use image::codecs::{gif::GifDecoder, jpeg::JpegDecoder, png::PngDecoder, webp::WebPDecoder};
use image::metadata::LoopCount;
use image::{AnimationDecoder, DynamicImage, ImageDecoder, ImageFormat, Limits};
use media::{Color, Frame, PixelFormat, Timestamp};
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use crate::{Error, raster};

/// Pixels that one picture may have: 8192 × 8192.
const MAX_PIXELS: u64 = 1 << 26;
/// Bytes that all pictures of an animation may take, as RGBA.
const MAX_ANIMATION: u64 = 1 << 29;
/// Browsers show pictures of 10 ms or less for this long, and animations are made for browsers.
const USUAL_DELAY: Duration = Duration::from_millis(100);

/// One MJPEG frame as I420, BT.601 full. Padding after the picture, and missing Huffman tables, are fine.
///
/// # Errors
/// [`Error::Damaged`], [`Error::TooLarge`], and [`Error::Unsupported`] for CMYK.
pub fn jpeg(data: &[u8], timestamp: Timestamp) -> Result<Frame, Error> {
    contain("JPEG", || {
        let options = DecoderOptions::default()
            .set_max_width(Frame::MAX_SIDE as usize)
            .set_max_height(Frame::MAX_SIDE as usize)
            .jpeg_set_max_scans(64);
        let mut decoder = zune_jpeg::JpegDecoder::new_with_options(ZCursor::new(data), options);
        let damaged = |e: zune_jpeg::errors::DecodeErrors| Error::Damaged {
            codec: "JPEG",
            message: e.to_string(),
        };
        decoder.decode_headers().map_err(damaged)?;
        let info = decoder.info().ok_or_else(|| Error::Damaged {
            codec: "JPEG",
            message: "it has no size".into(),
        })?;
        let (width, height) = (u32::from(info.width), u32::from(info.height));
        check_size(width, height)?;
        let layout = match decoder.input_colorspace() {
            Some(ColorSpace::YCbCr) => ColorSpace::YCbCr,
            Some(ColorSpace::Luma) => ColorSpace::Luma,
            _ => {
                return Err(Error::Unsupported {
                    what: "a JPEG with other colours than YCbCr".into(),
                    instead: "an ordinary JPEG",
                });
            }
        };
        decoder.set_options(options.jpeg_set_out_colorspace(layout));
        let mut pixels = raster::POOL.take(
            decoder
                .output_buffer_size()
                .unwrap_or(width as usize * height as usize * layout.num_components()),
        );
        decoder.decode_into(&mut pixels).map_err(damaged)?;
        let mut planes = raster::POOL.take(Frame::packed_len(PixelFormat::I420, width, height));
        if layout == ColorSpace::YCbCr {
            subsample(&pixels, &mut planes, width as usize, height as usize);
        } else {
            let luma = width as usize * height as usize;
            planes[..luma].copy_from_slice(&pixels[..luma]);
            planes[luma..].fill(128);
        }
        let planes = planes.freeze();
        Ok(Frame::packed(
            PixelFormat::I420,
            width,
            height,
            raster::JPEG,
            timestamp,
            planes,
        )?)
    })
}

/// Interleaved 4:4:4 into planes of 4:2:0, each chroma value the mean of its four.
fn subsample(pixels: &[u8], planes: &mut [u8], width: usize, height: usize) {
    let chroma = width.div_ceil(2);
    let (y, rest) = planes.split_at_mut(width * height);
    let (u, v) = rest.split_at_mut(chroma * height.div_ceil(2));
    let rows = pixels.chunks(width * 6).zip(y.chunks_mut(width * 2));
    let chroma_rows = u.chunks_exact_mut(chroma).zip(v.chunks_exact_mut(chroma));
    for ((pixels, y), (u, v)) in rows.zip(chroma_rows) {
        for (y, pixel) in y.iter_mut().zip(pixels.chunks_exact(3)) {
            *y = pixel[0];
        }
        // The last row of an odd height stands for both.
        let (above, below) = match pixels.split_at_checked(width * 3) {
            Some((above, below)) if below.len() == above.len() => (above, below),
            _ => (pixels, pixels),
        };
        let (above, odd_above) = above.as_chunks::<6>();
        let (below, odd_below) = below.as_chunks::<6>();
        for (((u, v), a), b) in u.iter_mut().zip(v.iter_mut()).zip(above).zip(below) {
            let mean = |c: usize| {
                let four = [a[c], a[c + 3], b[c], b[c + 3]].map(u16::from);
                (four.into_iter().fold(2, u16::wrapping_add) / 4) as u8
            };
            (*u, *v) = (mean(1), mean(2));
        }
        // The last column of an odd width, too.
        if let ([_, a_u, a_v], [_, b_u, b_v]) = (odd_above, odd_below)
            && let ([.., u], [.., v]) = (u, v)
        {
            (*u, *v) = (a_u.midpoint(*b_u), a_v.midpoint(*b_v));
        }
    }
}

/// A picture file: one frame, or the frames of an animation.
#[derive(Clone, Debug)]
pub struct Picture {
    /// RGBA, straight alpha, all of one size, each with the time it is shown for and stamped with when that
    /// begins. A still has one, shown for [`Duration::ZERO`]: for ever.
    pub frames: Vec<(Frame, Duration)>,
    /// How often an animation goes round; for ever when absent.
    pub rounds: Option<u32>,
}

impl Picture {
    /// How long one round of the animation takes; zero for a still.
    pub fn duration(&self) -> Duration {
        self.frames.iter().map(|(_, shown)| *shown).sum()
    }
}

/// Decodes a PNG, JPEG, WebP or GIF file, known by its content; turned upright as its metadata says.
///
/// # Errors
/// [`Error::Unsupported`] for other files, [`Error::Damaged`], [`Error::TooLarge`].
pub fn file(data: &[u8]) -> Result<Picture, Error> {
    contain("picture", || {
        let unknown = || Error::Unsupported {
            what: "this kind of file".into(),
            instead: "PNG, JPEG, WebP or GIF",
        };
        let source = Cursor::new(data);
        match image::guess_format(data).map_err(|_| unknown())? {
            ImageFormat::Png => {
                let decoder =
                    PngDecoder::with_limits(source, limits()).map_err(|e| error("PNG", e))?;
                check(&decoder)?;
                if decoder.is_apng().map_err(|e| error("PNG", e))? {
                    let apng = decoder.apng().map_err(|e| error("PNG", e))?;
                    animation("PNG", apng)
                } else {
                    still("PNG", decoder)
                }
            }
            ImageFormat::Gif => {
                let mut decoder = GifDecoder::new(source).map_err(|e| error("GIF", e))?;
                check(&decoder)?;
                decoder.set_limits(limits()).map_err(|e| error("GIF", e))?;
                animation("GIF", decoder)
            }
            ImageFormat::WebP => {
                let decoder = WebPDecoder::new(source).map_err(|e| error("WebP", e))?;
                check(&decoder)?;
                if decoder.has_animation() {
                    animation("WebP", decoder)
                } else {
                    still("WebP", decoder)
                }
            }
            ImageFormat::Jpeg => {
                let decoder = JpegDecoder::new(source).map_err(|e| error("JPEG", e))?;
                check(&decoder)?;
                still("JPEG", decoder)
            }
            _ => Err(unknown()),
        }
    })
}

fn limits() -> Limits {
    let mut limits = Limits::default();
    limits.max_image_width = Some(Frame::MAX_SIDE);
    limits.max_image_height = Some(Frame::MAX_SIDE);
    limits.max_alloc = Some(MAX_ANIMATION);
    limits
}

fn check(decoder: &impl ImageDecoder) -> Result<(), Error> {
    let (width, height) = decoder.dimensions();
    check_size(width, height)
}

fn check_size(width: u32, height: u32) -> Result<(), Error> {
    let fits = width <= Frame::MAX_SIDE
        && height <= Frame::MAX_SIDE
        && u64::from(width) * u64::from(height) <= MAX_PIXELS;
    if fits {
        Ok(())
    } else {
        Err(Error::TooLarge {
            what: "the picture",
            limit: "16384 pixels each way and 67 million".into(),
        })
    }
}

fn still(codec: &'static str, mut decoder: impl ImageDecoder) -> Result<Picture, Error> {
    let turn = decoder.orientation().map_err(|e| error(codec, e))?;
    let mut picture = DynamicImage::from_decoder(decoder).map_err(|e| error(codec, e))?;
    picture.apply_orientation(turn);
    let frame = rgba(picture.into_rgba8(), Timestamp::ZERO)?;
    Ok(Picture {
        frames: vec![(frame, Duration::ZERO)],
        rounds: None,
    })
}

fn animation<'a>(codec: &'static str, source: impl AnimationDecoder<'a>) -> Result<Picture, Error> {
    let rounds = match source.loop_count() {
        LoopCount::Infinite => None,
        LoopCount::Finite(rounds) => Some(rounds.get()),
    };
    let mut frames = Vec::new();
    let mut begins = Timestamp::ZERO;
    let mut bytes = 0u64;
    for frame in source.into_frames() {
        let frame = match frame {
            Ok(frame) => frame,
            // What came before the damage can be shown.
            Err(_) if !frames.is_empty() => break,
            Err(e) => return Err(error(codec, e)),
        };
        let shown = match Duration::from(frame.delay()) {
            short if short <= Duration::from_millis(10) => USUAL_DELAY,
            delay => delay,
        };
        let pixels = frame.into_buffer();
        bytes += pixels.as_raw().len() as u64;
        if bytes > MAX_ANIMATION {
            return Err(Error::TooLarge {
                what: "the animation",
                limit: "512 MB of pictures; convert it to a video".into(),
            });
        }
        frames.push((rgba(pixels, begins)?, shown));
        begins += shown;
    }
    if let [(_, shown)] = &mut frames[..] {
        *shown = Duration::ZERO;
    }
    if frames.is_empty() {
        return Err(Error::Damaged {
            codec,
            message: "it holds no picture".into(),
        });
    }
    Ok(Picture { frames, rounds })
}

fn rgba(pixels: image::RgbaImage, at: Timestamp) -> Result<Frame, Error> {
    let (width, height) = pixels.dimensions();
    let data = pixels.into_raw().into();
    Ok(Frame::packed(
        PixelFormat::Rgba,
        width,
        height,
        Color::default(),
        at,
        data,
    )?)
}

fn error(codec: &'static str, error: image::ImageError) -> Error {
    match error {
        image::ImageError::Limits(_) => Error::TooLarge {
            what: "the picture",
            limit: "16384 pixels each way and 512 MB".into(),
        },
        image::ImageError::Unsupported(e) => Error::Unsupported {
            what: format!("{codec} ({e})"),
            instead: "an ordinary PNG or JPEG",
        },
        other => Error::Damaged {
            codec,
            message: other.to_string(),
        },
    }
}

/// A fault in a decoder that a damaged file has found must cost that file, not the broadcast.
pub(crate) fn contain<T>(
    codec: &'static str,
    work: impl FnOnce() -> Result<T, Error>,
) -> Result<T, Error> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| {
        Err(Error::Damaged {
            codec,
            message: "its decoder gave up".into(),
        })
    })
}

#[cfg(test)]
mod tests;
