//! One colour all over.

use media::{Color, Frame, PixelFormat, Timestamp};

/// Side of the picture, in pixels: one colour needs no more, and it is stretched to its box.
const SIDE: u32 = 16;

/// The text is no colour.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{text}\" is no colour; write it as #rrggbb or #rrggbbaa, such as #1e90ff")]
pub struct NoColor {
    /// What was given.
    pub text: String,
}

/// Red, green, blue and straight alpha of `#rrggbb` or `#rrggbbaa`.
///
/// # Errors
/// [`NoColor`] when it is neither.
pub fn parse(text: &str) -> Result<[u8; 4], NoColor> {
    let problem = || NoColor {
        text: text.to_owned(),
    };
    let digits = text.trim().strip_prefix('#').ok_or_else(problem)?;
    if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return Err(problem());
    }
    let value = u32::from_str_radix(digits, 16).map_err(|_| problem())?;
    match digits.len() {
        6 => Ok((value << 8 | 0xff).to_be_bytes()),
        8 => Ok(value.to_be_bytes()),
        _ => Err(problem()),
    }
}

/// A picture of that colour: RGBA, 16 × 16.
///
/// # Errors
/// [`NoColor`] when the text is no colour.
pub fn frame(text: &str, timestamp: Timestamp) -> Result<Frame, NoColor> {
    let data = parse(text)?.repeat((SIDE * SIDE) as usize);
    Ok(rgba(SIDE, SIDE, data, timestamp))
}

/// A frame of RGBA pixels that were made for its size.
pub(super) fn rgba(width: u32, height: u32, data: Vec<u8>, timestamp: Timestamp) -> Frame {
    packed(PixelFormat::Rgba, width, height, data, timestamp)
}

/// A frame of bytes that were made for its size, which is 1 to 16 384 each way.
pub(super) fn packed(
    format: PixelFormat,
    width: u32,
    height: u32,
    data: impl Into<bytes::Bytes>,
    timestamp: Timestamp,
) -> Frame {
    let color = Color::default();
    match Frame::packed(format, width, height, color, timestamp, data.into()) {
        Ok(frame) => frame,
        Err(problem) => unreachable!("the caller made the bytes for the size: {problem}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_read() {
        for (text, expect) in [
            ("#000000", [0, 0, 0, 255]),
            ("#1E90ff", [0x1e, 0x90, 0xff, 255]),
            (" #12345678 ", [0x12, 0x34, 0x56, 0x78]),
        ] {
            assert_eq!(parse(text), Ok(expect), "{text}");
        }
    }

    #[test]
    fn what_is_no_colour_is_refused_with_an_example() {
        for text in [
            "",
            "#",
            "red",
            "#12345",
            "#1234567",
            "#123456789",
            "#+12345",
            "#gggggg",
            "123456",
        ] {
            let problem = parse(text).unwrap_err().to_string();
            assert!(problem.contains("#rrggbb"), "{problem}");
        }
    }

    #[test]
    fn a_colour_is_a_small_picture() {
        let frame = frame("#ff000080", Timestamp::from_millis(5)).unwrap();
        assert_eq!((frame.width(), frame.height()), (16, 16));
        assert_eq!(frame.timestamp(), Timestamp::from_millis(5));
        assert!(
            frame.planes()[0]
                .data
                .chunks(4)
                .all(|pixel| pixel == [255, 0, 0, 128])
        );
    }
}
