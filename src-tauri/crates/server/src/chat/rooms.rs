//! Who is in which room, under which name, and how fast they may speak. Pure: no socket, no clock.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::time::Duration;

use api::{Code, Problem};
use media::Timestamp;

use super::bucket::{Bucket, Rate};
use super::text;
use crate::access::{Pass, network};
use crate::privacy::Right;

/// Messages of one person.
const SAYING: Rate = Rate {
    burst: 5.0,
    per_second: 1.0,
};

/// Messages from one address, where a whole school may sit behind one.
const SAYING_FROM_ONE_ADDRESS: Rate = Rate {
    burst: 40.0,
    per_second: 10.0,
};

/// Requests of any kind of one person, refused ones too.
const CALLING: Rate = Rate {
    burst: 20.0,
    per_second: 5.0,
};

/// Addresses remembered; beyond them those that nobody is here from are forgotten as soon as they may say as much as anybody.
const ADDRESSES: usize = 1_024;

/// People of whom it is known when they spoke last; beyond them those who may speak again are forgotten.
const SPOKEN_MAX: usize = 10_000;

/// Everybody who is connected, by the identity `K` of their connection.
#[derive(Debug)]
pub(crate) struct Rooms<K> {
    members: HashMap<K, Member>,
    /// By network, where anybody may have any address.
    addresses: HashMap<IpAddr, Address>,
    /// When whom said something last in which room, and how long they wait: for slow mode.
    spoken: HashMap<(String, String), (Timestamp, Duration)>,
}

#[derive(Debug)]
struct Member {
    address: IpAddr,
    channel: Option<String>,
    name: Option<Name>,
    /// A digest of what their browser is known by.
    identity: Option<String>,
    /// By what they keep order here.
    moderates: Option<Pass>,
    /// By what they are here, where the channel is private.
    right: Option<Right>,
    saying: Bucket,
    calling: Bucket,
}

#[derive(Clone, Debug)]
struct Name {
    shown: String,
    same_as: String,
    key: String,
}

#[derive(Debug)]
struct Address {
    members: usize,
    saying: Bucket,
}

/// A message that somebody wants to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Saying {
    /// The room.
    pub(crate) channel: String,
    /// Who speaks.
    pub(crate) name: String,
    /// What, tidied.
    pub(crate) text: String,
    /// Who they are, beyond their name.
    pub(crate) identity: String,
    /// From where.
    pub(crate) address: IpAddr,
    /// Whether they keep order here.
    pub(crate) moderates: bool,
}

/// What somebody comes into a room with.
#[derive(Clone, Debug, Default)]
pub(crate) struct Coming {
    /// A digest of what their browser is known by.
    pub(crate) identity: Option<String>,
    /// By what they keep order there.
    pub(crate) moderates: Option<Pass>,
    /// By what they are there, where the channel is private.
    pub(crate) right: Option<Right>,
}

/// What is known of a person instead of the key that their browser keeps: whoever reads it cannot
/// pose as them.
pub(crate) fn identity(key: &str) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, key.as_bytes());
    let half = digest.as_ref().iter().take(16);
    half.map(|b| format!("{b:02x}")).collect()
}

/// Whether a key may be one of ours.
fn plausible(key: &str) -> bool {
    (16..=64).contains(&key.len())
}

/// Somebody in a room.
#[derive(Clone, Debug)]
pub(crate) struct Person {
    /// The room.
    pub(crate) channel: String,
    /// Who they are; unknown as long as their browser has said nothing of it.
    pub(crate) identity: Option<String>,
    /// From where.
    pub(crate) address: IpAddr,
    /// By what they keep order here.
    pub(crate) moderates: Option<Pass>,
}

/// What becomes of a name on [`Rooms::name`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Named {
    /// As it is shown.
    pub(crate) name: String,
    /// Proves after a lost connection that the name was ours.
    pub(crate) key: String,
}

impl<K> Default for Rooms<K> {
    fn default() -> Self {
        Self {
            members: HashMap::new(),
            addresses: HashMap::new(),
            spoken: HashMap::new(),
        }
    }
}

impl<K: Copy + Eq + Hash> Rooms<K> {
    /// Somebody connects.
    pub(crate) fn enter(&mut self, who: K, address: IpAddr, now: Timestamp) {
        self.leave(who);
        self.members.insert(
            who,
            Member {
                address,
                channel: None,
                name: None,
                identity: None,
                moderates: None,
                right: None,
                saying: Bucket::full(SAYING, now),
                calling: Bucket::full(CALLING, now),
            },
        );
        if self.addresses.len() >= ADDRESSES {
            self.addresses.retain(|_, from| {
                from.members > 0 || !from.saying.is_full(SAYING_FROM_ONE_ADDRESS, now)
            });
        }
        self.addresses
            .entry(network(address))
            .or_insert_with(|| Address {
                members: 0,
                saying: Bucket::full(SAYING_FROM_ONE_ADDRESS, now),
            })
            .members += 1;
    }

