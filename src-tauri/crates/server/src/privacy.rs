//! Channels that ask for a passphrase, and the right to watch them.
//!
//! A right is shown with every request: a token that the passphrase was exchanged for, the secret of
//! a link, a token of an identity provider, or the control token; as `Authorization: Bearer`, as
//! `token` or `key` in the address (native players), or as the cookie that [`enter`] sets. Once a
//! second whoever watches and has no right any more is put out.

mod passphrase;
mod token;
mod visitor;

use std::collections::{HashMap, HashSet};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use api::{Code, Entry, LinkKind, Problem};
use axum::Json;
use axum::extract::{ConnectInfo, Path, Request, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use media::ChannelName;
use parking_lot::{Mutex, RwLock};
use serde::Deserialize;
use store::Store;

use crate::access::Pass;
use crate::app::App;
use crate::body;
use crate::channels::channel_name;
use crate::problem::{Refusal, store_failed};

use token::Signer;
pub(crate) use token::is_signed;
pub(crate) use visitor::{Shown, Visitor};

/// How long a passphrase opens a channel before it is asked for again, in milliseconds.
const ENTRY_MS: i64 = 12 * 60 * 60 * 1000;

/// How long a browser keeps the secret of a link that has no end, in milliseconds.
const LINK_KEPT_MS: i64 = 30 * 24 * 60 * 60 * 1000;

/// A passphrase as JSON, in bytes.
const ENTRY_MAX: usize = 4096;

/// All private channels, and who watches them by what right.
#[derive(Debug)]
pub(crate) struct Privacy {
    store: Arc<Store>,
    signer: Signer,
    /// The hash of each passphrase.
    channels: RwLock<HashMap<ChannelName, Arc<str>>>,
    rights: Mutex<HashMap<String, Right>>,
    /// Held while a session opens and its right is noted, so that none is put out between the two.
    pub(crate) opening: tokio::sync::RwLock<()>,
    hashing: passphrase::Bench,
}

/// By what somebody watches a private channel.
#[derive(Clone, Debug)]
pub(crate) enum Right {
    /// By its passphrase as it was then.
    Passphrase {
        /// The hash at that time.
        hash: Arc<str>,
        /// Until when, in milliseconds since 1970 UTC.
        expires: i64,
    },
    /// By what the host handed out.
    Pass(Pass),
}

impl Privacy {
    /// Reads what is kept.
    ///
    /// # Errors
    /// [`store::Error::Query`].
    pub(crate) fn open(store: Arc<Store>) -> Result<Self, store::Error> {
        let kept = store.passphrases()?.into_iter();
        let channels = kept
            .filter_map(|(channel, hash)| Some((channel.parse().ok()?, hash.into())))
            .collect();
        Ok(Self {
            signer: Signer::open(&store)?,
            store,
            channels: RwLock::new(channels),
            rights: Mutex::default(),
            opening: tokio::sync::RwLock::default(),
            hashing: passphrase::Bench::default(),
        })
    }

    /// Whether a channel asks for a passphrase.
    pub(crate) fn is_private(&self, channel: &ChannelName) -> bool {
        self.channels.read().contains_key(channel)
    }

    /// All channels that do, by name.
    pub(crate) fn list(&self) -> Vec<String> {
        let channels = self.channels.read();
        let mut names: Vec<_> = channels.keys().map(ToString::to_string).collect();
        names.sort();
        names
    }

    /// Sets or takes away a channel's passphrase. Blocks for the time of a slow hash.
    ///
    /// # Errors
    /// [`Code::Invalid`] for a passphrase that cannot be, [`Code::Internal`] when it cannot be kept.
    pub(crate) fn set(
        &self,
        channel: &ChannelName,
        passphrase: Option<&str>,
    ) -> Result<(), Problem> {
        let hash = passphrase.map(passphrase::hash).transpose()?;
        let mut channels = self.channels.write();
        self.store
            .put_passphrase(channel.as_str(), hash.as_deref())
            .map_err(|e| store_failed(&e))?;
        match hash {
            Some(hash) => channels.insert(channel.clone(), hash.into()),
            None => channels.remove(channel),
        };
        Ok(())
    }

    fn hash(&self, channel: &ChannelName) -> Option<Arc<str>> {
        self.channels.read().get(channel).cloned()
    }

    /// Whether a right still opens a channel, at a time in milliseconds since 1970 UTC.
    fn holds(&self, channel: &ChannelName, right: &Right, now: i64) -> bool {
        match right {
            Right::Passphrase { hash, expires } => {
                now < *expires && self.hash(channel).is_some_and(|is| is == *hash)
            }
            Right::Pass(pass) => pass.holds(now),
        }
    }

    /// Notes by what right a session watches.
    pub(crate) fn note(&self, session: &str, right: Option<Right>) {
        if let Some(right) = right {
            self.rights.lock().insert(session.to_owned(), right);
        }
    }
}

/// `POST /api/channels/{name}/entry`: a passphrase, or the secret of a link, for a cookie and a token.
pub(crate) async fn enter(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
) -> Result<Response, Refusal> {
    #[derive(Deserialize)]
    #[serde(rename_all = "snake_case", deny_unknown_fields)]
    enum Wish {
        Passphrase(String),
        Key(String),
    }
    let channel = channel_name(&name)?;
    body::expect_type(request.headers(), "application/json")?;
    let body = body::read(request, ENTRY_MAX).await?;
    let wish: Wish = serde_json::from_slice(&body).map_err(|_| {
        let text = "Send {\"passphrase\": \"…\"}, or {\"key\": \"…\"} with the secret of a link.";
        Refusal::new(Code::Invalid, text)
    })?;
    let now = app.clock.unix_millis(app.clock.now());
    let guesses = &app.access.guesses;
    let (entry, kept) = match wish {
        Wish::Passphrase(passphrase) => {
            let Some(hash) = app.privacy.hash(&channel) else {
                let text = format!("Channel {channel} is open; it needs no passphrase.");
                return Err(Refusal::new(Code::Conflict, text));
            };
            let _turn = app.privacy.hashing.turn().await?;
            // Within the turn: whoever guesses many at once is counted before the next is tried.
            guesses.may_try(peer.ip(), app.clock.now())?;
            if !passphrase::fits(passphrase, Arc::clone(&hash)).await? {
                guesses.wrong(peer.ip(), app.clock.now());
                tracing::info!(
                    target: crate::AUDIT, channel = %channel, peer = %peer.ip(),
                    "a viewer brought a wrong passphrase"
                );
                let text = "That is not the passphrase. Ask the host for it.";
                return Err(Refusal::from(
                    Problem::new(Code::Unauthorized, text).about("passphrase"),
                ));
            }
            let expires = now + ENTRY_MS;
            let token = app.privacy.signer.sign(&channel, &hash, expires);
            let entry = Entry {
                token,
                expires: Some(expires),
            };
            (entry, expires)
        }
        Wish::Key(key) => {
            guesses.may_try(peer.ip(), app.clock.now())?;
            let Some(pass) = app.judge(LinkKind::Watch, (&key, Some(peer.ip())), Some(&channel))
            else {
                app.guessed(Some(&channel), peer.ip());
                let text = "This link opens nothing here any more. Ask the host for a new one.";
                return Err(Refusal::from(
                    Problem::new(Code::Unauthorized, text).about("key"),
                ));
            };
            let expires = pass.expires();
            let entry = Entry {
                token: key,
                expires,
            };
            (entry, expires.unwrap_or(now + LINK_KEPT_MS))
        }
    };
    let seconds = (kept - now).max(0) / 1000;
    let mut response = Json(&entry).into_response();
    // What cannot stand in a cookie still opens as a token.
    if let Some(cookie) = visitor::cookie(&channel, &entry.token, seconds) {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// Why somebody may not watch a channel.
#[derive(Debug)]
pub(crate) struct Refused<'a> {
    /// As they are told.
    pub(crate) problem: Problem,
    /// What they showed that opens nothing there, as far as anybody guesses such.
    pub(crate) guessed: Vec<&'a str>,
}

/// Writes into the record that a viewer's key was wrong.
fn note_guess(channel: Option<&ChannelName>, peer: IpAddr) {
    let channel = channel.map(tracing::field::display);
    tracing::info!(
        target: crate::AUDIT, channel, peer = %peer.to_canonical(),
        "a viewer brought a key that is wrong or for another channel"
    );
}

/// What somebody without a right to a channel is told, and a page that asks for its passphrase.
fn locked(channel: &ChannelName) -> Problem {
    let text = format!(
        "Channel {channel} is private. Enter its passphrase, or open it by a link of the host's."
    );
    Problem::new(Code::Unauthorized, text).about(channel.as_str())
}

impl App {
    /// By what right somebody watches a channel; none where none is needed and none was shown.
    ///
    /// # Errors
    /// [`Code::Unauthorized`] for a private channel without a right to it, [`Code::TooMany`] after
    /// too many wrong ones.
    pub(crate) fn right_to(
        &self,
        channel: &ChannelName,
        shown: &Shown,
    ) -> Result<Option<Right>, Problem> {
        self.weigh(channel, shown).map_err(|refused| {
            if !refused.guessed.is_empty() {
                self.guessed(Some(channel), shown.peer);
            }
            refused.problem
        })
    }

    /// The same, without counting what was wrong.
    pub(crate) fn weigh<'a>(
        &self,
        channel: &ChannelName,
        shown: &'a Shown,
    ) -> Result<Option<Right>, Refused<'a>> {
        let now = self.clock.now();
        let unix = self.clock.unix_millis(now);
        let hash = self.privacy.hash(channel);
        let mut guessed = Vec::new();
        for secret in shown.secrets(channel) {
            if token::is_signed(secret) {
                // Nobody guesses one of these: they are not counted.
                let read = hash.as_ref().and_then(|hash| {
                    let expires = self.privacy.signer.read(secret, channel, hash)?;
                    let hash = Arc::clone(hash);
                    Some(Right::Passphrase { hash, expires })
                });
                if let Some(right) = read.filter(|r| self.privacy.holds(channel, r, unix)) {
                    return Ok(Some(right));
                }
                continue;
            }
            if hash.is_some() {
                let may = self.access.guesses.may_try(shown.peer, now);
                may.map_err(|problem| Refused {
                    problem,
                    guessed: Vec::new(),
                })?;
            }
            let brought = (secret, Some(shown.peer));
            if let Some(pass) = self.judge(LinkKind::Watch, brought, Some(channel)) {
                return Ok(Some(Right::Pass(pass)));
            }
            match self.judge(LinkKind::Publish, brought, Some(channel)) {
                // Whoever publishes there may see it.
                Some(pass) if self.ingests.publishes(channel, &pass.holder) => {
                    return Ok(Some(Right::Pass(pass)));
                }
                Some(_) => {}
                None => guessed.push(secret),
            }
        }
        if hash.is_none() {
            return Ok(None);
        }
        let problem = locked(channel);
        Err(Refused { problem, guessed })
    }

    /// Counts a wrong key, and writes it into the record. This machine's own are not counted: else any page that guesses
    /// in the host's own browser would shut the host out.
    pub(crate) fn guessed(&self, channel: Option<&ChannelName>, peer: IpAddr) {
        if !peer.to_canonical().is_loopback() {
            self.access.guesses.wrong(peer, self.clock.now());
        }
        note_guess(channel, peer);
    }

    /// Sets or takes away a channel's passphrase, as the host. Blocks for the time of a slow hash.
    ///
    /// # Errors
    /// As [`Privacy::set`], or [`Code::Invalid`] for what is no channel's name.
    pub(crate) fn set_passphrase(
        &self,
        channel: &str,
        passphrase: Option<&str>,
    ) -> Result<(), Problem> {
        let name: ChannelName = channel.parse().map_err(|_| {
            let text = "A channel name is 1 to 64 letters, digits, '-' or '_'.";
            Problem::new(Code::Invalid, text).about("channel")
        })?;
        self.privacy.set(&name, passphrase)?;
        let what = if passphrase.is_some() {
            "made private"
        } else {
            "opened to all"
        };
        tracing::info!(target: crate::AUDIT, channel, "channel: {what}");
        Ok(())
    }

    /// Puts out whoever watches a private channel without a right to it. To be called now and then.
    pub(crate) async fn put_strangers_out(&self) {
        let private: HashSet<ChannelName> = self.privacy.channels.read().keys().cloned().collect();
        if private.is_empty() && self.privacy.rights.lock().is_empty() {
            return;
        }
        {
            let _quiet = self.privacy.opening.write().await;
            let now = self.clock.unix_millis(self.clock.now());
            let open = self.peers.sessions();
            let mut rights = self.privacy.rights.lock();
            rights.retain(|session, _| open.iter().any(|s| s.session == *session));
            for session in open.iter().filter(|s| private.contains(&s.channel)) {
                let right = rights.get(&session.session);
                let fine = right.is_some_and(|r| self.privacy.holds(&session.channel, r, now));
                if !fine && self.peers.close(&session.session) {
                    tracing::debug!(channel = %session.channel, "a viewer had no right any more");
                }
            }
        }
        for channel in &private {
            let now = self.clock.unix_millis(self.clock.now());
            let holds = |right: &Right| self.privacy.holds(channel, right, now);
            self.chat.put_out(channel, holds, &locked(channel)).await;
        }
    }
}

#[cfg(test)]
mod tests;
