//! Where the broadcast also goes: the list a person keeps, and what runs of it.

use std::sync::Arc;

use api::{Code, DestinationState, DestinationTarget, NewDestination, Problem};
use media::{Channel, Clock};
use outputs::{State, Target};
use store::Store;
use tokio::runtime::Handle;
use url::Url;

use crate::secrets::Secrets;

/// The destinations, in their order.
pub(crate) struct Destinations {
    store: Arc<Store>,
    secrets: Secrets,
    clock: Clock,
    runtime: Handle,
    entries: Vec<Entry>,
}

struct Entry {
    about: api::Destination,
    /// The key or token of one that came from the command line, which is not kept.
    transient: Option<String>,
    running: Option<outputs::Destination>,
}

/// Running destinations that are to be stopped, outside of any lock.
#[must_use]
#[derive(Default)]
pub(crate) struct Stopping(Vec<outputs::Destination>);

impl Stopping {
    /// Stops them, all at once; each is bounded in time by itself.
    pub(crate) async fn finish(self) {
        let mut stops = tokio::task::JoinSet::new();
        for destination in self.0 {
            stops.spawn(destination.stop());
        }
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
        secrets: Secrets,
        clock: Clock,
        runtime: Handle,
    ) -> Result<Self, store::Error> {
        let kept = store.destinations()?;
        let entries = kept
            .into_iter()
            .map(|mut about| {
                about.has_secret = secrets.get(&about.id).is_some();
                about.state = DestinationState::Off;
                Entry {
                    about,
                    transient: None,
                    running: None,
                }
            })
            .collect();
        Ok(Self {
            store,
            secrets,
            clock,
            runtime,
            entries,
        })
    }

    /// What people see of them.
    pub(crate) fn list(&self) -> Vec<api::Destination> {
        let seen = self.entries.iter().map(|entry| api::Destination {
            state: entry
                .running
                .as_ref()
                .map_or(DestinationState::Off, |running| {
                    self.state_of(&running.state().borrow())
                }),
            ..entry.about.clone()
        });
        seen.collect()
    }

    /// Adds one that a person entered.
    pub(crate) fn add(&mut self, id: String, new: NewDestination) -> Result<(), Problem> {
        let about = self.checked(id, &new)?;
        self.keep(&about, new.secret.as_deref())?;
        let has_secret = self.secrets.get(&about.id).is_some();
        self.entries.push(Entry {
            about: api::Destination {
                has_secret,
                ..about
            },
            transient: None,
            running: None,
        });
        Ok(())
    }

    /// Adds one from the command line, for this run only.
    pub(crate) fn add_transient(&mut self, id: String, address: &str) -> Result<(), Problem> {
        let (target, secret) = from_command_line(address)?;
        let new = NewDestination {
            name: host_of(&target),
            target,
            secret: None,
        };
        let mut about = self.checked(id, &new)?;
        about.has_secret = secret.is_some();
        self.entries.push(Entry {
            about,
            transient: secret,
            running: None,
        });
        Ok(())
    }

    /// Changes one; what ran of it is to be stopped.
    pub(crate) fn set(&mut self, id: &str, new: NewDestination) -> Result<Stopping, Problem> {
        let mut about = self.checked(id.to_owned(), &new)?;
        let at = self.position(id)?;
        about.enabled = self.entries[at].about.enabled;
        self.keep(&about, new.secret.as_deref())?;
        about.has_secret = self.secrets.get(id).is_some();
        let entry = &mut self.entries[at];
        entry.about = about;
        Ok(Stopping(entry.running.take().into_iter().collect()))
    }

    pub(crate) fn remove(&mut self, id: &str) -> Result<Stopping, Problem> {
        let at = self.position(id)?;
        self.store.remove_destination(id).map_err(unkept)?;
        self.secrets.set(id, "").map_err(unkept)?;
        let entry = self.entries.remove(at);
        Ok(Stopping(entry.running.into_iter().collect()))
    }

    pub(crate) fn enable(&mut self, id: &str, enabled: bool) -> Result<Stopping, Problem> {
        let at = self.position(id)?;
        let entry = &mut self.entries[at];
        entry.about.enabled = enabled;
        if entry.transient.is_none() {
            self.store.put_destination(&entry.about).map_err(unkept)?;
        }
        let ended = if enabled { None } else { entry.running.take() };
        Ok(Stopping(ended.into_iter().collect()))
    }

    /// Starts every enabled one that does not run.
    pub(crate) fn start(&mut self, channel: &Arc<Channel>) {
        for entry in &mut self.entries {
            if !entry.about.enabled || entry.running.is_some() {
                continue;
            }
            let secret = entry
                .transient
                .clone()
                .or_else(|| self.secrets.get(&entry.about.id).map(str::to_owned));
            let target = match entry.about.target.clone() {
                DestinationTarget::Rtmp { url } => Target::Rtmp {
                    url,
                    key: secret.unwrap_or_default(),
                },
                DestinationTarget::Whip { url } => Target::Whip {
                    url,
                    bearer: secret.unwrap_or_default(),
                },
            };
            entry.running = Some(outputs::Destination::start(
                target,
                Arc::clone(channel),
                self.clock,
                &self.runtime,
            ));
        }
    }

    /// Takes all that run, to be stopped.
    pub(crate) fn stop(&mut self) -> Stopping {
        Stopping(
            self.entries
                .iter_mut()
                .filter_map(|e| e.running.take())
                .collect(),
        )
    }

