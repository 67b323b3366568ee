//! The rules of rooms and who may not write in them. Kept in the store, judged from memory.
//!
//! A ban stops a person, known by a digest of what their browser keeps, and strangers from their
//! address: whoever had spoken in the room before goes on, so that a school behind one address is not
//! silenced with one pupil, and clearing a browser's memory helps nobody. Programs on this machine
//! share its address, so loopback is nobody's.

use std::collections::{BTreeSet, HashMap};
use std::net::IpAddr;

use api::{Ban, ChatRoom, Code, Problem, RoomRules};
use store::{KeptBan, Store};

use super::words::{self, Words};
use crate::problem::store_failed;

/// The longest slow mode, in seconds.
const SLOW_MAX: u32 = 3600;

/// The longest time-out, in seconds: four weeks.
const TIME_OUT_MAX: u32 = 28 * 24 * 3600;

/// Blocked words of a room, and characters of each.
const WORDS_MAX: usize = 200;
const WORD_MAX: usize = 60;

/// Bans of all rooms at once; more are not made by hand.
const BANS_MAX: usize = 5000;

/// All rooms' rules and bans.
#[derive(Debug, Default)]
pub(crate) struct Order {
    rules: HashMap<String, (RoomRules, Words)>,
    /// The newest first.
    bans: Vec<KeptBan>,
}

/// Whom a ban is for.
#[derive(Clone, Debug)]
pub(crate) struct Culprit {
    /// The name they wrote under.
    pub(crate) name: String,
    /// Who they are, where that is known.
    pub(crate) identity: Option<String>,
    /// From where, where that is known.
    pub(crate) address: Option<String>,
}

impl Order {
    /// Reads what is kept.
    ///
    /// # Errors
    /// [`store::Error::Query`].
    pub(crate) fn open(store: &Store) -> Result<Self, store::Error> {
        let rules = store.room_rules()?.into_iter();
        Ok(Self {
            rules: rules
                .map(|(channel, rules)| (channel, ready(rules)))
                .collect(),
            bans: store.bans()?,
        })
    }

    /// The rules of a room.
    pub(crate) fn rules(&self, channel: &str) -> RoomRules {
        let kept = self.rules.get(channel);
        kept.map_or_else(RoomRules::default, |(rules, _)| rules.clone())
    }

    /// Sets the rules of a room, tidied.
    ///
    /// # Errors
    /// [`Code::Invalid`] for what is out of range, [`Code::Internal`] when it cannot be kept.
    pub(crate) fn set_rules(
        &mut self,
        store: &Store,
        channel: &str,
        rules: RoomRules,
    ) -> Result<(), Problem> {
        let rules = checked(rules)?;
        store
            .put_room_rules(channel, &rules)
            .map_err(|e| store_failed(&e))?;
        self.rules.insert(channel.to_owned(), ready(rules));
        Ok(())
    }

    /// Whether a viewer may say this in a room, whoever they are.
    ///
    /// # Errors
    /// [`Code::Invalid`] for links where there are none, and for blocked words.
    pub(crate) fn allows(&self, channel: &str, text: &str) -> Result<(), Problem> {
        let Some((rules, words)) = self.rules.get(channel) else {
            return Ok(());
        };
        let refused = |words: &str| Problem::new(Code::Invalid, words).about("text");
        if !rules.links && words::has_link(text) {
            return Err(refused(
                "Links are off in this chat. Leave the address out, then send it again.",
            ));
        }
        if words.found_in(text) {
            return Err(refused(
                "That message holds a word that is blocked in this chat. Say it in other words.",
            ));
        }
        Ok(())
    }

    /// What stops a person in a room at a time (ms since 1970 UTC), if anything does: the longest.
    pub(crate) fn stops(&self, channel: &str, identity: &str, now: i64) -> Option<&Ban> {
        self.holding(channel, now)
            .filter(|kept| kept.identity.as_deref() == Some(identity))
            .map(|kept| &kept.ban)
            .max_by_key(|ban| ban.until.unwrap_or(i64::MAX))
    }

