//! Buses beside the master: which strips they hold, how loud, and when.

use super::*;

/// Mixes a second of two steady strips; gives the master and each bus.
fn mixed(prepare: impl Fn(&mut Mixer), each: impl Fn(&mut Mixer, i64)) -> [Vec<[f32; 2]>; 3] {
    let mut mixer = Mixer::new();
    for (key, gain_db) in [("voice", 0.0), ("music", -6.0)] {
        let strip = Strip {
            gain_db,
            ..Strip::default()
        };
        mixer.set_strip(key, strip);
        mixer.set_timing(key, Timing::Exact);
    }
    prepare(&mut mixer);
    let mut all = [Vec::new(), Vec::new(), Vec::new()];
    for tick in 0..30 {
        let start = tick * TICK as i64;
        each(&mut mixer, tick);
        mixer.push("voice", sound(start, TICK, |_| [0.25; 2]));
        mixer.push("music", sound(start, TICK, |_| [0.5; 2]));
        let master = mixer.mix(at(start), TICK);
        all[0].extend_from_slice(master.samples.data.as_chunks::<2>().0);
        for (n, own) in all[1..].iter_mut().enumerate() {
            let Some(samples) = mixer.bus(n) else {
                continue;
            };
            assert_eq!(samples.timestamp, master.samples.timestamp);
            own.extend_from_slice(samples.data.as_chunks::<2>().0);
        }
        mixer.recycle(master.samples);
    }
    all
}

#[test]
fn a_bus_holds_its_strips_after_their_faders_and_before_the_masters() {
    let [master, first, second] = mixed(
        |mixer| {
            mixer.set_buses(2);
            mixer.set_sends("voice", 0b01);
            mixer.set_sends("music", 0b10);
            mixer.set_master_gain(-20.0);
        },
        |_, _| {},
    );
    let last = |of: &[[f32; 2]]| of[of.len() - 1][0];
    let music = 0.5 * 10_f32.powf(-6.0 / 20.0);
    close(last(&first), 0.25, 1e-4, "the voice alone");
    close(last(&second), music, 1e-4, "the music alone, by its fader");
    close(
        last(&master),
        (0.25 + music) / 10.0,
        1e-4,
        "all, by the master's",
    );
    // Sample for sample at the same place.
    let begins = |of: &[[f32; 2]]| of.iter().position(|f| f[0] != 0.0);
    assert_eq!(begins(&first), begins(&master));
    assert_eq!(first.len(), master.len());
}

#[test]
fn a_strip_comes_onto_a_bus_and_leaves_it_without_a_click() {
    let [_, first, none] = mixed(
        |mixer| {
            mixer.set_buses(1);
            mixer.set_sends("voice", 0);
        },
        |mixer, tick| mixer.set_sends("voice", u8::from((10..20).contains(&tick))),
    );
    assert!(none.is_empty(), "a bus that nobody asked for is not mixed");
    let level = |tick: usize| first[tick * TICK - 1][0];
    close(level(9), 0.0, 1e-6, "before");
    close(level(19), 0.25, 1e-4, "while it is sent");
    close(level(30), 0.0, 1e-6, "after");
    let steps = first.windows(2).map(|pair| (pair[1][0] - pair[0][0]).abs());
    assert!(steps.fold(0.0, f32::max) < 0.25 / 400.0);
}
