//! Against FFmpeg, both ways: files it makes are read and decoded as it decodes them, and what is
//! written here it reads. Without FFmpeg these tests say SKIPPED.

#![allow(
    clippy::unwrap_used,
    reason = "a test: helpers outside of #[test] are not known as such"
)]

mod support;

use std::time::Duration;

use klieg_container::fmp4::Muxer;
use klieg_container::mp4::Error;
use media::{Config, Kind, Packet, Samples, Timestamp, Track, TrackId};
use support::{Played, ffmpeg, ffmpeg_available, ffprobe, play, psnr, same_sound};

/// Two seconds of picture in motion, and a tone that comes and goes, as x264 and AAC make them.
const PICTURE: &str = "testsrc2=s=320x180:r=30:d=2";
const SOUND: &str =
    "aevalsrc=0.4*sin(2*PI*500*t)*gt(mod(t\\,0.5)\\,0.25)|0.2*sin(2*PI*300*t):s=48000:d=2";
const X264: [&str; 10] = [
    "-c:v", "libx264", "-preset", "fast", "-bf", "3", "-g", "30", "-pix_fmt", "yuv420p",
];

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).to_str().unwrap().to_owned()
    }

    /// A film by FFmpeg, with `more` arguments before its name.
    fn film(&self, name: &str, more: &[&str]) -> String {
        let path = self.path(name);
        let mut arguments = vec!["-f", "lavfi", "-i", PICTURE, "-f", "lavfi", "-i", SOUND];
        arguments.extend(X264);
        arguments.extend(["-c:a", "aac", "-b:a", "160k"]);
        arguments.extend(more);
        arguments.push(&path);
        ffmpeg(&arguments);
        path
    }

    /// FFmpeg's own decode of a film: planes, one picture after the other.
    fn pictures(&self, film: &str) -> Vec<u8> {
        let raw = self.path("raw.yuv");
        ffmpeg(&[
            "-i",
            film,
            "-map",
            "0:v:0",
            "-fps_mode",
            "passthrough",
            "-f",
            "rawvideo",
            "-pix_fmt",
            "yuv420p",
            &raw,
        ]);
        std::fs::read(raw).unwrap()
    }

    /// FFmpeg's own decode of its sound: interleaved, from time 0 on.
    fn sound(&self, film: &str, channels: &str) -> Vec<f32> {
        let raw = self.path("raw.f32");
        // Gaps become silence, as they are here.
        let filled = "aresample=async=1:min_hard_comp=0.001:first_pts=0";
        ffmpeg(&[
            "-i", film, "-map", "0:a:0", "-af", filled, "-f", "f32le", "-ac", channels, &raw,
        ]);
        let bytes = std::fs::read(raw).unwrap();
        bytes
            .chunks_exact(4)
            .map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]))
            .collect()
    }
}

/// Every picture is FFmpeg's, in its order, at the time ffprobe says.
fn compare(folder: &Folder, film: &str) -> Played {
    let played = play(&std::fs::read(film).unwrap()).unwrap();
    let times: Vec<f64> = ffprobe(&[
        "-select_streams",
        "v:0",
        "-show_entries",
        "frame=pts_time",
        "-of",
        "csv=p=0",
        film,
    ])
    .lines()
    .filter_map(|l| l.trim_matches(',').parse().ok())
    .collect();
    // FFmpeg delays pictures whose composition comes before their decoding in fragments; the times written
    // in the file are those found here (ISO/IEC 14496-12, section 8.8.8).
    let late = if film.ends_with("cmaf.mp4") {
        times[0]
    } else {
        0.0
    };
    let raw = folder.pictures(film);
    let shown: Vec<_> = played
        .frames
        .iter()
        .filter(|f| f.timestamp() >= Timestamp::ZERO)
        .collect();
    assert!(!shown.is_empty());
    let size = raw.len() / times.len();
    assert_eq!(shown.len(), times.len(), "as many pictures");
    let mut worst = f64::MAX;
    for (n, (frame, time)) in shown.iter().zip(&times).enumerate() {
        let off = (frame.timestamp().seconds() + late - time).abs();
        assert!(
            off < 0.000_1,
            "picture {n} at {:?}, not {time}",
            frame.timestamp()
        );
        worst = worst.min(psnr(frame, &raw[n * size..(n + 1) * size]));
    }
    println!("{film}: {} pictures, worst {worst:.1} dB", shown.len());
    // Weighted prediction is rounded in another way.
    assert!(worst > 50.0, "worst picture {worst:.1} dB");
    played
}

