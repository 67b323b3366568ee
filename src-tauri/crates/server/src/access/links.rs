//! Links that the host hands out. They are kept in the store and judged from memory, so that no
//! request waits for the disk.
//!
//! The store has hashes of their secrets, and those judge. A link can be shown again all the same: its secret
//! is made of the link's identity with a key that the system's keychain holds (RFC 2104), so that whoever reads
//! the database learns none.

use std::fmt;
use std::sync::Arc;

use api::{Code, LinkKind, NewAccessLink, Problem};
use media::ChannelName;
use parking_lot::Mutex;
use ring::{digest, hmac};
use store::{KeptLink, Store};
use subtle::ConstantTimeEq;
use tokio_util::sync::CancellationToken;

use super::{Holder, Pass};
use crate::Control;
use crate::problem::store_failed;

/// Links at once: more are not handed out by hand.
const LINKS_MAX: usize = 1000;

/// The name of the key among the studio's secrets.
const KEY: &str = "station.links";

/// A link, with what whoever has it presents.
#[derive(Clone)]
pub struct Link {
    /// What is kept of it.
    pub kept: KeptLink,
    /// Its secret; `None` where the key it was made with is not at hand: the link holds, but cannot be shown.
    pub secret: Option<String>,
}

#[cfg(test)]
impl Link {
    /// Its secret, which has to be there.
    pub(crate) fn word(&self) -> &str {
        self.secret.as_deref().expect("the key is at hand")
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link")
            .field("kept", &self.kept)
            .finish_non_exhaustive()
    }
}

/// All links.
pub(crate) struct Links {
    store: Arc<Store>,
    control: Arc<dyn Control>,
    entries: Mutex<Vec<Entry>>,
}

impl fmt::Debug for Links {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Links")
            .field("entries", &self.entries)
            .finish_non_exhaustive()
    }
}

#[derive(Debug)]
struct Entry {
    link: KeptLink,
    revoked: CancellationToken,
}

impl Links {
    /// Reads what is kept. The studio keeps the key.
    ///
    /// # Errors
    /// [`store::Error::Query`].
    pub(crate) fn open(store: Arc<Store>, control: Arc<dyn Control>) -> Result<Self, store::Error> {
        let entries = store.links()?.into_iter().map(Entry::new).collect();
        Ok(Self {
            store,
            control,
            entries: Mutex::new(entries),
        })
    }

    /// All of them, in the order in which they were made.
    pub(crate) fn list(&self) -> Vec<Link> {
        let key = self.control.secret(KEY).map(Key::of);
        let entries = self.entries.lock();
        let shown = |entry: &Entry| {
            let made = key.as_ref().map(|key| key.secret(&entry.link));
            Link {
                kept: entry.link.clone(),
                secret: made.filter(|secret| entry.is_of(&hash(secret))),
            }
        };
        entries.iter().map(shown).collect()
    }

    /// The key, made on first use.
    fn key(&self) -> Result<Key, Problem> {
        if let Some(text) = self.control.secret(KEY) {
            return Ok(Key::of(text));
        }
        let text = crate::secret()? + &crate::secret()?;
        self.control.keep_secret(KEY, &text)?;
        Ok(Key::of(text))
    }

    /// Makes a link, at a time in milliseconds since 1970 UTC. Blocks for the time of a small query.
    ///
    /// # Errors
    /// [`Code::Invalid`] for a name, channel or end that cannot be, [`Code::TooMany`],
    /// [`Code::Internal`] when it cannot be kept.
    pub(crate) fn create(&self, new: NewAccessLink, now: i64) -> Result<Link, Problem> {
        let link = KeptLink {
            id: crate::secret()?,
            created: now,
            ..checked(new, now)?
        };
        let link = self.key()?.seal(link);
        let mut entries = self.entries.lock();
        if entries.len() >= LINKS_MAX {
            let text = format!("There are {LINKS_MAX} links already. Delete some first.");
            return Err(Problem::new(Code::TooMany, text));
        }
        let kept = &link.kept;
        self.store.put_link(kept).map_err(|e| store_failed(&e))?;
        entries.push(Entry::new(kept.clone()));
        Ok(link)
    }

    /// Takes a link back. Blocks for the time of a small query.
    ///
    /// # Errors
    /// [`Code::NotFound`], or [`Code::Internal`] when the store fails; the link still holds then.
    pub(crate) fn revoke(&self, id: &str) -> Result<KeptLink, Problem> {
        let mut entries = self.entries.lock();
        let at = position(&entries, id)?;
        self.store.remove_link(id).map_err(|e| store_failed(&e))?;
        let entry = entries.remove(at);
        entry.revoked.cancel();
        Ok(entry.link)
    }

    /// Gives a link a new secret; the old one opens nothing any more. One whose time is over holds as long again as it was
    /// made for. Blocks for the time of a small query.
    ///
    /// # Errors
    /// As [`Links::revoke`].
    pub(crate) fn regenerate(&self, id: &str, now: i64) -> Result<Link, Problem> {
        let key = self.key()?;
        let mut entries = self.entries.lock();
        let at = position(&entries, id)?;
        let old = &entries[at].link;
        let again = |at: i64| now.saturating_add(at.saturating_sub(old.created).max(0));
        let link = key.seal(KeptLink {
            turn: old.turn + 1,
            expires: old.expires.map(|at| if at <= now { again(at) } else { at }),
            ..old.clone()
        });
        let kept = &link.kept;
        self.store.put_link(kept).map_err(|e| store_failed(&e))?;
        let old = std::mem::replace(&mut entries[at], Entry::new(kept.clone()));
        old.revoked.cancel();
        Ok(link)
    }

