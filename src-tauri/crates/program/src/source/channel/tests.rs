//! A publisher is the test signal, encoded once, and its packets arrive when a test says so.

use std::sync::LazyLock;

use codec::encode;
use media::{ChannelInfo, Origin, Packet, SAMPLE_RATE, Standing, Track, TrackId, Writer};
use mixer::{Mixer, Timing};
use scene::Pattern;

use super::super::test_signal::{self, TestSignal, read_counter};
use super::*;

const VIDEO: TrackId = TrackId(0);
const OPUS: TrackId = TrackId(1);
const FPS: u32 = 30;

/// Sample frames mixed at a time, and how far behind the clock: as the program does.
const BLOCK: usize = 480;
const DELAY: i64 = 50_000_000;

/// A recorded stream: tracks, and packets in the order of their time.
struct Recording {
    tracks: Vec<Track>,
    packets: Vec<Packet>,
}

/// Some seconds of the test signal in H.264 and Opus.
fn record(width: u32, height: u32, seconds: i64) -> Recording {
    let config = encode::video::Config {
        width,
        height,
        fps: FPS,
        bitrate: 2_000_000,
        keyframe_interval: Duration::from_secs(2),
    };
    let mut video = encode::video::open(config, VIDEO).unwrap();
    let mut audio = encode::audio::opus(OPUS, 128_000).unwrap();
    let mut signal = TestSignal::new(Pattern::Bars, width, height, FPS);
    let mut packets = Vec::new();
    for n in 0..seconds * i64::from(FPS) {
        let at = Timestamp::from_ticks(n, FPS);
        let picture = signal.picture(u32::try_from(n).unwrap(), at);
        packets.extend(video.encode(&picture).unwrap());
    }
    for n in 0..seconds * 50 {
        let sound = test_signal::sound(Timestamp::from_ticks(n, 50), 960);
        packets.extend(audio.encode(&sound).unwrap());
    }
    packets.sort_by_key(|p| p.pts);
    let track = |id, config| Track {
        id,
        config,
        bitrate: 0,
    };
    Recording {
        tracks: vec![
            track(VIDEO, video.config().unwrap()),
            track(OPUS, audio.config()),
        ],
        packets,
    }
}

static PUBLISHED: LazyLock<Recording> = LazyLock::new(|| record(640, 360, 5));

/// What the program made of a channel in virtual time.
struct Played {
    /// The number in each picture, when it was shown, and how wide it is.
    pictures: Vec<(u32, Timestamp, u32)>,
    /// Mono, from time 0 on.
    sound: Vec<f32>,
}

impl Played {
    /// By how much the beep of second `n` is heard after its picture is shown, in ms.
    fn beep_after_flash(&self, second: u32) -> f64 {
        let flash = self.pictures.iter().find(|(n, ..)| *n == second * FPS);
        let flash = flash.expect("the picture of that second was shown").1;
        let near = (flash.ticks(SAMPLE_RATE) - 24_000).max(0) as usize;
        // The beep is five times as loud as the tone.
        let loud = self.sound[near..].iter().position(|s| s.abs() > 0.25);
        let beep = near + loud.expect("a beep");
        beep as f64 / 48.0 - flash.nanos() as f64 / 1e6
    }
}

/// Plays a recording whose pictures and sounds arrive so much later than their time, in milliseconds.
fn play(recording: &Recording, late: impl Fn(&Packet) -> i64) -> Played {
    let mut arrivals: Vec<(Timestamp, &Packet)> = (recording.packets.iter())
        .map(|p| (p.pts.offset(late(p) * 1_000_000), p))
        .collect();
    arrivals.sort_by_key(|(at, _)| *at);
    let mut intake = Intake::new(Timestamp::ZERO);
    intake.take(
        Next::Tracks(recording.tracks.clone().into()),
        0,
        Timestamp::ZERO,
    );
    let mut mixer = Mixer::new();
    mixer.set_strip("guest", mixer::Strip::default());
    mixer.set_timing("guest", Timing::Auto);
    let mut played = Played {
        pictures: Vec::new(),
        sound: Vec::new(),
    };
    for (now, packet) in arrivals {
        let block_at = |n: usize| Timestamp::from_ticks((n * BLOCK) as i64, SAMPLE_RATE);
        while block_at(played.sound.len() / BLOCK + 1).offset(DELAY) <= now {
            let mixed = mixer.mix(block_at(played.sound.len() / BLOCK), BLOCK);
            let left = mixed.samples.data.chunks_exact(2).map(|pair| pair[0]);
            played.sound.extend(left);
        }
        match intake.take(Next::Packet(packet.clone()), 0, now) {
            Made::Nothing => {}
            Made::Pictures(frames) => played.pictures.extend(frames.iter().map(|frame| {
                let number = read_counter(frame).expect("a readable counter");
                (number, frame.timestamp().max(now), frame.width())
            })),
            Made::Sound(samples) => mixer.push("guest", samples),
        }
    }
    played
}

