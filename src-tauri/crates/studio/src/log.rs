//! The log: on stderr, in a file of the data folder, in a ring for the panel in the studio; and the
//! record of who did what, in the store.
//!
//! [`start`] comes first, so that nothing goes unsaid. File and record begin when the studio knows its
//! folder ([`begin`]). A thread that logs never waits for a disk: lines and acts go through bounded
//! queues, and what does not fit is counted and said later. Secrets are taken out of what is kept
//! (`redact`); the control link that headless prints on its own terminal is the one exception.
//!
//! The process has one log, as it has one stderr.

mod acts;
mod file;
mod keep;
mod redact;
mod stderr;

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use media::Clock;
use store::Store;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, Registry, reload};

use acts::Acts;
use file::LogFile;
use keep::Keeper;
use stderr::Stderr;

/// What others' parts say is left out below these levels, whatever the level of our own. The ICE agent warns with each
/// check of each session that nobody has come to yet: strangers could fill the log.
const QUIET: &str = "wgpu_core=warn,wgpu_hal=warn,naga=warn,rtc=warn,rtc_ice=error";

/// The variable that chooses levels before any setting is read, and over all of them.
const VARIABLE: &str = "KLIEG_LOG";

static LOG: OnceLock<Log> = OnceLock::new();

#[derive(Debug)]
struct Log {
    lines: server::Logs,
    file: LogFile,
    acts: Acts,
    level: reload::Handle<EnvFilter, Registry2>,
    /// The variable says which level, and settings do not.
    fixed: bool,
}

/// What the level's filter stands on: the registry with the record of acts.
type Registry2 = tracing_subscriber::layer::Layered<
    tracing_subscriber::filter::Filtered<acts::Recorder, Targets, Registry>,
    Registry,
>;

/// Logs from now on, to stderr and for the panel in the studio; `KLIEG_LOG` chooses levels (`debug`,
/// `wire=trace,info`).
pub fn start() {
    let given = EnvFilter::try_from_env(VARIABLE).ok();
    let fixed = given.is_some();
    let filter = given.unwrap_or_else(|| EnvFilter::new(format!("info,{QUIET}")));
    let (filter, level) = reload::Layer::new(filter);
    let lines = server::Logs::default();
    let (acts, file) = (Acts::default(), LogFile::default());
    let recorder = acts.recorder();
    let keeper = Keeper::new(Clock::start(), lines.clone(), file.clone());
    let stderr = tracing_subscriber::fmt::layer()
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(Stderr::new);
    // Acts are recorded whatever the log leaves out.
    let only = Targets::new().with_target(server::AUDIT, LevelFilter::DEBUG);
    let started = tracing_subscriber::registry()
        .with(recorder.with_filter(only))
        .with(stderr.and_then(keeper).with_filter(filter))
        .try_init();
    match started {
        Ok(()) => {
            let log = Log {
                lines,
                file,
                acts,
                level,
                fixed,
            };
            // Only the first one gets here.
            drop(LOG.set(log));
        }
        Err(error) => tracing::debug!(%error, "somebody else logs already"),
    }
}

/// A level is fine: `info`, or `wire=trace,info`.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn check_level(level: &str) -> Result<(), String> {
    let words = "write error, warn, info, debug or trace, or levels by part: wire=trace,info";
    match EnvFilter::try_new(level) {
        Ok(_) if !level.trim().is_empty() => Ok(()),
        _ => Err(format!("\"{level}\" is no level; {words}")),
    }
}

/// Logs at another level from now on, unless the environment has said which.
pub(crate) fn set_level(level: &str) {
    let Some(log) = LOG.get().filter(|log| !log.fixed) else {
        return;
    };
    let filter = EnvFilter::try_new(format!("{QUIET},{level}"));
    let set = filter.map(|filter| log.level.reload(filter));
    if !matches!(set, Ok(Ok(()))) {
        tracing::warn!(level, "the log stays at its level");
    }
}

/// The folder of the log's files, in a data folder.
pub(crate) fn folder(data_dir: &Path) -> PathBuf {
    data_dir.join("logs")
}

/// Begins the file and the record. A file that cannot be written is said, and everything else goes on.
pub(crate) fn begin(data_dir: &Path, store: &Arc<Store>, clock: Clock) {
    let Some(log) = LOG.get() else { return };
    let folder = folder(data_dir);
    if let Err(error) = log.file.open(&folder) {
        tracing::warn!(%error, folder = %folder.display(), "the log is not kept in a file");
    }
    if let Err(error) = log.acts.open(Arc::clone(store), clock) {
        tracing::error!(%error, "who does what is not recorded");
    }
}

/// The lines for the panel.
pub(crate) fn lines() -> server::Logs {
    LOG.get().map(|log| log.lines.clone()).unwrap_or_default()
}

/// Writes out what waits, and closes file and record.
pub(crate) fn end() {
    if let Some(log) = LOG.get() {
        log.acts.close();
        log.file.close();
    }
}
