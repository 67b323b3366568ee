//! What one address may ask of the station: how fast it opens sessions, and how many it holds.
//!
//! The machine's own addresses are not counted, here as at the [`gate`](crate::gate): whoever runs programs
//! on it needs no station to burden it, and a proxy on it speaks for all of its viewers. The numbers
//! leave room for a whole network behind one address.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use api::{Code, Problem};
use media::Timestamp;
use parking_lot::Mutex;

use crate::access::network;
use crate::app::App;
use crate::chat::{Bucket, Rate};
use crate::problem::Refusal;

/// Sessions opened: a full room that comes at once, then twenty a second.
const RATE: Rate = Rate {
    burst: 200.0,
    per_second: 20.0,
};

/// Requests to change sessions that stand: addresses that trickle, one by one, and restarts.
const CHANGES: Rate = Rate {
    burst: 1_000.0,
    per_second: 100.0,
};

/// Sessions of one address at once, connected or not: as many as its connections
/// ([`Limits`](crate::Limits)), and a quarter of what the station carries.
const SESSIONS: usize = 256;

/// Addresses remembered; beyond them those without a session are forgotten, which costs a full bucket
/// each. Sessions are fewer.
const ADDRESSES: usize = 4096;

/// Who opens sessions, by address.
#[derive(Debug, Default)]
pub(crate) struct Throttle {
    addresses: Mutex<HashMap<IpAddr, Asker>>,
}

#[derive(Debug)]
struct Asker {
    bucket: Bucket,
    changes: Bucket,
    /// Places taken that are no sessions yet, or that live as long as a connection.
    taken: usize,
    /// Sessions by name; some may have ended.
    sessions: Vec<String>,
}

impl Asker {
    fn new(now: Timestamp) -> Self {
        Self {
            bucket: Bucket::full(RATE, now),
            changes: Bucket::full(CHANGES, now),
            taken: 0,
            sessions: Vec::new(),
        }
    }
}

impl Throttle {
    /// Counts a request to change a session that stands.
    ///
    /// # Errors
    /// [`Code::TooMany`].
    pub(crate) fn patch(&self, address: IpAddr, now: Timestamp) -> Result<(), Refusal> {
        if address.to_canonical().is_loopback() {
            return Ok(());
        }
        let mut addresses = self.addresses.lock();
        if addresses.len() >= ADDRESSES {
            addresses.retain(|_, asker| asker.taken + asker.sessions.len() > 0);
        }
        let asker = addresses.entry(network(address));
        if asker
            .or_insert_with(|| Asker::new(now))
            .changes
            .take(CHANGES, now)
        {
            return Ok(());
        }
        let text = "Sessions were changed very often from this address just now. Wait a moment, then try again.";
        Err(Problem::new(Code::TooMany, text).into())
    }

    /// A place for one more session of an address; `stands` says whether a session has not ended.
    ///
    /// # Errors
    /// [`Code::TooMany`].
    pub(crate) fn enter(
        self: &Arc<Self>,
        address: IpAddr,
        now: Timestamp,
        stands: impl Fn(&str) -> bool,
    ) -> Result<Place, Refusal> {
        if address.to_canonical().is_loopback() {
            return Ok(Place { held: None });
        }
        let address = network(address);
        let mut addresses = self.addresses.lock();
        if addresses.len() >= ADDRESSES {
            addresses.retain(|_, asker| {
                asker.sessions.retain(|session| stands(session));
                asker.taken + asker.sessions.len() > 0
            });
        }
        let asker = addresses.entry(address).or_insert_with(|| Asker::new(now));
        if !asker.bucket.take(RATE, now) {
            let text = "Many sessions were opened from this address just now. Wait a moment, then try again.";
            return Err(Problem::new(Code::TooMany, text).into());
        }
        if asker.taken + asker.sessions.len() >= SESSIONS {
            asker.sessions.retain(|session| stands(session));
        }
        if asker.taken + asker.sessions.len() >= SESSIONS {
            let text = format!(
                "This address has {SESSIONS} sessions already, which is all that one may have. End some, then try again."
            );
            return Err(Refusal::new(Code::TooMany, text).retry_after(5));
        }
        asker.taken += 1;
        Ok(Place {
            held: Some((Arc::clone(self), address)),
        })
    }

