//! Composed frames as PNG files.

use std::path::Path;

use image::{ImageError, RgbImage};
use media::Frame;

/// A picture in RGB.
pub(crate) struct Picture(RgbImage);

impl Picture {
    /// From I420, BT.709 limited, by the book.
    pub(crate) fn of(frame: &Frame) -> Self {
        let value = |plane: usize, x: u32, y: u32| {
            let plane = &frame.planes()[plane];
            f32::from(plane.data[y as usize * plane.stride + x as usize])
        };
        Self(RgbImage::from_fn(frame.width(), frame.height(), |x, y| {
            let luma = (value(0, x, y) - 16.0) * 255.0 / 219.0;
            let blue = (value(1, x / 2, y / 2) - 128.0) * 255.0 / 224.0;
            let red = (value(2, x / 2, y / 2) - 128.0) * 255.0 / 224.0;
            let rgb = [
                luma + 1.5748 * red,
                luma - 0.187_324 * blue - 0.468_124 * red,
                luma + 1.8556 * blue,
            ];
            image::Rgb(rgb.map(|value| value.round().clamp(0.0, 255.0) as u8))
        }))
    }

    pub(crate) fn open(path: &Path) -> Result<Self, ImageError> {
        Ok(Self(image::open(path)?.into_rgb8()))
    }

    pub(crate) fn save(&self, path: &Path) {
        self.0.save(path).unwrap();
    }

    /// The largest difference of a channel, and the mean of all.
    pub(crate) fn difference(&self, other: &Self) -> (u8, f64) {
        if self.0.dimensions() != other.0.dimensions() {
            return (255, 255.0);
        }
        let pairs = self.0.as_raw().iter().zip(other.0.as_raw());
        let apart = pairs.map(|(a, b)| a.abs_diff(*b));
        let most = apart.clone().max().unwrap_or(0);
        let sum: u64 = apart.map(u64::from).sum();
        (most, sum as f64 / self.0.as_raw().len() as f64)
    }

    /// Where and how much two pictures differ, eight times as strong.
    pub(crate) fn difference_picture(&self, other: &Self) -> Self {
        let (width, height) = self.0.dimensions();
        Self(RgbImage::from_fn(width, height, |x, y| {
            let Some(there) = other.0.get_pixel_checked(x, y) else {
                return image::Rgb([255, 0, 255]);
            };
            let here = self.0.get_pixel(x, y);
            image::Rgb([0, 1, 2].map(|at| here.0[at].abs_diff(there.0[at]).saturating_mul(8)))
        }))
    }
}
