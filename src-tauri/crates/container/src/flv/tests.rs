use media::{Timestamp, TrackId};

use super::*;

fn h264() -> Config {
    let hex = "6742c01ed900a02fea6c04400000fa40003a9803c58b92";
    let sps: Vec<u8> = (0..hex.len())
        .step_by(2)
        .map(|i| u8::from_str_radix(&hex[i..i + 2], 16).unwrap())
        .collect();
    h264::config(sps.into(), vec![0x68, 0xcb, 0x83, 0xcb, 0x20].into()).unwrap()
}

fn aac() -> Config {
    aac::AudioConfig::lc(48_000, 2).config().unwrap()
}

fn packet(pts: i64, dts: i64, keyframe: bool, data: &'static [u8]) -> Packet {
    Packet {
        track: TrackId(0),
        pts: Timestamp::from_millis(pts),
        dts: Timestamp::from_millis(dts),
        keyframe,
        data: Bytes::from_static(data),
    }
}

/// The configuration that a picture message brings.
fn record(body: &Bytes) -> Result<Config, Error> {
    match parse(Kind::Video, body)? {
        Body::Record(record) => Ok(record.config()?),
        other => panic!("{other:?}"),
    }
}

#[test]
fn configurations_go_there_and_back() {
    let header = sequence_header(&aac()).unwrap();
    assert_eq!(parse(Kind::Audio, &header), Ok(Body::Config(aac())));
    assert_eq!(record(&sequence_header(&h264()).unwrap()), Ok(h264()));
    let opus = Config::Opus {
        channels: 2,
        pre_skip: 312,
    };
    assert_eq!(sequence_header(&opus), None);
}

#[test]
fn packets_go_there_and_back() {
    for (pts, dts, keyframe) in [
        (0, 0, true),
        (80, 40, false),
        (40, 80, false),
        (1 << 40, 0, false),
    ] {
        let packet = packet(pts, dts, keyframe, &[0, 0, 0, 1, 0x65]);
        let expect = Body::Video {
            keyframe,
            composition: i32::try_from(pts - dts).unwrap_or(0x7f_ffff),
            data: packet.data.clone(),
        };
        assert_eq!(parse(Kind::Video, &body(&h264(), &packet)), Ok(expect));
    }
    let sound = packet(5, 5, true, &[1, 2, 3]);
    let bytes = body(&aac(), &sound);
    assert_eq!(bytes[..], [0xaf, 1, 1, 2, 3]);
    assert_eq!(parse(Kind::Audio, &bytes), Ok(Body::Audio(sound.data)));
}

#[test]
fn what_is_not_taken_is_named() {
    for (kind, bytes, expect) in [
        (Kind::Video, &[][..], Ok(Body::Nothing)),
        (Kind::Video, &[0x12], Err(Error::Codec("Sorenson H.263"))),
        (
            Kind::Video,
            &[0x90, b'h', b'v', b'c', b'1'],
            Err(Error::Codec("HEVC")),
        ),
        (Kind::Video, &[0x1c, 0], Err(Error::Codec("HEVC"))),
        (Kind::Video, b"\x91av01", Err(Error::Codec("AV1"))),
        (Kind::Video, b"\x91vp09", Err(Error::Codec("VP9"))),
        (Kind::Video, b"\x96avc1", Err(Error::Multitrack)),
        (Kind::Video, &[0x90, b'a', b'v'], Err(Error::Short)),
        (Kind::Video, &[0x17], Err(Error::Short)),
        (Kind::Video, &[0x17, 2, 0, 0, 0], Ok(Body::Nothing)),
        (Kind::Video, &[0x57, 1], Ok(Body::Nothing)),
        (Kind::Audio, &[0x2f, 1], Err(Error::Codec("MP3"))),
        (Kind::Audio, b"\x90.mp3", Err(Error::Codec("MP3"))),
        (Kind::Audio, b"\x91Opus", Err(Error::Codec("Opus"))),
        (Kind::Audio, b"\x95mp4a", Err(Error::Multitrack)),
        (Kind::Audio, &[0xaf], Err(Error::Short)),
        (
            Kind::Audio,
            &[0xaf, 0, 0x11],
            Err(Error::Aac(aac::Error::Short)),
        ),
        (Kind::Data, &[2], Ok(Body::Nothing)),
    ] {
        assert_eq!(parse(kind, &Bytes::from_static(bytes)), expect, "{bytes:?}");
    }
    let cut = sequence_header(&h264()).unwrap();
    for len in 1..cut.len() - 1 {
        assert!(parse(Kind::Video, &cut.slice(..len)).is_err(), "{len}");
    }
}

