//! What is kept of channels: recordings, the stretch behind the live picture, and the shows of the library.

mod edge;
mod library;
mod listener;
mod publishers;
mod replay;
mod room;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use api::{Code, Problem, Rewind};
use archive::{Keeper, Request, Timelines};
use media::{Channel, ChannelInfo, ChannelName, Clock, Origin};
use parking_lot::Mutex;
use store::Store;

use crate::settings::Recording;
use crate::studio::{Shared, State, random_text, sentence};

/// What problems with recordings are about.
const SUBJECT: &str = "recording";

/// How often, in milliseconds, it is kept that a show is on: as much of its length is lost when the power fails.
const SEEN: i64 = 5_000;

/// What is kept now.
pub(crate) struct Kept {
    store: Arc<Store>,
    clock: Clock,
    data_dir: PathBuf,
    timelines: Arc<Timelines>,
    channels: BTreeMap<ChannelName, KeptChannel>,
    /// What went wrong with recordings; told by their threads.
    problems: Arc<Mutex<Vec<Problem>>>,
    /// Recordings that have become whole.
    whole: Arc<Mutex<Vec<PathBuf>>>,
    /// Clips that are being cut, by their films.
    cuts: BTreeMap<i64, Cutting>,
    room: room::Room,
    /// Of channels whose publisher has come anew.
    left: Ending,
}

/// A clip that is being cut.
struct Cutting {
    show: String,
    title: String,
    percent: Arc<AtomicU8>,
}

/// A channel of which something is kept.
struct KeptChannel {
    show: String,
    channel: Arc<Channel>,
    /// Viewers could find it.
    aired: bool,
    /// When its publisher went, in milliseconds since 1970 UTC.
    gone: Option<i64>,
    peak: u32,
    /// When it was last kept that it is on, in milliseconds since 1970 UTC.
    seen: i64,
    keeper: Option<Keeper>,
}

/// Keepers that are to be ended outside of any lock: each finishes its file.
#[must_use]
#[derive(Default)]
pub(crate) struct Ending(Vec<Keeper>);

impl Ending {
    /// Waits until all files are finished.
    pub(crate) fn finish(self) {
        drop(self.0);
    }
}

impl Kept {
    pub(crate) fn new(store: Arc<Store>, clock: Clock, data_dir: PathBuf) -> Self {
        let kept = Self {
            store,
            clock,
            data_dir,
            timelines: Arc::default(),
            channels: BTreeMap::new(),
            problems: Arc::default(),
            whole: Arc::default(),
            cuts: BTreeMap::new(),
            room: room::Room::default(),
            left: Ending::default(),
        };
        kept.recover();
        kept
    }

    /// Where channels can be gone back in.
    pub(crate) fn timelines(&self) -> Arc<Timelines> {
        Arc::clone(&self.timelines)
    }

    /// Closes what the last run left open, and finishes its files on a thread of their own.
    fn recover(&self) {
        // What was kept behind is of no use any more.
        let behind = self.behind();
        if behind.is_dir()
            && let Err(error) = std::fs::remove_dir_all(&behind)
        {
            tracing::warn!(%error, "what was kept behind stays");
        }
        let unfinished = match self.store.recover_shows() {
            Ok(unfinished) => unfinished,
            Err(error) => return tracing::error!(%error, "the library was not looked through"),
        };
        if unfinished.is_empty() {
            return;
        }
        let (store, whole) = (Arc::clone(&self.store), Arc::clone(&self.whole));
        let recover = move || {
            for film in unfinished {
                let path = &film.path;
                match archive::finish(path) {
                    Ok(finished) => {
                        tracing::info!(path = %path.display(), "a recording that was cut off is whole");
                        listener::keep_film(&store, path, &finished);
                        whole.lock().push(path.clone());
                    }
                    Err(error) => {
                        tracing::warn!(%error, "a recording that was cut off is not in the library");
                        // A clip that was being cut lies beside under another name.
                        drop(std::fs::remove_file(path.with_extension("part")));
                        if let Err(error) = store.forget_film(film.film) {
                            tracing::error!(%error, "the library is not right");
                        }
                    }
                }
            }
        };
        if let Err(error) = std::thread::Builder::new()
            .name("recover".into())
            .spawn(recover)
        {
            tracing::error!(%error, "recordings that were cut off are not finished");
        }
    }

    fn behind(&self) -> PathBuf {
        self.data_dir.join("behind")
    }

