use container::fmp4::Muxer;
use media::{
    ChannelInfo, ChannelName, Hub, Next, Origin, Reader, Start, Track, TrackId, Want, h264,
};

use super::*;

const SPS: &[u8] = &[
    0x67, 0x42, 0xc0, 0x1e, 0xd9, 0x00, 0xa0, 0x2f, 0xea, 0x6c, 0x04, 0x40, 0x00, 0x00, 0xfa, 0x40,
    0x00, 0x3a, 0x98, 0x03, 0xc5, 0x8b, 0x92,
];

fn tracks() -> Vec<Track> {
    let pps = vec![0x68, 0xcb, 0x83, 0xcb, 0x20];
    vec![Track {
        id: TrackId(0),
        config: h264::config(SPS.into(), pps.into()).unwrap(),
        bitrate: 0,
    }]
}

/// A second of pictures from second `n` on, the first a keyframe.
fn second(muxer: &mut Muxer, n: i64) -> Vec<u8> {
    let pictures: Vec<_> = (n * 30..n * 30 + 30)
        .map(|i| {
            let at = Timestamp::from_ticks(i, 30);
            let first = i % 30 == 0;
            Packet {
                track: TrackId(0),
                pts: at,
                dts: at,
                keyframe: first,
                data: vec![0, 0, 0, 2, if first { 0x65 } else { 0x41 }, 1].into(),
            }
        })
        .collect();
    muxer
        .fragment(&pictures, Timestamp::from_millis((n + 1) * 1000))
        .to_vec()
}

struct World {
    muxer: Muxer,
    ingest: Ingest,
    reader: Reader,
}

fn world() -> World {
    let hub = Hub::new(1);
    let info = ChannelInfo {
        origin: Origin::Whip,
        title: "Page".into(),
    };
    let name: ChannelName = "page".parse().unwrap();
    let writer = hub.publish(name, info, Timestamp::ZERO).unwrap();
    let reader = writer.channel().read(Want::MP4, Start::Next, 1000);
    World {
        muxer: Muxer::new(&tracks()),
        ingest: Ingest::new(writer),
        reader,
    }
}

impl World {
    fn packets(&mut self) -> Vec<Packet> {
        let all = std::iter::from_fn(|| self.reader.try_next());
        all.filter_map(|next| match next {
            Next::Packet(packet) => Some(packet),
            _ => None,
        })
        .collect()
    }

    /// Lets time pass up to `until`; when each packet came.
    fn run(&mut self, until: Timestamp) -> Vec<(Timestamp, Packet)> {
        let mut came = Vec::new();
        while let Some(at) = self.ingest.deadline().filter(|at| *at <= until) {
            self.ingest.handle_timeout(at);
            came.extend(self.packets().into_iter().map(|p| (at, p)));
        }
        came
    }
}

#[test]
fn seconds_that_come_at_once_are_given_on_at_their_pace() {
    let mut w = world();
    let begin = Timestamp::from_millis(50_000);
    let init = w.muxer.init_segment();
    w.ingest.handle_bytes(&init, begin).unwrap();
    let mut last = begin;
    for n in 0..4 {
        // The network holds the third second up for 300 ms.
        let late = if n >= 2 { 300 } else { 0 };
        let now = begin.offset((n * 1000 + late) * 1_000_000);
        let bytes = second(&mut w.muxer, n);
        w.ingest.handle_bytes(&bytes, now).unwrap();
        let first = w.packets();
        assert_eq!(first.len(), 1, "only what is due");
        assert_eq!(first[0].pts, now, "second {n} begins when it comes");
        assert!(now.offset_from(last) < 335_000_000, "a gap");
        last = now;
        for (at, packet) in w.run(now.offset(999_000_000)) {
            assert_eq!(packet.pts, at);
            assert!(at.offset_from(last) < 34_000_000, "a gap");
            last = at;
        }
    }
    assert_eq!(w.ingest.deadline(), None);
    let told = w.ingest.writer.channel().tracks();
    assert_eq!(told[0].config, tracks()[0].config);
}

#[test]
fn a_sender_that_runs_ahead_is_no_live_sender() {
    let mut w = world();
    let init = w.muxer.init_segment();
    w.ingest.handle_bytes(&init, Timestamp::ZERO).unwrap();
    let sent: Result<(), Error> = (0..20).try_for_each(|n| {
        let bytes = second(&mut w.muxer, n);
        w.ingest.handle_bytes(&bytes, Timestamp::ZERO)
    });
    assert_eq!(sent, Err(Error::Ahead));
    let noise = world()
        .ingest
        .handle_bytes(b"\0\0\0\x10 not MP4 at all", Timestamp::ZERO);
    assert!(matches!(noise, Err(Error::Stream(_))));
}

#[test]
fn a_leap_of_the_senders_time_is_followed() {
    let mut w = world();
    let init = w.muxer.init_segment();
    w.ingest.handle_bytes(&init, Timestamp::ZERO).unwrap();
    let mut at = Timestamp::ZERO;
    for n in [0, 1000] {
        let bytes = second(&mut w.muxer, n);
        w.ingest.handle_bytes(&bytes, at).unwrap();
        assert_eq!(w.packets()[0].pts, at);
        w.run(at.offset(1_000_000_000));
        at = at.offset(1_000_000_000);
    }
}
