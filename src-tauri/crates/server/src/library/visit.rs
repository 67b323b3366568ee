//! Who asks for something of the library. In the place of the host's key others show theirs, and a show of an open channel is
//! answered with any: what opens nothing is counted as a guess all the same, once for a request.

use std::net::IpAddr;

use api::{LinkKind, Problem};
use axum::http::HeaderMap;
use media::ChannelName;

use crate::access::control_key;
use crate::app::App;
use crate::privacy::{Shown, is_signed};

/// Somebody at the library.
pub(super) struct Visit {
    /// The host, who sees all.
    pub(super) host: bool,
    /// What was shown in the place of the host's key, and is not that.
    doubted: Option<String>,
    shown: Shown,
}

impl App {
    /// Who asks, by the headers and the `token` of the address.
    ///
    /// # Errors
    /// [`api::Code::TooMany`] for whoever shows a key after too many wrong ones.
    pub(super) fn visit(
        &self,
        headers: &HeaderMap,
        token: Option<&str>,
        shown: Shown,
    ) -> Result<Visit, Problem> {
        let key = control_key(headers, token).filter(|key| !key.is_empty() && !is_signed(key));
        if key.is_some() && !shown.peer.is_loopback() {
            // Else a page that guesses in the host's own browser would shut the host out.
            self.access.guesses.may_try(shown.peer, self.clock.now())?;
        }
        let host = key.is_some_and(|key| {
            self.judge(LinkKind::Control, (key, Some(shown.peer)), None)
                .is_some()
        });
        Ok(Visit {
            host,
            doubted: key.filter(|_| !host).map(str::to_owned),
            shown,
        })
    }

    /// Whether a visitor may see past shows of each of these channels.
    ///
    /// # Errors
    /// For each that they may not see: as [`App::right_to`].
    pub(super) fn opened_to(
        &self,
        visit: &Visit,
        channels: &[ChannelName],
    ) -> Vec<Result<(), Problem>> {
        let mut guessed: Vec<&str> = Vec::new();
        let mut answers = Vec::with_capacity(channels.len());
        for channel in channels {
            let right = self.weigh(channel, &visit.shown);
            answers.push(right.map(drop).map_err(|refused| {
                guessed.extend(refused.guessed);
                refused.problem
            }));
        }
        // What opens one channel was not guessed for another.
        let peer = visit.shown.peer;
        let strange = |key: &&str| {
            !channels
                .iter()
                .any(|channel| self.opens(channel, key, peer))
        };
        let channel = channels.first().filter(|_| channels.len() == 1);
        let doubted = visit.doubted.as_deref();
        if guessed.iter().chain(doubted.as_ref()).any(strange) {
            self.guessed(channel, peer);
        }
        answers
    }

    /// Whether a key watches or publishes on a channel.
    fn opens(&self, channel: &ChannelName, key: &str, peer: IpAddr) -> bool {
        [LinkKind::Watch, LinkKind::Publish]
            .into_iter()
            .any(|kind| self.judge(kind, (key, Some(peer)), Some(channel)).is_some())
    }
}
