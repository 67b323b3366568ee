//! Links that the host hands out. They are kept in the store and judged from memory, so that no
//! request waits for the disk.

use std::sync::Arc;

use api::{Code, LinkKind, NewAccessLink, Problem};
use media::ChannelName;
use parking_lot::Mutex;
use store::{KeptLink, Store};
use tokio_util::sync::CancellationToken;

use super::{Holder, Pass, same};
use crate::problem::store_failed;

/// Links at once: more are not handed out by hand.
const LINKS_MAX: usize = 1000;

/// All links.
#[derive(Debug)]
pub(crate) struct Links {
    store: Arc<Store>,
    entries: Mutex<Vec<Entry>>,
}

#[derive(Debug)]
struct Entry {
    link: KeptLink,
    revoked: CancellationToken,
}

impl Links {
    /// Reads what is kept.
    ///
    /// # Errors
    /// [`store::Error::Query`].
    pub(crate) fn open(store: Arc<Store>) -> Result<Self, store::Error> {
        let entries = store.links()?.into_iter().map(Entry::new).collect();
        Ok(Self {
            store,
            entries: Mutex::new(entries),
        })
    }

    /// All of them, in the order in which they were made.
    pub(crate) fn list(&self) -> Vec<KeptLink> {
        let entries = self.entries.lock();
        entries.iter().map(|e| e.link.clone()).collect()
    }

    /// Makes a link, at a time in milliseconds since 1970 UTC. Blocks for the time of a small query.
    ///
    /// # Errors
    /// [`Code::Invalid`] for a name, channel or end that cannot be, [`Code::TooMany`],
    /// [`Code::Internal`] when it cannot be kept.
    pub(crate) fn create(&self, new: NewAccessLink, now: i64) -> Result<KeptLink, Problem> {
        let link = KeptLink {
            id: crate::secret()?,
            secret: crate::secret()?,
            created: now,
            ..checked(new, now)?
        };
        let mut entries = self.entries.lock();
        if entries.len() >= LINKS_MAX {
            let text = format!("There are {LINKS_MAX} links already. Delete some first.");
            return Err(Problem::new(Code::TooMany, text));
        }
        self.store.put_link(&link).map_err(|e| store_failed(&e))?;
        entries.push(Entry::new(link.clone()));
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

    /// Gives a link a new secret; the old one opens nothing any more. Blocks for the time of a small
    /// query.
    ///
    /// # Errors
    /// As [`Links::revoke`].
    pub(crate) fn regenerate(&self, id: &str) -> Result<KeptLink, Problem> {
        let mut entries = self.entries.lock();
        let at = position(&entries, id)?;
        let link = KeptLink {
            secret: crate::secret()?,
            ..entries[at].link.clone()
        };
        self.store.put_link(&link).map_err(|e| store_failed(&e))?;
        let old = std::mem::replace(&mut entries[at], Entry::new(link.clone()));
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
        let entries = self.entries.lock();
        // Every one is compared, so that the time tells nothing of how many there are before it.
        let mut found = None;
        for entry in entries.iter() {
            if same(secret, &entry.link.secret) {
                found = Some(entry);
            }
        }
        let entry = found.filter(|e| e.holds(now) && e.opens(kind, channel))?;
        Some(Pass {
            holder: Holder::Link {
                id: entry.link.id.clone(),
                name: entry.link.name.clone(),
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

    fn holds(&self, now: i64) -> bool {
        self.link.expires.is_none_or(|at| now < at)
    }

    fn opens(&self, kind: LinkKind, channel: Option<&ChannelName>) -> bool {
        let own = self.link.kind;
        let covers = own == kind
            || own == LinkKind::Control
            || (own == LinkKind::Moderate && kind == LinkKind::Watch);
        let here = match (&self.link.channel, channel) {
            (None, _) => true,
            (Some(own), Some(asked)) => own == asked.as_str(),
            (Some(_), None) => false,
        };
        covers && here
    }
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
        if new.kind == LinkKind::Publish && channel == ChannelName::program().as_str() {
            let text = "The channel program belongs to this studio. Choose another name.";
            return Err(invalid(text, "channel"));
        }
    }
    if new.expires.is_some_and(|at| at <= now) {
        return Err(invalid("That time has passed already.", "expires"));
    }
    Ok(KeptLink {
        id: String::new(),
        kind: new.kind,
        name: name.to_owned(),
        channel,
        secret: String::new(),
        created: now,
        expires: new.expires,
    })
}
