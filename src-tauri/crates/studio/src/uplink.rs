//! What destinations take of the way out, against what it carries.

use std::collections::BTreeMap;

use api::{Uplink, UplinkFit};

use crate::advice::megabits;

/// What carries sound and picture takes a twentieth more.
const OVERHEAD: u64 = 20;

/// Seconds without a loss that prove a rate.
const PROOF: u32 = 5;

/// What one destination needs, for picture and sound of these rates.
pub(crate) fn needed(video: u32, audio: u32) -> u64 {
    let media = u64::from(video) + u64::from(audio);
    media + media / OVERHEAD
}

/// What destinations really carried: how much the uplink has borne, and where it gave way.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Measured {
    /// The most without a loss.
    carried: Option<u64>,
    /// The sum at the last loss that all shared.
    choked: Option<u64>,
    /// Packets that each has lost so far.
    lost: BTreeMap<String, u64>,
    /// Seconds since the last loss, or since somebody came or went.
    calm: u32,
}

impl Measured {
    /// Reads what [`Self::text`] wrote.
    pub(crate) fn read(text: &str) -> Self {
        let mut numbers = text.split(' ').map(|n| n.parse().ok().filter(|n| *n > 0));
        Self {
            carried: numbers.next().flatten(),
            choked: numbers.next().flatten(),
            ..Self::default()
        }
    }

    /// What is worth keeping.
    pub(crate) fn text(&self) -> String {
        let number = |n: Option<u64>| n.unwrap_or(0);
        format!("{} {}", number(self.carried), number(self.choked))
    }

    /// Takes note of those that are live, once a second: identity, bits per second, packets lost so far.
    pub(crate) fn note(&mut self, live: impl IntoIterator<Item = (String, u64, u64)>) {
        let (mut sum, mut count, mut losers) = (0, 0_usize, 0_usize);
        let mut lost = BTreeMap::new();
        for (id, rate, dropped) in live {
            sum += rate;
            count += 1;
            let before = self.lost.get(&id).copied().unwrap_or(dropped);
            losers += usize::from(dropped > before);
            lost.insert(id, dropped);
        }
        let same = lost.keys().eq(self.lost.keys());
        self.lost = lost;
        if count == 0 || losers > 0 || !same {
            self.calm = 0;
        } else {
            self.calm = self.calm.saturating_add(1);
        }
        // One that loses alone is slow by itself; when all do, it is the way out that they share.
        if count > 0 && losers == count {
            self.choked = Some(sum);
        }
        if self.calm >= PROOF && self.carried.is_none_or(|most| sum > most) {
            self.carried = Some(sum);
        }
        // It has carried more since.
        if self.calm >= PROOF && self.choked.is_some_and(|choked| sum > choked) {
            self.choked = None;
        }
    }

