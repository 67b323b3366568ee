//! Exposure, temperature, hue and saturation are one matrix; contrast and gamma follow it.

use scene::ColorCorrection;

use super::{Form, Op};

pub(super) const SHADER: &str = include_str!("shader.wgsl");

type Matrix = [[f32; 3]; 3];

pub(super) fn form(set: &ColorCorrection) -> Form {
    let [red, green, blue] = times(
        saturation(1.0 + set.saturation),
        times(
            hue(set.hue.to_radians()),
            light(set.exposure, set.temperature),
        ),
    );
    let op = Op::new("color_correction");
    Form::Pixel(Op {
        info: [op.info[0], blue[0], blue[1], blue[2]],
        a: [
            contrast(set.contrast),
            1.0 / set.gamma.max(0.01),
            set.opacity,
            0.0,
        ],
        b: [red[0], red[1], red[2], 0.0],
        c: [green[0], green[1], green[2], 0.0],
    })
}

/// −1 is flat grey, 0 as it is, 1 four times as steep.
fn contrast(value: f32) -> f32 {
    if value < 0.0 {
        1.0 + value
    } else {
        1.0 + value * 3.0
    }
}

fn light(stops: f32, temperature: f32) -> Matrix {
    let gain = stops.exp2();
    let (warm, cold) = (1.0 + 0.3 * temperature, 1.0 - 0.3 * temperature);
    [
        [gain * warm, 0.0, 0.0],
        [0.0, gain, 0.0],
        [0.0, 0.0, gain * cold],
    ]
}

fn saturation(by: f32) -> Matrix {
    const LUMA: [f32; 3] = [0.2126, 0.7152, 0.0722];
    let entry = |row: usize, column: usize| {
        LUMA[column] * (1.0 - by) + if row == column { by } else { 0.0 }
    };
    [0, 1, 2].map(|row| [0, 1, 2].map(|column| entry(row, column)))
}

/// A turn around the axis of greys.
fn hue(angle: f32) -> Matrix {
    let (sine, cosine) = angle.sin_cos();
    let third = (1.0 - cosine) / 3.0;
    let root = sine / 3.0_f32.sqrt();
    [
        [cosine + third, third - root, third + root],
        [third + root, cosine + third, third - root],
        [third - root, third + root, cosine + third],
    ]
}

fn times(a: Matrix, b: Matrix) -> Matrix {
    let entry = |row: usize, column: usize| (0..3).map(|k| a[row][k] * b[k][column]).sum();
    [0, 1, 2].map(|row| [0, 1, 2].map(|column| entry(row, column)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_set_changes_nothing_and_greys_stay_grey() {
        let near = |a: Matrix, b: Matrix| {
            let pairs = a.iter().flatten().zip(b.iter().flatten());
            pairs.for_each(|(a, b)| assert!((a - b).abs() < 1e-5, "{a} {b}"));
        };
        let one = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];
        near(
            times(saturation(1.0), times(hue(0.0), light(0.0, 0.0))),
            one,
        );
        for matrix in [saturation(0.0), saturation(3.0), hue(1.0), hue(-3.0)] {
            for row in matrix {
                assert!((row.iter().sum::<f32>() - 1.0).abs() < 1e-5, "{row:?}");
            }
        }
    }
}
