//! Where the broadcast also goes: the list a person keeps, and what runs of it.

mod apart;
mod check;
mod own;

use std::sync::Arc;
use std::time::Duration;

use api::{Code, DestinationState, DestinationTarget, NewDestination, Platform, Problem};
use media::{Channel, Clock, Timestamp};
use outputs::{Roots, State, Target};
use program::{Program, Rendered};
use scene::Canvas;
use store::Store;
use tokio::runtime::Handle;

use crate::advice::advice;
use crate::secrets::Secrets;
use crate::uplink::{self, Measured};
use check::{Checked, checked, from_command_line};
use own::{encoded, render};

/// Under which name the store keeps what the uplink has carried.
const MEASURED: &str = "uplink";

/// What settings say of all destinations.
#[derive(Clone, Debug, Default)]
pub(crate) struct Terms {
    /// Certificates trusted beside those that browsers trust.
    pub(crate) roots: Roots,
    /// Bits per second of picture and of sound.
    pub(crate) video_bitrate: u32,
    pub(crate) audio_bitrate: u32,
    /// Between keyframes, at most.
    pub(crate) keyframe_seconds: f64,
    /// What the uplink carries, bits per second, as far as a person says it.
    pub(crate) uplink: Option<u64>,
}

/// The destinations, in their order.
pub(crate) struct Destinations {
    store: Arc<Store>,
    secrets: Arc<Secrets>,
    clock: Clock,
    runtime: Handle,
    entries: Vec<Entry>,
    terms: Terms,
    measured: Measured,
}

struct Entry {
    about: api::Destination,
    /// It came from the command line, and is not kept.
    passing: bool,
    /// The key or token of one that is not kept.
    transient: Option<String>,
    running: Option<outputs::Destination>,
    /// The picture of its own that it reads.
    rendered: Option<Rendered>,
    /// It was live since it was started, and somebody has taken note of that.
    noted: bool,
    /// The broadcast is over; what the delay holds is sent until then.
    until: Option<Timestamp>,
}

impl Entry {
    fn of(about: api::Destination) -> Self {
        Self {
            about,
            passing: false,
            transient: None,
            running: None,
            rendered: None,
            noted: false,
            until: None,
        }
    }

    /// What runs, to be stopped.
    fn take(&mut self, stopping: &mut Stopping) {
        self.until = None;
        stopping.destinations.extend(self.running.take());
        stopping.rendered.extend(self.rendered.take());
    }

    fn platform(&self) -> Option<&'static Platform> {
        self.about.platform.as_deref().and_then(Platform::find)
    }
}

/// Running destinations that are to be stopped, outside of any lock, and the pictures that were theirs.
#[must_use]
#[derive(Default)]
pub(crate) struct Stopping {
    destinations: Vec<outputs::Destination>,
    rendered: Vec<Rendered>,
}

impl Stopping {
    /// Stops them, all at once; each is bounded in time by itself.
    pub(crate) async fn finish(self) {
        let mut stops = tokio::task::JoinSet::new();
        for destination in self.destinations {
            stops.spawn(destination.stop());
        }
        // Their encoders' threads are waited for.
        stops.spawn_blocking(move || drop(self.rendered));
        while let Some(ended) = stops.join_next().await {
            if ended.is_err() {
                tracing::error!("a destination's end had panicked");
            }
        }
    }
}

impl Destinations {
    pub(crate) fn open(
        store: Arc<Store>,
        secrets: Arc<Secrets>,
        terms: Terms,
        clock: Clock,
        runtime: Handle,
    ) -> Result<Self, store::Error> {
        let kept = store.destinations()?;
        let measured = store.get(MEASURED)?.unwrap_or_default();
        Ok(Self {
            entries: kept
                .into_iter()
                .map(|about| Entry::of(apart::tidied(about, &store, &secrets)))
                .collect(),
            measured: Measured::read(&measured),
            store,
            secrets,
            clock,
            runtime,
            terms,
        })
    }

    /// What settings say from now on. Certificates hold for those that start afterwards.
    pub(crate) fn set_terms(&mut self, terms: Terms) {
        self.terms = terms;
    }

    /// What people see of them. Advice is for a program of this canvas.
    pub(crate) fn list(&self, canvas: Canvas) -> Vec<api::Destination> {
        let now = self.clock.now();
        let seen = self.entries.iter().map(|entry| {
            let (DestinationTarget::Rtmp { url } | DestinationTarget::Whip { url }) =
                &entry.about.target;
            let running = entry.running.as_ref();
            let state = running.map_or(DestinationState::Off, |r| self.state_of(r, now));
            let over = state == DestinationState::Off;
            let until = entry.until.filter(|_| !over);
            let own = entry.about.rendition;
            api::Destination {
                has_secret: entry.transient.is_some()
                    || self.secrets.get(&entry.about.id).is_some(),
                advice: advice(entry.platform(), url, &self.terms, canvas, own),
                encoded: entry.rendered.as_ref().and_then(encoded),
                recent: running.map_or_else(Vec::new, |r| r.recent(now)),
                until: until.map(|at| self.clock.unix_millis(at)),
                state,
                ..entry.about.clone()
            }
        });
        seen.collect()
    }

