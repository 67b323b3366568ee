use media::Track as ChannelTrack;
use media::aac::AudioConfig;

use super::*;
use crate::boxes::Writer;
use crate::fmp4::Muxer;

fn feed_all(demuxer: &mut Demuxer, file: &[u8]) -> Result<(), Error> {
    let mut turns = 0;
    while let Some((position, len)) = demuxer.need() {
        turns += 1;
        assert!(turns < 10_000, "it goes in circles at {position}");
        let start = file
            .len()
            .min(usize::try_from(position).unwrap_or(usize::MAX));
        let end = file.len().min(start.saturating_add(len));
        demuxer.feed(position, &file[start..end])?;
    }
    Ok(())
}

fn open(file: &[u8]) -> Result<Demuxer, Error> {
    let mut demuxer = Demuxer::new();
    feed_all(&mut demuxer, file)?;
    Ok(demuxer)
}

/// One part of a sample table and what stands in it after version and flags.
type Part<'a> = (&'a [u8; 4], &'a [u32]);

/// A file of one AAC track at 1000 ticks a second with these tables.
fn file(parts: &[Part<'_>], edits: &[(u32, i32)]) -> Vec<u8> {
    let mut w = Writer::default();
    let ftyp = w.begin(b"ftyp");
    w.put(b"isom\0\0\0\0");
    w.end(ftyp);
    let moov = w.begin(b"moov");
    let mvhd = w.begin_full(b"mvhd", 0, 0);
    w.zeros(8);
    w.u32(1_000);
    w.zeros(84);
    w.end(mvhd);
    let trak = w.begin(b"trak");
    let tkhd = w.begin_full(b"tkhd", 0, 7);
    w.zeros(8);
    w.u32(1);
    w.zeros(68);
    w.end(tkhd);
    if !edits.is_empty() {
        let edts = w.begin(b"edts");
        let elst = w.begin_full(b"elst", 0, 0);
        w.u32(edits.len() as u32);
        for (length, start) in edits {
            w.u32(*length);
            w.u32(start.cast_unsigned());
            w.u32(0x1_0000);
        }
        w.end(elst);
        w.end(edts);
    }
    let mdia = w.begin(b"mdia");
    let mdhd = w.begin_full(b"mdhd", 0, 0);
    w.zeros(8);
    w.u32(1_000);
    w.zeros(8);
    w.end(mdhd);
    let hdlr = w.begin_full(b"hdlr", 0, 0);
    w.u32(0);
    w.put(b"soun");
    w.zeros(13);
    w.end(hdlr);
    let minf = w.begin(b"minf");
    let stbl = w.begin(b"stbl");
    let stsd = w.begin_full(b"stsd", 0, 0);
    w.u32(1);
    let entry = w.begin(b"mp4a");
    w.zeros(16);
    w.u16(2);
    w.zeros(6);
    w.u32(48_000 << 16);
    let esds = w.begin_full(b"esds", 0, 0);
    w.put(&[3, 25, 0, 0, 0, 4, 17, 0x40, 0x15]);
    w.zeros(11);
    w.put(&[5, 2, 0x11, 0x90, 6, 1, 2]);
    w.end(esds);
    w.end(entry);
    w.end(stsd);
    for (kind, values) in parts {
        let table = w.begin_full(kind, 0, 0);
        for value in *values {
            w.u32(*value);
        }
        w.end(table);
    }
    w.end(stbl);
    w.end(minf);
    w.end(mdia);
    w.end(trak);
    w.end(moov);
    w.out
}

/// Six samples of 10 to 15 bytes in three chunks, 20 ticks each but the last two.
const TABLES: [Part<'_>; 4] = [
    (b"stsz", &[0, 6, 10, 11, 12, 13, 14, 15]),
    (b"stco", &[3, 1_000, 2_000, 3_000]),
    (b"stsc", &[2, 1, 1, 1, 2, 3, 1]),
    (b"stts", &[2, 4, 20, 2, 30]),
];

#[test]
fn tables_are_put_together() {
    let mut demuxer = open(&file(&TABLES, &[])).unwrap();
    let samples: Vec<Sample> = std::iter::from_fn(|| demuxer.next_sample().unwrap()).collect();
    let rows: Vec<(u64, usize, i64, u128)> = samples
        .iter()
        .map(|s| (s.position, s.len, s.pts.millis(), s.duration.as_millis()))
        .collect();
    assert_eq!(
        rows,
        [
            (1_000, 10, 0, 20),
            (2_000, 11, 20, 20),
            (2_011, 12, 40, 20),
            (2_023, 13, 60, 20),
            (3_000, 14, 80, 30),
            (3_014, 15, 110, 30),
        ]
    );
    assert_eq!(demuxer.tracks()[0].duration.as_millis(), 140);
    assert!(demuxer.next_sample().unwrap().is_none());
    demuxer.rewind();
    assert_eq!(demuxer.next_sample().unwrap(), Some(samples[0]));
}

#[test]
fn edit_lists_move_and_cut() {
    for (edits, first, last, duration) in [
        (&[][..], 0, 110, 140),
        // Priming: the presentation begins 30 into the media.
        (&[(110, 30)][..], -30, 80, 110),
        // A delay of half a second.
        (&[(500, -1), (140, 0)], 500, 610, 640),
        (&[(500, -1), (0, 30)], 470, 580, 610),
        // Only the first 50 are played: the sample at 40 is the last.
        (&[(50, 0)], 0, 40, 50),
        (&[(500, -1)], 500, 610, 640),
    ] {
        let mut demuxer = open(&file(&TABLES, edits)).unwrap();
        assert_eq!(
            demuxer.tracks()[0].duration.as_millis(),
            duration,
            "{edits:?}"
        );
        let times: Vec<i64> = std::iter::from_fn(|| demuxer.next_sample().unwrap())
            .map(|s| s.pts.millis())
            .collect();
        assert_eq!(
            (times.first(), times.last()),
            (Some(&first), Some(&last)),
            "{edits:?}"
        );
    }
}

#[test]
fn seeking_goes_before_the_place() {
    let mut demuxer = open(&file(&TABLES, &[])).unwrap();
    for (to, landed, next) in [
        (65, 60, 40),
        (0, 0, 0),
        (-5, 0, 0),
        (9_999, 110, 80),
        (20, 20, 0),
    ] {
        let at = demuxer.seek(Timestamp::from_millis(to));
        assert_eq!(at.millis(), landed, "{to}");
        // One packet of run-up for AAC.
        assert_eq!(
            demuxer.next_sample().unwrap().unwrap().pts.millis(),
            next,
            "{to}"
        );
    }
}

#[test]
fn what_is_no_film_is_said_so() {
    let unfinished = [&[0, 0, 0, 8][..], b"ftyp", &[0, 0, 0, 0], b"mdat", &[7; 64]].concat();
    for (file, expect) in [
        (b"".as_slice(), Error::NotMp4),
        (b"RIFF\0\0\0\0WAVEfmt ", Error::NotMp4),
        (b"hello", Error::NotMp4),
        (b"\0\0\0\x08ftyp", Error::Empty),
        (&unfinished, Error::Unfinished),
        (
            b"\0\0\0\x10moov\0\0\0\x08free",
            Error::Damaged("its index has no header"),
        ),
        (
            b"\0\0\x10\0moov\0\0\0\x08free",
            Error::Damaged("its index is cut short"),
        ),
        (
            b"\0\0\0\x04moov",
            Error::Damaged("a box is smaller than its header"),
        ),
        (
            b"\0\0\0\x01moov\xff\0\0\0\0\0\0\0",
            Error::TooLarge("the file's index"),
        ),
    ] {
        assert_eq!(open(file).err(), Some(expect), "{file:?}");
    }
    let mut demuxer = Demuxer::new();
    let error = demuxer.feed(3, &[]).unwrap_err();
    assert_eq!(error, Error::Misplaced { fed: 3, needed: 0 });
}

#[test]
fn claims_do_not_become_memory() {
    for (parts, expect) in [
        // Four billion samples of one byte each.
        (
            [
                (b"stsz", &[1, u32::MAX][..]),
                TABLES[1],
                TABLES[2],
                TABLES[3],
            ],
            "too many",
        ),
        // More sizes than there are bytes.
        (
            [
                (b"stsz", &[0, 1_000_000, 5][..]),
                TABLES[1],
                TABLES[2],
                TABLES[3],
            ],
            "short",
        ),
        (
            [
                TABLES[0],
                (b"stco", &[u32::MAX, 1][..]),
                TABLES[2],
                TABLES[3],
            ],
            "short",
        ),
    ] {
        let error = open(&file(&parts, &[])).unwrap_err();
        match expect {
            "too many" => assert_eq!(error, Error::TooLarge("the number of samples")),
            _ => assert_eq!(error, Error::Damaged("a box is cut short")),
        }
    }
    // Runs longer than the track, and chunks of four billion samples, are no more than the samples.
    let parts = [
        TABLES[0],
        TABLES[1],
        (b"stsc", &[1, 1, u32::MAX, 1][..]),
        (b"stts", &[1, u32::MAX, u32::MAX][..]),
    ];
    let mut demuxer = open(&file(&parts, &[])).unwrap();
    assert_eq!(
        std::iter::from_fn(|| demuxer.next_sample().unwrap()).count(),
        6
    );
}

#[test]
fn codecs_that_are_not_decoded_have_names() {
    for (entry, name) in [
        (b"ac-3", "AC-3"),
        (b"fLaC", "FLAC in MP4"),
        (b"xyz1", "\"xyz1\""),
    ] {
        let mut bytes = file(&TABLES, &[]);
        let at = bytes.windows(4).position(|w| w == b"mp4a").unwrap();
        bytes[at..at + 4].copy_from_slice(entry);
        let error = open(&bytes).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("codec {name} is not decoded by Klieg; convert to AAC")
        );
    }
    let error = Error::Codec {
        name: "HEVC".into(),
        kind: Kind::Video,
    };
    assert_eq!(
        error.to_string(),
        "codec HEVC is not decoded by Klieg; convert to H.264"
    );
}

