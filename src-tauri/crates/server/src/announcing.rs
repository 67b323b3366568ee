//! Whether the network is told of the station; it follows the doors.

use std::net::SocketAddr;

use api::{Code, Problem};

use crate::Station;
use crate::mdns::Announcer;

/// What the network is told.
#[derive(Default)]
pub(crate) struct Announcing {
    announcer: Option<Announcer>,
    /// Where the station was when it was told.
    place: Option<(SocketAddr, Option<SocketAddr>)>,
    /// Why it is not told.
    pub(crate) problem: Option<Problem>,
}

impl Announcing {
    /// The name under which the station is found at the moment.
    pub(crate) fn host(&self) -> Option<String> {
        self.announcer.as_ref()?.host()
    }

    /// Tells another title.
    pub(crate) fn rename(&self, title: &str) {
        if let Some(Err(error)) = self.announcer.as_ref().map(|a| a.rename(title)) {
            tracing::warn!(%error, "the station's title is not announced");
        }
    }
}

impl Station {
    /// Tells the network where the station is, when that is wanted and has changed. Not where it listens
    /// on this machine alone.
    pub(crate) fn tell_network(&self, wanted: bool) {
        let at = self.doors.at();
        let place = (wanted && !at.http.ip().is_loopback()).then_some((at.http, at.https));
        let mut announcing = self.announcing.lock();
        if announcing.place == place {
            return;
        }
        // Before it is told anew, so that it does not look like another machine's name.
        *announcing = Announcing::default();
        announcing.place = place;
        let Some((http, https)) = place else { return };
        let title = self.app.control.snapshot().title;
        let known = self.app.tls.read().as_ref().map(|tls| tls.also.clone());
        let begun = Announcer::start(
            self.doors.host(),
            &title,
            http,
            https.map(|at| at.port()),
            known.unwrap_or_default(),
        );
        match begun {
            Ok(announcer) => announcing.announcer = Some(announcer),
            Err(error) => announcing.problem = Some(unannounced(&error)),
        }
    }
}

fn unannounced(error: &mdns_sd::Error) -> Problem {
    let text = format!(
        "The name NAME.local is not announced on the network ({error}). People reach the station by \
         its addresses; the setting server.mdns leaves the name alone."
    );
    tracing::warn!("{text}");
    Problem::new(Code::Unavailable, text).about("mdns")
}