#[test]
fn films_of_x264_with_b_pictures_are_played_as_ffmpeg_plays_them() {
    if !ffmpeg_available() {
        return;
    }
    let folder = Folder::new();
    for (name, more) in [
        ("film.mp4", &[][..]),
        ("fast.mp4", &["-movflags", "+faststart"]),
        ("film.mov", &[]),
        (
            "fragments.mp4",
            &["-movflags", "+frag_keyframe+empty_moov+default_base_moof"],
        ),
        (
            "old-fragments.mp4",
            &["-movflags", "+frag_keyframe+empty_moov+omit_tfhd_offset"],
        ),
        (
            "cmaf.mp4",
            &["-movflags", "+cmaf", "-frag_duration", "500000"],
        ),
        ("negative.mp4", &["-movflags", "+negative_cts_offsets"]),
        (
            "open-gop.mp4",
            &[
                "-x264-params",
                "open-gop=1:keyint=20:bframes=8:b-pyramid=normal:weightp=2",
            ],
        ),
        ("delayed.mp4", &["-output_ts_offset", "0.7"]),
        ("baseline.mp4", &["-profile:v", "baseline", "-bf", "0"]),
        ("main.mp4", &["-profile:v", "main"]),
        ("cropped.mp4", &["-vf", "scale=322:182"]),
        (
            "ntsc.mp4",
            &["-vf", "fps=30000/1001", "-video_track_timescale", "30000"],
        ),
    ] {
        let film = folder.film(name, more);
        let played = compare(&folder, &film);
        let expect = folder.sound(&film, "2");
        // FFmpeg plays a film that begins late from its first sound on: 678 ms, as its edit list says.
        let begins = if name == "delayed.mp4" { 2 * 32_544 } else { 0 };
        let off = same_sound(&played.sound[begins..], &expect);
        println!("{name}: sound off by {off:.4}");
        assert!(off < 0.01, "{name}: sound off by {off:.4}");
        assert!(played.skipped.is_empty());
    }
}

#[test]
fn a_cut_without_decoding_begins_where_it_was_cut() {
    if !ffmpeg_available() {
        return;
    }
    let folder = Folder::new();
    let film = folder.film("film.mp4", &[]);
    let cut = folder.path("cut.mp4");
    ffmpeg(&["-ss", "0.5", "-i", &film, "-c", "copy", &cut]);
    let played = play(&std::fs::read(&cut).unwrap()).unwrap();
    let whole = folder.pictures(&film);
    let size = 320 * 180 * 3 / 2;
    assert!(
        played.frames[0].timestamp() < Timestamp::ZERO,
        "the pictures before the cut are needed"
    );
    let first = played
        .frames
        .iter()
        .find(|f| f.timestamp() >= Timestamp::ZERO)
        .unwrap();
    let db = psnr(first, &whole[15 * size..16 * size]);
    assert!(db > 60.0, "the first picture shown is the 16th: {db:.1} dB");
}