    fn position(&self, id: &str) -> Result<usize, Problem> {
        let found = self.entries.iter().position(|e| e.about.id == id);
        found.ok_or_else(|| {
            let text = format!("There is no destination \"{id}\"; it may have been deleted.");
            Problem::new(Code::NotFound, text).about(id)
        })
    }

    fn checked(&self, id: String, new: &NewDestination) -> Result<api::Destination, Problem> {
        let name = new.name.trim();
        if !(1..=100).contains(&name.chars().count()) {
            let text = "A destination's name has 1 to 100 characters.";
            return Err(Problem::new(Code::Invalid, text).about("name"));
        }
        let (url, schemes) = match &new.target {
            DestinationTarget::Rtmp { url } => (url, ["rtmp", "rtmps"]),
            DestinationTarget::Whip { url } => (url, ["http", "https"]),
        };
        check_address(url, schemes)?;
        Ok(api::Destination {
            id,
            name: name.to_owned(),
            target: new.target.clone(),
            has_secret: false,
            enabled: true,
            state: DestinationState::Off,
        })
    }

    fn keep(&mut self, about: &api::Destination, secret: Option<&str>) -> Result<(), Problem> {
        self.store.put_destination(about).map_err(unkept)?;
        if let Some(secret) = secret {
            self.secrets.set(&about.id, secret).map_err(unkept)?;
        }
        Ok(())
    }

    fn state_of(&self, state: &State) -> DestinationState {
        match state {
            State::Off => DestinationState::Off,
            State::Connecting => DestinationState::Connecting,
            State::Live {
                since,
                bitrate,
                dropped,
            } => DestinationState::Live {
                since: self.clock.unix_millis(*since),
                bitrate: *bitrate,
                dropped: *dropped,
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
            State::Refused { reason } => DestinationState::Refused {
                reason: reason.clone(),
            },
        }
    }
}

fn unkept(error: impl std::fmt::Display) -> Problem {
    let text =
        format!("The destination could not be kept: {error}. Free some space and try again.");
    Problem::new(Code::Unavailable, text)
}

fn check_address(text: &str, schemes: [&str; 2]) -> Result<Url, Problem> {
    let refused = |why: &str| {
        let [plain, secure] = schemes;
        let text = format!(
            "That address does not work: {why}. Write it as {plain}://host/… or {secure}://host/…."
        );
        Problem::new(Code::Invalid, text).about("url")
    };
    let url = Url::parse(text.trim()).map_err(|e| refused(&e.to_string()))?;
    if !schemes.contains(&url.scheme()) {
        return Err(refused(&format!("it begins with {}://", url.scheme())));
    }
    if url.host_str().is_none_or(str::is_empty) {
        return Err(refused("it names no host"));
    }
    Ok(url)
}

/// `rtmp://host/app/key` and `http(s)://:TOKEN@host/…/whip`, taken apart.
fn from_command_line(address: &str) -> Result<(DestinationTarget, Option<String>), Problem> {
    if address.starts_with("rtmp://") || address.starts_with("rtmps://") {
        let url = check_address(address, ["rtmp", "rtmps"])?;
        let named = address.trim().trim_end_matches('/');
        // The last part of the path is the key, unless the path is the application alone.
        let parts = url
            .path_segments()
            .map_or(0, |p| p.filter(|s| !s.is_empty()).count());
        let (target, key) = match named.rsplit_once('/') {
            Some((base, key)) if parts >= 2 => (base.to_owned(), Some(key.to_owned())),
            _ => (named.to_owned(), None),
        };
        return Ok((DestinationTarget::Rtmp { url: target }, key));
    }
    let mut url = check_address(address, ["http", "https"])?;
    let token = url.password().map(str::to_owned);
    // A URL with a host takes both, so neither can fail here.
    if url.set_password(None).is_err() || url.set_username("").is_err() {
        tracing::debug!("an address kept its user information");
    }
    Ok((
        DestinationTarget::Whip {
            url: url.to_string(),
        },
        token,
    ))
}

fn host_of(target: &DestinationTarget) -> String {
    let (DestinationTarget::Rtmp { url } | DestinationTarget::Whip { url }) = target;
    Url::parse(url)
        .ok()
        .and_then(|u| u.host_str().map(str::to_owned))
        .unwrap_or_else(|| "Destination".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_from_the_command_line_are_taken_apart() {
        let rtmp = |url: &str| DestinationTarget::Rtmp { url: url.into() };
        let whip = |url: &str| DestinationTarget::Whip { url: url.into() };
        for (address, target, secret) in [
            (
                "rtmp://a.example/live/key?x=1",
                rtmp("rtmp://a.example/live"),
                Some("key?x=1"),
            ),
            ("rtmp://a.example/live", rtmp("rtmp://a.example/live"), None),
            (
                "rtmps://a.example:443/app/instance/key",
                rtmp("rtmps://a.example:443/app/instance"),
                Some("key"),
            ),
            (
                "https://:s3cret@b.example/room/whip",
                whip("https://b.example/room/whip"),
                Some("s3cret"),
            ),
            (
                "http://127.0.0.1:8889/x/whip",
                whip("http://127.0.0.1:8889/x/whip"),
                None,
            ),
        ] {
            let taken = from_command_line(address).unwrap();
            assert_eq!(taken, (target, secret.map(str::to_owned)), "{address}");
        }
    }

    #[test]
    fn wrong_addresses_are_refused_in_words() {
        for (address, expect) in [
            ("a.example/live", "relative URL"),
            ("ftp://a.example/live", "it begins with ftp://"),
            ("rtmp:///live/key", "host"),
        ] {
            let said = from_command_line(address).unwrap_err().message;
            assert!(said.contains(expect), "{said:?} should say {expect:?}");
        }
    }
}