    /// The folder of pictures that stay of a film whose file is not here any more.
    pub(crate) fn pictures(&self, film: i64) -> PathBuf {
        self.data_dir.join("pictures").join(film.to_string())
    }

    /// A clip is being cut; gives where it says how far it is.
    fn begin_cut(&mut self, film: i64, show: &str, title: &str) -> Arc<AtomicU8> {
        let percent = Arc::<AtomicU8>::default();
        let cutting = Cutting {
            show: show.to_owned(),
            title: title.to_owned(),
            percent: Arc::clone(&percent),
        };
        self.cuts.insert(film, cutting);
        percent
    }

    fn end_cut(&mut self, film: i64) {
        self.cuts.remove(&film);
    }

    /// Clips that are being cut, as people see them.
    pub(crate) fn cuts(&self) -> Vec<api::Cutting> {
        let shown = self.cuts.values().map(|cutting| api::Cutting {
            show: cutting.show.clone(),
            title: cutting.title.clone(),
            percent: cutting.percent.load(Ordering::Relaxed),
        });
        shown.collect()
    }

    /// Recordings that have become whole since this was asked last.
    pub(crate) fn take_whole(&self) -> Vec<PathBuf> {
        std::mem::take(&mut self.whole.lock())
    }

    /// The show of a channel that is on.
    pub(crate) fn show(&self, channel: &ChannelName) -> Option<&str> {
        Some(self.channels.get(channel)?.show.as_str())
    }

    /// Opens a channel's show, or takes the one that is open on air.
    fn open(&mut self, channel: &Arc<Channel>, title: &str, aired: bool) -> &mut KeptChannel {
        let name = channel.name().clone();
        if aired
            && let Some(kept) = self.channels.get_mut(&name)
            && !kept.aired
        {
            kept.aired = true;
            note(self.store.air_show(&kept.show));
        }
        self.channels.entry(name).or_insert_with(|| {
            let show = random_text(8);
            let now = self.clock.unix_millis(self.clock.now());
            note(
                self.store
                    .begin_show(&show, channel.name().as_str(), title, now, aired),
            );
            KeptChannel {
                show,
                channel: Arc::clone(channel),
                aired,
                gone: None,
                peak: 0,
                seen: now,
                keeper: None,
            }
        })
    }

    /// The program is on air.
    pub(crate) fn on_air(&mut self, channel: &Arc<Channel>, title: &str, how: &Recording) {
        self.open(channel, title, true);
        if !how.behind().is_zero() {
            note_thread(self.keep(channel, how));
        }
    }

    /// Destinations of these names show the program, too.
    fn note_destinations(&self, names: &[String]) {
        if let Some(show) = self.show(&ChannelName::program()) {
            for name in names {
                note(self.store.note_destination(show, name));
            }
        }
    }

    /// The program has left the air and is recorded on: what comes now is the host's, until they show it.
    pub(crate) fn off_air(&self, channel: &ChannelName) {
        if let Some(show) = self.show(channel) {
            let hide = store::ShowChange {
                hidden: Some(true),
                ..store::ShowChange::default()
            };
            note(self.store.change_show(show, &hide).map(drop));
        }
    }

    /// Begins to keep an open channel, unless it is kept already.
    fn keep(&mut self, channel: &Arc<Channel>, how: &Recording) -> std::io::Result<()> {
        let options = archive::Options {
            behind: self.behind(),
            window: publishers::window(channel, how),
            leave_free: how.leave_free(),
        };
        let Some(kept) = self.channels.get_mut(channel.name()) else {
            return Ok(());
        };
        if kept.keeper.is_some() {
            return Ok(());
        }
        let told = listener::listener(
            Arc::clone(&self.store),
            self.clock,
            kept.show.clone(),
            Arc::clone(&self.problems),
            Arc::clone(&self.whole),
        );
        let keeper = Keeper::start(Arc::clone(channel), self.clock, options, told)?;
        let (timeline, shown) = (keeper.timeline(), publishers::goes_back(channel, how));
        self.timelines
            .put(channel.name().clone(), Arc::clone(timeline), shown);
        kept.keeper = Some(keeper);
        Ok(())
    }

