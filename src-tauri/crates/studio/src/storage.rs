//! The storage that films are uploaded to: its keys, what is on its way there, and what lies there.
//!
//! One film is uploaded at a time. What is known of an upload is in the store before it counts, so that
//! whatever ends the program, the next run goes on from there.

mod commands;

use std::sync::Arc;

use api::{Code, Problem, UploadState};
use media::Clock;
use outputs::Roots;
use outputs::s3::{Client, Keys, Place};
use outputs::upload::{Job, Note, State, Upload, part_len};
use parking_lot::Mutex;
use store::{KeptUpload, Store, Stored};
use tokio::runtime::Handle;

use crate::secrets::Secrets;
use crate::settings;
use crate::studio::sentence;

/// What problems with the storage are about.
pub(crate) const SUBJECT: &str = "storage";

/// Under which names its keys are kept.
const ACCESS: &str = "storage.access";
const SECRET: &str = "storage.secret";

/// What settings say of the storage.
#[derive(Clone, Debug, Default)]
pub(crate) struct Terms {
    pub(crate) settings: settings::Storage,
    /// Certificates trusted beside those that browsers trust.
    pub(crate) roots: Roots,
}

impl Terms {
    /// Where a file goes; none while no storage is set.
    fn place(&self, key: String) -> Option<Stored> {
        let settings = &self.settings;
        Some(Stored {
            endpoint: settings.endpoint.as_ref()?.as_str().to_owned(),
            bucket: settings.bucket.clone().filter(|b| !b.trim().is_empty())?,
            region: settings.region.as_str().to_owned(),
            path_style: settings.path_style.get(),
            key,
        })
    }
}

/// The storage.
pub(crate) struct Storage {
    store: Arc<Store>,
    secrets: Arc<Secrets>,
    clock: Clock,
    runtime: Handle,
    inner: Mutex<Inner>,
}

struct Inner {
    terms: Terms,
    entries: Vec<Entry>,
    /// The bucket that was spoken to last: making a client reads all certificates.
    client: Option<(Place, Keys, Client)>,
}

/// A film on its way.
struct Entry {
    kept: KeptUpload,
    running: Option<Upload>,
}

/// What has come of uploads.
#[derive(Default)]
pub(crate) struct Came {
    /// Films that lie in the storage now.
    pub(crate) done: Vec<KeptUpload>,
}

impl Storage {
    pub(crate) fn open(
        store: Arc<Store>,
        secrets: Arc<Secrets>,
        terms: Terms,
        clock: Clock,
        runtime: Handle,
    ) -> Result<Self, store::Error> {
        let entry = |kept| Entry {
            kept,
            running: None,
        };
        let entries = store.uploads()?.into_iter().map(entry).collect();
        Ok(Self {
            store,
            secrets,
            clock,
            runtime,
            inner: Mutex::new(Inner {
                terms,
                entries,
                client: None,
            }),
        })
    }

    /// What settings say from now on.
    pub(crate) fn set_terms(&self, terms: Terms) {
        let mut inner = self.inner.lock();
        inner.client = None;
        inner.terms = terms;
    }

    fn keys(&self) -> Option<Keys> {
        Some(Keys {
            access: self.secrets.get(ACCESS)?,
            secret: self.secrets.get(SECRET)?,
        })
    }

    /// The storage as people see it.
    pub(crate) fn about(&self) -> api::Storage {
        let inner = self.inner.lock();
        let place = inner.terms.place(String::new());
        let host = |endpoint: &str| {
            let rest = endpoint
                .split_once("://")
                .map_or(endpoint, |(_, rest)| rest);
            rest.to_owned()
        };
        api::Storage {
            place: place.map(|p| format!("{} at {}", p.bucket, host(&p.endpoint))),
            has_keys: self.keys().is_some(),
        }
    }

    /// What is on its way, as people see it.
    pub(crate) fn uploads(&self) -> Vec<api::Upload> {
        let inner = self.inner.lock();
        let on_its_way = inner.entries.iter().any(|e| e.running.is_some());
        let shown = inner.entries.iter().map(|entry| {
            let kept = &entry.kept;
            let there = (kept.etags.len() as u64 * kept.part_bytes).min(kept.bytes);
            let (sent, state) = match &entry.running {
                Some(running) => self.shown(running.state(), kept.bytes),
                None => (there, self.idle(kept, on_its_way)),
            };
            api::Upload {
                film: kept.film,
                show: kept.show.clone(),
                title: kept.title.clone(),
                bytes: kept.bytes,
                sent,
                state,
            }
        });
        shown.collect()
    }

    fn shown(&self, state: State, bytes: u64) -> (u64, UploadState) {
        match state {
            State::Sending { sent, bitrate } => (sent, UploadState::Sending { bitrate }),
            State::Checking | State::Done { .. } => (bytes, UploadState::Checking),
            State::Retrying {
                sent,
                attempt,
                at,
                reason,
            } => {
                let at = self.clock.unix_millis(at);
                let state = UploadState::Retrying {
                    attempt,
                    at,
                    reason,
                };
                (sent, state)
            }
            State::Failed { reason } => (0, UploadState::Failed { reason }),
        }
    }

    fn idle(&self, kept: &KeptUpload, on_its_way: bool) -> UploadState {
        if let Some(reason) = &kept.failed {
            let reason = reason.clone();
            return UploadState::Failed { reason };
        }
        if kept.paused {
            return UploadState::Paused;
        }
        let reason = if self.keys().is_none() {
            "It waits for the storage's keys."
        } else if on_its_way {
            "It waits for the upload before it."
        } else {
            "It goes on when you are off air."
        };
        UploadState::Waiting {
            reason: reason.into(),
        }
    }

