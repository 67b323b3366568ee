//! The order in which files play.

use std::path::PathBuf;
use std::sync::Arc;

/// A list of files, and which of them is on.
#[derive(Debug)]
pub(in crate::source) struct List {
    files: Arc<Vec<PathBuf>>,
    /// Places in `files`, in the order of this round.
    order: Vec<usize>,
    /// The place in `order` that is on.
    at: usize,
    shuffle: bool,
    seed: u64,
}

impl List {
    /// From its first file. The same seed gives the same random orders.
    pub(in crate::source) fn new(files: Arc<Vec<PathBuf>>, shuffle: bool, seed: u64) -> Self {
        let mut list = Self {
            files,
            order: Vec::new(),
            at: 0,
            shuffle,
            seed,
        };
        list.deal(None);
        list
    }

    /// The file that is on; none in an empty list.
    pub(in crate::source) fn current(&self) -> Option<&PathBuf> {
        self.files.get(*self.order.get(self.at)?)
    }

    /// The number of the file that is on in the list as it is written, and how many there are.
    pub(in crate::source) fn place(&self) -> (u32, u32) {
        let at = self.order.get(self.at).copied().unwrap_or(0);
        (at as u32, self.files.len() as u32)
    }

    pub(in crate::source) fn len(&self) -> usize {
        self.files.len()
    }

    /// Begins a new round.
    pub(in crate::source) fn restart(&mut self) {
        self.at = 0;
        self.deal(None);
    }

    /// To the next file; false at the end of a list that is not looped, where it stays.
    pub(in crate::source) fn next(&mut self, looped: bool) -> bool {
        if self.at + 1 < self.order.len() {
            self.at += 1;
            return true;
        }
        if looped {
            let last = self.order.last().copied();
            self.at = 0;
            self.deal(last);
        }
        looped
    }

    /// To the file before; the first stays, or is followed by the last where the list is looped.
    pub(in crate::source) fn previous(&mut self, looped: bool) {
        self.at = match self.at.checked_sub(1) {
            Some(before) => before,
            None if looped => self.order.len().saturating_sub(1),
            None => 0,
        };
    }

    /// Takes another list; the file that is on stays, where it is in it. Whether it does.
    pub(in crate::source) fn set(&mut self, files: Arc<Vec<PathBuf>>, shuffle: bool) -> bool {
        if files == self.files && shuffle == self.shuffle {
            return true;
        }
        let on = self.current().cloned();
        self.files = files;
        self.shuffle = shuffle;
        self.at = 0;
        self.deal(None);
        let stays = on.and_then(|on| self.order.iter().position(|n| self.files[*n] == on));
        match stays {
            // What is on is the first of a random order.
            Some(at) if shuffle => self.order.swap(0, at),
            Some(at) => self.at = at,
            None => {}
        }
        stays.is_some()
    }

    /// A new order; a random one never begins with what was on last.
    fn deal(&mut self, last: Option<usize>) {
        self.order = (0..self.files.len()).collect();
        if !self.shuffle {
            return;
        }
        for n in (1..self.order.len()).rev() {
            let other = self.random(n + 1);
            self.order.swap(n, other);
        }
        if self.order.len() > 1 && self.order.first().copied() == last {
            self.order.rotate_left(1);
        }
    }

    /// A number below `limit` (SplitMix64, Steele, Lea and Flood, "Fast Splittable Pseudorandom Number
    /// Generators").
    fn random(&mut self, limit: usize) -> usize {
        self.seed = self.seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.seed;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) % limit.max(1) as u64) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(names: &str) -> Arc<Vec<PathBuf>> {
        Arc::new(
            names
                .chars()
                .map(|name| PathBuf::from(name.to_string()))
                .collect(),
        )
    }

    fn on(list: &List) -> String {
        list.current()
            .map_or(String::new(), |path| path.display().to_string())
    }

    #[test]
    fn files_follow_each_other_and_end_or_begin_again() {
        let mut list = List::new(files("abc"), false, 1);
        assert_eq!((on(&list).as_str(), list.place()), ("a", (0, 3)));
        assert!(list.next(false) && list.next(false));
        assert_eq!((on(&list).as_str(), list.place()), ("c", (2, 3)));
        assert!(!list.next(false));
        assert_eq!(on(&list), "c");
        assert!(list.next(true));
        assert_eq!(on(&list), "a");
        list.previous(false);
        assert_eq!(on(&list), "a");
        list.previous(true);
        assert_eq!(on(&list), "c");
        assert_eq!(List::new(files(""), true, 1).current(), None);
    }

    #[test]
    fn a_random_round_has_every_file_once_and_none_twice_in_a_row() {
        for seed in 0..50 {
            let mut list = List::new(files("abcd"), true, seed);
            let mut before = String::new();
            for _ in 0..5 {
                let mut round = std::collections::BTreeSet::new();
                for _ in 0..4 {
                    assert_ne!(on(&list), before);
                    before = on(&list);
                    round.insert(before.clone());
                    list.next(true);
                }
                assert_eq!(round.len(), 4);
            }
        }
    }

    #[test]
    fn what_is_on_stays_when_the_list_changes() {
        let mut list = List::new(files("abc"), false, 1);
        list.next(false);
        assert!(list.set(files("xyb"), false));
        assert_eq!((on(&list).as_str(), list.place()), ("b", (2, 3)));
        assert!(list.set(files("bxy"), true));
        assert_eq!(on(&list), "b");
        let mut round = vec![on(&list)];
        while list.next(false) {
            round.push(on(&list));
        }
        round.sort();
        assert_eq!(round, ["b", "x", "y"]);
        assert!(!list.set(files("qr"), false));
        assert_eq!(on(&list), "q");
    }
}