    /// Records a channel.
    fn record(
        &mut self,
        channel: &Arc<Channel>,
        title: &str,
        how: &Recording,
    ) -> Result<(), Problem> {
        self.problems.lock().clear();
        let folder = self.folder(how);
        let unusable = |e: std::io::Error| {
            let text = format!(
                "The folder {} cannot be used: {e}. Choose another in the settings (recording.folder).",
                folder.display()
            );
            Problem::new(Code::Unavailable, text).about(SUBJECT)
        };
        // Whether it may be written to is known before anything is promised.
        std::fs::create_dir_all(&folder)
            .and_then(|()| tempfile::tempfile_in(&folder))
            .map_err(unusable)?;
        let aired = channel.standing() == media::Standing::Live;
        self.meet(channel);
        self.open(channel, title, aired);
        self.keep(channel, how).map_err(|e| {
            Problem::new(
                Code::Unavailable,
                format!("The system gives no more threads: {e}."),
            )
        })?;
        let keeper = self
            .channels
            .get(channel.name())
            .and_then(|k| k.keeper.as_ref());
        let Some(keeper) = keeper else { return Ok(()) };
        if keeper.status().recording.is_some() {
            let text = "It is recorded already.";
            return Err(Problem::new(Code::Conflict, text).about(SUBJECT));
        }
        let path = free_path(&folder, &self.file_name(channel, title, how));
        keeper.request(Request::Record {
            path,
            split: how.split(),
        });
        Ok(())
    }

    pub(crate) fn folder(&self, how: &Recording) -> PathBuf {
        let folder = how.folder.clone();
        folder.map_or_else(
            || self.data_dir.join("recordings"),
            |f| self.data_dir.join(f),
        )
    }

    fn file_name(&self, channel: &Channel, title: &str, how: &Recording) -> String {
        let now = self.clock.wall(self.clock.now());
        let (date, time) = local_time(now);
        how.name.fill(title, channel.name().as_str(), &date, &time)
    }

    fn keeper(&self, channel: &ChannelName) -> Result<&Keeper, Problem> {
        let keeper = self.channels.get(channel).and_then(|k| k.keeper.as_ref());
        keeper.ok_or_else(|| not_kept(channel))
    }

    /// Lets go of a channel: its show ends, its files are finished by who finishes the ending.
    pub(crate) fn end(&mut self, channel: &ChannelName) -> Ending {
        let now = self.clock.unix_millis(self.clock.now());
        self.end_at(channel, now)
    }

    /// The same, for a show that was over at `now` (ms since 1970 UTC).
    fn end_at(&mut self, channel: &ChannelName, now: i64) -> Ending {
        let Some(kept) = self.channels.remove(channel) else {
            return Ending::default();
        };
        self.timelines.remove(channel);
        let ending = Ending(kept.keeper.into_iter().collect());
        note(self.store.end_show(&kept.show, now));
        ending
    }

    /// Lets go of everything.
    pub(crate) fn end_all(&mut self) -> Ending {
        let names: Vec<ChannelName> = self.channels.keys().cloned().collect();
        Ending(names.iter().flat_map(|name| self.end(name).0).collect())
    }

    /// Keeps that shows are on `now` (ms since 1970 UTC), and how many watch them.
    fn tend(&mut self, now: i64, viewers: impl Fn(&ChannelName) -> u32) {
        for (name, kept) in &mut self.channels {
            if kept.gone.is_some() {
                continue;
            }
            let watching = viewers(name);
            if watching > kept.peak {
                kept.peak = watching;
                note(self.store.note_viewers(&kept.show, watching));
            }
            if now - kept.seen >= SEEN {
                kept.seen = now;
                note(self.store.note_seen(&kept.show, now));
            }
        }
    }

    /// Channels that are kept for nothing: neither recorded any more, nor on air to go back in.
    fn idle(&self, on_air: bool) -> Vec<ChannelName> {
        let idle = |(name, kept): (&ChannelName, &KeptChannel)| {
            let program = *name == ChannelName::program();
            let shown = if program { on_air } else { kept.is_live() };
            let keeper = kept.keeper.as_ref()?;
            (!shown && keeper.status().recording.is_none()).then(|| name.clone())
        };
        self.channels.iter().filter_map(idle).collect()
    }

    /// Other settings hold from now on; publishers who are not kept yet are, soon.
    pub(crate) fn set_window(&self, how: &Recording) {
        for (name, kept) in &self.channels {
            let Some(keeper) = &kept.keeper else { continue };
            keeper.request(Request::Window(publishers::window(&kept.channel, how)));
            let shown = publishers::goes_back(&kept.channel, how);
            self.timelines
                .put(name.clone(), Arc::clone(keeper.timeline()), shown);
        }
    }

