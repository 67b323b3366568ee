use media::Timestamp;

use super::*;
use crate::cutter::Cutter;
use crate::testing::{packets, pictures, tracks};

fn reel() -> Vec<u8> {
    let mut cutter = Cutter::new(&tracks());
    let mut file = cutter.head().to_vec();
    for packet in packets(Timestamp::from_millis(777), 6) {
        if let Some(piece) = cutter.push(packet) {
            file.extend_from_slice(&piece.data.join());
        }
    }
    file.extend_from_slice(&cutter.pause().unwrap().data.join());
    file
}

/// Whatever the moment of the cut, the file becomes whole, and at most the fragment that was being written
/// is missing.
#[test]
fn a_reel_that_was_cut_off_anywhere_becomes_whole() {
    let whole = reel();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("cut.mp4");
    // No moment is like another: a generator of old says which.
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut kept = 0;
    for _ in 0..100 {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let room = whole.len() as u64 - 3_000;
        let cut = usize::try_from(3_000 + state % room).unwrap();
        std::fs::write(&path, &whole[..cut]).unwrap();
        let before = pictures(&path).len();
        let finished = finish(&path).unwrap();
        let numbers = pictures(&path);
        assert_eq!(numbers.len(), before, "cut at {cut}");
        assert!(numbers.iter().zip(0..).all(|(a, b)| *a == b), "{numbers:?}");
        let millis = i128::try_from(finished.duration.as_millis()).unwrap();
        let expect = i128::try_from(numbers.len()).unwrap() * 40;
        assert!((millis - expect).abs() <= 60, "{millis} for {expect}");
        kept = kept.max(numbers.len());
        let again = finish(&path).unwrap();
        assert_eq!(again.bytes, finished.bytes, "finished once is finished");
    }
    assert!(kept > 130, "{kept}");
}

#[test]
fn what_is_no_recording_is_refused_and_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("notes.mp4");
    for bytes in [&b""[..], b"hello", &reel()[..200]] {
        std::fs::write(&path, bytes).unwrap();
        assert!(matches!(finish(&path), Err(Error::File { .. })));
        assert_eq!(std::fs::read(&path).unwrap(), bytes);
    }
    let gone = finish(&dir.path().join("gone.mp4"))
        .unwrap_err()
        .to_string();
    assert!(gone.contains("gone.mp4 cannot be used"), "{gone}");
}