    /// Somebody is gone.
    pub(crate) fn leave(&mut self, who: K) {
        let Some(member) = self.members.remove(&who) else {
            return;
        };
        // It stays, so that coming back does not refill what it may say.
        if let Some(from) = self.addresses.get_mut(&network(member.address)) {
            from.members -= 1;
        }
    }

    /// Counts a request of any kind.
    ///
    /// # Errors
    /// [`Code::TooMany`].
    pub(crate) fn call(&mut self, who: K, now: Timestamp) -> Result<(), Problem> {
        if self.member(who)?.calling.take(CALLING, now) {
            Ok(())
        } else {
            Err(too_fast())
        }
    }

    /// Enters a room, leaving the one before. A name that somebody has there is lost; returned is
    /// the one that is kept.
    ///
    /// # Errors
    /// [`Code::Conflict`] when the connection is gone.
    pub(crate) fn join(
        &mut self,
        who: K,
        channel: &str,
        coming: Coming,
    ) -> Result<Option<String>, Problem> {
        self.member(who)?;
        let mine = self.members.get(&who).and_then(|m| m.name.clone());
        let kept = mine.filter(|name| self.holder(channel, &name.same_as, who).is_none());
        let member = self.member(who)?;
        member.channel = Some(channel.to_owned());
        member.name.clone_from(&kept);
        // A name stands for a person already.
        if member.name.is_none() {
            member.identity = coming.identity;
        }
        member.moderates = coming.moderates;
        member.right = coming.right;
        Ok(kept.map(|name| name.shown))
    }

    /// The room somebody is in.
    pub(crate) fn room(&self, who: K) -> Option<&str> {
        self.members.get(&who)?.channel.as_deref()
    }

    /// Whether anybody is in a room.
    pub(crate) fn occupied(&self, channel: &str) -> bool {
        self.people(channel).next().is_some()
    }

    /// Connections in all rooms, and in none.
    pub(crate) fn people_in_all(&self) -> usize {
        self.members.len()
    }

    /// Rooms with somebody in them, each once.
    pub(crate) fn rooms(&self) -> std::collections::BTreeSet<String> {
        let rooms = self.members.values();
        rooms.filter_map(|m| m.channel.clone()).collect()
    }

    /// Takes a name in the room somebody is in. With the `key` of an earlier connection, a name that
    /// this one still holds is taken over. `fresh` becomes the key of a name that is new.
    ///
    /// # Errors
    /// [`Code::Conflict`] before joining a room or when the name is in use there, or as
    /// [`text::name`].
    pub(crate) fn name(
        &mut self,
        who: K,
        wish: &str,
        key: Option<&str>,
        fresh: String,
    ) -> Result<Named, Problem> {
        let Some(channel) = self.member(who)?.channel.clone() else {
            return Err(not_joined());
        };
        let shown = text::name(wish)?;
        let same_as = text::same_as(&shown);
        if let Some(holder) = self.holder(&channel, &same_as, who) {
            let theirs = self.member(holder)?.name.as_ref().map(|n| n.key.clone());
            if key.is_none() || theirs.as_deref() != key {
                return Err(Problem::new(
                    Code::Conflict,
                    format!("Somebody here is called {shown} already. Choose another name."),
                )
                .about("name"));
            }
            self.member(holder)?.name = None;
        }
        let member = self.member(who)?;
        let key = match (&member.name, key) {
            (Some(name), _) => name.key.clone(),
            (None, Some(key)) if plausible(key) => key.to_owned(),
            (None, _) => fresh,
        };
        member.identity = Some(identity(&key));
        member.name = Some(Name {
            shown: shown.clone(),
            same_as,
            key: key.clone(),
        });
        Ok(Named { name: shown, key })
    }

    /// Who somebody is who takes a name with this key, and where.
    ///
    /// # Errors
    /// [`Code::Conflict`] before joining a room.
    pub(crate) fn who(&self, who: K, key: Option<&str>) -> Result<Person, Problem> {
        let member = self.members.get(&who).ok_or_else(gone)?;
        let given = key.filter(|key| plausible(key)).map(identity);
        let named = member.name.as_ref().and(member.identity.clone());
        Ok(Person {
            channel: member.channel.clone().ok_or_else(not_joined)?,
            identity: named.or(given),
            address: member.address,
            moderates: member.moderates.clone(),
        })
    }

