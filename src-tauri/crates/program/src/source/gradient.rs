//! Colours that run into each other.

use media::{Frame, Timestamp};
use scene::{Gradient, GradientShape};

use super::color::{self, NoColor};

/// Steps of a ramp: four for each of 256 shades, so that none is skipped.
const STEPS: usize = 1024;

/// A gradient, its colours worked out.
pub(super) struct Ramp {
    shape: GradientShape,
    /// Which way it runs, of length 1.
    along: (f32, f32),
    /// Straight RGBA.
    table: Vec<[u8; 4]>,
}

impl Ramp {
    /// # Errors
    /// [`NoColor`] for the first stop that has none.
    pub(super) fn new(gradient: &Gradient) -> Result<Self, NoColor> {
        let mut stops = Vec::with_capacity(gradient.stops.len());
        for stop in &gradient.stops {
            stops.push((stop.at.clamp(0.0, 1.0), color::parse(&stop.color)?));
        }
        stops.sort_by(|a, b| a.0.total_cmp(&b.0));
        let angle = gradient.angle.to_radians();
        let step = |n: usize| between(&stops, n as f32 / (STEPS - 1) as f32);
        Ok(Self {
            shape: gradient.shape,
            along: (angle.sin(), -angle.cos()),
            table: (0..STEPS).map(step).collect(),
        })
    }

    /// The colour of a pixel of a box, straight RGBA.
    pub(super) fn at(&self, x: u32, y: u32, (width, height): (u32, u32)) -> [u8; 4] {
        let (w, h) = (width as f32, height as f32);
        let (dx, dy) = (x as f32 + 0.5 - w / 2.0, y as f32 + 0.5 - h / 2.0);
        let place = match self.shape {
            // Whatever the angle, the first and the last colour lie in opposite corners.
            GradientShape::Linear => {
                let (along_x, along_y) = self.along;
                let length = w * along_x.abs() + h * along_y.abs();
                (dx * along_x + dy * along_y) / length + 0.5
            }
            GradientShape::Radial => dx.hypot(dy) / (w / 2.0).hypot(h / 2.0),
        };
        let index = (place.clamp(0.0, 1.0) * (STEPS - 1) as f32).round() as usize;
        self.table.get(index).copied().unwrap_or_default()
    }
}

/// The colour at a place, mixed as premultiplied: what is clear has no colour to give.
fn between(stops: &[(f32, [u8; 4])], at: f32) -> [u8; 4] {
    let after = stops.partition_point(|(place, _)| *place <= at);
    let (Some((from, a)), Some((to, b))) = (
        stops.get(after.saturating_sub(1)),
        stops.get(after.min(stops.len().saturating_sub(1))),
    ) else {
        return [0; 4];
    };
    let part = if to > from {
        ((at - from) / (to - from)).clamp(0.0, 1.0)
    } else {
        0.0
    };
    let mix = |a: f32, b: f32| a + (b - a) * part;
    let alpha = mix(f32::from(a[3]), f32::from(b[3]));
    let channel = |n: usize| {
        let weigh = |c: [u8; 4]| f32::from(c[n]) * f32::from(c[3]);
        if alpha > 0.0 {
            (mix(weigh(*a), weigh(*b)) / alpha).round() as u8
        } else {
            0
        }
    };
    [channel(0), channel(1), channel(2), alpha.round() as u8]
}

/// The picture of a gradient: RGBA, of that size, 1 to 16 384 each way.
///
/// # Errors
/// [`NoColor`] when one of its colours is none.
pub fn frame(
    gradient: &Gradient,
    width: u32,
    height: u32,
    timestamp: Timestamp,
) -> Result<Frame, NoColor> {
    let ramp = Ramp::new(gradient)?;
    let mut data = Vec::with_capacity(width as usize * height as usize * 4);
    for y in 0..height {
        for x in 0..width {
            data.extend_from_slice(&ramp.at(x, y, (width, height)));
        }
    }
    Ok(color::rgba(width, height, data, timestamp))
}

#[cfg(test)]
mod tests {
    use super::*;
    use scene::GradientStop;

    fn gradient(shape: GradientShape, angle: f32, stops: &[(f32, &str)]) -> Gradient {
        let stops = stops.iter().map(|(at, color)| GradientStop {
            at: *at,
            color: (*color).to_owned(),
        });
        Gradient {
            shape,
            angle,
            stops: stops.collect(),
        }
    }

    fn pixel(frame: &Frame, x: u32, y: u32) -> [u8; 4] {
        let at = (y * frame.width() + x) as usize * 4;
        let data = &frame.planes()[0].data;
        [data[at], data[at + 1], data[at + 2], data[at + 3]]
    }

    #[test]
    fn a_linear_one_runs_where_its_angle_points() {
        for (angle, first, last) in [
            (90.0, (0, 50), (100, 50)),
            (180.0, (50, 0), (50, 100)),
            (0.0, (50, 100), (50, 0)),
            (270.0, (100, 50), (0, 50)),
            (135.0, (0, 0), (100, 100)),
        ] {
            let stops = [(0.0, "#000000"), (1.0, "#ffffff")];
            let of = gradient(GradientShape::Linear, angle, &stops);
            let frame = frame(&of, 101, 101, Timestamp::ZERO).unwrap();
            let shade = |(x, y)| pixel(&frame, x, y)[0];
            assert!(shade(first) <= 2, "{angle}°: {}", shade(first));
            assert!(shade(last) >= 253, "{angle}°: {}", shade(last));
            assert!((126..=129).contains(&shade((50, 50))), "{angle}°");
        }
    }

    #[test]
    fn a_radial_one_runs_from_the_middle_to_the_corners() {
        let stops = [(0.0, "#ff0000"), (0.5, "#00ff00"), (1.0, "#0000ff")];
        let of = gradient(GradientShape::Radial, 0.0, &stops);
        let frame = frame(&of, 101, 101, Timestamp::ZERO).unwrap();
        assert_eq!(pixel(&frame, 50, 50)[..3], [255, 0, 0]);
        assert!(pixel(&frame, 0, 0)[2] > 245 && pixel(&frame, 100, 100)[2] > 245);
        assert!(pixel(&frame, 86, 50)[1] > 240, "half way to a corner");
    }

    #[test]
    fn what_is_clear_does_not_darken_its_neighbour() {
        let stops = [(0.0, "#ff0000ff"), (1.0, "#00000000")];
        let of = gradient(GradientShape::Linear, 90.0, &stops);
        let frame = frame(&of, 101, 1, Timestamp::ZERO).unwrap();
        let [red, _, _, alpha] = pixel(&frame, 50, 0);
        assert_eq!(red, 255);
        assert!((126..=129).contains(&alpha), "{alpha}");
    }

    #[test]
    fn a_stop_without_a_colour_is_named() {
        let of = gradient(GradientShape::Linear, 0.0, &[(0.0, "#fff"), (1.0, "red")]);
        let problem = frame(&of, 2, 2, Timestamp::ZERO).unwrap_err();
        assert!(problem.to_string().contains("\"#fff\""), "{problem}");
    }
}