    /// What is recorded, as people see it.
    pub(crate) fn recordings(&self) -> Vec<api::Recording> {
        let recording = |(name, kept): (&ChannelName, &KeptChannel)| {
            let status = kept.keeper.as_ref()?.status();
            let recording = status.recording?;
            Some(api::Recording {
                channel: name.to_string(),
                show: kept.show.clone(),
                file: recording.path.display().to_string(),
                part: recording.part,
                duration_ms: millis(recording.duration),
                bytes: recording.bytes,
                paused: recording.paused,
                lost: status.lost,
            })
        };
        self.channels.iter().filter_map(recording).collect()
    }

    /// What one can go back in.
    pub(crate) fn rewinds(&self) -> Vec<Rewind> {
        let rewind = |(name, kept): (&ChannelName, &KeptChannel)| {
            let span = kept.keeper.as_ref()?.timeline().span()?;
            Some(Rewind {
                channel: name.to_string(),
                behind_ms: millis(span.end.since(span.start)),
                until: self.clock.unix_millis(span.end),
            })
        };
        self.channels.iter().filter_map(rewind).collect()
    }

    /// What is wrong, or will soon be.
    pub(crate) fn problems(&self) -> Vec<Problem> {
        let mut problems = self.problems.lock().clone();
        problems.extend(self.room.warning());
        for kept in self.channels.values() {
            let status = kept.keeper.as_ref().map(Keeper::status).unwrap_or_default();
            if let Some(warning) = status.warning
                && !problems.iter().any(|p| p.message == warning)
            {
                problems.push(Problem::new(Code::Unavailable, warning).about(SUBJECT));
            }
        }
        problems
    }
}

/// The show goes on without its entry in the library; the log says so.
fn note(outcome: Result<(), store::Error>) {
    if let Err(error) = outcome {
        tracing::error!(%error, "the library is not right");
    }
}

fn note_thread(outcome: std::io::Result<()>) {
    if let Err(error) = outcome {
        tracing::error!(%error, "nothing is kept of this broadcast");
    }
}

fn not_kept(channel: &ChannelName) -> Problem {
    let text = format!("Nothing is kept of {channel}. Go live, or record it first.");
    Problem::new(Code::Conflict, text).about(SUBJECT)
}

/// The first path of this name that is free.
fn free_path(folder: &Path, name: &str) -> PathBuf {
    let mut path = folder.join(format!("{name}.mp4"));
    let mut number = 2;
    while path.exists() {
        path = folder.join(format!("{name}-{number}.mp4"));
        number += 1;
    }
    path
}

fn millis(of: Duration) -> u64 {
    u64::try_from(of.as_millis()).unwrap_or(u64::MAX)
}

/// Date and time where the person is, as they stand in file names.
fn local_time(at: std::time::SystemTime) -> (String, String) {
    let zoned = jiff::Timestamp::try_from(at)
        .unwrap_or_default()
        .to_zoned(jiff::tz::TimeZone::system());
    (
        zoned.strftime("%Y-%m-%d").to_string(),
        zoned.strftime("%H-%M-%S").to_string(),
    )
}

fn channel_name(channel: Option<&str>) -> Result<ChannelName, Problem> {
    let Some(channel) = channel else {
        return Ok(ChannelName::program());
    };
    channel
        .parse()
        .map_err(|e: media::HubError| Problem::new(Code::Invalid, sentence(&e.to_string())))
}

impl Shared {
    /// What settings say of recordings.
    pub(crate) fn recording_settings(&self) -> Recording {
        self.live.lock().settings().recording.clone()
    }

    /// Opens the program's channel: for scenes alone until it goes on air.
    fn open_backstage(&self, state: &State) -> Result<Arc<Channel>, Problem> {
        let name = ChannelName::program();
        if let Some(channel) = self.hub.on_stage(&name) {
            return Ok(channel);
        }
        let info = ChannelInfo {
            origin: Origin::Program,
            title: state.title.clone(),
        };
        let conflict = |e: &dyn std::fmt::Display| {
            Problem::new(Code::Conflict, format!("The recording cannot begin: {e}."))
        };
        let writer = self
            .hub
            .publish_backstage(name, info, self.clock.now())
            .map_err(|e| conflict(&e))?;
        let channel = Arc::clone(writer.channel());
        self.program.go_live(writer).map_err(|e| conflict(&e))?;
        Ok(channel)
    }

