//! Channels of other stations that the collection has as sources, and what fetches them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use api::{Code, Problem, SourceState, SourceStatus};
use media::{Clock, Hub};
use outputs::{Remote, State};
use scene::{Collection, SourceId, SourceKind};
use tokio::runtime::Handle;
use url::Url;
use wire::whep::Target;

use crate::secrets::Secrets;

/// What is fetched. Each is fetched as long as the collection has it, so that it is there at once when a
/// scene shows it; but not before the host has agreed to an address that somebody else wrote.
pub(crate) struct Remotes {
    secrets: Arc<Secrets>,
    hub: Hub,
    clock: Clock,
    runtime: Handle,
    running: BTreeMap<SourceId, (Target, Remote)>,
    /// Sources that wait for the host's word: where they would call, and whether a token is kept.
    held: BTreeMap<SourceId, (String, bool)>,
    /// Names of all secrets that sources of this run could have.
    seen: BTreeSet<String>,
}

/// The name of a source's token among the secrets, where destinations have theirs too. It holds where it
/// may be shown: another address never gets it, whatever collection names this source.
fn secret_of(id: &SourceId, url: &str) -> String {
    let origin = Url::parse(url).map(|url| url.origin().ascii_serialization());
    format!("source:{}@{}", id.as_str(), origin.unwrap_or_default())
}

impl Remotes {
    pub(crate) fn new(secrets: Arc<Secrets>, hub: Hub, clock: Clock, runtime: Handle) -> Self {
        Self {
            secrets,
            hub,
            clock,
            runtime,
            running: BTreeMap::new(),
            held: BTreeMap::new(),
            seen: BTreeSet::new(),
        }
    }

    /// Fetches what the collection has, and nothing else. What is not wanted any more says goodbye in the
    /// background.
    pub(crate) fn follow(&mut self, collection: &Collection) {
        let mut wanted = BTreeMap::new();
        self.held.clear();
        for (id, url, held) in remotes(collection) {
            let secret = secret_of(id, url);
            let bearer = self.secrets.get(&secret);
            self.seen.insert(secret);
            if held {
                self.held
                    .insert(id.clone(), (url.to_owned(), bearer.is_some()));
                continue;
            }
            let target = Target {
                url: url.to_owned(),
                bearer: bearer.unwrap_or_default(),
            };
            wanted.insert(id.clone(), target);
        }
        self.running
            .retain(|id, (target, _)| wanted.get(id) == Some(target));
        for (id, target) in wanted {
            self.running.entry(id).or_insert_with_key(|id| {
                let remote = Remote::start(
                    target.clone(),
                    self.hub.clone(),
                    program::fetched(id),
                    self.clock,
                    &self.runtime,
                );
                (target, remote)
            });
        }
    }

    /// Keeps the token of a source for where it stands now, or forgets it when it is empty.
    ///
    /// # Errors
    /// When there is no such source, or the token cannot be kept beyond this run.
    pub(crate) fn set_token(
        &mut self,
        collection: &Collection,
        id: &SourceId,
        token: &str,
    ) -> Result<(), Problem> {
        let Some((_, url, _)) = remotes(collection).find(|(other, ..)| *other == id) else {
            let text = "There is no such source any more, or it is not fetched from a station.";
            return Err(Problem::new(Code::NotFound, text).about("token"));
        };
        let kept = self.secrets.set(&secret_of(id, url), token);
        kept.map_err(|error| {
            let text =
                format!("The token could not be kept: {error}. Free some space and try again.");
            Problem::new(Code::Unavailable, text).about("token")
        })?;
        self.follow(collection);
        Ok(())
    }

    /// Whether a token is kept for any source of this run.
    pub(crate) fn has_tokens(&self) -> bool {
        self.seen
            .iter()
            .any(|name| self.secrets.get(name).is_some())
    }

    /// Forgets the tokens of sources that this run had and no collection has any more.
    pub(crate) fn tidy(&mut self, collections: &[Collection]) {
        for collection in collections {
            for (id, url, _) in remotes(collection) {
                self.seen.remove(&secret_of(id, url));
            }
        }
        for secret in std::mem::take(&mut self.seen) {
            if let Err(error) = self.secrets.set(&secret, "") {
                tracing::warn!(%error, "the token of a deleted source could not be forgotten");
            }
        }
    }

    /// Says of a source how its fetching fares, where that is the reason why nothing is seen.
    pub(crate) fn explain(&self, status: &mut SourceStatus) {
        if let Some((url, has_token)) = self.held.get(&status.id) {
            status.has_token = *has_token;
            status.state = SourceState::Failed;
            status.message = Some(format!(
                "{url} came with the imported collection and has not been called. \
                 Allow it in the source's settings, if you know it."
            ));
        }
        let Some((target, remote)) = self.running.get(&status.id) else {
            return;
        };
        status.has_token = !target.bearer.is_empty();
        match &*remote.state().borrow() {
            State::Refused { reason, .. } => {
                status.state = SourceState::Failed;
                status.message = Some(reason.clone());
            }
            State::Retrying { reason, .. } => {
                status.state = SourceState::Lost;
                status.message = Some(format!(
                    "{}; it is tried again by itself",
                    reason.trim_end_matches('.')
                ));
            }
            State::Connecting if status.state == SourceState::Lost => {
                status.state = SourceState::Starting;
                status.message = None;
            }
            State::Connecting | State::Live { .. } | State::Off => {}
        }
    }

    /// Stops all, with a goodbye to each far end.
    pub(crate) fn stop(&mut self) -> Vec<Remote> {
        let all = std::mem::take(&mut self.running).into_values();
        all.map(|(_, remote)| remote).collect()
    }
}

/// Sources that are fetched, their addresses, and whether they wait for the host's word.
fn remotes(collection: &Collection) -> impl Iterator<Item = (&SourceId, &str, bool)> {
    collection.sources.iter().filter_map(|s| match &s.kind {
        SourceKind::Remote { url, held } => Some((&s.id, url.as_str(), *held)),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_belongs_to_an_address_as_well_as_to_a_source() {
        let id = SourceId::new("stage");
        let name = |url| secret_of(&id, url);
        let here = name("https://studio.example/stage/whep");
        assert_eq!(here, "source:stage@https://studio.example");
        assert_eq!(here, name("https://studio.example:443/other/whep"));
        for elsewhere in [
            "https://studio.example.org/stage/whep",
            "https://studio.example@other.example/stage/whep",
            "http://studio.example/stage/whep",
            "https://studio.example:8443/stage/whep",
        ] {
            assert_ne!(here, name(elsewhere), "{elsewhere}");
        }
    }
}
