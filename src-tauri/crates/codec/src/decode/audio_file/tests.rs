use std::io::Cursor;

use super::*;
use crate::testing::{Noise, channel, ffmpeg, tone};

/// Three seconds of 440 Hz at half level on the left, silence on the right.
fn made(name: &str, codec: &[&str]) -> Option<Vec<u8>> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    let source = "aevalsrc=0.5*sin(2*PI*440*t)|0:s=44100:d=3";
    let mut arguments = vec!["-f", "lavfi", "-i", source];
    arguments.extend(codec);
    let target = path.to_str().unwrap().to_owned();
    arguments.push(&target);
    ffmpeg(&arguments).then(|| std::fs::read(path).unwrap())
}

fn all() -> Vec<(&'static str, Vec<u8>)> {
    let kinds: [(&str, &[&str]); 7] = [
        ("a.wav", &["-c:a", "pcm_s16le"]),
        ("b.wav", &["-c:a", "pcm_f32le"]),
        ("a.flac", &[]),
        ("a.mp3", &["-b:a", "192k"]),
        (
            "tagged.mp3",
            &[
                "-b:a",
                "192k",
                "-id3v2_version",
                "3",
                "-metadata",
                "title=Tone",
            ],
        ),
        ("a.ogg", &["-c:a", "libvorbis", "-q:a", "6"]),
        ("o.ogg", &["-c:a", "libopus", "-b:a", "128k"]),
    ];
    kinds
        .into_iter()
        .filter_map(|(name, codec)| Some((name, made(name, codec)?)))
        .collect()
}

fn read(file: &mut AudioFile) -> (Timestamp, Vec<f32>) {
    let mut start = None;
    let mut expected = Timestamp::ZERO;
    let mut data = Vec::new();
    while let Some(samples) = file.next().unwrap() {
        match start {
            None => start = Some(samples.timestamp),
            Some(_) => {
                let gap = samples.timestamp.offset_from(expected);
                assert!(gap.abs() < 50, "a gap of {gap} ns");
            }
        }
        assert_eq!(
            (samples.rate, samples.channels),
            (file.rate(), file.channels())
        );
        expected = samples.end();
        data.extend(samples.data);
    }
    (start.unwrap(), data)
}

#[test]
fn tones_come_back_from_every_kind_of_file() {
    for (name, data) in all() {
        let mut file = open(Cursor::new(data)).unwrap();
        let (start, samples) = read(&mut file);
        assert_eq!((start, file.channels()), (Timestamp::ZERO, 2), "{name}");
        let left = channel(&samples, 2, 0);
        let seconds = left.len() as f32 / file.rate() as f32;
        assert!((seconds - 3.0).abs() < 0.06, "{name}: {seconds} s");
        let third = file.rate() as usize;
        let (level, hz) = tone(&left[third..third * 2], file.rate());
        assert!((hz - 440.0).abs() < 0.5, "{name}: {hz} Hz");
        assert!((level - 0.5).abs() < 0.02, "{name}: level {level}");
        let silent = channel(&samples, 2, 1)
            .iter()
            .fold(0f32, |m, s| m.max(s.abs()));
        assert!(silent < 0.02, "{name}: {silent}");
        if let Some(duration) = file.duration() {
            assert!(
                (duration.as_secs_f32() - 3.0).abs() < 0.06,
                "{name}: {duration:?}"
            );
        }
    }
}

#[test]
fn places_are_found_to_the_sample() {
    for (name, data) in all() {
        let mut file = open(Cursor::new(data)).unwrap();
        let (_, whole) = read(&mut file);
        for millis in [0, 1_500, 333] {
            let to = Timestamp::from_millis(millis);
            file.seek(to).unwrap();
            let samples = file.next().unwrap().unwrap();
            let off = samples.timestamp.offset_from(to).abs();
            assert!(off < 30_000, "{name} {millis}: off by {off} ns");
            // The same sound as when read through; predictive coders need a moment to agree.
            let at = to.ticks(file.rate()) as usize * 2;
            let rest: Vec<f32> = std::iter::from_fn(|| file.next().unwrap())
                .take(20)
                .flat_map(|s| s.data)
                .collect();
            let at = at + samples.data.len();
            let pairs = rest.iter().zip(&whole[at..]).take(8_000);
            let worst = pairs.map(|(a, b)| (a - b).abs()).fold(0f32, f32::max);
            assert!(worst < 0.05, "{name} {millis}: off by {worst}");
        }
    }
}

#[test]
fn damage_is_an_error_and_never_a_panic() {
    assert!(matches!(
        open(Cursor::new(b"not sound".to_vec())),
        Err(Error::Unsupported { .. })
    ));
    assert!(open(Cursor::new(Vec::new())).is_err());
    let mut noise = Noise(11);
    for (_, data) in all() {
        for round in 0..12 {
            let mut damaged = data[..data.len().min(60_000)].to_vec();
            for _ in 0..1 + noise.next() % 40 {
                let at = noise.next() as usize % damaged.len();
                damaged[at] = noise.next() as u8;
            }
            if round % 2 == 0 {
                damaged.truncate(1 + noise.next() as usize % damaged.len());
            }
            let Ok(mut file) = open(Cursor::new(damaged)) else {
                continue;
            };
            for _ in 0..500 {
                if !matches!(file.next(), Ok(Some(_))) {
                    break;
                }
            }
            drop(file.seek(Timestamp::from_millis(700)));
            drop(file.next());
        }
    }
}