#[test]
fn other_sound_is_played_too() {
    if !ffmpeg_available() {
        return;
    }
    let folder = Folder::new();
    for (name, more, channels) in [
        ("opus.mp4", &["-c:a", "libopus", "-b:a", "128k"][..], 2),
        ("mono.mp4", &["-ac", "1"], 1),
        ("44.mp4", &["-ar", "44100"], 2),
        ("44.mov", &["-ar", "44100"], 2),
    ] {
        let film = folder.film(name, more);
        let played = play(&std::fs::read(&film).unwrap()).unwrap();
        assert_eq!(played.channels, channels, "{name}");
        let expect = folder.sound(&film, if channels == 1 { "1" } else { "2" });
        let off = same_sound(&played.sound, &expect);
        println!("{name}: off by {off:.4}");
        assert!(off < 0.012, "{name}: off by {off:.4}");
    }
}

#[test]
fn what_is_not_decoded_is_named() {
    if !ffmpeg_available() {
        return;
    }
    let folder = Folder::new();
    let film = folder.film("ac3.mp4", &["-c:a", "ac3"]);
    let played = play(&std::fs::read(film).unwrap()).unwrap();
    assert_eq!(
        played.frames.len(),
        60,
        "the picture is played without its sound"
    );
    assert_eq!(
        (played.skipped[0].kind, &played.skipped[0].codec[..]),
        (Kind::Audio, "AC-3")
    );

    let encoders = support::output("ffmpeg", &["-hide_banner", "-encoders"]);
    for (encoder, name) in [
        ("libx265", "HEVC"),
        ("libvpx-vp9", "VP9"),
        ("libaom-av1", "AV1"),
        ("mpeg4", "MPEG-4 Part 2"),
    ] {
        if !encoders.contains(encoder) {
            support::skipped(&format!("this ffmpeg has no {encoder}"));
            continue;
        }
        let film = folder.path("other.mp4");
        ffmpeg(&[
            "-f",
            "lavfi",
            "-i",
            "testsrc2=s=64x64:r=5:d=0.4",
            "-c:v",
            encoder,
            &film,
        ]);
        let error = play(&std::fs::read(&film).unwrap()).err().unwrap();
        let codec = Error::Codec {
            name: name.into(),
            kind: Kind::Video,
        };
        assert_eq!(error.to_string(), codec.to_string());
    }
    let film = folder.film(
        "deep.mp4",
        &["-pix_fmt", "yuv422p", "-profile:v", "high422"],
    );
    let error = play(&std::fs::read(film).unwrap()).err().unwrap();
    assert!(error.to_string().contains("4:2:2"), "{error}");
}

#[test]
fn films_that_are_cut_short_or_damaged_are_errors_or_shorter() {
    if !ffmpeg_available() {
        return;
    }
    let folder = Folder::new();
    let film = std::fs::read(folder.film("film.mp4", &["-movflags", "+faststart"])).unwrap();
    let fragments =
        std::fs::read(folder.film("fragments.mp4", &["-movflags", "+frag_keyframe+empty_moov"]))
            .unwrap();
    let late = std::fs::read(folder.film("late.mp4", &[])).unwrap();
    for cut in [0, 1, 7, 31, 100, 1_000, 2_000] {
        assert!(play(&film[..cut]).is_err(), "{cut}");
    }
    // With the index in front, what is there is played; at the end, there is no index.
    assert!(
        play(&film[..film.len() / 2]).is_ok_and(|p| p.frames.len() > 10 && p.frames.len() < 60)
    );
    assert!(play(&fragments[..fragments.len() * 2 / 3]).is_ok_and(|p| p.frames.len() >= 30));
    let error = play(&late[..late.len() / 2]).err().unwrap();
    assert!(error.to_string().contains("never finished"), "{error}");

    let mut state = 17u32;
    let mut random = move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as usize
    };
    for original in [&film, &fragments] {
        for _ in 0..25 {
            let mut damaged = original.clone();
            for _ in 0..1 + random() % 60 {
                let at = random() % damaged.len();
                damaged[at] = random() as u8;
            }
            drop(play(&damaged));
        }
    }
}