#[test]
fn damage_is_an_error_and_never_a_panic() {
    let config = AudioConfig::lc(48_000, 2).config().unwrap();
    let mut muxer = Muxer::new(&[ChannelTrack {
        id: TrackId(0),
        config,
        bitrate: 0,
    }]);
    let packets: Vec<Packet> = (0..20)
        .map(|n| {
            let at = Timestamp::from_ticks(n * 1024, 48_000);
            Packet {
                track: TrackId(0),
                pts: at,
                dts: at,
                keyframe: true,
                data: vec![n as u8; 30].into(),
            }
        })
        .collect();
    let mut fragmented = muxer.init_segment().to_vec();
    fragmented.extend(muxer.fragment(&packets[..10], packets[10].dts));
    fragmented.extend(muxer.fragment(&packets[10..], Timestamp::ZERO));
    let mut state = 99u32;
    let mut random = move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as usize
    };
    for original in [fragmented, file(&TABLES, &[(500, -1), (140, 0)])] {
        for cut in 0..original.len() {
            if let Ok(mut demuxer) = open(&original[..cut]) {
                while demuxer.next_sample().unwrap().is_some() {}
            }
        }
        for _ in 0..20_000 {
            let mut damaged = original.clone();
            for _ in 0..1 + random() % 4 {
                let at = random() % damaged.len();
                damaged[at] = match random() % 3 {
                    0 => 0xff,
                    1 => 0,
                    _ => random() as u8,
                };
            }
            let Ok(mut demuxer) = open(&damaged) else {
                continue;
            };
            for _ in 0..100 {
                let Some(sample) = demuxer.next_sample().unwrap() else {
                    break;
                };
                drop(demuxer.packet(&sample, Bytes::from_static(&[0, 0, 0, 9, 1])));
            }
            demuxer.seek(Timestamp::from_millis(random() as i64));
        }
    }
}
