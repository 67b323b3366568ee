//! A file on its way into a storage, in parts, until it is there and proved to be.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use media::{Clock, Timestamp};
use tokio::runtime::Handle;
use tokio::sync::{mpsc, watch};
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::{interval, sleep};
use wire::s3::{Client, Error, Part, whole};

use crate::backoff::Backoff;
use crate::rate::Rate;

/// The least of a part, but for the last one; storages refuse parts below 5 MiB.
const LEAST: u64 = 8 << 20;

/// The most parts of a file.
const MOST: u64 = 10_000;

/// What is read back of the end of a file, to see that it can be read and is the same.
const TAIL: u64 = 64 << 10;

/// How often the state is brought up to date.
const TICK: Duration = Duration::from_millis(500);

/// Notes that wait to be kept. When they are not taken, the upload waits.
const NOTES: usize = 16;

/// A file that is to be uploaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// The file.
    pub file: PathBuf,
    /// What it is called there.
    pub key: String,
    /// Its bytes.
    pub len: u64,
    /// Bytes of a part: [`part_len`] of its length, for ever the same.
    pub part: u64,
    /// The upload that was begun, and the fingerprints of the parts that are there.
    pub begun: Option<(String, Vec<String>)>,
}

/// Bytes of a part of a file of so many.
pub fn part_len(len: u64) -> u64 {
    let mib = 1 << 20;
    LEAST.max(len.div_ceil(MOST).div_ceil(mib) * mib)
}

impl Job {
    fn parts(&self) -> u64 {
        self.len.div_ceil(self.part).max(1)
    }

    /// Bytes that are there.
    fn there(&self) -> u64 {
        let parts = self.begun.as_ref().map_or(0, |(_, etags)| etags.len());
        (parts as u64 * self.part).min(self.len)
    }
}

/// What is to be kept, so that another run of the program goes on from there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Note {
    /// It was begun anew, with this identity: what was kept of it before is void.
    Begun(String),
    /// The next part is there, with this fingerprint.
    Part(String),
}

/// How an upload fares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// On its way.
    Sending {
        /// Bytes that are there or on the line.
        sent: u64,
        /// Bits per second over the last seconds.
        bitrate: u64,
    },
    /// All is there; it is looked whether it is the same.
    Checking,
    /// It was lost, and is tried again.
    Retrying {
        /// Bytes that are there.
        sent: u64,
        /// Which retry comes next, from 1.
        attempt: u32,
        /// When.
        at: Timestamp,
        /// Why it was lost.
        reason: String,
    },
    /// It is there, and is what was sent.
    Done {
        /// Where it lies.
        address: String,
    },
    /// A person must change something.
    Failed {
        /// What.
        reason: String,
    },
}

/// An upload that runs until it is done, fails for good, or is dropped: what was kept of it is enough to go on.
#[derive(Debug)]
pub struct Upload {
    state: watch::Receiver<State>,
    notes: mpsc::Receiver<Note>,
    task: JoinHandle<()>,
}

impl Upload {
    /// Begins, or goes on.
    pub fn start(client: Client, job: Job, clock: Clock, runtime: &Handle) -> Self {
        let first = State::Sending {
            sent: job.there(),
            bitrate: 0,
        };
        let (shown, state) = watch::channel(first);
        let (told, notes) = mpsc::channel(NOTES);
        let run = Run {
            client,
            job,
            clock,
            shown,
            told,
            taken: Arc::default(),
            rate: Rate::default(),
        };
        Self {
            state,
            notes,
            task: runtime.spawn(run.until_done()),
        }
    }

    /// How it fares.
    pub fn state(&self) -> State {
        self.state.borrow().clone()
    }