/// Two seconds of the program: pictures with a counter of brightness, a tone that begins at one second.
fn program() -> (Vec<Track>, Vec<Packet>, Vec<media::Frame>) {
    use codec::encode;
    let start = Timestamp::from_millis(5_000);
    let config = encode::video::Config {
        width: 320,
        height: 180,
        fps: 30,
        bitrate: 900_000,
        keyframe_interval: Duration::from_secs(1),
    };
    let mut video = encode::video::open(config, TrackId(0)).unwrap();
    let mut packets = Vec::new();
    let mut frames = Vec::new();
    for n in 0..60 {
        let at = start.offset(Timestamp::from_ticks(n, 30).nanos());
        let frame = support::picture(n as usize, 320, 180, at);
        packets.extend(video.encode(&frame).unwrap());
        frames.push(frame);
    }
    let mut tracks = vec![Track {
        id: TrackId(0),
        config: video.config().unwrap(),
        bitrate: 900_000,
    }];
    for (id, mut sound) in [
        (TrackId(1), encode::audio::aac(TrackId(1), 128_000).unwrap()),
        (
            TrackId(2),
            encode::audio::opus(TrackId(2), 128_000).unwrap(),
        ),
    ] {
        tracks.push(Track {
            id,
            config: sound.config(),
            bitrate: 128_000,
        });
        for n in 0..100 {
            let at = start.offset(Timestamp::from_ticks(n * 960, 48_000).nanos());
            let mut samples = Samples::silence(at, 960);
            if n >= 50 {
                for (i, pair) in samples.data.chunks_mut(2).enumerate() {
                    let turns = (n as usize * 960 + i) as f32 * 1_000.0 / 48_000.0;
                    pair.fill((turns * std::f32::consts::TAU).sin() * 0.5);
                }
            }
            packets.extend(sound.encode(&samples).unwrap());
        }
        packets.extend(sound.flush().unwrap());
    }
    packets.sort_by_key(|p| p.dts);
    (tracks, packets, frames)
}

fn write(tracks: &[Track], packets: &[Packet]) -> (Vec<u8>, Timestamp) {
    let mut muxer = Muxer::new(tracks);
    let mut file = muxer.init_segment().to_vec();
    let own: Vec<Packet> = packets
        .iter()
        .filter(|p| tracks.iter().any(|t| t.id == p.track))
        .cloned()
        .collect();
    // A fragment for each group of pictures.
    let middle = own
        .iter()
        .filter(|p| p.keyframe && p.track == TrackId(0))
        .nth(1)
        .unwrap()
        .dts;
    let (first, second): (Vec<Packet>, Vec<Packet>) = own.into_iter().partition(|p| p.dts < middle);
    file.extend(muxer.fragment(&first, middle));
    let end = middle.offset(1_000_000_000);
    file.extend(muxer.fragment(&second, end));
    (file, muxer.origin().unwrap())
}

