//! Pictures.

use bytes::Bytes;

use crate::Timestamp;

/// How the bytes of a [`Frame`] stand for a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PixelFormat {
    /// Three planes: Y at full size, U and V at half width and half height (rounded up).
    I420,
    /// Two planes: Y at full size, UV interleaved at half width and half height (rounded up).
    Nv12,
    /// One plane, 4:2:2 packed: Y0 U Y1 V.
    Yuyv,
    /// One plane: a JPEG file, possibly padded after its end-of-image marker.
    Mjpeg,
    /// One plane, 8 bits each of R, G, B and straight (not premultiplied) alpha.
    Rgba,
    /// One plane, 8 bits each of B, G, R and an unused fourth: what X11 gives.
    Bgrx,
}

impl PixelFormat {
    /// Planes of this format.
    pub const fn planes(self) -> usize {
        match self {
            Self::I420 => 3,
            Self::Nv12 => 2,
            Self::Yuyv | Self::Mjpeg | Self::Rgba | Self::Bgrx => 1,
        }
    }

    /// Smallest stride in bytes and number of rows of plane `index` for a picture of `width` × `height`;
    /// (0, 0) for compressed formats and planes that do not exist.
    pub const fn plane_size(self, index: usize, width: u32, height: u32) -> (usize, usize) {
        let (w, h) = (width as usize, height as usize);
        let (half_w, half_h) = (w.div_ceil(2), h.div_ceil(2));
        match (self, index) {
            (Self::I420 | Self::Nv12, 0) => (w, h),
            (Self::I420, 1 | 2) => (half_w, half_h),
            (Self::Nv12, 1) => (half_w * 2, half_h),
            (Self::Yuyv, 0) => (half_w * 4, h),
            (Self::Rgba | Self::Bgrx, 0) => (w * 4, h),
            _ => (0, 0),
        }
    }
}

/// The coefficients between RGB and YUV.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Matrix {
    /// ITU-R BT.601: cameras and JPEG.
    Bt601,
    /// ITU-R BT.709: the canvas, and files in HD.
    #[default]
    Bt709,
}

/// Whether black is 16 or 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Range {
    /// Y 16–235, UV 16–240.
    #[default]
    Limited,
    /// 0–255.
    Full,
}

/// The colour of a YUV picture. RGB formats are sRGB and ignore it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct Color {
    /// Coefficients.
    pub matrix: Matrix,
    /// Black and white levels.
    pub range: Range,
}

/// One plane: rows of `stride` bytes.
#[derive(Clone, Debug, Default)]
pub struct Plane {
    /// The rows; at least `stride × (rows − 1) + row` bytes. For MJPEG the file.
    pub data: Bytes,
    /// Bytes from one row to the next; 0 for compressed formats.
    pub stride: usize,
}

/// A picture: format, size, colour, time and shared planes. Cloning shares the bytes.
#[derive(Clone, Debug)]
pub struct Frame {
    format: PixelFormat,
    width: u32,
    height: u32,
    color: Color,
    timestamp: Timestamp,
    planes: [Plane; 3],
}

/// Why planes make no [`Frame`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// Width or height is zero or above 16 384.
    #[error("a frame of {width}×{height} is not possible (1 to 16384 each way)")]
    Size {
        /// Pixels across.
        width: u32,
        /// Pixels down.
        height: u32,
    },
    /// A plane holds fewer bytes than its size asks for.
    #[error("plane {index} of a {format:?} frame holds {have} bytes, {need} are needed")]
    Short {
        /// The format asked for.
        format: PixelFormat,
        /// Which plane.
        index: usize,
        /// Bytes given.
        have: usize,
        /// Bytes needed.
        need: usize,
    },
}

impl Frame {
    /// The largest width or height, in pixels.
    pub const MAX_SIDE: u32 = 16_384;

    /// A frame of planes in the order of `format`; missing ones count as empty.
    ///
    /// # Errors
    /// [`FrameError`] when the size is out of range or a plane is too short for it.
    pub fn new(
        format: PixelFormat,
        width: u32,
        height: u32,
        color: Color,
        timestamp: Timestamp,
        planes: impl IntoIterator<Item = Plane>,
    ) -> Result<Self, FrameError> {
        if !(1..=Self::MAX_SIDE).contains(&width) || !(1..=Self::MAX_SIDE).contains(&height) {
            return Err(FrameError::Size { width, height });
        }
        let mut given = planes.into_iter();
        let planes: [Plane; 3] = std::array::from_fn(|_| given.next().unwrap_or_default());
        for (index, plane) in planes.iter().enumerate().take(format.planes()) {
            let (row, rows) = format.plane_size(index, width, height);
            let stride = plane.stride.max(row);
            let need = if rows == 0 {
                1
            } else {
                stride * (rows - 1) + row
            };
            if plane.data.len() < need || (rows > 0 && plane.stride < row) {
                return Err(FrameError::Short {
                    format,
                    index,
                    have: plane.data.len(),
                    need,
                });
            }
        }
        Ok(Self {
            format,
            width,
            height,
            color,
            timestamp,
            planes,
        })
    }