#[test]
fn picture_and_sound_come_through_and_stay_in_step() {
    // How late pictures and sound arrive, in milliseconds, and what is left between them at the end.
    for (picture, sound) in [(15, 10), (70, 10), (300, 20), (20, 180), (-60, -80)] {
        let played = play(&PUBLISHED, |p| {
            // Every seventh packet is held up on the way.
            let jitter = (p.pts.millis() / 20 % 7 == 0) as i64 * 9;
            jitter + if p.track == VIDEO { picture } else { sound }
        });
        let what = format!("pictures {picture} ms, sound {sound} ms late");
        let numbers: Vec<u32> = played.pictures.iter().map(|(n, ..)| *n).collect();
        assert_eq!(numbers, (0..150).collect::<Vec<_>>(), "{what}");
        let apart = played.beep_after_flash(4);
        assert!((-30.0..=60.0).contains(&apart), "{what}: {apart:.1} ms");
        // The tone is a sine of −20 dBFS peak: −23 dB of power; away from the beep it stands alone.
        let quiet = &played.sound[48_000 * 3 + 24_000..][..9600];
        let power = quiet.iter().map(|s| f64::from(*s).powi(2)).sum::<f64>() / 9600.0;
        let level = 10.0 * power.log10();
        assert!((-23.6..=-22.4).contains(&level), "{what}: {level:.2} dBFS");
    }
}

#[test]
fn a_picture_is_shown_as_soon_as_it_is_there() {
    let played = play(&PUBLISHED, |_| 12);
    for (number, shown, _) in played.pictures {
        let taken = Timestamp::from_ticks(number.into(), FPS);
        assert_eq!(shown.since(taken), Duration::from_millis(12), "{number}");
    }
}

#[test]
fn a_publisher_may_change_its_size() {
    let small = record(320, 180, 1);
    let mut intake = Intake::new(Timestamp::ZERO);
    let mut widths = Vec::new();
    for recording in [&*PUBLISHED, &small] {
        intake.take(
            Next::Tracks(recording.tracks.clone().into()),
            0,
            Timestamp::ZERO,
        );
        let video = recording.packets.iter().filter(|p| p.track == VIDEO);
        for packet in video.take(3) {
            let made = intake.take(Next::Packet(packet.clone()), 0, packet.pts);
            let Made::Pictures(frames) = made else {
                panic!("{made:?}")
            };
            widths.extend(frames.iter().map(Frame::width));
        }
    }
    assert_eq!(widths, [640, 640, 640, 320, 320, 320]);
    assert_eq!(intake.detail(), "320×180 H.264, Opus");
}

#[test]
fn who_falls_behind_counts_it_and_asks_for_a_keyframe_once_a_second() {
    let mut intake = Intake::new(Timestamp::ZERO);
    let at = Timestamp::from_millis;
    intake.take(Next::Tracks(PUBLISHED.tracks.clone().into()), 0, at(0));
    assert!(!intake.wants_keyframe(at(10)), "joining has asked");
    assert!(intake.wants_keyframe(at(1000)) && !intake.wants_keyframe(at(1500)));
    let key = PUBLISHED.packets.iter().find(|p| p.track == VIDEO).unwrap();
    intake.take(Next::Packet(key.clone()), 0, at(1600));
    assert!(!intake.wants_keyframe(at(5000)));
    intake.take(Next::Gap(384), 0, at(5100));
    assert!(intake.wants_keyframe(at(5100)));
    assert_eq!(intake.detail(), "640×360 H.264, Opus, 384 packets lost");
}

#[test]
fn what_is_old_is_caught_up_with_in_the_dark() {
    let mut intake = Intake::new(Timestamp::ZERO);
    let now = Timestamp::from_millis(2000);
    intake.take(Next::Tracks(PUBLISHED.tracks.clone().into()), 0, now);
    let group: Vec<&Packet> = (PUBLISHED.packets.iter())
        .filter(|p| p.pts <= now)
        .collect();
    let mut shown = Vec::new();
    for (n, packet) in group.iter().enumerate() {
        let made = intake.take(Next::Packet((*packet).clone()), group.len() - n - 1, now);
        if let Made::Pictures(frames) = made {
            shown.extend(frames.iter().map(|f| read_counter(f).unwrap()));
        }
    }
    assert!(shown.first().is_some_and(|n| *n >= 50), "{shown:?}");
    assert!(shown.last().is_some_and(|n| *n >= 59), "{shown:?}");
}

#[test]
fn a_machine_that_is_too_slow_leaves_out_what_it_cannot_show_in_time() {
    let mut intake = Intake::new(Timestamp::ZERO);
    let at = Timestamp::from_millis;
    intake.take(Next::Tracks(PUBLISHED.tracks.clone().into()), 0, at(0));
    let mut packets = PUBLISHED.packets.iter();
    // First in time, then half as fast as the packets come.
    for packet in packets.by_ref().take_while(|p| p.pts < at(1000)) {
        intake.take(Next::Packet(packet.clone()), 0, packet.pts);
        assert!(!intake.is_behind());
    }
    let slow = packets.map(|packet| {
        let late = packet.pts.since(at(1000));
        let waiting = late.as_millis() as usize * 80 / 1000;
        intake.take(Next::Packet(packet.clone()), waiting, packet.pts + late);
        (late.as_millis(), intake.is_behind())
    });
    let (late, _) = slow.into_iter().find(|(_, behind)| *behind).unwrap();
    assert!((700..=760).contains(&late), "{late} ms");
    intake.leave_out(56, at(2400));
    assert!(
        !intake.is_behind() && !intake.wants_keyframe(at(2500)) && intake.wants_keyframe(at(3400))
    );
    assert_eq!(intake.detail(), "640×360 H.264, Opus, 56 packets lost");
}

