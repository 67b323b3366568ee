//! What the host does about those who come: publishers and links.

use api::{ChatRoom, Code, DoctorReport, LinkKind, Moderation, NewAccessLink, Problem, Publisher};
use store::KeptLink;
use tokio::sync::broadcast;

use crate::{AUDIT, Link, Station};

impl Station {
    /// What the connection doctor finds on devices, from now on. A follower that is too slow loses the
    /// oldest of 16.
    pub fn doctor_reports(&self) -> broadcast::Receiver<DoctorReport> {
        self.app.doctor.reported()
    }

    /// Who publishes to the station, those that wait for the host first.
    pub fn publishers(&self) -> Vec<Publisher> {
        self.app.ingests.list(&self.app.clock)
    }

    /// Lets a publisher that waits go live; a guest is found by scenes alone.
    ///
    /// # Errors
    /// [`NotFound`](api::Code::NotFound) when nobody waits on that channel.
    pub fn admit_publisher(&self, channel: &str) -> Result<(), Problem> {
        self.app.ingests.admit(&self.app.hub, channel)
    }

    /// Ends a publisher: one that waits is refused, one that is live is put out.
    ///
    /// # Errors
    /// [`NotFound`](api::Code::NotFound) when nobody publishes on that channel.
    pub fn end_publisher(&self, channel: &str) -> Result<(), Problem> {
        let now = self.app.clock.now();
        self.app.ingests.end(&self.app.hub, channel, now)
    }

    /// The links that the host hands out, in the order in which they were made.
    pub fn links(&self) -> Vec<Link> {
        self.app.access.links.list()
    }

    /// Makes a link. Blocks for the time of a small query.
    ///
    /// # Errors
    /// [`Invalid`](api::Code::Invalid) for what cannot be, [`TooMany`](api::Code::TooMany),
    /// [`Internal`](api::Code::Internal) when it cannot be kept.
    pub fn create_link(&self, link: NewAccessLink) -> Result<Link, Problem> {
        let now = self.app.clock.unix_millis(self.app.clock.now());
        let link = self.app.access.links.create(link, now)?;
        note(&link.kept, "made");
        Ok(link)
    }

    /// Takes a link back, and puts out whoever came through it. Blocks for the time of a small query.
    ///
    /// # Errors
    /// [`NotFound`](api::Code::NotFound), or [`Internal`](api::Code::Internal) when the store fails.
    pub fn revoke_link(&self, id: &str) -> Result<(), Problem> {
        let link = self.app.access.links.revoke(id)?;
        self.app.ingests.end_of_link(&self.app.hub, id);
        note(&link, "revoked");
        Ok(())
    }

    /// Gives a link a new secret, and puts out whoever came through the old one. Blocks for the time
    /// of a small query.
    ///
    /// # Errors
    /// As [`Station::revoke_link`].
    pub fn regenerate_link(&self, id: &str) -> Result<(), Problem> {
        let now = self.app.clock.unix_millis(self.app.clock.now());
        let link = self.app.access.links.regenerate(id, now)?;
        self.app.ingests.end_of_link(&self.app.hub, id);
        note(&link.kept, "regenerated");
        Ok(())
    }

    /// Keeps a channel's chat in order. Blocks until it is done; not to be called from asynchronous
    /// code.
    ///
    /// # Errors
    /// [`NotFound`](api::Code::NotFound) for what is not there, [`Invalid`](api::Code::Invalid) and
    /// [`Conflict`](api::Code::Conflict) for what cannot be, [`Internal`](api::Code::Internal) when
    /// the store fails.
    pub fn moderate(&self, channel: &str, moderation: Moderation) -> Result<(), Problem> {
        let outcome = self.app.chat.moderate_as_host(channel, moderation)?;
        outcome.blocking_recv().unwrap_or_else(|_| {
            let text = "The station is closing; nothing was done.";
            Err(Problem::new(Code::Conflict, text))
        })
    }

    /// Chat rooms with rules or bans of their own.
    pub fn rooms(&self) -> Vec<ChatRoom> {
        let now = self.app.clock.unix_millis(self.app.clock.now());
        self.app.chat.kept_rooms(now)
    }

    /// Makes a channel private, with another passphrase, or open to all. Whoever watches it and has no
    /// right to it is put out within a second or two. Blocks for the time of a slow hash.
    ///
    /// # Errors
    /// [`Invalid`](api::Code::Invalid) for a channel or passphrase that cannot be,
    /// [`Internal`](api::Code::Internal) when it cannot be kept.
    pub fn set_passphrase(&self, channel: &str, passphrase: Option<&str>) -> Result<(), Problem> {
        self.app.set_passphrase(channel, passphrase)
    }

    /// Channels that ask for a passphrase.
    pub fn private(&self) -> Vec<String> {
        self.app.privacy.list()
    }

    /// What is wrong with the station at the moment: a certificate that cannot be used, a name that
    /// cannot be announced.
    pub fn problems(&self) -> Vec<Problem> {
        let tls = self.app.tls.read().as_ref().and_then(|tls| tls.problem());
        let unannounced = self.announcing.lock().problem.clone();
        tls.into_iter().chain(unannounced).collect()
    }
}

/// A line for the record of who did what.
fn note(link: &KeptLink, what: &str) {
    let kind = match link.kind {
        LinkKind::Watch => "watch",
        LinkKind::Publish => "publish",
        LinkKind::Guest => "guest",
        LinkKind::Moderate => "moderate",
        LinkKind::Control => "control",
    };
    tracing::info!(target: AUDIT, name = link.name, kind, channel = link.channel, "link: {what}");
}