    /// What a secret opens.
    pub(super) fn judge(
        &self,
        kind: LinkKind,
        secret: &str,
        channel: Option<&ChannelName>,
        now: i64,
    ) -> Option<Pass> {
        let given = hash(secret);
        let entries = self.entries.lock();
        // Every one is compared, so that the time tells nothing of how many there are before it.
        let mut found = None;
        for entry in entries.iter() {
            if entry.is_of(&given) {
                found = Some(entry);
            }
        }
        let entry = found.filter(|e| e.holds(now) && e.opens(kind, channel))?;
        Some(Pass {
            holder: Holder::Link {
                id: entry.link.id.clone(),
                name: entry.link.name.clone(),
                guest: entry.link.kind == LinkKind::Guest,
            },
            expires: entry.link.expires,
            revoked: entry.revoked.clone(),
        })
    }
}

impl Entry {
    fn new(link: KeptLink) -> Self {
        Self {
            link,
            revoked: CancellationToken::new(),
        }
    }

    /// Whether this is the hash of its secret.
    fn is_of(&self, given: &[u8; 32]) -> bool {
        self.link.hash.ct_eq(given).into()
    }

    fn holds(&self, now: i64) -> bool {
        self.link.expires.is_none_or(|at| now < at)
    }

    fn opens(&self, kind: LinkKind, channel: Option<&ChannelName>) -> bool {
        let own = self.link.kind;
        let covers = own == kind
            || own == LinkKind::Control
            || (own == LinkKind::Moderate && kind == LinkKind::Watch)
            || (own == LinkKind::Guest && kind == LinkKind::Publish);
        let here = match (&self.link.channel, channel) {
            (None, _) => true,
            (Some(own), Some(asked)) => own == asked.as_str(),
            (Some(_), None) => false,
        };
        covers && here
    }
}

/// What secrets of links are made with.
struct Key(hmac::Key);

impl Key {
    fn of(text: String) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, text.as_bytes()))
    }

    /// 128 bits in hexadecimal digits, another one for each link and each turn.
    fn secret(&self, link: &KeptLink) -> String {
        let text = format!("{}/{}", link.id, link.turn);
        let tag = hmac::sign(&self.0, text.as_bytes());
        let half = tag.as_ref().iter().take(16);
        half.map(|byte| format!("{byte:02x}")).collect()
    }

    /// The link with its secret.
    fn seal(&self, link: KeptLink) -> Link {
        let secret = self.secret(&link);
        Link {
            kept: KeptLink {
                hash: hash(&secret),
                ..link
            },
            secret: Some(secret),
        }
    }
}

fn hash(secret: &str) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest::digest(&digest::SHA256, secret.as_bytes()).as_ref());
    hash
}

fn position(entries: &[Entry], id: &str) -> Result<usize, Problem> {
    let found = entries.iter().position(|e| e.link.id == id);
    found.ok_or_else(|| {
        let text = "There is no such link; it may have been deleted.";
        Problem::new(Code::NotFound, text).about(id)
    })
}

/// A link without identity and secret, from what a person entered.
fn checked(new: NewAccessLink, now: i64) -> Result<KeptLink, Problem> {
    let invalid = |text: &str, about: &str| Problem::new(Code::Invalid, text).about(about);
    let name = new.name.trim();
    let fine = (1..=100).contains(&name.chars().count()) && !name.chars().any(char::is_control);
    if !fine {
        return Err(invalid("A link's name has 1 to 100 characters.", "name"));
    }
    let channel = new.channel.filter(|channel| !channel.is_empty());
    if let Some(channel) = &channel {
        channel.parse::<ChannelName>().map_err(|_| {
            let text = "A channel name is 1 to 64 letters, digits, '-' or '_'.";
            invalid(text, "channel")
        })?;
        if new.kind == LinkKind::Control {
            let text = "A control link opens the whole studio; it cannot be for one channel.";
            return Err(invalid(text, "channel"));
        }
        let publishes = matches!(new.kind, LinkKind::Publish | LinkKind::Guest);
        if publishes && channel == ChannelName::program().as_str() {
            let text = "The channel program belongs to this studio. Choose another name.";
            return Err(invalid(text, "channel"));
        }
    }
    if new.kind == LinkKind::Guest && channel.is_none() {
        let text = "A guest link is for one channel. Say which.";
        return Err(invalid(text, "channel"));
    }
    if new.expires.is_some_and(|at| at <= now) {
        return Err(invalid("That time has passed already.", "expires"));
    }
    Ok(KeptLink {
        id: String::new(),
        kind: new.kind,
        name: name.to_owned(),
        channel,
        hash: [0; 32],
        turn: 0,
        created: now,
        expires: new.expires,
    })
}
