//! What a driver's buffers become.

use super::*;

fn packer(format: PixelFormat, width: u32, height: u32, stride: usize) -> Packer {
    Packer::new(
        Mode {
            format,
            width,
            height,
            fps: 30,
        },
        stride,
    )
}

#[test]
fn buffers_become_frames_in_the_cameras_own_format() {
    let now = Timestamp::from_millis(7);
    // Format, stride, buffer length, expected length of each plane; none when it is too short.
    for (format, stride, given, expected) in [
        (PixelFormat::Yuyv, 8, 4_096, Some(vec![16])),
        (PixelFormat::Yuyv, 12, 4_096, Some(vec![20])),
        (PixelFormat::Yuyv, 8, 15, None),
        (PixelFormat::Nv12, 4, 12, Some(vec![12, 4])),
        (PixelFormat::Nv12, 6, 100, Some(vec![16, 4])),
        (PixelFormat::Nv12, 4, 11, None),
    ] {
        let data: Vec<u8> = (0..given).map(|n| n as u8).collect();
        let frame = packer(format, 4, 2, stride).frame(&data, now);
        let lengths = frame
            .as_ref()
            .map(|f| f.planes().iter().map(|p| p.data.len()).collect::<Vec<_>>());
        assert_eq!(lengths, expected, "{format:?} {stride} {given}");
        if let Some(frame) = frame {
            assert_eq!(frame.timestamp(), now);
            assert_eq!(frame.color().matrix, Matrix::Bt601);
            if format == PixelFormat::Nv12 {
                assert_eq!(usize::from(frame.planes()[1].data[0]), stride * 2);
            }
        }
    }
}

#[test]
fn a_jpeg_loses_what_lies_behind_it() {
    let packer = packer(PixelFormat::Mjpeg, 4, 2, 0);
    let file = [0xFF, 0xD8, 0xFF, 0xDA, 0, 2, 1, 2, 3, 0xFF, 0xD9];
    let buffer = [file.as_slice(), &[9; 50]].concat();
    let frame = packer.frame(&buffer, Timestamp::ZERO).expect("a file");
    assert_eq!(&frame.planes()[0].data[..], file);
    assert_eq!(frame.color().range, Range::Full);
    assert!(packer.frame(&file[..9], Timestamp::ZERO).is_none());
}

#[test]
fn errors_are_said_to_people() {
    for (error, part) in [
        (
            NokhwaError::OpenStreamError("Device or resource busy (os error 16)".into()),
            "in use by another program",
        ),
        (
            NokhwaError::OpenDeviceError("0".into(), "V4L2 Error: Permission denied".into()),
            "may not be used",
        ),
        (
            NokhwaError::ReadFrameError("No such device (os error 19)".into()),
            "was unplugged",
        ),
        (
            NokhwaError::GeneralError("odd".into()),
            "does not open (Error: odd)",
        ),
    ] {
        let said = say(&error, "Studio Cam");
        assert!(
            said.contains(part) && said.contains("“Studio Cam”"),
            "{said}"
        );
    }
}