    /// The next thing to be kept, when there is one. Everything that came before a state that is an end is
    /// found before that state is.
    pub fn note(&mut self) -> Option<Note> {
        self.notes.try_recv().ok()
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Run {
    client: Client,
    job: Job,
    clock: Clock,
    shown: watch::Sender<State>,
    told: mpsc::Sender<Note>,
    taken: Arc<AtomicU64>,
    rate: Rate,
}

impl Run {
    async fn until_done(mut self) {
        let mut backoff = Backoff::default();
        let mut anew = false;
        loop {
            let before = self.job.there();
            let reason = match self.go_on().await {
                Ok(()) => {
                    let address = self.client.address(&self.job.key);
                    self.shown.send_replace(State::Done { address });
                    return;
                }
                // An upload that nobody completes is taken away there after some days: it begins anew, once.
                Err(Error::Forgotten) if !anew => {
                    anew = true;
                    self.job.begun = None;
                    tracing::info!(
                        key = self.job.key,
                        "the storage has forgotten an upload; it begins anew"
                    );
                    continue;
                }
                Err(Error::Lost(reason)) => reason,
                Err(error @ (Error::Refused(_) | Error::Forgotten)) => {
                    let reason = error.to_string();
                    tracing::warn!(reason, "an upload has failed");
                    self.shown.send_replace(State::Failed { reason });
                    return;
                }
            };
            if self.job.there() > before {
                backoff.reset();
            }
            let wait = backoff.next(getrandom::u32().unwrap_or(u32::MAX / 2));
            tracing::info!(reason, ?wait, "an upload is lost; it goes on soon");
            self.shown.send_replace(State::Retrying {
                sent: self.job.there(),
                attempt: backoff.attempts(),
                at: self.clock.now() + wait,
                reason,
            });
            sleep(wait).await;
        }
    }

    /// From wherever it is to the end.
    async fn go_on(&mut self) -> Result<(), Error> {
        self.check_file()?;
        let upload = match &self.job.begun {
            Some((upload, _)) => upload.clone(),
            None => {
                let upload = self.client.begin(&self.job.key).await?;
                self.job.begun = Some((upload.clone(), Vec::new()));
                self.keep(Note::Begun(upload.clone())).await?;
                upload
            }
        };
        let name = (self.job.key.clone(), upload);
        loop {
            let done = self.etags().len() as u64;
            if done == self.job.parts() {
                break;
            }
            let etag = self.send((&name.0, &name.1), done).await?;
            if let Some((_, etags)) = &mut self.job.begun {
                etags.push(etag.clone());
            }
            self.keep(Note::Part(etag)).await?;
        }
        self.shown.send_replace(State::Checking);
        let completed = self.client.complete((&name.0, &name.1), self.etags()).await;
        let etag = match completed {
            Ok(etag) => etag,
            // The answer of an earlier try was lost: then it is there.
            Err(Error::Forgotten) if self.is_there().await? => None,
            Err(error) => return Err(error),
        };
        self.verify(etag).await
    }

    fn etags(&self) -> &[String] {
        self.job.begun.as_ref().map_or(&[], |(_, etags)| etags)
    }

    /// Waits until it is taken: what is not kept would be sent twice.
    async fn keep(&self, note: Note) -> Result<(), Error> {
        let kept = self.told.send(note).await;
        kept.map_err(|_| Error::Refused("Nobody keeps what was uploaded.".into()))
    }

    fn check_file(&self) -> Result<(), Error> {
        let file = &self.job.file;
        let len = std::fs::metadata(file).map(|m| m.len());
        match len {
            Ok(len) if len == self.job.len => Ok(()),
            Ok(_) => Err(Error::Refused(format!(
                "{} has changed since its upload was begun. Cancel the upload and begin it again.",
                file.display()
            ))),
            Err(error) => Err(unreadable(file, &error)),
        }
    }

    /// Sends one part, and shows how far it is.
    async fn send(&mut self, name: (&str, &str), done: u64) -> Result<String, Error> {
        let from = done * self.job.part;
        let len = self.job.part.min(self.job.len - from);
        let file = self.job.file.clone();
        let part = spawn_blocking(move || read(&file, from, len).map(|b| Part::new(b.into())));
        let part = part
            .await
            .map_err(|_| Error::Refused("Reading the film failed.".into()))??;
        self.taken.store(0, Ordering::Relaxed);
        let number = u16::try_from(done + 1).unwrap_or(u16::MAX);
        let (client, taken) = (self.client.clone(), Arc::clone(&self.taken));
        let sending = client.put(name, number, part, &taken);
        tokio::pin!(sending);
        let mut tick = interval(TICK);
        loop {
            tokio::select! {
                etag = &mut sending => return etag,
                _ = tick.tick() => {
                    let sent = from + taken.load(Ordering::Relaxed).min(len);
                    let bitrate = self.rate.note(self.clock.now(), sent);
                    self.shown.send_replace(State::Sending { sent, bitrate });
                }
            }
        }
    }

    async fn is_there(&self) -> Result<bool, Error> {
        let object = self.client.object(&self.job.key).await?;
        Ok(object.is_some_and(|object| object.len == self.job.len))
    }

    /// Asks for what was put together, and reads its end back: only what is proved to be there counts.
    async fn verify(&self, completed: Option<String>) -> Result<(), Error> {
        let (client, job) = (&self.client, &self.job);
        let object = client.object(&job.key).await?;
        let object = object.ok_or_else(|| client.lies("there is no such file"))?;
        if object.len != job.len {
            return Err(client.lies(&format!(
                "the file has {} bytes there, and {} here",
                object.len, job.len
            )));
        }
        let told = [completed, object.etag].into_iter().flatten();
        let of_parts = if object.sealed {
            None
        } else {
            whole(self.etags())
        };
        let mut first: Option<String> = None;
        for etag in told {
            // Storages that do not make it of the parts' fingerprints make it in no way that is known.
            let by_parts = etag.len() > 33 && etag.as_bytes()[32] == b'-';
            let other = by_parts && of_parts.as_ref().is_some_and(|own| *own != etag);
            if other || first.as_ref().is_some_and(|before| *before != etag) {
                return Err(client.lies("the fingerprint (ETag) of the whole is another"));
            }
            first = Some(etag);
        }
        let from = job.len.saturating_sub(TAIL);
        if job.len > 0 {
            let theirs = client.read(&job.key, from..job.len).await?;
            let file = job.file.clone();
            let len = job.len - from;
            let ours = spawn_blocking(move || read(&file, from, len)).await;
            let ours = ours.map_err(|_| Error::Refused("Reading the film failed.".into()))??;
            if theirs != ours {
                return Err(client.lies("what is read back of it is something else"));
            }
        }
        Ok(())
    }
}

fn read(file: &Path, from: u64, len: u64) -> Result<Vec<u8>, Error> {
    let whole = || -> std::io::Result<Vec<u8>> {
        let mut open = File::open(file)?;
        open.seek(SeekFrom::Start(from))?;
        let mut bytes = vec![0; usize::try_from(len).unwrap_or(0)];
        open.read_exact(&mut bytes)?;
        Ok(bytes)
    };
    whole().map_err(|error| unreadable(file, &error))
}

fn unreadable(file: &Path, error: &std::io::Error) -> Error {
    Error::Refused(format!(
        "{} cannot be read: {error}. Put it back where it was recorded, then go on.",
        file.display()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_as_many_as_storages_take() {
        let gib = 1_u64 << 30;
        for len in [0, 1, LEAST, LEAST + 1, 50 * gib, 1_000 * gib] {
            let part = part_len(len);
            let job = Job {
                file: PathBuf::new(),
                key: String::new(),
                len,
                part,
                begun: None,
            };
            assert!(part >= LEAST && part.is_multiple_of(1 << 20), "{len}");
            assert!((1..=MOST).contains(&job.parts()), "{len}");
        }
    }

    #[test]
    fn what_is_there_is_whole_parts_and_never_more_than_the_file() {
        let etags = |n: usize| Some(("id".to_owned(), vec![String::new(); n]));
        let job = |begun| Job {
            file: PathBuf::new(),
            key: String::new(),
            len: 25,
            part: 10,
            begun,
        };
        for (begun, there) in [(None, 0), (etags(0), 0), (etags(2), 20), (etags(3), 25)] {
            assert_eq!(job(begun).there(), there);
        }
        assert_eq!(job(None).parts(), 3);
    }
}