    /// What stops strangers from an address in a room, if anything does: the newest.
    pub(crate) fn stops_strangers(&self, channel: &str, address: IpAddr, now: i64) -> Option<&Ban> {
        if address.is_loopback() {
            return None;
        }
        let address = address.to_string();
        self.holding(channel, now)
            .map(|kept| &kept.ban)
            .find(|ban| ban.address.as_deref() == Some(address.as_str()))
    }

    /// Stops somebody. A ban of the same person that holds is replaced.
    ///
    /// # Errors
    /// [`Code::Invalid`] for a time that cannot be or somebody of whom nothing is known,
    /// [`Code::TooMany`], [`Code::Internal`] when it cannot be kept.
    pub(crate) fn stop(
        &mut self,
        store: &Store,
        channel: &str,
        culprit: Culprit,
        by: &str,
        seconds: Option<u32>,
        now: i64,
    ) -> Result<Ban, Problem> {
        let Culprit {
            name,
            identity,
            address,
        } = culprit;
        if seconds.is_some_and(|s| !(1..=TIME_OUT_MAX).contains(&s)) {
            let text = "A time-out lasts from a second to four weeks.";
            return Err(Problem::new(Code::Invalid, text).about("seconds"));
        }
        let Some(identity) = identity else {
            let text = "That message is too old: it is not known any more who wrote it. Delete it instead.";
            return Err(Problem::new(Code::Invalid, text).about("message"));
        };
        self.forget_old(store, now)?;
        let before: Vec<i64> = self
            .holding(channel, now)
            .filter(|kept| kept.identity.as_ref() == Some(&identity))
            .map(|kept| kept.ban.id)
            .collect();
        for id in before {
            self.remove(store, id)?;
        }
        if self.bans.len() >= BANS_MAX {
            let text = format!("There are {BANS_MAX} bans already. Lift some first.");
            return Err(Problem::new(Code::TooMany, text));
        }
        let mut kept = KeptBan {
            channel: channel.to_owned(),
            identity: Some(identity),
            ban: Ban {
                id: 0,
                name,
                address,
                by: by.to_owned(),
                at: now,
                until: seconds.map(|s| now.saturating_add(i64::from(s) * 1000)),
            },
        };
        kept.ban.id = store.add_ban(&kept).map_err(|e| store_failed(&e))?;
        let ban = kept.ban.clone();
        self.bans.insert(0, kept);
        Ok(ban)
    }

    /// Takes a ban back. Returns whom it stopped.
    ///
    /// # Errors
    /// [`Code::NotFound`], or [`Code::Internal`] when the store fails; the ban still holds then.
    pub(crate) fn lift(
        &mut self,
        store: &Store,
        channel: &str,
        id: i64,
    ) -> Result<KeptBan, Problem> {
        let found = self.bans.iter().find(|kept| kept.ban.id == id);
        if found.is_none_or(|kept| kept.channel != channel) {
            let text = "There is no such ban; it may have been lifted.";
            return Err(Problem::new(Code::NotFound, text));
        }
        self.remove(store, id)?.ok_or_else(|| {
            let text = "There is no such ban; it may have been lifted.";
            Problem::new(Code::NotFound, text)
        })
    }

    /// A room as those see it who keep it in order.
    pub(crate) fn room(&self, channel: &str, now: i64) -> ChatRoom {
        ChatRoom {
            channel: channel.to_owned(),
            rules: self.rules(channel),
            bans: self.holding(channel, now).map(|k| k.ban.clone()).collect(),
        }
    }

    /// All rooms with rules or bans.
    pub(crate) fn rooms(&self, now: i64) -> Vec<ChatRoom> {
        let mut channels: BTreeSet<&str> = self.rules.keys().map(String::as_str).collect();
        channels.extend(self.bans.iter().map(|kept| kept.channel.as_str()));
        channels
            .into_iter()
            .map(|channel| self.room(channel, now))
            .filter(|room| !room.bans.is_empty() || room.rules != RoomRules::default())
            .collect()
    }

