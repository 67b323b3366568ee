//! Any channels to two.

/// −3 dB.
const HALF_POWER: f32 = std::f32::consts::FRAC_1_SQRT_2;

/// Appends interleaved `data` of `channels` to `out` as stereo. Values that are no numbers become silence.
///
/// One channel goes to both sides at unity. Three to eight are taken for the usual order (L R C LFE,
/// rear, side) and folded by ITU-R BS.775-4, table 2: centre and surrounds at −3 dB, no LFE, without
/// scaling down (the limiter takes care of the rare sum above full scale). Beyond eight, the first two are taken.
pub(crate) fn stereo(data: &[f32], channels: usize, out: &mut Vec<[f32; 2]>) {
    match channels {
        0 => {}
        1 => out.extend(data.iter().map(|&v| [number(v); 2])),
        2 => out.extend(
            data.chunks_exact(2)
                .map(|frame| [number(frame[0]), number(frame[1])]),
        ),
        _ => {
            let weights = weights(channels);
            out.extend(data.chunks_exact(channels).map(|frame| {
                let mut sum = [0.0; 2];
                for (value, weight) in frame.iter().zip(weights) {
                    sum[0] += number(*value) * weight[0];
                    sum[1] += number(*value) * weight[1];
                }
                sum
            }));
        }
    }
}

fn number(value: f32) -> f32 {
    if value.is_finite() { value } else { 0.0 }
}

fn weights(channels: usize) -> &'static [[f32; 2]] {
    const L: [f32; 2] = [1.0, 0.0];
    const R: [f32; 2] = [0.0, 1.0];
    const C: [f32; 2] = [HALF_POWER, HALF_POWER];
    const LFE: [f32; 2] = [0.0, 0.0];
    const SL: [f32; 2] = [HALF_POWER, 0.0];
    const SR: [f32; 2] = [0.0, HALF_POWER];
    const BACK: [f32; 2] = [0.5, 0.5];
    match channels {
        3 => &[L, R, C],
        4 => &[L, R, SL, SR],
        5 => &[L, R, C, SL, SR],
        6 => &[L, R, C, LFE, SL, SR],
        7 => &[L, R, C, LFE, BACK, SL, SR],
        8 => &[L, R, C, LFE, SL, SR, SL, SR],
        _ => &[L, R],
    }
}
