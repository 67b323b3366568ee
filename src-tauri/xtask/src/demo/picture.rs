//! The loop's picture: three lamps in a hazy studio, and dust in their light. Everything moves in
//! whole turns of the loop, so that its end meets its beginning.

use std::f32::consts::TAU;

/// Pixels across.
pub(super) const WIDTH: usize = 1280;
/// Pixels down.
pub(super) const HEIGHT: usize = 720;

/// Light is drawn at a quarter of the pixels, since all of it is soft.
const STEP: usize = 2;
const COLS: usize = WIDTH / STEP + 1;
const ROWS: usize = HEIGHT / STEP + 1;

type Rgb = [f32; 3];

/// A lamp: where it hangs, where it points and how that swings, and its colour. Units are picture heights.
struct Lamp {
    at: (f32, f32),
    angle: f32,
    swing: f32,
    turns: f32,
    phase: f32,
    spread: f32,
    reach: f32,
    color: Rgb,
}

const LAMPS: [Lamp; 3] = [
    Lamp {
        at: (0.22, -0.10),
        angle: 0.92,
        swing: 0.20,
        turns: 1.0,
        phase: 0.0,
        spread: 0.20,
        reach: 1.15,
        color: [1.20, 0.52, 0.07],
    },
    Lamp {
        at: (1.66, -0.12),
        angle: 2.30,
        swing: 0.16,
        turns: 1.0,
        phase: 0.38,
        spread: 0.17,
        reach: 1.05,
        color: [0.10, 0.27, 0.80],
    },
    Lamp {
        at: (0.98, -0.16),
        angle: 1.57,
        swing: 0.26,
        turns: 2.0,
        phase: 0.7,
        spread: 0.13,
        reach: 0.95,
        color: [0.52, 0.17, 0.22],
    },
];

/// A mote of dust: its place in picture heights, its size in pixels, and how it drifts.
struct Mote {
    x: f32,
    y: f32,
    radius: f32,
    rise: f32,
    sway: f32,
    phase: f32,
}

const MOTES: usize = 70;

/// The studio before a picture is taken of it.
pub(super) struct Room {
    motes: Vec<Mote>,
}

impl Room {
    /// The room with its dust.
    pub(super) fn new() -> Self {
        let motes = (0..MOTES as u32).map(|n| {
            let of = |salt: u32| unit(n.wrapping_mul(7919).wrapping_add(salt));
            Mote {
                x: of(1) * 1.9 - 0.06,
                y: of(2),
                radius: 1.4 + 6.5 * of(3).powi(3),
                // Whole rooms per loop: those that leave above come in again below.
                rise: if of(4) < 0.3 { 1.0 } else { 0.0 },
                sway: 0.012 + 0.03 * of(5),
                phase: of(6),
            }
        });
        Self {
            motes: motes.collect(),
        }
    }

    /// The picture at `turn` of the loop, 0 to 1: RGB, 8 bits each, sRGB.
    pub(super) fn draw(&self, turn: f32) -> Vec<u8> {
        let light = light(turn);
        let mut picture = vec![[0.0f32; 3]; WIDTH * HEIGHT];
        for (y, row) in picture.chunks_exact_mut(WIDTH).enumerate() {
            for (x, pixel) in row.iter_mut().enumerate() {
                *pixel = between(&light, x, y);
            }
        }
        for mote in &self.motes {
            dust(&mut picture, &light, mote, turn);
        }
        let mut bytes = Vec::with_capacity(WIDTH * HEIGHT * 3);
        for (index, pixel) in picture.iter().enumerate() {
            // A still pattern below one step hides the banding and costs the encoder nothing.
            let dither = unit(index as u32) - 0.5;
            for channel in pixel {
                bytes.push((tone(*channel) * 255.0 + dither + 0.5) as u8);
            }
        }
        bytes
    }
}

fn light(turn: f32) -> Vec<Rgb> {
    let mut light = vec![[0.0; 3]; COLS * ROWS];
    let aims: Vec<f32> = LAMPS
        .iter()
        .map(|l| l.angle + l.swing * (TAU * (l.turns * turn + l.phase)).sin())
        .collect();
    for (row, line) in light.chunks_exact_mut(COLS).enumerate() {
        let y = (row * STEP) as f32 / HEIGHT as f32;
        for (col, place) in line.iter_mut().enumerate() {
            let x = (col * STEP) as f32 / HEIGHT as f32;
            *place = lit(x, y, turn, &aims);
        }
    }
    light
}

