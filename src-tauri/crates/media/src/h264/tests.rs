use super::*;

fn hex(text: &str) -> Vec<u8> {
    (0..text.len())
        .step_by(2)
        .map(|i| u8::from_str_radix(&text[i..i + 2], 16).unwrap())
        .collect()
}

/// x264, high profile, 1920×1080 at 25, BT.709: cropped from 1088 lines.
const HD: &str = "67640028acd940780227e5c05a808080a0000003002000000641e30632c0";
const HD_PPS: &str = "68ebe3cb22c0";
/// x264, constrained baseline, 638×358 at 29.97, no colour.
const ODD: &str = "6742c01ed900a02fea6c04400000fa40003a9803c58b92";
const FULL_CHROMA: &str = "67f4001e919b281405ff138088000003000800000301e078b16cb0";
const INTERLACED: &str = "6764001eacd940a07b6022000003000200000300783e28532c";

#[test]
fn start_codes_of_both_lengths_part_nal_units() {
    for (data, expect) in [
        (&[][..], vec![]),
        (&[0, 0, 1], vec![]),
        (&[9, 9, 9], vec![]),
        (&[0, 0, 1, 7], vec![&[7][..]]),
        (&[0, 0, 0, 1, 7, 1, 0, 0, 1, 8], vec![&[7, 1][..], &[8]]),
        // Zeros before a start code belong to it.
        (&[0, 0, 1, 7, 0, 0, 0, 0, 1, 8, 0, 0], vec![&[7][..], &[8]]),
        (&[5, 0, 0, 1, 7, 0, 2, 0, 1], vec![&[7, 0, 2, 0, 1][..]]),
        (&[0, 0, 1, 0, 0, 1, 8], vec![&[8][..]]),
    ] {
        let found: Vec<&[u8]> = annex_b(data).collect();
        assert_eq!(found, expect, "{data:?}");
    }
}

#[test]
fn lengths_part_nal_units_and_lies_are_told() {
    let good = [0, 0, 0, 2, 7, 1, 0, 0, 0, 0, 0, 0, 0, 1, 8];
    let found: Vec<_> = avcc(&good).map(Result::unwrap).collect();
    assert_eq!(found, [&[7, 1][..], &[8]]);

    let lies = [0, 0, 0, 1, 7, 0xff, 0xff, 0xff, 0xff, 8];
    let mut nals = avcc(&lies);
    assert_eq!(nals.next(), Some(Ok(&[7][..])));
    assert_eq!(
        nals.next(),
        Some(Err(Error::Truncated {
            need: 0xffff_ffff,
            have: 1
        }))
    );
    assert_eq!(nals.next(), None);

    assert_eq!(
        avcc(&[0, 0]).next(),
        Some(Err(Error::Truncated { need: 4, have: 2 }))
    );
    let two: Vec<_> = avcc_with(&[0, 1, 7, 0, 2, 8, 9], 2)
        .map(Result::unwrap)
        .collect();
    assert_eq!(two, [&[7][..], &[8, 9]]);
}

#[test]
fn the_framings_turn_into_each_other() {
    let annex = [0, 0, 0, 1, 7, 1, 0, 0, 0, 1, 5, 0x88, 3];
    let mut lengths = Vec::new();
    annex_b_to_avcc(&annex, &mut lengths);
    assert_eq!(lengths, [0, 0, 0, 2, 7, 1, 0, 0, 0, 3, 5, 0x88, 3]);
    let mut back = Vec::new();
    avcc_to_annex_b(&lengths, &mut back).unwrap();
    assert_eq!(back, annex);
}