fn publish(hub: &Hub, name: &str, clock: Clock) -> Writer {
    let info = ChannelInfo {
        origin: Origin::Whip,
        title: name.into(),
    };
    let name = name.parse().unwrap();
    let mut writer = hub.publish_backstage(name, info, clock.now()).unwrap();
    writer.set_tracks(PUBLISHED.tracks.clone());
    writer
}

/// Writes what the recording has of its first tenth of a second, as of now.
fn write(writer: &mut Writer, clock: Clock) {
    let now = clock.now().nanos();
    for packet in PUBLISHED.packets.iter().filter(|p| p.pts.millis() < 100) {
        writer.write(Packet {
            pts: packet.pts.offset(now),
            dts: packet.dts.offset(now),
            ..packet.clone()
        });
    }
}

/// Waits, for ten seconds at most.
fn until(what: &str, mut there: impl FnMut() -> bool) {
    for _ in 0..10_000 {
        if there() {
            return;
        }
        std::thread::park_timeout(Duration::from_millis(1));
    }
    panic!("waited in vain until {what}");
}

#[test]
fn who_leaves_is_replaced_by_a_placeholder_and_taken_up_again() {
    let (hub, clock) = (Hub::new(2), Clock::start());
    let source = channel("Maria", "maria", hub.clone(), clock);
    assert_eq!(source.status().state, State::Idle);
    assert!(source.picture(clock.now()).is_none());
    source.show(Showing::Program, clock.now());
    until("it is missed", || source.status().state == State::Lost);
    let placeholder = source.picture(clock.now()).unwrap();
    assert_eq!((placeholder.width(), placeholder.height()), (960, 540));

    for _ in 0..2 {
        let mut writer = publish(&hub, "maria", clock);
        until("it is read", || {
            // What is written before the reader joins waits in the group for it.
            write(&mut writer, clock);
            source.status().state == State::Running
        });
        until("its picture is shown", || {
            let shown = source.picture(clock.now() + Duration::from_secs(1));
            shown.is_some_and(|frame| frame.width() == 640)
        });
        let detail = source.status().detail;
        assert_eq!(detail.as_deref(), Some("640×360 H.264, Opus"));
        drop(writer);
        until("it is missed", || source.status().state == State::Lost);
        let shown = source.picture(clock.now()).unwrap();
        assert_eq!(shown.width(), 960, "the placeholder");
        let words = source.status().message.unwrap();
        assert_eq!(words, "not connected; comes back by itself");
    }
}

#[test]
fn nothing_is_read_while_it_is_not_shown() {
    let (hub, clock) = (Hub::new(2), Clock::start());
    let source = channel("Maria", "maria", hub.clone(), clock);
    let mut writer = publish(&hub, "maria", clock);
    source.show(Showing::Program, clock.now());
    until("it is read", || {
        write(&mut writer, clock);
        source.status().state == State::Running
    });
    source.show(Showing::Hidden, clock.now());
    assert_eq!(source.status().state, State::Idle);
    assert!(source.picture(clock.now()).is_none());
    let mut heard = Vec::new();
    source.sound(clock.now(), BLOCK, &mut heard);
    assert!(heard.is_empty());
    let shared = Arc::downgrade(&source.shared);
    drop(source);
    assert!(shared.upgrade().is_none(), "its thread has ended");
}

#[test]
fn who_waits_for_the_host_is_not_shown() {
    let (hub, clock) = (Hub::new(2), Clock::start());
    let info = ChannelInfo {
        origin: Origin::Whip,
        title: "maria".into(),
    };
    let name: ChannelName = "maria".parse().unwrap();
    let mut writer = hub.hold(name.clone(), info, clock.now()).unwrap();
    writer.set_tracks(PUBLISHED.tracks.clone());
    let source = channel("Maria", "maria", hub.clone(), clock);
    source.show(Showing::Program, clock.now());
    let waits = || source.status().message.as_deref() == Some("waits to be let in");
    until("it is known to wait", waits);
    assert!(hub.admit(&name, Standing::Backstage));
    until("it is shown", || {
        write(&mut writer, clock);
        source.status().state == State::Running
    });
}

#[test]
fn the_program_is_refused_in_words() {
    let (hub, clock) = (Hub::new(2), Clock::start());
    let source = channel("Loop", "program", hub, clock);
    source.show(Showing::Program, clock.now());
    let status = source.status();
    assert_eq!(status.state, State::Failed);
    assert!(status.message.unwrap().contains("cannot show itself"));
    assert!(source.picture(clock.now()).is_some(), "a placeholder");
    assert!(source.thread.lock().is_none());
}