    /// What those that are chosen take of the way out.
    pub(crate) fn uplink(&self) -> api::Uplink {
        let chosen = self.entries.iter().filter(|e| e.about.enabled);
        let each: Vec<u64> = chosen
            .map(|entry| {
                let own = entry.about.rendition.map(|own| own.bitrate);
                let video = own.unwrap_or(self.terms.video_bitrate);
                uplink::needed(video, self.terms.audio_bitrate)
            })
            .collect();
        self.measured.budget(&each, self.terms.uplink)
    }

    /// Where their keys are kept.
    pub(crate) fn keys(&self) -> api::KeyStore {
        self.secrets.keys()
    }

    /// Takes note of what they carry; called once a second.
    pub(crate) fn measure(&mut self) {
        let live = self.entries.iter().filter_map(|entry| {
            match *entry.running.as_ref()?.state().borrow() {
                State::Live {
                    bitrate, dropped, ..
                } => Some((entry.about.id.clone(), bitrate, dropped)),
                _ => None,
            }
        });
        self.measured.note(live);
    }

    /// The names of those that have come to be live since this was asked last.
    pub(crate) fn take_live(&mut self) -> Vec<String> {
        let mut names = Vec::new();
        for entry in self.entries.iter_mut().filter(|entry| !entry.noted) {
            let running = entry.running.as_ref();
            if running.is_some_and(|r| matches!(*r.state().borrow(), State::Live { .. })) {
                entry.noted = true;
                names.push(entry.about.name.clone());
            }
        }
        names
    }

    /// Adds one that a person entered.
    pub(crate) fn add(&mut self, id: String, new: &NewDestination) -> Result<(), Problem> {
        let checked = checked(id, new, None)?;
        self.keep(&checked)?;
        self.entries.push(Entry::of(checked.about));
        Ok(())
    }

    /// Adds one from the command line, for this run only.
    pub(crate) fn add_transient(&mut self, id: String, address: &str) -> Result<(), Problem> {
        let Checked { about, secret } = from_command_line(id, address)?;
        let mut entry = Entry::of(about);
        entry.passing = true;
        entry.transient = secret;
        self.entries.push(entry);
        Ok(())
    }

    /// Changes one; what ran of it is to be stopped.
    pub(crate) fn set(&mut self, id: &str, new: &NewDestination) -> Result<Stopping, Problem> {
        let at = self.position(id)?;
        let before = &self.entries[at];
        let (DestinationTarget::Rtmp { url } | DestinationTarget::Whip { url }) =
            &before.about.target;
        // A keychain that is locked holds it, too.
        let keyed =
            before.about.has_secret || before.transient.is_some() || self.secrets.get(id).is_some();
        let mut checked = checked(id.to_owned(), new, keyed.then_some(url))?;
        checked.about.enabled = before.about.enabled;
        self.keep(&checked)?;
        let entry = &mut self.entries[at];
        if checked.secret.is_some() {
            entry.transient = None;
        }
        entry.about = checked.about;
        let mut stopping = Stopping::default();
        entry.take(&mut stopping);
        Ok(stopping)
    }

    pub(crate) fn remove(&mut self, id: &str) -> Result<Stopping, Problem> {
        let at = self.position(id)?;
        self.store.remove_destination(id).map_err(unkept)?;
        self.secrets.set(id, "").map_err(unkept)?;
        let mut stopping = Stopping::default();
        self.entries.remove(at).take(&mut stopping);
        Ok(stopping)
    }

    pub(crate) fn enable(&mut self, id: &str, enabled: bool) -> Result<Stopping, Problem> {
        let at = self.position(id)?;
        let entry = &mut self.entries[at];
        entry.about.enabled = enabled;
        if !entry.passing {
            self.store.put_destination(&entry.about).map_err(unkept)?;
        }
        let mut stopping = Stopping::default();
        if !enabled {
            entry.take(&mut stopping);
        }
        Ok(stopping)
    }

    /// Starts every enabled one that does not run, with the program's channel or a picture of its own. One that
    /// still sends the end of the broadcast before is to be stopped.
    pub(crate) fn start(&mut self, channel: &Arc<Channel>, program: &Program) -> Stopping {
        let mut stopping = Stopping::default();
        for entry in &mut self.entries {
            if entry.until.is_some() {
                entry.take(&mut stopping);
            }
            if !entry.about.enabled || entry.running.is_some() {
                continue;
            }
            let secret = entry
                .transient
                .clone()
                .or_else(|| self.secrets.get(&entry.about.id))
                .unwrap_or_default();
            let own = entry.about.rendition;
            entry.rendered = own.and_then(|own| render(program, own, &entry.about.name));
            let rendered = entry.rendered.as_ref();
            let read = rendered.map_or(channel, Rendered::channel);
            let options = outputs::Options {
                roots: self.terms.roots.clone(),
                delay: Duration::from_secs(entry.about.delay_seconds.into()),
                // Its own picture is nobody else's.
                follow: entry.about.follow || rendered.is_some(),
            };
            entry.noted = false;
            entry.running = Some(outputs::Destination::start_with(
                target(&entry.about, entry.platform(), secret),
                options,
                Arc::clone(read),
                self.clock,
                &self.runtime,
            ));
        }
        stopping
    }

