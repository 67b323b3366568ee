//! Who is in which room, under which name, and how fast they may speak. Pure: no socket, no clock.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;

use api::{Code, Problem};
use media::Timestamp;

use super::bucket::{Bucket, Rate};
use super::text;

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

/// Everybody who is connected, by the identity `K` of their connection.
#[derive(Debug)]
pub(crate) struct Rooms<K> {
    members: HashMap<K, Member>,
    addresses: HashMap<IpAddr, Address>,
}

#[derive(Debug)]
struct Member {
    address: IpAddr,
    channel: Option<String>,
    name: Option<Name>,
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

/// A message that may be said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Saying {
    /// The room.
    pub(crate) channel: String,
    /// Who speaks.
    pub(crate) name: String,
    /// What, tidied.
    pub(crate) text: String,
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
                saying: Bucket::full(SAYING, now),
                calling: Bucket::full(CALLING, now),
            },
        );
        self.addresses
            .entry(address)
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
        if let Some(address) = self.addresses.get_mut(&member.address) {
            address.members -= 1;
            if address.members == 0 {
                self.addresses.remove(&member.address);
            }
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
    pub(crate) fn join(&mut self, who: K, channel: &str) -> Result<Option<String>, Problem> {
        self.member(who)?;
        let mine = self.members.get(&who).and_then(|m| m.name.clone());
        let kept = mine.filter(|name| self.holder(channel, &name.same_as, who).is_none());
        let member = self.member(who)?;
        member.channel = Some(channel.to_owned());
        member.name.clone_from(&kept);
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
            (None, Some(key)) if (16..=64).contains(&key.len()) => key.to_owned(),
            (None, _) => fresh,
        };
        member.name = Some(Name {
            shown: shown.clone(),
            same_as,
            key: key.clone(),
        });
        Ok(Named { name: shown, key })
    }

    /// Whether somebody may say something now.
    ///
    /// # Errors
    /// [`Code::Conflict`] without room or name, [`Code::Invalid`] as [`text::text`],
    /// [`Code::TooMany`] when they are too fast.
    pub(crate) fn say(&mut self, who: K, said: &str, now: Timestamp) -> Result<Saying, Problem> {
        let member = self.members.get_mut(&who).ok_or_else(gone)?;
        let Some(channel) = member.channel.clone() else {
            return Err(not_joined());
        };
        let Some(name) = member.name.as_ref().map(|n| n.shown.clone()) else {
            return Err(
                Problem::new(Code::Conflict, "Choose a name before your first message.")
                    .about("name"),
            );
        };
        let text = text::text(said)?;
        let address = self.addresses.get_mut(&member.address);
        let fine = member.saying.take(SAYING, now)
            && address.is_none_or(|a| a.saying.take(SAYING_FROM_ONE_ADDRESS, now));
        if fine {
            Ok(Saying {
                channel,
                name,
                text,
            })
        } else {
            Err(too_fast())
        }
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
