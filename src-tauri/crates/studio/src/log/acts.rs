//! Who did what: lines for the target [`server::AUDIT`], as rows of the store.
//!
//! Acts of one kind by one person come in crowds (somebody drags a fader, somebody guesses keys): the
//! same act again within a minute is counted in the row of the first.

use std::collections::HashMap;
use std::fmt::Debug;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use media::Clock;
use parking_lot::Mutex;
use store::{NewAct, Store};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id};
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

use super::redact::redact;

/// Acts that wait for the disk; more are left out and counted.
const WAITING: usize = 1024;

/// The same act again within this time is counted.
const SAME_MS: i64 = 60_000;

/// How often counts are written.
const WRITE: Duration = Duration::from_secs(2);

/// Different acts that are remembered for counting.
const REMEMBERED: usize = 256;

/// A text in the record is this long at most, in letters.
const TEXT_MAX: usize = 500;

/// Where acts go, once it is open. Cloning shares it.
#[derive(Clone, Debug, Default)]
pub(super) struct Acts(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    writer: Mutex<Option<Writer>>,
    left_out: Arc<AtomicU64>,
}

#[derive(Debug)]
struct Writer {
    clock: Clock,
    acts: SyncSender<(NewAct, i64)>,
    thread: JoinHandle<()>,
}

impl Acts {
    /// Begins to write into a store. What was open is closed.
    ///
    /// # Errors
    /// The system gives no thread.
    pub(super) fn open(&self, store: Arc<Store>, clock: Clock) -> std::io::Result<()> {
        self.close();
        let (acts, waiting) = sync_channel(WAITING);
        let left_out = Arc::clone(&self.0.left_out);
        let thread = std::thread::Builder::new()
            .name("audit".into())
            .spawn(move || Rows::new(store).write_all(&waiting, &left_out))?;
        *self.0.writer.lock() = Some(Writer {
            clock,
            acts,
            thread,
        });
        Ok(())
    }

    /// Writes what waits, and closes.
    pub(super) fn close(&self) {
        let writer = self.0.writer.lock().take();
        if let Some(Writer { acts, thread, .. }) = writer {
            drop(acts);
            if thread.join().is_err() {
                tracing::error!("the thread of the record had panicked");
            }
        }
    }

    /// The layer that hears of acts.
    pub(super) fn recorder(&self) -> Recorder {
        Recorder(self.clone())
    }

    fn note(&self, act: NewAct) {
        let writer = self.0.writer.lock();
        if let Some(writer) = writer.as_ref() {
            let at = writer.clock.unix_millis(writer.clock.now());
            if writer.acts.try_send((act, at)).is_err() {
                self.0.left_out.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}

/// Hears of acts. Give it lines of the target [`server::AUDIT`] alone.
#[derive(Debug)]
pub(super) struct Recorder(Acts);

/// In whose name something is done inside of a span.
struct Actor {
    by: Option<String>,
    from: Option<String>,
    /// What is done has a line of its own.
    noted: AtomicBool,
}

impl<S> Layer<S> for Recorder
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut said = Said::default();
        attributes.record(&mut said);
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(Actor {
                by: said.by,
                from: said.peer,
                noted: AtomicBool::new(false),
            });
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut said = Said::default();
        event.record(&mut said);
        if let Some(span) = context.lookup_current() {
            let extensions = span.extensions();
            if let Some(actor) = extensions.get::<Actor>() {
                let noted = actor.noted.swap(true, Ordering::Relaxed);
                if said.command && noted && !said.refused {
                    return;
                }
                // Who publishes is not who lets them in: what the line says itself goes first.
                said.by = said.by.or_else(|| actor.by.clone());
                said.peer = said.peer.or_else(|| actor.from.clone());
            }
        }
        self.0.note(said.act());
    }
}

/// What a line says.
#[derive(Default)]
struct Said {
    by: Option<String>,
    peer: Option<String>,
    channel: Option<String>,
    what: String,
    detail: Option<String>,
    fields: Vec<String>,
    command: bool,
    refused: bool,
}

impl Said {
    fn act(self) -> NewAct {
        let short = |text: String| {
            let text: String = redact(&text).chars().take(TEXT_MAX).collect();
            text
        };
        let detail = self.detail.into_iter().chain(self.fields);
        let detail: Vec<_> = detail.collect();
        NewAct {
            by: self.by.map(short),
            from: self.peer.map(short),
            channel: self.channel.map(short),
            what: short(self.what),
            detail: (!detail.is_empty()).then(|| short(detail.join(", "))),
        }
    }

    fn take(&mut self, name: &str, text: String) {
        match name {
            "message" => self.what = text,
            "by" => self.by = Some(text),
            "peer" => self.peer = Some(text),
            "channel" => self.channel = Some(text),
            "detail" => self.detail = Some(text),
            _ => self.fields.push(format!("{name}={text}")),
        }
    }
}

impl Visit for Said {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let text = format!("{value:?}");
        // A missing value given as an `Option` in its debugging form.
        if text != "None" {
            self.take(field.name(), text);
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.take(field.name(), value.to_owned());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        match field.name() {
            "command" => self.command = value,
            "refused" => self.refused = value,
            name => self.take(name, value.to_string()),
        }
    }
}

/// The rows of the store that acts become.
struct Rows {
    store: Arc<Store>,
    recent: HashMap<NewAct, Recent>,
}

/// A row that may be counted up.
struct Recent {
    id: i64,
    at: i64,
    /// Times that are not written yet, and the last of them.
    more: u32,
    last: i64,
}

impl Rows {
    fn new(store: Arc<Store>) -> Self {
        Self {
            store,
            recent: HashMap::new(),
        }
    }

    /// Writes until nobody notes anything any more.
    fn write_all(mut self, waiting: &Receiver<(NewAct, i64)>, left_out: &AtomicU64) {
        loop {
            match waiting.recv_timeout(WRITE) {
                Ok((act, at)) => {
                    let missing = left_out.swap(0, Ordering::Relaxed);
                    if missing > 0 {
                        self.write(lost(missing), at);
                    }
                    self.write(act, at);
                }
                Err(RecvTimeoutError::Timeout) => self.count(),
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        self.count();
    }

    fn write(&mut self, act: NewAct, at: i64) {
        if let Some(recent) = self.recent.get_mut(&act)
            && at - recent.at < SAME_MS
        {
            recent.more += 1;
            recent.last = at;
            // Somebody who never rests is counted all the same.
            if recent.more >= 100 {
                self.count();
            }
            return;
        }
        self.count();
        if self.recent.len() >= REMEMBERED {
            self.recent.clear();
        }
        match self.store.note_act(&act, at) {
            Ok(id) => {
                let (more, last) = (0, at);
                self.recent.insert(act, Recent { id, at, more, last });
            }
            Err(error) => tracing::error!(%error, "an act was not recorded"),
        }
    }

    /// Writes what has been counted.
    fn count(&mut self) {
        for recent in self.recent.values_mut().filter(|r| r.more > 0) {
            let more = std::mem::take(&mut recent.more);
            if let Err(error) = self.store.repeat_act(recent.id, more, recent.last) {
                tracing::error!(%error, "an act was not counted");
            }
        }
    }
}

fn lost(missing: u64) -> NewAct {
    NewAct {
        by: Some("Klieg".into()),
        from: None,
        channel: None,
        what: format!("{missing} acts before this one are not recorded: the disk was too slow"),
        detail: None,
    }
}

#[cfg(test)]
mod tests;