    fn holding<'a, 'b>(
        &'a self,
        channel: &'b str,
        now: i64,
    ) -> impl Iterator<Item = &'a KeptBan> + use<'a, 'b> {
        self.bans
            .iter()
            .filter(move |k| k.channel == channel && k.ban.until.is_none_or(|at| now < at))
    }

    fn forget_old(&mut self, store: &Store, now: i64) -> Result<(), Problem> {
        let over = self
            .bans
            .iter()
            .filter(|k| k.ban.until.is_some_and(|at| at <= now));
        let over: Vec<i64> = over.map(|kept| kept.ban.id).collect();
        for id in over {
            self.remove(store, id)?;
        }
        Ok(())
    }

    fn remove(&mut self, store: &Store, id: i64) -> Result<Option<KeptBan>, Problem> {
        store.remove_ban(id).map_err(|e| store_failed(&e))?;
        let at = self.bans.iter().position(|kept| kept.ban.id == id);
        Ok(at.map(|at| self.bans.remove(at)))
    }
}

/// What somebody is told who may not write.
pub(crate) fn refusal(ban: &Ban, now: i64) -> Problem {
    let words = match ban.until {
        None => "You are banned from this chat. You can go on watching.".to_owned(),
        Some(until) => {
            let seconds = (until.saturating_sub(now).max(0) + 999) / 1000;
            let left = match seconds {
                0..=90 => format!("{seconds} seconds"),
                91..=5400 => format!("{} minutes", (seconds + 59) / 60),
                5401..=172_800 => format!("{} hours", (seconds + 3599) / 3600),
                _ => format!("{} days", (seconds + 86_399) / 86_400),
            };
            format!("You have been asked to be quiet. You can write again in {left}.")
        }
    };
    Problem::new(Code::Conflict, words).about("ban")
}

fn ready(rules: RoomRules) -> (RoomRules, Words) {
    let words = Words::new(&rules.words);
    (rules, words)
}

