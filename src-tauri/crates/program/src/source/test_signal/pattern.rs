//! What lies behind the counter, the timecode and the flash.

use scene::Pattern;

use super::{BLACK, GREY, Picture, WHITE};

/// Colour bars of 75 %, BT.709 limited: white, yellow, cyan, green, magenta, red, blue.
const BARS: [[u8; 3]; 7] = [
    [180, 128, 128],
    [168, 44, 136],
    [145, 147, 44],
    [134, 63, 52],
    [63, 193, 204],
    [51, 109, 212],
    [28, 212, 120],
];

/// What is the same in every picture, and what moves it.
#[derive(Debug)]
pub(super) enum Background {
    /// I420, ready to be copied.
    Bars(Vec<u8>),
    /// Where each pixel of each plane is in the wave, 256 steps to a round.
    Motion { luma: Vec<u8>, chroma: Vec<u8> },
}

impl Background {
    pub(super) fn new(pattern: Pattern, width: usize, height: usize) -> Self {
        match pattern {
            Pattern::Bars => Self::Bars(bars(width, height)),
            Pattern::Motion => Self::Motion {
                luma: zone(width, height),
                chroma: slope(width.div_ceil(2), height.div_ceil(2)),
            },
        }
    }

    pub(super) fn draw(&self, picture: &mut Picture<'_>, n: u32, fps: u32) {
        match self {
            Self::Bars(still) => {
                let (luma, chroma) = still.split_at(picture.luma.len());
                let (blue, red) = chroma.split_at(picture.blue.len());
                picture.luma.copy_from_slice(luma);
                picture.blue.copy_from_slice(blue);
                picture.red.copy_from_slice(red);
                sweep(picture, n, fps);
            }
            Self::Motion { luma, chroma } => {
                let wave = |middle: f32, height: f32, phase: f32| -> [u8; 256] {
                    std::array::from_fn(|at| {
                        let angle = (at as f32 / 256.0 + phase) * std::f32::consts::TAU;
                        (middle + height * angle.cos()).round() as u8
                    })
                };
                // One round a second for the rings, one in four for the colours.
                let rounds = n as f32 / fps as f32;
                let rings = wave(125.0, 100.0, -(rounds.fract()));
                let slow = (rounds / 4.0).fract();
                let blues = wave(128.0, 40.0, slow);
                let reds = wave(128.0, 40.0, slow + 0.25);
                look_up(picture.luma, luma, &rings);
                look_up(picture.blue, chroma, &blues);
                look_up(picture.red, chroma, &reds);
            }
        }
    }
}

fn look_up(to: &mut [u8], places: &[u8], wave: &[u8; 256]) {
    for (to, place) in to.iter_mut().zip(places) {
        *to = wave[usize::from(*place)];
    }
}

fn bars(width: usize, height: usize) -> Vec<u8> {
    let mut data = vec![0; width * height + 2 * (width.div_ceil(2) * height.div_ceil(2))];
    let mut picture = Picture::new(&mut data, width, height);
    picture.fill(0, 0, width, height, BLACK);
    let even = |value: usize| value & !1;
    let (first, second) = (even(height * 3 / 5), even(height * 2 / 3));
    for (index, color) in BARS.into_iter().enumerate() {
        let left = even(index * width / BARS.len());
        let across = even((index + 1) * width / BARS.len()).max(left + 1) - left;
        picture.paint(left, 0, across + 1, first, color);
        // Every other one again, from the right: black ones between them.
        if index % 2 == 0 {
            let mirrored = BARS[BARS.len() - 1 - index];
            picture.paint(left, first, across, second - first, mirrored);
        }
    }
    // From black to white, for the levels between.
    let ramp = second..height * 11 / 16;
    for row in picture
        .luma
        .chunks_exact_mut(width)
        .take(ramp.end)
        .skip(ramp.start)
    {
        for (x, value) in row.iter_mut().enumerate() {
            *value = BLACK + (x * usize::from(WHITE - BLACK) / width.max(2)) as u8;
        }
    }
    data
}

/// A white line that crosses the bars once in two seconds.
fn sweep(picture: &mut Picture<'_>, n: u32, fps: u32) {
    let round = u64::from(fps) * 2;
    let at = (u64::from(n) % round) * picture.width as u64 / round;
    let (left, across) = (at as usize & !1, (picture.width / 160).max(1) * 2);
    let rows = (picture.height * 2 / 3) & !1;
    picture.paint(left, 0, across, rows, [WHITE, GREY, GREY]);
}

/// Rings that grow finer from the middle outwards.
fn zone(width: usize, height: usize) -> Vec<u8> {
    let (middle_x, middle_y) = (width as f32 / 2.0, height as f32 / 2.0);
    let mut places = Vec::with_capacity(width * height);
    for y in 0..height {
        let dy = y as f32 + 0.5 - middle_y;
        for x in 0..width {
            let dx = x as f32 + 0.5 - middle_x;
            // A third of a round per pixel at the side.
            let rounds = (dx * dx + dy * dy) * 0.33 / width as f32;
            places.push((rounds * 256.0) as u32 as u8);
        }
    }
    places
}

/// One round across, half a round down.
fn slope(width: usize, height: usize) -> Vec<u8> {
    let row = |y: usize| (0..width).map(move |x| (x * 256 / width + y * 128 / height) as u8);
    (0..height).flat_map(row).collect()
}
