//! The loop's sound: a slow pad of four chords with a few bells over it. What rings beyond the end
//! sounds on at the beginning.

use std::f32::consts::TAU;

use super::{RATE, SECONDS};

const LEN: usize = SECONDS * RATE;

/// Four chords of 2.5 s each, as semitones above A2.
const CHORDS: [[i32; 4]; 4] = [
    [0, 7, 16, 23],
    [-4, 8, 15, 19],
    [-7, 9, 12, 16],
    [-2, 10, 14, 21],
];

/// Bells: when, in eighths of a chord, and which semitone above A4.
const BELLS: [(usize, i32); 11] = [
    (0, 7),
    (3, 11),
    (6, 4),
    (8, 3),
    (11, 7),
    (13, 15),
    (16, 12),
    (19, 4),
    (22, 9),
    (25, 14),
    (29, 10),
];

/// 48 kHz stereo, interleaved little-endian f32, at most −12 dBFS.
pub(super) fn render() -> Vec<u8> {
    let mut out = vec![[0.0f32; 2]; LEN];
    let chord = LEN / CHORDS.len();
    for (n, notes) in CHORDS.iter().enumerate() {
        for (voice, semitone) in notes.iter().enumerate() {
            pad(&mut out, n * chord, chord, *semitone, voice);
        }
    }
    for (n, (when, semitone)) in BELLS.iter().enumerate() {
        bell(&mut out, when * chord / 8, *semitone, n);
    }
    let peak = out.iter().flatten().fold(0.0f32, |p, s| p.max(s.abs()));
    let gain = 0.25 / peak.max(f32::EPSILON);
    out.iter()
        .flatten()
        .flat_map(|s| (s * gain).to_le_bytes())
        .collect()
}

/// A soft voice that fades in before its chord and out after it.
fn pad(out: &mut [[f32; 2]], start: usize, len: usize, semitone: i32, voice: usize) {
    let fade = RATE * 8 / 10;
    let pitch = 110.0 * (semitone as f32 / 12.0).exp2();
    let pan = [0.62, 0.38, 0.45, 0.55][voice % 4];
    let total = len + 2 * fade;
    let begin = start + LEN - fade;
    for i in 0..total {
        let t = i as f32 / RATE as f32;
        let near = i.min(total - i).min(2 * fade) as f32 / (2 * fade) as f32;
        let swell = (near * TAU / 4.0).sin().powi(2);
        let breath = 0.85 + 0.15 * (TAU * 0.4 * t + voice as f32).sin();
        let left = (TAU * pitch * 0.9985 * t).sin() + 0.35 * (TAU * pitch * 2.001 * t).sin();
        let right = (TAU * pitch * 1.0015 * t).sin() + 0.35 * (TAU * pitch * 1.999 * t).sin();
        let level = swell * breath * 0.5;
        let place = &mut out[(begin + i) % LEN];
        place[0] += left * level * (1.0 - pan);
        place[1] += right * level * pan;
    }
}

/// A struck bell: three partials that die away, the higher ones sooner.
fn bell(out: &mut [[f32; 2]], start: usize, semitone: i32, n: usize) {
    let pitch = 440.0 * (semitone as f32 / 12.0).exp2();
    let pan = if n.is_multiple_of(2) { 0.3 } else { 0.7 };
    for i in 0..RATE * 3 {
        let t = i as f32 / RATE as f32;
        let attack = (t / 0.004).min(1.0);
        let ring = (TAU * pitch * t).sin() * (-t * 2.4).exp()
            + 0.45 * (TAU * pitch * 2.01 * t).sin() * (-t * 4.5).exp()
            + 0.20 * (TAU * pitch * 3.76 * t).sin() * (-t * 9.0).exp();
        let level = ring * attack * 0.55;
        let place = &mut out[(start + i) % LEN];
        place[0] += level * (1.0 - pan);
        place[1] += level * pan;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loop_is_whole_seconds_of_stereo_at_minus_12_dbfs() {
        let bytes = render();
        assert_eq!(bytes.len(), LEN * 2 * 4);
        let peak = bytes
            .chunks_exact(4)
            .map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]).abs())
            .fold(0.0, f32::max);
        assert!((0.24..=0.2501).contains(&peak), "{peak}");
    }
}