    /// Takes those that run, to be stopped, as the broadcast is over; but one that is behind first sends
    /// what it holds.
    pub(crate) fn stop(&mut self) -> Stopping {
        self.keep_measured();
        let now = self.clock.now();
        let mut stopping = Stopping::default();
        for entry in &mut self.entries {
            let Some(running) = &entry.running else {
                continue;
            };
            let delay = running.delay();
            let live = matches!(*running.state().borrow(), State::Live { .. });
            if live && !delay.is_zero() {
                // A recording may keep the channel open.
                running.close();
                entry.until = entry.until.or(Some(now + delay));
                stopping.rendered.extend(entry.rendered.take());
            } else {
                entry.take(&mut stopping);
            }
        }
        stopping
    }

    /// Takes all that run, to be stopped.
    pub(crate) fn stop_all(&mut self) -> Stopping {
        let mut stopping = Stopping::default();
        for entry in &mut self.entries {
            entry.take(&mut stopping);
        }
        stopping
    }

    fn keep_measured(&self) {
        if let Err(error) = self.store.set(MEASURED, &self.measured.text()) {
            tracing::warn!(%error, "what the uplink carried is not kept");
        }
    }

    fn position(&self, id: &str) -> Result<usize, Problem> {
        let found = self.entries.iter().position(|e| e.about.id == id);
        found.ok_or_else(|| {
            let text = format!("There is no destination \"{id}\"; it may have been deleted.");
            Problem::new(Code::NotFound, text).about(id)
        })
    }

    fn keep(&self, Checked { about, secret }: &Checked) -> Result<(), Problem> {
        self.store.put_destination(about).map_err(unkept)?;
        if let Some(secret) = secret {
            self.secrets.set(&about.id, secret).map_err(unkept)?;
        }
        Ok(())
    }

    fn state_of(&self, running: &outputs::Destination, now: Timestamp) -> DestinationState {
        match &*running.state().borrow() {
            State::Off => DestinationState::Off,
            State::Connecting if now < running.begins() => DestinationState::Delayed {
                at: self.clock.unix_millis(running.begins()),
            },
            State::Connecting => DestinationState::Connecting,
            State::Live {
                since,
                bitrate,
                bytes,
                dropped,
                round_trip,
                carries,
            } => DestinationState::Live {
                since: self.clock.unix_millis(*since),
                bitrate: *bitrate,
                bytes: *bytes,
                dropped: *dropped,
                round_trip_ms: round_trip.map(|trip| {
                    let ms = (trip.as_micros() + 500) / 1000;
                    u32::try_from(ms).unwrap_or(u32::MAX)
                }),
                carries: *carries,
                lowers: carries.is_some() && running.follows(),
            },
            State::Retrying {
                attempt,
                at,
                reason,
            } => DestinationState::Retrying {
                attempt: *attempt,
                at: self.clock.unix_millis(*at),
                reason: reason.clone(),
            },
            State::Refused { reason, key } => DestinationState::Refused {
                reason: reason.clone(),
                key: *key,
            },
        }
    }
}

/// Where a destination is, with its secret.
fn target(about: &api::Destination, platform: Option<&Platform>, secret: String) -> Target {
    match about.target.clone() {
        DestinationTarget::Rtmp { url } => {
            let key = match platform.and_then(|p| p.test) {
                Some(test) if about.test => in_test(&secret, test),
                _ => secret,
            };
            Target::Rtmp { url, key }
        }
        // The address that is shown is a part of it; without a secret that says so in words.
        DestinationTarget::Whip { .. } if platform.is_some_and(|p| p.secret_address) => {
            Target::Whip {
                url: secret,
                bearer: String::new(),
            }
        }
        DestinationTarget::Whip { url } => Target::Whip {
            url,
            bearer: secret,
        },
    }
}

/// A key with what makes it a test, as a query; it may have one already.
fn in_test(key: &str, test: &str) -> String {
    match test.strip_prefix('?') {
        Some(rest) if key.contains(rest) => key.to_owned(),
        Some(rest) if key.contains('?') => format!("{key}&{rest}"),
        _ => format!("{key}{test}"),
    }
}

fn unkept(error: impl std::fmt::Display) -> Problem {
    let text =
        format!("The destination could not be kept: {error}. Free some space and try again.");
    Problem::new(Code::Unavailable, text)
}

#[cfg(test)]
mod tests;