#[test]
fn what_is_muxed_is_read_and_decoded_by_ffmpeg() {
    if !ffmpeg_available() {
        return;
    }
    let folder = Folder::new();
    let (tracks, packets, frames) = program();
    for (name, which) in [("aac.mp4", [0, 1]), ("opus.mp4", [0, 2])] {
        let chosen = which.map(|i: usize| tracks[i].clone());
        let (file, origin) = write(&chosen, &packets);
        let film = folder.path(name);
        std::fs::write(&film, &file).unwrap();

        let probe = ffprobe(&[
            "-count_frames",
            "-show_entries",
            "stream=codec_name,profile,width,height,pix_fmt,color_space,color_range,r_frame_rate,nb_read_frames,sample_rate,channels",
            "-of",
            "default=noprint_wrappers=1",
            &film,
        ]);
        println!("{probe}");
        let sound = if name == "aac.mp4" {
            "codec_name=aac"
        } else {
            "codec_name=opus"
        };
        for line in [
            "codec_name=h264",
            "profile=Constrained Baseline",
            "width=320",
            "height=180",
            "color_space=bt709",
            "color_range=tv",
            "r_frame_rate=30/1",
            "nb_read_frames=60",
            sound,
            "sample_rate=48000",
            "channels=2",
        ] {
            assert!(
                probe.lines().any(|l| l == line),
                "{name}: no {line} in\n{probe}"
            );
        }

        let raw = folder.pictures(&film);
        let size = 320 * 180 * 3 / 2;
        assert_eq!(raw.len(), 60 * size);
        let worst = frames
            .iter()
            .enumerate()
            .map(|(n, frame)| psnr(frame, &raw[n * size..(n + 1) * size]))
            .fold(f64::MAX, f64::min);
        assert!(worst > 30.0, "{name}: worst picture {worst:.1} dB");

        // In step: picture 30 and the beginning of the tone are one second after the first picture.
        let times: Vec<f64> = ffprobe(&[
            "-select_streams",
            "v:0",
            "-show_entries",
            "frame=pts_time",
            "-of",
            "csv=p=0",
            &film,
        ])
        .lines()
        .filter_map(|l| l.trim_matches(',').parse().ok())
        .collect();
        let lead = Timestamp::from_millis(5_000).offset_from(origin) as f64 / 1e9;
        assert!(
            (times[30] - (1.0 + lead)).abs() < 0.000_1,
            "{name}: {}",
            times[30]
        );
        let heard = folder.sound(&film, "2");
        let onset = heard.chunks(2).position(|p| p[0].abs() > 0.1).unwrap() as f64 / 48_000.0;
        println!(
            "{name}: worst {worst:.1} dB, tone at {onset:.4} s, picture 30 at {:.4} s",
            times[30]
        );
        assert!(
            (onset - times[30]).abs() < 0.005,
            "{name}: tone at {onset}, picture at {}",
            times[30]
        );

        // And here.
        let played = play(&file).unwrap();
        assert_eq!(played.frames.len(), 60);
        assert!(matches!(
            played.configs[0],
            Config::H264 {
                fps_millis: 30_000,
                ..
            }
        ));
        let onset = played
            .sound
            .chunks(2)
            .position(|p| p[0].abs() > 0.1)
            .unwrap() as f64
            / 48_000.0;
        assert!(
            (onset - times[30]).abs() < 0.005,
            "{name}: tone at {onset} here"
        );
    }
}

#[test]
fn flv_files_are_read_by_ffmpeg() {
    if !ffmpeg_available() {
        return;
    }
    use klieg_container::flv;
    let folder = Folder::new();
    let (tracks, packets, _) = program();
    let tracks = &tracks[..2];
    let mut file = flv::file_header(true, true).to_vec();
    file.extend(flv::tag(
        flv::Kind::Data,
        0,
        &flv::script(&flv::metadata(tracks)),
    ));
    for track in tracks {
        let header = flv::sequence_header(&track.config).unwrap();
        file.extend(flv::tag(flv::Kind::of(&track.config), 0, &header));
    }
    let start = packets[0].dts;
    for packet in &packets {
        if let Some(track) = tracks.iter().find(|t| t.id == packet.track) {
            let millis = (packet.dts.offset_from(start) / 1_000_000) as u32;
            file.extend(flv::tag(
                flv::Kind::of(&track.config),
                millis,
                &flv::body(&track.config, packet),
            ));
        }
    }
    let path = folder.path("film.flv");
    std::fs::write(&path, file).unwrap();
    let probe = ffprobe(&[
        "-count_frames",
        "-show_entries",
        "stream=codec_name,nb_read_frames:format_tags",
        "-of",
        "default=noprint_wrappers=1",
        &path,
    ]);
    println!("{probe}");
    for line in ["codec_name=h264", "nb_read_frames=60", "codec_name=aac"] {
        assert!(probe.lines().any(|l| l == line), "no {line} in\n{probe}");
    }
    assert!(probe.contains("Klieg/"), "{probe}");
}