    /// A client for a place.
    fn client(&self, stored: &Stored) -> Result<Client, Problem> {
        let keys = self.keys().ok_or_else(|| {
            let text =
                "The storage's keys are not kept. Enter them in the settings, under Storage.";
            Problem::new(Code::Conflict, text).about(SUBJECT)
        })?;
        let place = Place {
            endpoint: stored.endpoint.clone(),
            bucket: stored.bucket.clone(),
            region: stored.region.clone(),
            path_style: stored.path_style,
        };
        let mut inner = self.inner.lock();
        if let Some((of, with, client)) = &inner.client
            && *of == place
            && *with == keys
        {
            return Ok(client.clone());
        }
        let roots = inner.terms.roots.clone();
        let client = Client::new(&place, &keys, &roots, self.clock).map_err(|e| problem(&e))?;
        inner.client = Some((place, keys, client.clone()));
        Ok(client)
    }

    /// Looks after uploads: keeps what they have done, and begins the next one. `free` says whether the line
    /// is free for them. Blocks for the time of small queries.
    pub(crate) fn tend(&self, free: bool) -> Came {
        let mut came = Came::default();
        let free = free || self.inner.lock().terms.settings.while_on_air;
        let mut next = None;
        {
            let mut inner = self.inner.lock();
            let mut stays = Vec::new();
            for mut entry in std::mem::take(&mut inner.entries) {
                match self.look(&mut entry) {
                    Some(State::Done { address }) => {
                        note(self.store.end_upload(entry.kept.film, &address));
                        tracing::info!(film = entry.kept.film, "a film lies in the storage");
                        came.done.push(entry.kept);
                        continue;
                    }
                    Some(State::Failed { reason }) => {
                        note(self.store.set_upload(entry.kept.film, false, Some(&reason)));
                        entry.kept.failed = Some(reason);
                        entry.running = None;
                    }
                    _ if !free => entry.running = None,
                    _ => {}
                }
                stays.push(entry);
            }
            inner.entries = stays;
            let ready = |entry: &&Entry| !entry.kept.paused && entry.kept.failed.is_none();
            if free && !inner.entries.iter().any(|e| e.running.is_some()) {
                let found = inner.entries.iter().find(ready);
                next = found.map(|entry| entry.kept.clone());
            }
        }
        if let Some(kept) = next
            && self.keys().is_some()
        {
            self.begin(&kept);
        }
        came
    }

    /// Keeps what an upload has done; gives its state.
    fn look(&self, entry: &mut Entry) -> Option<State> {
        let running = entry.running.as_mut()?;
        // The state first: all that led to it is among the notes then.
        let state = running.state();
        while let Some(told) = running.note() {
            match told {
                Note::Begun(upload) => {
                    note(self.store.upload_begun(entry.kept.film, &upload));
                    entry.kept.upload = Some(upload);
                    entry.kept.etags.clear();
                }
                Note::Part(etag) => {
                    note(self.store.upload_part(entry.kept.film, &etag));
                    entry.kept.etags.push(etag);
                }
            }
        }
        Some(state)
    }

    fn begin(&self, kept: &KeptUpload) {
        let started = self.client(&kept.place).map(|client| {
            let job = Job {
                file: kept.path.clone(),
                key: kept.place.key.clone(),
                len: kept.bytes,
                part: kept.part_bytes,
                begun: kept.upload.clone().map(|id| (id, kept.etags.clone())),
            };
            Upload::start(client, job, self.clock, &self.runtime)
        });
        let mut inner = self.inner.lock();
        let entry = inner.entries.iter_mut().find(|e| e.kept.film == kept.film);
        let Some(entry) = entry else { return };
        match started {
            Ok(upload) => entry.running = Some(upload),
            Err(problem) => {
                note(
                    self.store
                        .set_upload(kept.film, false, Some(&problem.message)),
                );
                entry.kept.failed = Some(problem.message);
            }
        }
    }

    /// Whether recordings are uploaded by themselves.
    pub(crate) fn takes_all(&self) -> bool {
        let at_once = settings::AfterRecording::AtOnce;
        self.inner.lock().terms.settings.after_recording == at_once
    }

    /// Whether files go once they lie in the storage.
    pub(crate) fn moves(&self) -> bool {
        !self.inner.lock().terms.settings.keep_local.get()
    }

    /// An address that lets whoever has it play a film for some hours.
    pub(crate) fn link(&self, film: i64, save_as: Option<&str>) -> Option<String> {
        let stored = self.store.stored(film).ok()??;
        let client = self.client(&stored).ok()?;
        Some(client.link(&stored.key, save_as))
    }

    /// Where films may be played from, as origins: `https://s3.example.org`.
    pub(crate) fn origins(&self) -> Vec<String> {
        let origin = |stored: Stored| {
            let (scheme, host) = stored.endpoint.split_once("://")?;
            Some(if stored.path_style {
                format!("{scheme}://{host}")
            } else {
                format!("{scheme}://{}.{host}", stored.bucket)
            })
        };
        let kept = self.store.storages().unwrap_or_default();
        kept.into_iter().filter_map(origin).collect()
    }
}

/// The library goes on without it; the log says so.
fn note(outcome: Result<(), store::Error>) {
    if let Err(error) = outcome {
        tracing::error!(%error, "what was uploaded is not kept");
    }
}

fn problem(error: &dyn std::fmt::Display) -> Problem {
    Problem::new(Code::Unavailable, sentence(&error.to_string())).about(SUBJECT)
}