fn checked(mut rules: RoomRules) -> Result<RoomRules, Problem> {
    let invalid = |text: String, about: &str| Problem::new(Code::Invalid, text).about(about);
    if rules.slow_seconds > SLOW_MAX {
        let text = format!("Slow mode waits for {SLOW_MAX} seconds at most.");
        return Err(invalid(text, "slow_seconds"));
    }
    let mut words: Vec<String> = Vec::new();
    for word in &rules.words {
        let word = word.trim();
        if word.is_empty() || words.iter().any(|w| w == word) {
            continue;
        }
        let length = word.chars().count();
        let says = word.trim_end_matches('*');
        if length > WORD_MAX || word.chars().any(char::is_control) || says.is_empty() {
            let text = format!("A blocked word has 1 to {WORD_MAX} characters on one line.");
            return Err(invalid(text, "words"));
        }
        words.push(word.to_owned());
    }
    if words.len() > WORDS_MAX {
        let text = format!("{WORDS_MAX} words can be blocked at once.");
        return Err(invalid(text, "words"));
    }
    rules.words = words;
    Ok(rules)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn culprit(identity: &str, address: &str) -> Culprit {
        Culprit {
            name: "Troll".into(),
            identity: Some(identity.into()),
            address: Some(address.into()),
        }
    }

    #[test]
    fn a_person_is_stopped_in_one_room_for_a_time() {
        let store = Store::in_memory().unwrap();
        let mut order = Order::default();
        let who = culprit("x", "192.168.1.9");
        let first = order
            .stop(&store, "a", who.clone(), "the host", Some(60), 1000)
            .unwrap();
        for (channel, identity, now, expect) in [
            ("a", "x", 1000, true),
            ("a", "x", 60_999, true),
            ("a", "x", 61_000, false),
            ("a", "y", 1000, false),
            ("b", "x", 1000, false),
        ] {
            let got = order.stops(channel, identity, now).is_some();
            assert_eq!(got, expect, "{identity} in {channel} at {now}");
        }
        // Another one replaces it, in the store as well.
        let second = order.stop(&store, "a", who, "Ana", None, 2000).unwrap();
        assert_ne!(first.id, second.id);
        assert_eq!(order.stops("a", "x", i64::MAX), Some(&second));
        let reread = Order::open(&store).unwrap();
        assert_eq!(reread.room("a", 5000).bans, std::slice::from_ref(&second));
        assert_eq!(
            order.lift(&store, "b", second.id).unwrap_err().code,
            Code::NotFound
        );
        let lifted = order.lift(&store, "a", second.id).unwrap();
        assert_eq!(lifted.identity.as_deref(), Some("x"));
        assert!(order.lift(&store, "a", second.id).is_err());
        assert!(order.rooms(5000).is_empty() && store.bans().unwrap().is_empty());
    }

    #[test]
    fn strangers_from_the_address_of_a_ban_are_stopped_and_this_machine_is_nobodys() {
        let store = Store::in_memory().unwrap();
        let mut order = Order::default();
        for (identity, address) in [("x", "192.168.1.9"), ("y", "127.0.0.1")] {
            let who = culprit(identity, address);
            order.stop(&store, "a", who, "the host", None, 0).unwrap();
        }
        for (channel, address, expect) in [
            ("a", "192.168.1.9", true),
            ("a", "192.168.1.10", false),
            ("b", "192.168.1.9", false),
            ("a", "127.0.0.1", false),
        ] {
            let got = order.stops_strangers(channel, address.parse().unwrap(), 1);
            assert_eq!(got.is_some(), expect, "{address} in {channel}");
        }
    }

    #[test]
    fn rules_are_tidied_kept_and_applied() {
        let store = Store::in_memory().unwrap();
        let mut order = Order::default();
        let rules = |slow_seconds, links, words: &[&str]| RoomRules {
            slow_seconds,
            links,
            words: words.iter().map(|w| (*w).to_owned()).collect(),
        };
        order
            .set_rules(
                &store,
                "a",
                rules(30, false, &[" spam ", "", "spam", "buy now"]),
            )
            .unwrap();
        let expect = rules(30, false, &["spam", "buy now"]);
        assert_eq!(order.rules("a"), expect);
        assert_eq!(Order::open(&store).unwrap().rules("a"), expect);
        assert_eq!(order.rules("b"), RoomRules::default());
        for (channel, text, fine) in [
            ("a", "hello", true),
            ("a", "S P A M", false),
            ("a", "see example.com", false),
            ("b", "spam on example.com", true),
        ] {
            assert_eq!(
                order.allows(channel, text).is_ok(),
                fine,
                "{channel} {text}"
            );
        }
        let long = "x".repeat(61);
        let many: Vec<String> = (0..201).map(|n| n.to_string()).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        for (bad, about) in [
            (rules(3601, true, &[]), "slow_seconds"),
            (rules(0, true, &[long.as_str()]), "words"),
            (rules(0, true, &["two\nlines"]), "words"),
            (rules(0, true, &["**"]), "words"),
            (rules(0, true, &many), "words"),
        ] {
            let problem = order.set_rules(&store, "a", bad).unwrap_err();
            assert_eq!(problem.subject.as_deref(), Some(about));
        }
        assert_eq!(order.rules("a"), expect, "what is refused changes nothing");
    }

    #[test]
    fn whoever_is_stopped_reads_for_how_long() {
        let ban = |until| Ban {
            id: 1,
            name: "Troll".into(),
            address: None,
            by: "the host".into(),
            at: 0,
            until,
        };
        for (until, words) in [
            (None, "banned"),
            (Some(61_000), "60 seconds"),
            (Some(601_000), "10 minutes"),
            (Some(7_201_000), "2 hours"),
            (Some(604_801_000), "7 days"),
        ] {
            let problem = refusal(&ban(until), 1000);
            assert!(problem.message.contains(words), "{problem}");
        }
    }
}