    /// What somebody wants to say, as it would be said.
    ///
    /// # Errors
    /// [`Code::Conflict`] without room or name, [`Code::Invalid`] as [`text::text`].
    pub(crate) fn saying(&self, who: K, said: &str) -> Result<Saying, Problem> {
        let member = self.members.get(&who).ok_or_else(gone)?;
        let channel = member.channel.clone().ok_or_else(not_joined)?;
        let Some(name) = &member.name else {
            return Err(
                Problem::new(Code::Conflict, "Choose a name before your first message.")
                    .about("name"),
            );
        };
        Ok(Saying {
            channel,
            name: name.shown.clone(),
            text: text::text(said)?,
            identity: identity(&name.key),
            address: member.address,
            moderates: member.moderates.is_some(),
        })
    }

    /// Counts a message, where its room waits `slow` between two of one person.
    ///
    /// # Errors
    /// [`Code::TooMany`] when they are too fast.
    pub(crate) fn say(
        &mut self,
        who: K,
        saying: &Saying,
        slow: Duration,
        now: Timestamp,
    ) -> Result<(), Problem> {
        let place = (saying.channel.clone(), saying.identity.clone());
        if !slow.is_zero()
            && !saying.moderates
            && let Some((last, _)) = self.spoken.get(&place)
        {
            let left = slow.saturating_sub(now.since(*last));
            if !left.is_zero() {
                let seconds = left.as_millis().div_ceil(1000);
                return Err(Problem::new(
                    Code::TooMany,
                    format!("This chat is in slow mode. Send it again in {seconds} s."),
                )
                .about("slow"));
            }
        }
        let member = self.members.get_mut(&who).ok_or_else(gone)?;
        let address = self.addresses.get_mut(&network(member.address));
        let fine = member.saying.take(SAYING, now)
            && address.is_none_or(|a| a.saying.take(SAYING_FROM_ONE_ADDRESS, now));
        if !fine {
            return Err(too_fast());
        }
        if !slow.is_zero() && !saying.moderates {
            if self.spoken.len() >= SPOKEN_MAX {
                self.spoken.retain(|_, (at, slow)| now.since(*at) < *slow);
            }
            if self.spoken.len() < SPOKEN_MAX {
                self.spoken.insert(place, (now, slow));
            }
        }
        Ok(())
    }

    /// Connections of one person in a room.
    pub(crate) fn known_as(&self, channel: &str, identity: &str) -> Vec<K> {
        self.people(channel)
            .filter(|(_, m)| m.identity.as_deref() == Some(identity))
            .map(|(who, _)| *who)
            .collect()
    }

    /// Connections that keep order in a room.
    pub(crate) fn moderators(&self, channel: &str) -> Vec<K> {
        self.people(channel)
            .filter(|(_, m)| m.moderates.is_some())
            .map(|(who, _)| *who)
            .collect()
    }

    /// Takes the keeping of order from those whose right to it has ended, at a time in milliseconds
    /// since 1970 UTC. Returns them.
    pub(crate) fn demote(&mut self, now: i64) -> Vec<K> {
        let over = |m: &Member| m.moderates.as_ref().is_some_and(|pass| !pass.holds(now));
        let members = self.members.iter_mut();
        members
            .filter(|(_, m)| over(m))
            .map(|(who, m)| {
                m.moderates = None;
                *who
            })
            .collect()
    }

    /// Puts everybody out of a room who has no right to it. Returns them.
    pub(crate) fn put_out(&mut self, channel: &str, holds: impl Fn(&Right) -> bool) -> Vec<K> {
        let strange = |m: &Member| !m.right.as_ref().is_some_and(&holds);
        let here = self.members.iter_mut();
        here.filter(|(_, m)| m.channel.as_deref() == Some(channel) && strange(m))
            .map(|(who, m)| {
                m.channel = None;
                m.name = None;
                m.moderates = None;
                *who
            })
            .collect()
    }

    fn member(&mut self, who: K) -> Result<&mut Member, Problem> {
        self.members.get_mut(&who).ok_or_else(gone)
    }

    fn people<'a>(&'a self, channel: &'a str) -> impl Iterator<Item = (&'a K, &'a Member)> {
        self.members
            .iter()
            .filter(move |(_, m)| m.channel.as_deref() == Some(channel))
    }

    /// Whoever else in a room has this name.
    fn holder(&self, channel: &str, same_as: &str, except: K) -> Option<K> {
        self.people(channel)
            .find(|(who, m)| {
                **who != except && m.name.as_ref().is_some_and(|n| n.same_as == same_as)
            })
            .map(|(who, _)| *who)
    }
}

fn not_joined() -> Problem {
    Problem::new(Code::Conflict, "Join a channel first.").about("channel")
}

fn gone() -> Problem {
    Problem::new(
        Code::Conflict,
        "The connection is closed. Load the page again.",
    )
}

fn too_fast() -> Problem {
    Problem::new(
        Code::TooMany,
        "That was too fast. Wait a moment, then send it again.",
    )
}

#[cfg(test)]
mod tests;