    /// Records a channel; the program also while it is not on air.
    pub(crate) fn record(&self, channel: Option<&str>) -> Result<(), Problem> {
        let name = channel_name(channel)?;
        let how = self.recording_settings();
        let state = self.state.lock();
        self.kept.lock().room.may_record(&how)?;
        let channel = if name == ChannelName::program() {
            self.open_backstage(&state)?
        } else {
            self.hub.on_stage(&name).ok_or_else(|| {
                let text = format!("{name} is not live, so there is nothing to record.");
                Problem::new(Code::NotFound, text).about(SUBJECT)
            })?
        };
        let title = match channel.title() {
            title if title.is_empty() => name.to_string(),
            title => title,
        };
        let outcome = self.kept.lock().record(&channel, &title, &how);
        let idle = state.on_air.is_none() && self.kept.lock().recordings().is_empty();
        if outcome.is_err() && idle && name == ChannelName::program() {
            self.program.end();
        }
        outcome
    }

    /// Lets a recording stand still, or go on.
    pub(crate) fn pause_recording(
        &self,
        channel: Option<&str>,
        paused: bool,
    ) -> Result<(), Problem> {
        let name = channel_name(channel)?;
        let kept = self.kept.lock();
        let keeper = kept.keeper(&name)?;
        if keeper.status().recording.is_none() {
            return Err(not_recorded(&name));
        }
        keeper.request(if paused {
            Request::Pause
        } else {
            Request::Resume
        });
        Ok(())
    }

    /// Ends a recording.
    pub(crate) fn stop_recording(&self, channel: Option<&str>) -> Result<(), Problem> {
        let name = channel_name(channel)?;
        let state = self.state.lock();
        let mut kept = self.kept.lock();
        if kept.keeper(&name)?.status().recording.is_none() {
            return Err(not_recorded(&name));
        }
        let live = kept.channels.get(&name).is_some_and(KeptChannel::is_live);
        let goes_on = if name == ChannelName::program() {
            state.on_air.is_some()
        } else {
            live
        };
        if goes_on {
            kept.keeper(&name)?.request(Request::Stop);
            return Ok(());
        }
        let ending = kept.end(&name);
        drop(kept);
        drop(state);
        // The file is whole when this command is answered.
        ending.finish();
        self.close_backstage(&name);
        Ok(())
    }

    /// Ends the program's encoding, unless it is on air or recorded again by now.
    fn close_backstage(&self, name: &ChannelName) {
        if *name != ChannelName::program() {
            return;
        }
        let state = self.state.lock();
        if state.on_air.is_none() && self.kept.lock().show(name).is_none() {
            self.program.end();
        }
    }

    /// Closes what was recorded off the air and has ended by itself: a full disk leaves nothing running.
    fn end_what_ended(&self) {
        let over = {
            let state = self.state.lock();
            let mut kept = self.kept.lock();
            let names = kept.idle(state.on_air.is_some());
            let end = |name: ChannelName| (kept.end(&name), name);
            names.into_iter().map(end).collect::<Vec<_>>()
        };
        for (ending, name) in over {
            ending.finish();
            self.close_backstage(&name);
            self.changed.notify_one();
        }
    }

    /// Looks after what is kept. Blocks for the time of a small query.
    pub(crate) fn tend_kept(&self) {
        let viewers = |name: &ChannelName| {
            let station = self.station.read();
            station.as_ref().map_or(0, |s| {
                let viewers = s.viewers(name);
                viewers.whep + viewers.hls
            })
        };
        let live = self.state.lock().destinations.take_live();
        self.kept.lock().note_destinations(&live);
        let now = self.clock.unix_millis(self.clock.now());
        let how = self.recording_settings();
        let ending = {
            let mut kept = self.kept.lock();
            kept.tend(now, viewers);
            kept.tend_publishers(&self.hub, &how, now)
        };
        ending.finish();
        self.end_what_ended();
        self.tend_room();
        self.tend_replays();
    }
}

fn not_recorded(channel: &ChannelName) -> Problem {
    let text = format!("{channel} is not recorded at the moment.");
    Problem::new(Code::Conflict, text).about(SUBJECT)
}

#[cfg(test)]
mod tests;
