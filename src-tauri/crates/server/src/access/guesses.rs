//! Wrong secrets, by address: whoever guesses is slowed down.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};

use api::{Code, Problem};
use media::Timestamp;
use parking_lot::Mutex;

use crate::chat::{Bucket, Rate};

/// Ten at once, then one in five seconds.
const RATE: Rate = Rate {
    burst: 10.0,
    per_second: 0.2,
};

/// Addresses remembered; beyond them all are forgotten, which costs ten guesses each.
const ADDRESSES: usize = 4096;

/// How often each address may still be wrong.
#[derive(Debug, Default)]
pub(crate) struct Guesses {
    buckets: Mutex<HashMap<IpAddr, Bucket>>,
}

impl Guesses {
    /// Whether an address may try at all. One that was wrong too often may not, whatever it brings:
    /// else it would learn which of its guesses was right.
    ///
    /// # Errors
    /// [`Code::TooMany`].
    pub(crate) fn may_try(&self, address: IpAddr, now: Timestamp) -> Result<(), Problem> {
        let buckets = self.buckets.lock();
        let bucket = buckets.get(&network(address)).copied();
        // A copy: asking costs nothing.
        if bucket.is_some_and(|mut bucket| !bucket.take(RATE, now)) {
            return Err(Problem::new(
                Code::TooMany,
                "Too many wrong keys came from this address. Wait a moment, then try again with the right one.",
            ));
        }
        Ok(())
    }

    /// Counts a wrong secret.
    pub(crate) fn wrong(&self, address: IpAddr, now: Timestamp) {
        let mut buckets = self.buckets.lock();
        if buckets.len() >= ADDRESSES {
            buckets.clear();
        }
        buckets
            .entry(network(address))
            .or_insert_with(|| Bucket::full(RATE, now))
            .take(RATE, now);
    }
}

/// Who an address stands for: one of IPv4, the 64 bits of an IPv6 network, in which anybody may take
/// any address.
pub(crate) fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => {
            let network = u128::from(address) >> 64 << 64;
            Ipv6Addr::from(network).into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1000)
    }

    #[test]
    fn ten_wrong_ones_and_then_one_in_five_seconds() {
        let guesses = Guesses::default();
        let address: IpAddr = "192.168.1.9".parse().unwrap();
        for _ in 0..10 {
            guesses.may_try(address, at(0)).unwrap();
            guesses.wrong(address, at(0));
        }
        for (second, fine) in [(0, false), (4, false), (5, true), (6, true)] {
            assert_eq!(
                guesses.may_try(address, at(second)).is_ok(),
                fine,
                "{second}"
            );
        }
        guesses.wrong(address, at(6));
        assert!(guesses.may_try(address, at(6)).is_err());
        let other = "192.168.1.10".parse().unwrap();
        guesses.may_try(other, at(0)).unwrap();
    }

    #[test]
    fn a_network_of_version_6_counts_as_one() {
        for (a, b, same) in [
            ("fd00::1", "fd00::2", true),
            ("fd00::1", "fd00:0:0:1::1", false),
            ("::ffff:10.0.0.1", "10.0.0.1", true),
            ("10.0.0.1", "10.0.0.2", false),
        ] {
            let [x, y] = [a, b].map(|text| network(text.parse().unwrap()));
            assert_eq!(x == y, same, "{a} and {b}");
        }
    }
}
