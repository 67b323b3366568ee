use super::*;
use crate::testing::Noise;
use rml_rtmp::chunk_io::ChunkSerializer;
use rml_rtmp::messages::MessagePayload;
use rml_rtmp::time::RtmpTimestamp;

const SMALL: Limits = Limits {
    message: 1_000,
    streams: 3,
    pending: 1_500,
};

fn message(kind: u8, stream: u32, timestamp: u32, data: &[u8]) -> Message {
    Message {
        kind,
        stream,
        timestamp,
        data: Bytes::copy_from_slice(data),
    }
}

fn drain(reader: &mut Reader) -> Result<Vec<Message>, Error> {
    let mut messages = Vec::new();
    while let Some(message) = reader.read()? {
        messages.push(message);
    }
    Ok(messages)
}

/// The same whether the bytes come at once or one by one.
fn check(bytes: &[u8], expect: Result<Vec<Message>, Error>) {
    let mut whole = Reader::new(SMALL);
    whole.feed(bytes);
    assert_eq!(drain(&mut whole), expect, "at once: {bytes:02x?}");
    let mut dripping = Reader::new(SMALL);
    let mut messages = Vec::new();
    let mut result = Ok(());
    for byte in bytes {
        let mut drop = BytesMut::from(&[*byte][..]);
        dripping.take(&mut drop);
        assert!(drop.is_empty());
        match drain(&mut dripping) {
            Ok(more) => messages.extend(more),
            Err(error) => {
                result = Err(error);
                break;
            }
        }
    }
    assert_eq!(result.map(|()| messages), expect, "dripping: {bytes:02x?}");
    if expect.is_ok() {
        assert_eq!(dripping.received(), bytes.len() as u64);
    }
}

#[test]
fn forms_of_header() {
    let first = [3, 0, 0, 10, 0, 0, 2, 20, 1, 0, 0, 0, 0xaa, 0xbb];
    let begun = message(20, 1, 10, &[0xaa, 0xbb]);
    check(&first, Ok(vec![begun.clone()]));
    let then = |more: &[u8], expect: Message| {
        check(
            &[&first[..], more].concat(),
            Ok(vec![begun.clone(), expect]),
        );
    };
    then(
        &[0x43, 0, 0, 5, 0, 0, 1, 18, 0xcc],
        message(18, 1, 15, &[0xcc]),
    );
    then(&[0x83, 0, 0, 5, 1, 2], message(20, 1, 15, &[1, 2]));
    then(&[0xc3, 1, 2], message(20, 1, 10, &[1, 2]));
    // The same, with a delta that is repeated.
    check(
        &[&first[..], &[0x83, 0, 0, 5, 1, 2, 0xc3, 3, 4]].concat(),
        Ok(vec![
            begun.clone(),
            message(20, 1, 15, &[1, 2]),
            message(20, 1, 20, &[3, 4]),
        ]),
    );
}

#[test]
fn chunk_streams_of_two_and_three_bytes() {
    check(
        &[0, 6, 0, 0, 0, 0, 0, 1, 20, 0, 0, 0, 0, 7, 0xc0, 6, 8],
        Ok(vec![message(20, 0, 0, &[7]), message(20, 0, 0, &[8])]),
    );
    check(
        &[1, 6, 1, 0, 0, 0, 0, 0, 1, 20, 0, 0, 0, 0, 7, 0xc1, 6, 1, 8],
        Ok(vec![message(20, 0, 0, &[7]), message(20, 0, 0, &[8])]),
    );
}

#[test]
fn long_times_in_full_in_deltas_and_in_continuations() {
    let data = [5; 130];
    let head = [4, 0xff, 0xff, 0xff, 0, 0, 130, 9, 1, 0, 0, 0, 1, 2, 3, 4];
    let expect = message(9, 1, 0x0102_0304, &data);
    // As the specification has it, and as some leave it out.
    for again in [&[1, 2, 3, 4][..], &[]] {
        let bytes = [&head, &data[..128], &[0xc4], again, &data[128..]].concat();
        let more = [
            &bytes[..],
            &[0x84, 0, 0, 1],
            &data[..128],
            &[0xc4],
            &data[128..],
        ]
        .concat();
        let mut reader = Reader::new(SMALL);
        reader.feed(&more);
        assert_eq!(
            drain(&mut reader),
            Ok(vec![expect.clone(), message(9, 1, 0x0102_0305, &data)])
        );
    }
    // A time that wraps.
    check(
        &[
            3, 0xff, 0xff, 0xff, 0, 0, 1, 9, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xfe, 1, 0x83, 0, 0, 4,
            2,
        ],
        Ok(vec![
            message(9, 0, 0xffff_fffe, &[1]),
            message(9, 0, 2, &[2]),
        ]),
    );
}

#[test]
fn sound_between_the_chunks_of_a_picture() {
    let picture = [9; 200];
    let bytes = [
        &[6, 0, 0, 0, 0, 0, 200, 9, 1, 0, 0, 0],
        &picture[..128],
        &[4, 0, 0, 0, 0, 0, 2, 8, 1, 0, 0, 0, 1, 2],
        &[0xc6],
        &picture[128..],
    ]
    .concat();
    check(
        &bytes,
        Ok(vec![message(8, 1, 0, &[1, 2]), message(9, 1, 0, &picture)]),
    );
}

