//! What the host does about those who come: publishers and links.

use api::{LinkKind, NewAccessLink, Problem, Publisher};
use store::KeptLink;

use crate::{AUDIT, Station};

impl Station {
    /// Who publishes to the station, those that wait for the host first.
    pub fn publishers(&self) -> Vec<Publisher> {
        self.app.ingests.list(&self.app.clock)
    }

    /// Lets a publisher that waits go live.
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
        self.app.ingests.end(&self.app.hub, channel)
    }

    /// The links that the host hands out, in the order in which they were made.
    pub fn links(&self) -> Vec<KeptLink> {
        self.app.access.links.list()
    }

    /// Makes a link. Blocks for the time of a small query.
    ///
    /// # Errors
    /// [`Invalid`](api::Code::Invalid) for what cannot be, [`TooMany`](api::Code::TooMany),
    /// [`Internal`](api::Code::Internal) when it cannot be kept.
    pub fn create_link(&self, link: NewAccessLink) -> Result<KeptLink, Problem> {
        let now = self.app.clock.unix_millis(self.app.clock.now());
        let link = self.app.access.links.create(link, now)?;
        note(&link, "made");
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
        let link = self.app.access.links.regenerate(id)?;
        self.app.ingests.end_of_link(&self.app.hub, id);
        note(&link, "regenerated");
        Ok(())
    }

    /// What is wrong with the station at the moment: a certificate that cannot be used.
    pub fn problems(&self) -> Vec<Problem> {
        let tls = self.app.tls.as_ref().and_then(|tls| tls.problem());
        tls.into_iter().collect()
    }
}

/// A line for the record of who did what.
fn note(link: &KeptLink, what: &str) {
    let kind = match link.kind {
        LinkKind::Watch => "watch",
        LinkKind::Publish => "publish",
        LinkKind::Moderate => "moderate",
        LinkKind::Control => "control",
    };
    tracing::info!(target: AUDIT, name = link.name, kind, channel = link.channel, "link: {what}");
}
