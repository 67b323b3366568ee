//! Masks of luma wipes: grey pictures whose dark parts change first. Every level covers as much as any
//! other, so that a wipe goes on at an even pace.

use std::f32::consts::{PI, TAU};

/// Pixels across and down; they are stretched over the canvas.
pub(super) const WIDTH: usize = 480;
pub(super) const HEIGHT: usize = 270;

/// How late a place changes, by where it is: 0 to 1 across and down, and from the middle in heights of the
/// picture.
type Level = fn([f32; 2], [f32; 2]) -> f32;

/// The masks by their names.
pub(super) const ALL: [(&str, Level); 7] = [
    ("Clouds", clouds),
    ("Doors", |[x, _], _| (x - 0.5).abs()),
    ("Heart", heart),
    ("Spiral", |_, [x, y]| {
        (x.hypot(y) * 2.5 + y.atan2(x) / TAU).rem_euclid(1.0) + x.hypot(y)
    }),
    ("Star", star),
    ("Tiles", tiles),
    ("Waves", |[x, y], _| x + 0.06 * (y * 3.0 * TAU).sin()),
];

/// A mask, a byte for each pixel.
pub(super) fn draw(level: Level) -> Vec<u8> {
    let mut levels: Vec<(f32, usize)> = (0..WIDTH * HEIGHT)
        .map(|at| {
            let x = ((at % WIDTH) as f32 + 0.5) / WIDTH as f32;
            let y = ((at / WIDTH) as f32 + 0.5) / HEIGHT as f32;
            let ratio = WIDTH as f32 / HEIGHT as f32;
            (level([x, y], [(x - 0.5) * ratio, y - 0.5]), at)
        })
        .collect();
    levels.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut bytes = vec![0; levels.len()];
    let last = levels.len() - 1;
    let mut from = 0;
    while from < levels.len() {
        // What is alike changes at once.
        let alike = levels[from..]
            .iter()
            .take_while(|one| one.0 == levels[from].0);
        let to = from + alike.count();
        let byte = ((from + to - 1) * 255 / (2 * last)) as u8;
        for (_, at) in &levels[from..to] {
            bytes[*at] = byte;
        }
        from = to;
    }
    bytes
}

fn star(_: [f32; 2], [x, y]: [f32; 2]) -> f32 {
    let sector = TAU / 5.0;
    let angle = (x.atan2(-y) + sector / 2.0).rem_euclid(sector) - sector / 2.0;
    // From the tip of a ray to where two of them meet.
    let bend = (angle.abs() / (sector / 2.0)).powf(0.8);
    x.hypot(y) * (1.0 + 1.4 * bend)
}

fn heart(_: [f32; 2], [x, y]: [f32; 2]) -> f32 {
    // Its outline seen from where its halves meet, which stands a little above the middle.
    let (y, distance) = (-(y + 0.14), x.hypot(y + 0.14));
    let (sine, cosine) = y.atan2(x).sin_cos();
    let outline = 2.0 - 2.0 * sine + sine * cosine.abs().sqrt() / (sine + 1.4);
    distance / (outline + 0.05)
}

fn tiles([x, y]: [f32; 2], _: [f32; 2]) -> f32 {
    let (column, row) = ((x * 16.0).floor(), (y * 9.0).floor());
    noise(column as i32, row as i32, 5) + 0.04 * ((x * 16.0).fract() + (y * 9.0).fract())
}

fn clouds(_: [f32; 2], [x, y]: [f32; 2]) -> f32 {
    let mut sum = 0.0;
    let (mut scale, mut weight) = (3.0, 0.5);
    for layer in 0..5 {
        let (column, row) = ((x * scale).floor(), (y * scale).floor());
        let (across, down) = (ease(x * scale - column), ease(y * scale - row));
        let at = |right: i32, below: i32| noise(column as i32 + right, row as i32 + below, layer);
        let above = at(0, 0) + (at(1, 0) - at(0, 0)) * across;
        let below = at(0, 1) + (at(1, 1) - at(0, 1)) * across;
        sum += weight * (above + (below - above) * down);
        scale *= 2.0;
        weight /= 2.0;
    }
    sum
}

fn ease(part: f32) -> f32 {
    0.5 - 0.5 * (part * PI).cos()
}

/// 0 to 1, the same each time.
fn noise(column: i32, row: i32, layer: i32) -> f32 {
    let mixed = (column.wrapping_mul(0x27d4_eb2d)
        ^ row.wrapping_mul(0x1656_67b1)
        ^ layer.wrapping_mul(0x1e37_79b1)) as u32;
    let mixed = (mixed ^ (mixed >> 15)).wrapping_mul(0x2c1b_3c6d);
    let mixed = (mixed ^ (mixed >> 12)).wrapping_mul(0x297a_2d39);
    ((mixed ^ (mixed >> 15)) >> 8) as f32 / (1 << 24) as f32
}