#[test]
fn enhanced_messages_of_known_codecs() {
    let video =
        |head: &[u8], rest: &[u8]| parse(Kind::Video, &[head, b"avc1", rest].concat().into());
    let data = Bytes::from_static(&[0, 0, 0, 1, 0x65]);
    let picture = |keyframe, composition| {
        Ok(Body::Video {
            keyframe,
            composition,
            data: data.clone(),
        })
    };
    let avcc = sequence_header(&h264()).unwrap().slice(5..);
    let expect = h264::Record::parse(&avcc).unwrap();
    assert_eq!(video(&[0x90], &avcc), Ok(Body::Record(expect)));
    let ahead = [&[0xff, 0xff, 0xd8], &data[..]].concat();
    assert_eq!(video(&[0xa1], &ahead), picture(false, -40));
    assert_eq!(video(&[0x93], &data), picture(true, 0));
    assert_eq!(video(&[0x92], &[]), Ok(Body::Nothing));
    assert_eq!(video(&[0xd1], &ahead), Ok(Body::Nothing));
    // Modifiers, short and long, are passed over.
    assert_eq!(video(&[0x97, 2, 1, 2, 3, 0x03], &data), picture(true, 0));
    let long = [&[0x97, 255, 1, 0][..], &[7; 257], &[0x17, 0, 9, 0x03]].concat();
    assert_eq!(video(&long, &data), picture(true, 0));
    assert_eq!(
        parse(Kind::Video, &Bytes::from_static(&[0x97, 9])),
        Err(Error::Short)
    );

    let audio =
        |head: &[u8], rest: &[u8]| parse(Kind::Audio, &[head, b"mp4a", rest].concat().into());
    assert_eq!(audio(&[0x90], &[0x11, 0x90]), Ok(Body::Config(aac())));
    let sound = Ok(Body::Audio(Bytes::from_static(&[1, 2])));
    assert_eq!(audio(&[0x91], &[1, 2]), sound);
    assert_eq!(audio(&[0x92], &[]), Ok(Body::Nothing));
}

#[test]
fn metadata_says_what_is_sent() {
    let tracks = [
        Track {
            id: TrackId(0),
            config: h264(),
            bitrate: 2_500_000,
        },
        Track {
            id: TrackId(1),
            config: aac(),
            bitrate: 128_000,
        },
    ];
    let values = metadata(&tracks);
    for (name, expect) in [
        ("width", Value::Number(638.0)),
        ("framerate", Value::Number(29.97)),
        ("videodatarate", Value::Number(2_500.0)),
        ("audiosamplerate", Value::Number(48_000.0)),
        ("stereo", Value::Boolean(true)),
    ] {
        assert!(values.contains(&(name, expect)), "{name}: {values:?}");
    }
    let bytes = script(&values);
    assert_eq!(bytes[..13], *b"\x02\0\x0aonMetaData");
    assert_eq!(bytes[bytes.len() - 3..], [0, 0, 9]);
}

#[test]
fn files_hold_their_tags() {
    let mut file = file_header(true, true).to_vec();
    let long = 0x0123_4567;
    for (kind, millis, body) in [
        (Kind::Data, 0, script(&metadata(&[]))),
        (Kind::Video, 40, sequence_header(&h264()).unwrap()),
        (Kind::Audio, long, Bytes::from_static(&[0xaf, 1, 9])),
    ] {
        file.extend(tag(kind, millis, &body));
    }
    let file = Bytes::from(file);
    let found: Vec<Tag> = tags(&file).unwrap().collect();
    assert_eq!(found.len(), 3);
    assert_eq!((found[2].kind, found[2].millis), (Kind::Audio, long));
    assert_eq!(record(&found[1].body), Ok(h264()));
    for cut in 0..file.len() {
        match tags(&file.slice(..cut)) {
            // The back pointer after the last tag is not missed.
            Ok(tags) => assert!(tags.count() < 3 || cut >= file.len() - 4),
            Err(error) => assert_eq!(error, Error::File),
        }
    }
}
