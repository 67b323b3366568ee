//! What the fuzzer has found worth keeping, and small changes of it, on every run of the tests.
//! `cargo xtask fuzz` looks for more.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "this is test code, only not inside of a #[test]"
)]

mod targets;

use std::fs;

use klieg_tests::root;

/// Changes tried of each input.
const CHANGES: u64 = 64;

/// xorshift64*: the same changes each time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let number = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33;
        usize::try_from(number).unwrap() % limit.max(1)
    }
}

fn change(input: &[u8], dice: &mut Dice) -> Vec<u8> {
    let mut bytes = input.to_vec();
    for _ in 0..=dice.below(4) {
        let at = dice.below(bytes.len());
        match dice.below(5) {
            0 if !bytes.is_empty() => bytes[at] ^= 1 << dice.below(8),
            1 if !bytes.is_empty() => bytes[at] = [0, 1, 0x7f, 0x80, 0xff][dice.below(5)],
            2 => bytes.truncate(at),
            3 if !bytes.is_empty() => drop(bytes.remove(at)),
            _ => bytes.insert(at, u8::try_from(dice.below(256)).unwrap()),
        }
    }
    bytes
}

#[test]
fn every_known_input_and_its_neighbours_end_without_a_panic() {
    for (name, target) in targets::ALL {
        let folder = root().join("tests/fuzz/corpus").join(name);
        let mut files: Vec<_> = fs::read_dir(&folder)
            .unwrap_or_else(|e| panic!("{}: {e}", folder.display()))
            .map(|entry| entry.unwrap().path())
            .collect();
        assert!(!files.is_empty(), "{name} has no corpus");
        files.sort();
        for (number, file) in files.iter().enumerate() {
            println!("{name}: {}", file.display());
            let input = fs::read(file).unwrap();
            target(&input);
            let mut dice = Dice(number as u64 + 1);
            for _ in 0..CHANGES {
                target(&change(&input, &mut dice));
            }
        }
    }
}