    fn leave(&self, address: IpAddr, session: Option<String>) {
        if let Some(asker) = self.addresses.lock().get_mut(&address) {
            asker.taken = asker.taken.saturating_sub(1);
            asker.sessions.extend(session);
        }
    }
}

/// A place among an address's sessions, given back when dropped.
#[derive(Debug)]
pub(crate) struct Place {
    held: Option<(Arc<Throttle>, IpAddr)>,
}

impl Place {
    /// Hands the place to a session, which has it for as long as it stands.
    pub(crate) fn keep(mut self, session: &str) {
        if let Some((throttle, address)) = self.held.take() {
            throttle.leave(address, Some(session.to_owned()));
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some((throttle, address)) = self.held.take() {
            throttle.leave(address, None);
        }
    }
}

impl App {
    /// A place for one more session of whoever asks from this address.
    ///
    /// # Errors
    /// 429.
    pub(crate) fn place(&self, peer: IpAddr) -> Result<Place, Refusal> {
        let stands = |session: &str| self.peers.etag(session).is_some();
        self.throttle.enter(peer, self.clock.now(), stands)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn sessions_are_changed_a_bounded_number_of_times() {
        let throttle = Throttle::default();
        let now = Timestamp::ZERO;
        let many = |address: &str, now| {
            let address = address.parse().unwrap();
            (0..5_000)
                .filter(|_| throttle.patch(address, now).is_ok())
                .count()
        };
        assert_eq!(many("192.168.1.9", now), 1_000);
        assert_eq!(many("192.168.1.10", now), 1_000);
        assert_eq!(many("127.0.0.1", now), 5_000);
        assert_eq!(
            many("192.168.1.9", now + std::time::Duration::from_secs(1)),
            100
        );
    }

    #[test]
    fn a_room_comes_at_once_and_then_twenty_a_second() {
        let throttle = Arc::new(Throttle::default());
        let enter = |from: &str, millis| throttle.enter(address(from), at(millis), |_| true);
        let burst = (0..250).filter(|_| enter("192.168.1.9", 0).is_ok());
        assert_eq!(burst.count(), 200);
        for (millis, fine) in [(10, false), (50, true), (51, false), (100, true)] {
            assert_eq!(enter("192.168.1.9", millis).is_ok(), fine, "{millis} ms");
        }
        assert!(enter("192.168.1.10", 0).is_ok(), "somebody else");
        for own in ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"] {
            let all = (0..2_000).all(|_| enter(own, 0).is_ok());
            assert!(all, "{own} is this machine");
        }
    }

    #[test]
    fn an_address_holds_a_quarter_of_the_station_and_no_more() {
        let throttle = Arc::new(Throttle::default());
        let standing = Mutex::new(Vec::<String>::new());
        let enter = |from: &str, second: i64| {
            throttle.enter(address(from), at(second * 1000), |name| {
                standing.lock().iter().any(|session| session == name)
            })
        };
        for n in 0..SESSIONS as i64 {
            let place = enter("fd00::1", n).unwrap();
            standing.lock().push(format!("{n}"));
            place.keep(&format!("{n}"));
        }
        assert!(enter("fd00::1", 1_000).is_err());
        assert!(enter("fd00::2", 1_000).is_err(), "the same network");
        drop(enter("fd00:0:0:1::1", 1_000).unwrap());
        // What ends makes room, and so does what never became a session.
        standing.lock().truncate(SESSIONS - 1);
        drop(enter("fd00::1", 1_001).unwrap());
        let place = enter("fd00::1", 1_002).unwrap();
        assert!(enter("fd00::2", 1_003).is_err());
        drop(place);
        assert!(enter("fd00::2", 1_004).is_ok());
    }

    #[test]
    fn addresses_do_not_pile_up() {
        let throttle = Arc::new(Throttle::default());
        let mut kept = Vec::new();
        for n in 0..3 * ADDRESSES as u32 {
            let from = IpAddr::from(0x0a00_0000_u32.wrapping_add(n).to_be_bytes());
            let place = throttle.enter(from, at(0), |_| true).unwrap();
            if n % ADDRESSES as u32 == 0 {
                kept.push(place);
            }
        }
        let held = throttle.addresses.lock();
        assert!(held.len() <= ADDRESSES + 1, "{}", held.len());
        let places: usize = held.values().map(|asker| asker.taken).sum();
        assert_eq!(places, kept.len(), "whoever has a place is remembered");
    }
}