    /// The budget of destinations that need so much `each`; `set` is what a person says that the uplink carries.
    pub(crate) fn budget(&self, each: &[u64], set: Option<u64>) -> Uplink {
        let chosen = each.len();
        let needed = each
            .iter()
            .fold(0, |sum: u64, one| sum.saturating_add(*one));
        let capacity = set.or(self.choked);
        let fit = match capacity {
            _ if chosen == 0 => UplinkFit::Fits,
            Some(most) if needed > most => UplinkFit::TooMuch,
            Some(most) if needed > most - most / 4 => UplinkFit::Tight,
            Some(_) => UplinkFit::Fits,
            None if self.carried.is_some_and(|carried| carried >= needed) => UplinkFit::Fits,
            None => UplinkFit::Unknown,
        };
        let they = match chosen {
            1 => "The destination that is chosen needs".to_owned(),
            n => format!("The {n} destinations that are chosen need"),
        };
        let limit = match (set, self.choked) {
            (Some(set), _) => format!("your uplink is set to {}", megabits(set)),
            (None, choked) => {
                let at = megabits(choked.unwrap_or_default());
                format!("the last time, packets were lost at {at}")
            }
        };
        let needs = megabits(needed);
        let warning = match fit {
            UplinkFit::TooMuch => Some(format!(
                "{they} {needs}, and {limit}. Choose fewer, lower encoder.bitrate in the settings, or give some of them a \
                 smaller picture of their own."
            )),
            UplinkFit::Tight => Some(format!(
                "{they} {needs}, and {limit}: little is left for all else, and a moment of trouble will be seen."
            )),
            UplinkFit::Fits | UplinkFit::Unknown => None,
        };
        Uplink {
            chosen: u32::try_from(chosen).unwrap_or(u32::MAX),
            needed,
            set,
            carried: self.carried,
            choked: self.choked,
            fit,
            warning,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(measured: &mut Measured, count: u32, live: &[(&str, u64, u64)]) {
        for _ in 0..count {
            measured.note(
                live.iter()
                    .map(|(id, rate, lost)| ((*id).to_owned(), *rate, *lost)),
            );
        }
    }

    #[test]
    fn what_was_carried_in_calm_counts_and_where_all_lost_it_choked() {
        let mut measured = Measured::default();
        // Nobody yet, and not long enough.
        seconds(&mut measured, 20, &[]);
        seconds(&mut measured, 5, &[("a", 4_000, 0), ("b", 4_000, 7)]);
        assert_eq!((measured.carried, measured.choked), (None, None));
        seconds(&mut measured, 1, &[("a", 4_000, 0), ("b", 4_000, 7)]);
        assert_eq!(measured.carried, Some(8_000));
        // One that is slow by itself says nothing of the way out.
        seconds(&mut measured, 1, &[("a", 4_500, 0), ("b", 4_500, 9)]);
        assert_eq!((measured.carried, measured.choked), (Some(8_000), None));
        seconds(&mut measured, 1, &[("a", 4_500, 3), ("b", 4_500, 12)]);
        assert_eq!(measured.choked, Some(9_000));
        assert_eq!(Measured::read(&measured.text()).text(), "8000 9000");
        // It bears more later: the loss is forgotten.
        seconds(&mut measured, 6, &[("a", 5_000, 3), ("b", 5_000, 12)]);
        assert_eq!((measured.carried, measured.choked), (Some(10_000), None));
        assert_eq!(Measured::read("").text(), "0 0");
    }

    #[test]
    fn a_budget_is_held_against_what_is_known() {
        let unknown = Measured::default();
        let carried = Measured::read("9000000 0");
        let choked = Measured::read("9000000 7000000");
        let each = needed(2_500_000, 128_000);
        assert_eq!(each, 2_759_400);
        for (measured, chosen, set, fit, says) in [
            (&unknown, 0, None, UplinkFit::Fits, None),
            (&unknown, 2, None, UplinkFit::Unknown, None),
            (&carried, 3, None, UplinkFit::Fits, None),
            (&carried, 4, None, UplinkFit::Unknown, None),
            (
                &choked,
                3,
                None,
                UplinkFit::TooMuch,
                Some("packets were lost at 7 Mbps"),
            ),
            (&choked, 2, None, UplinkFit::Tight, Some("little is left")),
            // What a person says goes over what was measured.
            (&choked, 3, Some(20_000_000), UplinkFit::Fits, None),
            (
                &unknown,
                3,
                Some(10_000_000),
                UplinkFit::Tight,
                Some("set to 10 Mbps"),
            ),
            (
                &unknown,
                4,
                Some(10_000_000),
                UplinkFit::TooMuch,
                Some("need 11 Mbps"),
            ),
            (
                &unknown,
                1,
                Some(1_000_000),
                UplinkFit::TooMuch,
                Some("is chosen needs 2.8 Mbps"),
            ),
        ] {
            let budget = measured.budget(&vec![each; chosen], set);
            assert_eq!(budget.fit, fit, "{chosen} {set:?}");
            let said = budget.warning.unwrap_or_default();
            assert_eq!(said.is_empty(), says.is_none(), "{said}");
            assert!(said.contains(says.unwrap_or_default()), "{said}");
        }
        // One with a smaller picture of its own needs less.
        let small = needed(600_000, 128_000);
        let budget = unknown.budget(&[each, small], Some(4_000_000));
        assert_eq!((budget.chosen, budget.needed), (2, each + small));
        assert_eq!(budget.fit, UplinkFit::Tight);
    }
}