#[test]
fn an_access_unit_is_taken_apart() {
    let nals: [&[u8]; 6] = [
        &[0x09, 0xf0],
        &[0x67, 1],
        &[0x68, 2],
        &[0x06, 5],
        &[0x65, 3],
        &[0x0c, 0xff],
    ];
    let unit = AccessUnit::from_nals(nals);
    assert_eq!(unit.data[..], [0, 0, 0, 2, 0x65, 3]);
    assert!(unit.keyframe);
    assert_eq!(unit.sps.as_deref(), Some(&[0x67, 1][..]));
    assert_eq!(unit.pps.as_deref(), Some(&[0x68, 2][..]));

    let delta = AccessUnit::from_annex_b(&[0, 0, 1, 0x41, 9]);
    assert!(!delta.keyframe);
    assert_eq!(delta.data[..], [0, 0, 0, 2, 0x41, 9]);
    assert_eq!(
        AccessUnit::from_avcc(&[0, 2, 0x41, 9], 2).unwrap().data,
        delta.data
    );
}

#[test]
fn sequence_parameter_sets_are_read() {
    let hd = Sps::parse(&hex(HD)).unwrap();
    assert_eq!(
        (hd.width, hd.height, hd.fps_millis),
        (1920, 1080, 25_000),
        "cropping"
    );
    assert_eq!((hd.profile, hd.level), (100, 40));
    assert_eq!((hd.color, hd.color_declared), (Color::default(), true));
    assert_eq!(hd.codec_string(), "avc1.640028");

    let odd = Sps::parse(&hex(ODD)).unwrap();
    assert_eq!((odd.width, odd.height, odd.fps_millis), (638, 358, 29_970));
    assert_eq!((odd.profile, odd.constraints & 0x40), (66, 0x40));
    assert_eq!(odd.color.matrix, Matrix::Bt601, "small and undeclared");
    assert!(!odd.color_declared);
}

#[test]
fn what_is_not_decoded_is_named() {
    assert_eq!(
        Sps::parse(&hex(FULL_CHROMA)),
        Err(Error::Unsupported("4:4:4 colour"))
    );
    assert_eq!(
        Sps::parse(&hex(INTERLACED)),
        Err(Error::Unsupported("interlaced pictures"))
    );
    assert!(matches!(Sps::parse(&[]), Err(Error::Sps(_))));
    assert!(matches!(Sps::parse(&hex(HD_PPS)), Err(Error::Sps(_))));
}

#[test]
fn configuration_records_round_trip() {
    let (sps, pps) = (hex(HD), hex(HD_PPS));
    let bytes = record(&sps, &pps).unwrap();
    let parsed = Record::parse(&bytes).unwrap();
    assert_eq!(parsed.length_size, 4);
    assert_eq!(parsed.sps, std::slice::from_ref(&sps));
    assert_eq!(parsed.pps, [pps]);
    assert_eq!(
        bytes[bytes.len() - 4..],
        [0xfd, 0xf8, 0xf8, 0],
        "high profile says its sampling"
    );
    let Config::H264 {
        width, fps_millis, ..
    } = parsed.config().unwrap()
    else {
        panic!("not H.264")
    };
    assert_eq!((width, fps_millis), (1920, 25_000));

    // Cut anywhere, it is an error or lacks only the trailing part that nobody needs.
    for cut in 0..bytes.len() - 4 {
        assert!(Record::parse(&bytes[..cut]).is_err(), "{cut}");
    }
    let empty = Record::parse(&[1, 66, 0xc0, 30, 0xff, 0xe0, 0]).unwrap();
    assert!(empty.sps.is_empty() && empty.config().is_err());
    assert!(Record::parse(&[2, 66, 0xc0, 30, 0xff, 0xe0, 0]).is_err());
}

#[test]
fn damaged_parameter_sets_never_panic() {
    let mut state = 7u32;
    let mut random = move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state >> 16
    };
    for original in [HD, ODD, INTERLACED] {
        let original = hex(original);
        for _ in 0..30_000 {
            let mut damaged = original.clone();
            for _ in 0..1 + random() % 6 {
                let at = 1 + random() as usize % (damaged.len() - 1);
                damaged[at] = random() as u8;
            }
            damaged.truncate(1 + random() as usize % damaged.len());
            if let Ok(sps) = Sps::parse(&damaged) {
                assert!((1..=Frame::MAX_SIDE).contains(&sps.width));
                assert!((1..=Frame::MAX_SIDE).contains(&sps.height));
            }
        }
    }
}
