//! Everything that reads what strangers send, as functions of bytes. Each must end, in bounded
//! memory and without a panic; what else holds is asserted.

use bytes::Bytes;
use wire::rtmp::{amf0, chunk};

/// A target's name, which is also its folder under `corpus`, and what it does with its input.
pub(crate) type Target = (&'static str, fn(&[u8]));

/// All targets.
pub(crate) const ALL: &[Target] = &[
    ("aac", aac),
    ("amf0", amf0),
    ("bodies", bodies),
    ("chat", server::fuzz::chat),
    ("chunk", chunks),
    ("collection", collection),
    ("flv", flv),
    ("fragment", fragment),
    ("h264", h264),
    ("ingest", wire::fuzz::ingest),
    ("live", live),
    ("mp4", mp4),
    ("offer", offer),
    ("opus", opus),
    ("payloads", wire::fuzz::payloads),
    ("stun", stun),
];

fn aac(data: &[u8]) {
    if let Ok(config) = media::aac::AudioConfig::parse(data) {
        let built = config.build();
        if let Ok(built) = built {
            let again = media::aac::AudioConfig::parse(&built).expect("what is built is read");
            assert_eq!(again.sample_rate, config.sample_rate);
            assert_eq!(again.channels, config.channels);
        }
    }
    if let Ok(frame) = media::aac::adts_frame(data) {
        assert!(frame.len <= data.len());
    }
}

fn amf0(data: &[u8]) {
    let Ok(values) = amf0::read(data) else { return };
    let written = amf0::write(&values);
    let again = amf0::read(&written).expect("what is written is read");
    assert_eq!(amf0::write(&again), written);
}

/// What programs and pages send over HTTP, and what is told of it to others.
fn bodies(data: &[u8]) {
    fn read<T: serde::Serialize + serde::de::DeserializeOwned>(data: &[u8]) {
        if let Ok(body) = serde_json::from_slice::<T>(data) {
            serde_json::to_vec(&body).expect("it is JSON");
        }
    }

    read::<api::Command>(data);
    read::<api::scene::Edit>(data);
    read::<api::NewAccessLink>(data);
    read::<api::NewDestination>(data);
    read::<api::NewMessage>(data);
    read::<api::NewPassphrase>(data);
    read::<api::NewSetting>(data);
    read::<api::NewToken>(data);
    read::<api::Moderation>(data);
    read::<api::OpenCollection>(data);
    read::<api::Title>(data);
    read::<api::Enabled>(data);
    read::<api::NewDoctorReport>(data);
    server::fuzz::report(data);
}

/// However the bytes are cut on the way, the messages are the same.
fn chunks(data: &[u8]) {
    let limits = chunk::Limits {
        message: 64 << 10,
        streams: 16,
        pending: 128 << 10,
    };
    let read = |pieces: &mut dyn Iterator<Item = &[u8]>| {
        let mut reader = chunk::Reader::new(limits);
        let mut messages = Vec::new();
        for piece in pieces {
            reader.feed(piece);
            loop {
                match reader.read() {
                    Ok(Some(message)) => messages.push(message),
                    Ok(None) => break,
                    Err(error) => return (messages, Some(error)),
                }
            }
        }
        (messages, None)
    };
    let whole = read(&mut std::iter::once(data));
    let bytewise = read(&mut data.chunks(1));
    assert_eq!(whole, bytewise);
}

fn collection(data: &[u8]) {
    if let Ok(collection) = serde_json::from_slice::<scene::Collection>(data)
        && collection.validate().is_ok()
    {
        let text = serde_json::to_vec(&collection).expect("a collection is JSON");
        let again: scene::Collection = serde_json::from_slice(&text).expect("it is read again");
        assert_eq!(again, collection);
    }
}

fn flv(data: &[u8]) {
    use container::flv;
    let data = Bytes::copy_from_slice(data);
    for kind in [flv::Kind::Video, flv::Kind::Audio] {
        // An error is as good as a body.
        drop(flv::parse(kind, &data));
    }
    if let Ok(tags) = flv::tags(&data) {
        for tag in tags {
            drop(flv::parse(tag.kind, &tag.body));
        }
    }
}

fn fragment(data: &[u8]) {
    if let Ok(text) = std::str::from_utf8(data) {
        wire::fuzz::fragment(text);
        server::fuzz::fragment(text);
    }
}

fn h264(data: &[u8]) {
    use media::h264;
    if let Ok(sps) = h264::Sps::parse(data) {
        assert!(!sps.codec_string().is_empty());
    }
    if let Ok(record) = h264::Record::parse(data) {
        drop(record.config());
    }
    let unit = h264::AccessUnit::from_annex_b(data);
    let mut annex_b = Vec::new();
    h264::avcc_to_annex_b(&unit.data, &mut annex_b).expect("our own lengths are right");
    for length in [1, 2, 4] {
        drop(h264::AccessUnit::from_avcc(data, length));
    }
}

/// However a stream is cut on the way, the packets are the same.
fn live(data: &[u8]) {
    use container::mp4::live::Demuxer;
    let read = |size: usize| {
        let mut demuxer = Demuxer::new();
        let mut events = Vec::new();
        for piece in data.chunks(size) {
            let fed = demuxer.feed(piece);
            events.extend(std::iter::from_fn(|| demuxer.poll()));
            if let Err(error) = fed {
                return (events, Some(error));
            }
        }
        (events, None)
    };
    assert_eq!(read(data.len().max(1)), read(97));
}

/// A file in memory, read as the program reads one.
fn mp4(data: &[u8]) {
    let mut demuxer = container::mp4::Demuxer::new();
    let at = |position: u64, len: usize| {
        let from = usize::try_from(position)
            .unwrap_or(usize::MAX)
            .min(data.len());
        &data[from..from.saturating_add(len).min(data.len())]
    };
    let mut turns = 0;
    while let Some((position, len)) = demuxer.need() {
        turns += 1;
        assert!(turns < 1_000_000, "it walks in circles");
        if demuxer.feed(position, at(position, len)).is_err() {
            return;
        }
    }
    for _ in 0..10_000 {
        let Ok(Some(sample)) = demuxer.next_sample() else {
            return;
        };
        let data = at(sample.position, sample.len);
        if data.len() == sample.len {
            drop(demuxer.packet(&sample, Bytes::copy_from_slice(data)));
        }
    }
}

fn offer(data: &[u8]) {
    if let Ok(text) = std::str::from_utf8(data) {
        wire::fuzz::offer(text);
    }
}

fn opus(data: &[u8]) {
    if let Some(samples) = media::opus::packet_samples(data) {
        assert!(samples <= 5760, "at most 120 ms");
    }
    if let Ok(head) = media::opus::Head::parse(data) {
        assert_eq!(media::opus::Head::parse(&head.build()).ok(), Some(head));
    }
}

fn stun(data: &[u8]) {
    wire::fuzz::stun(data);
}
