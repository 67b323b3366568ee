use media::{ChannelInfo, Hub, Origin, Reader, SAMPLE_RATE, Samples, Start, Writer};

use super::*;

const FROM: TrackId = TrackId(1);

/// A channel with one track of sound, its twin, and what encodes for it.
fn publish(hub: &Hub, aac: bool) -> (Writer, Twin, Box<dyn encode::audio::Encoder>) {
    let info = ChannelInfo {
        origin: Origin::Whip,
        title: "Phone".into(),
    };
    let name = "phone".parse().unwrap();
    let mut writer = hub.publish(name, info, Timestamp::ZERO).unwrap();
    let twin = writer.twin(derive);
    let encoder = encoder(aac, FROM).unwrap();
    writer.set_tracks(vec![Track {
        id: FROM,
        config: encoder.config(),
        bitrate: 0,
    }]);
    (writer, twin, encoder)
}

/// A tone of 1 kHz at half of full scale.
fn tone(at: Timestamp, frames: usize) -> Samples {
    let first = at.ticks(SAMPLE_RATE);
    let value = |n: usize| {
        let turns = (first + n as i64) as f64 * 1000.0 / f64::from(SAMPLE_RATE);
        (0.5 * (turns * std::f64::consts::TAU).sin()) as f32
    };
    Samples {
        timestamp: at,
        rate: SAMPLE_RATE,
        channels: 2,
        data: (0..frames).flat_map(|n| [value(n); 2]).collect(),
    }
}

/// Packets of a second of sound that begins at `from`.
fn second(encoder: &mut dyn encode::audio::Encoder, from: Timestamp) -> Vec<Packet> {
    let tens = (0..100).map(|n| from.offset(n * STEP_NANOS));
    tens.flat_map(|at| encoder.encode(&tone(at, STEP)).unwrap())
        .collect()
}

fn packets(reader: &mut Reader) -> Vec<Packet> {
    let all = std::iter::from_fn(|| reader.try_next());
    all.filter_map(|next| match next {
        Next::Packet(packet) => Some(packet),
        _ => None,
    })
    .collect()
}

#[test]
fn the_other_codec_stands_beside_the_publishers() {
    let track = |id, config| Track {
        id: TrackId(id),
        config,
        bitrate: 0,
    };
    let (opus, aac) = (OPUS.clone().unwrap(), AAC.clone().unwrap());
    let derived = derive(&[track(1, opus.clone())]);
    assert_eq!(derived.len(), 1);
    assert_eq!(derived[0].id, TrackId(65));
    assert_eq!(derived[0].config, aac);
    assert_eq!(derive(&[track(3, aac.clone())])[0].config, opus);
    assert_eq!(derive(&[track(1, opus), track(2, aac)]), []);
    assert_eq!(derive(&[]), []);
}

/// Each way: the tone comes out as loud as it went in, at the time it went in, without a hole.
#[test]
fn the_sound_is_the_same_at_the_same_time() {
    for to_aac in [true, false] {
        let hub = Hub::new(4);
        let (writer, mut twin, mut encoder) = publish(&hub, !to_aac);
        let want = if to_aac { Want::MP4 } else { Want::WEBRTC };
        let channel = Arc::clone(writer.channel());
        let mut reader = channel.read(want, Start::Next, 1000);
        let mut work = Work::of(&channel.tracks()).unwrap();

        let begin = Timestamp::from_millis(12_345);
        for s in 0..3 {
            for packet in second(&mut *encoder, begin.offset(s * 1_000_000_000)) {
                work.take(&packet, &mut twin);
            }
        }
        let made = packets(&mut reader);
        assert!(!made.is_empty(), "to AAC: {to_aac}");
        let frame = if to_aac { 1024 } else { 960 };
        for pair in made.windows(2) {
            let step = pair[1].pts.offset_from(pair[0].pts);
            let want = Timestamp::from_ticks(frame, SAMPLE_RATE).nanos();
            assert!((step - want).abs() < 50_000, "{step} ns after another");
        }

        let mut decoder = decode::audio::open(&channel.tracks()[1].config).unwrap();
        let decoded: Vec<_> = made
            .iter()
            .filter_map(|p| decoder.decode(p).unwrap())
            .collect();
        let (mut square, mut count) = (0.0, 0);
        let (mut dot_sin, mut dot_cos) = (0.0, 0.0);
        for samples in &decoded {
            let first = samples.timestamp.ticks(SAMPLE_RATE);
            // The filters' beginnings are no steady tone.
            if samples.timestamp < begin.offset(500_000_000) {
                continue;
            }
            for (n, pair) in samples.data.chunks(2).enumerate() {
                let turns = (first + n as i64) as f64 * 1000.0 / f64::from(SAMPLE_RATE);
                let (sin, cos) = (turns * std::f64::consts::TAU).sin_cos();
                let value = f64::from(pair[0]);
                square += value * value;
                dot_sin += value * sin;
                dot_cos += value * cos;
                count += 1;
            }
        }
        let rms = (square / f64::from(count)).sqrt();
        assert!((rms - 0.3536).abs() < 0.01, "to AAC: {to_aac}: RMS {rms}");
        // The phase of the tone says how far it is off, modulo its period of a millisecond.
        let off = dot_cos.atan2(dot_sin) / std::f64::consts::TAU;
        assert!(off.abs() < 0.2, "to AAC: {to_aac}: off by {off} ms");
        let start = decoded[0].timestamp.offset_from(begin);
        assert!(start.abs() < 60_000_000, "begins {start} ns off");
        let last = decoded.last().unwrap().end();
        let missing = begin.offset(3_000_000_000).offset_from(last);
        assert!(missing < 100_000_000, "{missing} ns are missing at the end");
    }
}