#[test]
fn chunk_size_and_abort_are_obeyed() {
    let picture = [9; 300];
    check(
        &[
            &[2, 0, 0, 0, 0, 0, 4, 1, 0, 0, 0, 0, 0, 0, 1, 0][..],
            &[6, 0, 0, 0, 0, 1, 44, 9, 1, 0, 0, 0],
            &picture[..256],
            &[0xc6],
            &picture[256..],
        ]
        .concat(),
        Ok(vec![message(9, 1, 0, &picture)]),
    );
    check(
        &[
            &[6, 0, 0, 0, 0, 1, 44, 9, 1, 0, 0, 0][..],
            &picture[..128],
            &[2, 0, 0, 0, 0, 0, 4, 2, 0, 0, 0, 0, 0, 0, 0, 6],
            &[6, 0, 0, 0, 0, 0, 1, 9, 1, 0, 0, 0, 1],
        ]
        .concat(),
        Ok(vec![message(9, 1, 0, &[1])]),
    );
}

#[test]
fn what_is_refused() {
    // A length beyond the limit is refused before its bytes come.
    check(
        &[6, 0, 0, 0, 0xff, 0xff, 0xff, 9, 1, 0, 0, 0],
        Err(Error::TooLong(0xff_ffff)),
    );
    for form in [0x43, 0x83, 0xc3] {
        check(&[form, 0, 0, 0, 0, 0, 0, 0], Err(Error::NoBeginning(3)));
    }
    let begin = |id: u8| [id, 0, 0, 0, 0, 0, 1, 9, 1, 0, 0, 0, 1];
    check(
        &[begin(3), begin(4), begin(5), begin(6)].concat(),
        Err(Error::TooManyStreams),
    );
    let open = |id: u8| [&[id, 0, 0, 0, 0, 3, 0xe8, 9, 1, 0, 0, 0][..], &[0; 128]].concat();
    let go_on = |id: u8| [&[0xc0 | id][..], &[0; 128]].concat();
    let mut flood = [open(3), open(4), open(5)].concat();
    for _ in 0..3 {
        flood.extend([go_on(3), go_on(4), go_on(5)].concat());
    }
    check(&flood, Err(Error::TooMuchPending));
    check(&[open(3), open(3)].concat(), Err(Error::Interrupted(3)));
    let set = |size: [u8; 4]| [&[2, 0, 0, 0, 0, 0, 4, 1, 0, 0, 0, 0][..], &size].concat();
    check(&set([0; 4]), Err(Error::ChunkSize));
    check(&set([0x80, 0, 0, 0]), Err(Error::ChunkSize));
    check(
        &[2, 0, 0, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0],
        Err(Error::Control),
    );
}

#[test]
fn reads_what_the_writer_writes() {
    let mut noise = Noise::new(7);
    let mut writer = ChunkSerializer::new();
    let mut reader = Reader::new(Limits::MEDIA);
    let resized = writer
        .set_max_chunk_size(4096, RtmpTimestamp::new(0))
        .unwrap();
    reader.feed(&resized.bytes);
    for n in 0..500_u32 {
        let mut data = noise.bytes(20_000);
        data.push(1);
        // Past 0xffffff milliseconds on the way.
        let expect = Message {
            kind: [kind::AUDIO, kind::VIDEO, kind::DATA][noise.below(3)],
            stream: 1,
            timestamp: n * 40_000,
            data: data.into(),
        };
        let payload = MessagePayload {
            timestamp: RtmpTimestamp::new(expect.timestamp),
            type_id: expect.kind,
            message_stream_id: expect.stream,
            data: expect.data.clone(),
        };
        let packet = writer.serialize(&payload, false, true).unwrap();
        for part in packet.bytes.chunks(1 + noise.below(3_000)) {
            reader.feed(part);
        }
        assert_eq!(reader.read(), Ok(Some(expect)));
        assert_eq!(reader.read(), Ok(None));
    }
}

#[test]
fn noise_never_panics_and_never_holds_more_than_allowed() {
    let mut noise = Noise::new(3);
    for _ in 0..3_000 {
        let mut reader = Reader::new(SMALL);
        for _ in 0..50 {
            let mut bytes = noise.bytes(120);
            if noise.below(2) == 0 {
                for byte in &mut bytes {
                    *byte %= 10;
                }
            }
            reader.feed(&bytes);
            if drain(&mut reader).is_err() {
                break;
            }
            assert!(reader.pending <= SMALL.pending);
            assert!(reader.buffer.len() <= SMALL.message + 200);
        }
    }
}

#[test]
fn it_says_how_much_must_come_before_there_is_more() {
    let mut chunks = ChunkSerializer::new();
    let sent = |chunks: &mut ChunkSerializer, many: usize| {
        let payload = MessagePayload {
            timestamp: RtmpTimestamp::new(0),
            type_id: kind::AUDIO,
            message_stream_id: 1,
            data: vec![7; many].into(),
        };
        chunks.serialize(&payload, false, false).unwrap().bytes
    };
    // A header of twelve bytes, 128, one, 72.
    let bytes = sent(&mut chunks, 200);
    assert_eq!(bytes.len(), 12 + 128 + 1 + 72);
    for (there, missing) in [
        (0, usize::MAX),
        (1, 1),
        (11, 1),
        (12, 128),
        (100, 40),
        (139, 1),
        // Inside of a message with nothing held: the rest, and what it begins with.
        (140, 73),
        (141, 72),
        (212, 1),
        (213, usize::MAX),
    ] {
        let mut reader = Reader::new(SMALL);
        reader.feed(&bytes[..there]);
        let read = drain(&mut reader).unwrap();
        assert_eq!(read.len(), usize::from(there == bytes.len()));
        assert_eq!(reader.missing(), missing, "{there}");
    }
}
