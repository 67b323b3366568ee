//! Where a JPEG file ends.

/// The length of the JPEG file that `data` begins with, to behind its end-of-image marker (ITU-T T.81,
/// annex B). Cameras hand out whole buffers, with what was there before behind the file. None when it has no end.
pub(super) fn length(data: &[u8]) -> Option<usize> {
    if data.get(..2) != Some(&[0xFF, 0xD8]) {
        return None;
    }
    let mut at = 2;
    loop {
        // In entropy-coded data only 00 and restart markers follow FF; elsewhere a segment begins here.
        let found = data.get(at..)?.iter().position(|&byte| byte == 0xFF)?;
        at += found + 1;
        match *data.get(at)? {
            0xD9 => return Some(at + 1),
            0x00 | 0x01 | 0xD0..=0xD8 => at += 1,
            // Fill bytes.
            0xFF => {}
            _ => {
                let high = *data.get(at + 1)?;
                let low = *data.get(at + 2)?;
                at += 1 + usize::from(u16::from_be_bytes([high, low]));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_is_found_behind_segments_and_stuffed_bytes() {
        let segment: &[u8] = &[0xFF, 0xE0, 0, 6, 0xFF, 0xD9, 1, 2];
        let scan: &[u8] = &[0xFF, 0xDA, 0, 2, 9, 0xFF, 0, 7, 0xFF, 0xD3, 8];
        let end: &[u8] = &[0xFF, 0xD9];
        let start: &[u8] = &[0xFF, 0xD8];
        let file = [start, segment, scan, end].concat();
        let stale = [file.as_slice(), &[0; 5], &[0xFF, 0xD9]].concat();
        for (data, expected) in [
            (file.as_slice(), Some(file.len())),
            (stale.as_slice(), Some(file.len())),
            (&[0xFF, 0xD8, 0xFF, 0xFF, 0xD9], Some(5)),
            (&[], None),
            (&[0xFF], None),
            (&[1, 2, 3], None),
            (start, None),
            (&file[..file.len() - 1], None),
            (&[0xFF, 0xD8, 0xFF, 0xE0], None),
            (&[0xFF, 0xD8, 0xFF, 0xE0, 0xFF, 0xFF, 0xFF, 0xD9], None),
        ] {
            assert_eq!(length(data), expected, "{data:?}");
        }
    }
}