#[test]
fn nothing_is_made_while_nobody_listens() {
    let hub = Hub::new(4);
    let (mut writer, mut twin, mut encoder) = publish(&hub, false);
    let channel = Arc::clone(writer.channel());
    // The thread's own reader is nobody.
    let mut own = twin.read(SOUND, CAPACITY);
    let mut work = None;
    let mut play = |from: i64| {
        let mut taken = 0;
        for packet in second(&mut *encoder, Timestamp::from_millis(from)) {
            writer.write(packet);
            while let Some(next) = own.try_next() {
                taken += usize::from(matches!(next, Next::Packet(_)));
                step(next, &mut work, &mut twin);
            }
        }
        let warm = work.as_ref().is_some_and(|work| work.chain.is_some());
        (taken, warm)
    };
    // It is not even woken.
    assert_eq!(play(0), (0, false));
    let mut reader = channel.read(Want::MP4, Start::Next, 1000);
    let (taken, warm) = play(1000);
    assert!(taken > 40 && warm, "{taken} packets");
    assert!(packets(&mut reader).len() > 40);
    // Whoever takes the publisher's own is nobody, either.
    drop(reader);
    let _other = channel.read(Want::WEBRTC, Start::Next, 1000);
    let (taken, warm) = play(2000);
    assert!(taken <= 1 && !warm, "{taken} packets");
}

/// A publisher's hole is a silence, and its leap is followed.
#[test]
fn time_is_the_publishers() {
    let hub = Hub::new(4);
    let (writer, mut twin, mut encoder) = publish(&hub, false);
    let channel = Arc::clone(writer.channel());
    let mut reader = channel.read(Want::MP4, Start::Next, 1000);
    let mut work = Work::of(&channel.tracks()).unwrap();
    for at in [0, 1500, 600_000] {
        for packet in second(&mut *encoder, Timestamp::from_millis(at)) {
            work.take(&packet, &mut twin);
        }
    }
    let made = packets(&mut reader);
    let leaps: Vec<_> = made
        .windows(2)
        .map(|w| w[1].pts.offset_from(w[0].pts) / 1_000_000)
        .filter(|ms| *ms > 30)
        .collect();
    assert_eq!(leaps.len(), 1, "{leaps:?}: half a second is filled");
    assert!((597_400..597_600).contains(&leaps[0]), "{leaps:?}");
}

#[test]
fn the_thread_ends_with_its_channel() {
    let hub = Hub::new(4);
    let (mut writer, twin, mut encoder) = publish(&hub, false);
    let channel = Arc::clone(writer.channel());
    let mut reader = channel.read(Want::MP4, Start::Next, 1000);
    let thread = start(twin).unwrap();
    // The thread reads what is written after it began to: the tracks are told first.
    let mut at = 0;
    let first = loop {
        for packet in second(&mut *encoder, Timestamp::from_millis(at)) {
            writer.write(packet);
        }
        at += 1000;
        match reader.next_blocking(Duration::from_millis(100)) {
            Some(Next::Packet(packet)) => break packet,
            _ => assert!(at < 300_000, "nothing comes"),
        }
    };
    assert_eq!(first.track, TrackId(FROM.0 + OFFSET));
    drop(writer);
    thread.join().unwrap();
}