    /// A frame whose planes follow one another without padding in one buffer.
    ///
    /// # Errors
    /// [`FrameError`] when the buffer is too short.
    pub fn packed(
        format: PixelFormat,
        width: u32,
        height: u32,
        color: Color,
        timestamp: Timestamp,
        data: Bytes,
    ) -> Result<Self, FrameError> {
        let mut at = 0;
        let mut planes: [Plane; 3] = Default::default();
        for (index, plane) in planes.iter_mut().enumerate().take(format.planes()) {
            let (row, rows) = format.plane_size(index, width, height);
            let len = if rows == 0 { data.len() } else { row * rows };
            let end = (at + len).min(data.len());
            *plane = Plane {
                data: data.slice(at.min(end)..end),
                stride: row,
            };
            at = end;
        }
        Self::new(format, width, height, color, timestamp, planes)
    }

    /// Bytes of a picture of this format and size without padding; 0 for compressed formats.
    pub fn packed_len(format: PixelFormat, width: u32, height: u32) -> usize {
        (0..format.planes())
            .map(|i| {
                let (row, rows) = format.plane_size(i, width, height);
                row * rows
            })
            .sum()
    }

    /// A black I420 picture, BT.709 limited.
    ///
    /// # Errors
    /// [`FrameError::Size`] when the size is out of range.
    pub fn black(width: u32, height: u32, timestamp: Timestamp) -> Result<Self, FrameError> {
        let mut data = vec![128; Self::packed_len(PixelFormat::I420, width, height)];
        let luma = (width as usize * height as usize).min(data.len());
        data[..luma].fill(16);
        Self::packed(
            PixelFormat::I420,
            width,
            height,
            Color::default(),
            timestamp,
            data.into(),
        )
    }

    /// The format.
    pub fn format(&self) -> PixelFormat {
        self.format
    }

    /// Pixels across.
    pub fn width(&self) -> u32 {
        self.width
    }

    /// Pixels down.
    pub fn height(&self) -> u32 {
        self.height
    }

    /// The colour of its YUV values.
    pub fn color(&self) -> Color {
        self.color
    }

    /// When it was captured, or is to be shown.
    pub fn timestamp(&self) -> Timestamp {
        self.timestamp
    }

    /// The planes of the format, in its order.
    pub fn planes(&self) -> &[Plane] {
        &self.planes[..self.format.planes()]
    }

    /// The same picture at another time.
    pub fn with_timestamp(mut self, timestamp: Timestamp) -> Self {
        self.timestamp = timestamp;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_sizes_round_chroma_up() {
        assert_eq!(PixelFormat::I420.plane_size(1, 5, 3), (3, 2));
        assert_eq!(PixelFormat::Nv12.plane_size(1, 5, 3), (6, 2));
        assert_eq!(Frame::packed_len(PixelFormat::I420, 5, 3), 15 + 6 + 6);
    }

    #[test]
    fn short_planes_are_refused_by_name() {
        let err = Frame::packed(
            PixelFormat::I420,
            4,
            4,
            Color::default(),
            Timestamp::ZERO,
            vec![0; 20].into(),
        )
        .unwrap_err();
        assert!(
            matches!(err, FrameError::Short { index: 1 | 2, .. }),
            "{err}"
        );
        let err = Frame::black(0, 4, Timestamp::ZERO).unwrap_err();
        assert_eq!(
            err,
            FrameError::Size {
                width: 0,
                height: 4
            }
        );
    }

    #[test]
    fn packed_planes_lie_one_after_the_other() {
        let data: Vec<u8> = (0..24).collect();
        let frame = Frame::packed(
            PixelFormat::I420,
            4,
            4,
            Color::default(),
            Timestamp::ZERO,
            data.into(),
        )
        .unwrap();
        let firsts: Vec<u8> = frame.planes().iter().map(|p| p.data[0]).collect();
        assert_eq!(firsts, [0, 16, 20]);
    }
}