/// Linear light at a point.
fn lit(x: f32, y: f32, turn: f32, aims: &[f32]) -> Rgb {
    let floor = ((y - 0.78) / 0.22).max(0.0);
    let wall = 0.010 + 0.012 * (1.0 - y);
    let mut sum = [wall * 0.80, wall * 0.92, wall * 1.35];
    let haze = haze(x, y, turn);
    for (lamp, aim) in LAMPS.iter().zip(aims) {
        let (dx, dy) = (x - lamp.at.0, y - lamp.at.1);
        let (cos, sin) = (aim.cos(), aim.sin());
        let along = dx * cos + dy * sin;
        if along <= 0.0 {
            continue;
        }
        let across = (dy * cos - dx * sin).abs();
        let width = 0.020 + along * lamp.spread;
        let edge = across / width;
        let cone = (-edge.powi(4)).exp() * 0.75 + (-edge * edge * 6.0).exp() * 0.55;
        let fade = (-along / lamp.reach).exp() * 0.62 + 0.03 / (along * along + 0.03);
        let strength = cone * fade * haze;
        // The pool of light on the floor.
        let pool = floor * (-(edge * 0.8).powi(2)).exp() * 0.42;
        for (channel, colour) in sum.iter_mut().zip(lamp.color) {
            *channel += colour * (strength + pool);
        }
    }
    sum
}

/// Slow smoke: sums of waves that drift by whole turns.
fn haze(x: f32, y: f32, turn: f32) -> f32 {
    let a = (x * 5.1 + y * 2.3 + TAU * turn).sin();
    let b = (x * 2.7 - y * 6.1 - TAU * turn + 1.7).sin();
    let c = (x * 9.3 + y * 7.9 + 2.0 * TAU * turn + a).sin();
    0.80 + 0.10 * a + 0.08 * b + 0.06 * c
}

fn between(light: &[Rgb], x: usize, y: usize) -> Rgb {
    let (col, row) = (x / STEP, y / STEP);
    let (fx, fy) = (
        (x % STEP) as f32 / STEP as f32,
        (y % STEP) as f32 / STEP as f32,
    );
    let at = row * COLS + col;
    std::array::from_fn(|c| {
        let above = light[at][c] * (1.0 - fx) + light[at + 1][c] * fx;
        let below = light[at + COLS][c] * (1.0 - fx) + light[at + COLS + 1][c] * fx;
        above * (1.0 - fy) + below * fy
    })
}

/// Dust shows in the light that falls on it.
fn dust(picture: &mut [Rgb], light: &[Rgb], mote: &Mote, turn: f32) {
    let sway = mote.sway * (TAU * (turn + mote.phase)).sin();
    let bob = mote.sway * (TAU * (turn + mote.phase * 3.0)).cos();
    let x = (mote.x + sway) * HEIGHT as f32;
    let height = HEIGHT as f32 + 40.0;
    let y = ((mote.y + bob - mote.rise * turn).rem_euclid(1.0)) * height - 20.0;
    let col = (x / STEP as f32).clamp(0.0, (COLS - 1) as f32) as usize;
    let row = (y / STEP as f32).clamp(0.0, (ROWS - 1) as f32) as usize;
    let here = light[row * COLS + col];
    let reach = mote.radius.ceil() as i32 + 1;
    let strength = 2.6 / mote.radius.sqrt();
    for py in y as i32 - reach..=y as i32 + reach {
        for px in x as i32 - reach..=x as i32 + reach {
            if !(0..WIDTH as i32).contains(&px) || !(0..HEIGHT as i32).contains(&py) {
                continue;
            }
            let distance = (px as f32 - x).hypot(py as f32 - y);
            let disc = (mote.radius - distance + 0.5).clamp(0.0, 1.0);
            let pixel = &mut picture[py as usize * WIDTH + px as usize];
            for (channel, glow) in pixel.iter_mut().zip(here) {
                *channel += glow * disc * strength * 0.55;
            }
        }
    }
}

/// Linear light to sRGB, with bright light rolled off softly.
fn tone(linear: f32) -> f32 {
    let soft = 1.0 - (-linear * 1.25).exp();
    if soft <= 0.003_130_8 {
        soft * 12.92
    } else {
        1.055 * soft.powf(1.0 / 2.4) - 0.055
    }
}

/// A number from 0 to 1 that looks random and is the same on every run.
fn unit(n: u32) -> f32 {
    let mut h = n.wrapping_mul(0x9E37_79B9) ^ 0x85EB_CA6B;
    h = (h ^ (h >> 15)).wrapping_mul(0x2C1B_3C6D);
    h = (h ^ (h >> 12)).wrapping_mul(0x297A_2D39);
    ((h ^ (h >> 15)) >> 8) as f32 / (1 << 24) as f32
}
