//! Writing a channel down.

mod board;
mod tape;
mod terms;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, SyncSender, TryRecvError};
use std::thread::JoinHandle;
use std::time::Duration;

use media::{Channel, Clock, Due, Next, Nudge, Packet, Reader, Start, Timestamp, Track, Want};

use crate::{Error, Timeline, finish};
use board::Board;
use tape::Tape;

pub use terms::{Event, Options, Recording, Request, Split, Status};

/// Packets that wait for a slow disk: some forty seconds.
const CAPACITY: usize = 4_096;

/// Requests that wait for a slow disk; whoever asks waits when there are more.
const REQUESTS: usize = 64;

/// How often what is written is brought to the disk itself, and its room looked at: with half a second in a fragment, a
/// power cut takes less than one.
const SYNC: Duration = Duration::from_millis(250);

/// How long the thread sleeps at most while nothing is recorded: its room is looked at, and what is too old removed.
const REST: Duration = Duration::from_secs(1);

/// A reel of the stretch behind is this long, and so goes as a whole.
const REEL: Duration = Duration::from_secs(60);

/// What is no longer listed is kept this long for those who still load it.
const GRACE: Duration = Duration::from_secs(30);

/// Below so many times the room that is left alone, a warning is given.
const WARN: u64 = 4;

/// Keeps one channel until it ends or this is dropped, which finishes what is open.
#[derive(Debug)]
pub struct Keeper {
    requests: Option<SyncSender<Request>>,
    nudge: Nudge,
    thread: Option<JoinHandle<()>>,
    status: Arc<Board>,
    timeline: Arc<Timeline>,
    channel: Arc<Channel>,
}

impl Keeper {
    /// Begins to read a channel, on a thread of its own. `told` hears what becomes of recordings, on that
    /// thread.
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn start(
        channel: Arc<Channel>,
        clock: Clock,
        options: Options,
        told: impl Fn(Event) + Send + 'static,
    ) -> std::io::Result<Self> {
        let (requests, inbox) = mpsc::sync_channel(REQUESTS);
        let status = Arc::<Board>::default();
        let timeline = Arc::new(Timeline::default());
        let mut worker = Worker {
            status: Arc::clone(&status),
            timeline: Arc::clone(&timeline),
            ..Worker::new(&channel, clock, options, Box::new(told))
        };
        let nudge = worker.reader.nudge();
        let thread = std::thread::Builder::new()
            .name("archive".into())
            .spawn(move || worker.run(&inbox))?;
        Ok(Self {
            requests: Some(requests),
            nudge,
            thread: Some(thread),
            status,
            timeline,
            channel,
        })
    }

    /// Asks for something; it happens soon, and its status says so at once.
    pub fn request(&self, request: Request) {
        self.status.ask(&request);
        if let Some(requests) = &self.requests {
            // A thread that is gone has finished everything.
            match requests.send(request) {
                Ok(()) => self.nudge.now(),
                Err(_) => {
                    self.status.done();
                    self.status.show(None);
                }
            }
        }
    }

    /// How it does.
    pub fn status(&self) -> Status {
        self.status.status()
    }

    /// Where each moment lies.
    pub fn timeline(&self) -> &Arc<Timeline> {
        &self.timeline
    }

    /// What it keeps.
    pub fn channel(&self) -> &Arc<Channel> {
        &self.channel
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        drop(self.requests.take());
        self.nudge.now();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the archive's thread had panicked");
        }
    }
}

struct Worker {
    reader: Reader,
    clock: Clock,
    options: Options,
    told: Box<dyn Fn(Event) + Send>,
    status: Arc<Board>,
    timeline: Arc<Timeline>,
    tracks: Arc<[Track]>,
    /// What is kept behind while nothing is recorded.
    behind: Option<Tape>,
    recording: Option<Taken>,
    /// A file that has ended, but for sound that comes late.
    closing: Option<Closing>,
    paused: bool,
    next_sync: Timestamp,
    warned: Option<String>,
}

/// A file that waits for the sound of its last pictures.
struct Closing {
    tape: Tape,
    end: Timestamp,
    /// It is a part of a recording.
    kept: bool,
}

/// A recording as it was asked for.
struct Taken {
    /// The first file.
    path: PathBuf,
    split: Option<Split>,
    part: u32,
    /// The file that is written; none before the first picture.
    tape: Option<Tape>,
    /// Of the parts before.
    duration: Duration,
    bytes: u64,
}

impl Taken {
    /// The file of a part: `Show.mp4`, `Show (2).mp4`.
    fn part_path(&self) -> PathBuf {
        if self.part < 2 {
            return self.path.clone();
        }
        numbered(&self.path, self.part)
    }
}

fn numbered(path: &Path, number: u32) -> PathBuf {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let ending = path
        .extension()
        .map(|e| format!(".{}", e.to_string_lossy()));
    path.with_file_name(format!("{stem} ({number}){}", ending.unwrap_or_default()))
}

impl Worker {
    fn new(
        channel: &Arc<Channel>,
        clock: Clock,
        options: Options,
        told: Box<dyn Fn(Event) + Send>,
    ) -> Self {
        Self {
            reader: channel.read_staying(Want::RECORDING, Start::Group, CAPACITY),
            clock,
            options,
            told,
            status: Arc::default(),
            timeline: Arc::default(),
            tracks: Arc::default(),
            behind: None,
            recording: None,
            closing: None,
            paused: false,
            next_sync: clock.now(),
            warned: None,
        }
    }

    fn run(&mut self, inbox: &Receiver<Request>) {
        loop {
            // There is a nudge for every request: asked for before a packet was written is done before it is taken.
            let rest = if self.recording.is_some() { SYNC } else { REST };
            match self.reader.next_blocking_due(rest, self.due()) {
                Some(next) => {
                    if !self.read(next) {
                        return self.end();
                    }
                }
                None => match inbox.try_recv() {
                    Ok(request) => self.handle(request),
                    Err(TryRecvError::Empty) => {}
                    Err(TryRecvError::Disconnected) => return self.leave(),
                },
            }
            self.tend();
        }
    }

    /// Until when packets may wait: being woken costs more than taking one.
    fn due(&self) -> Option<Due> {
        let recorded = self.recording.as_ref().filter(|_| !self.paused);
        let tape = match recorded {
            Some(taken) => taken.tape.as_ref(),
            None => self.behind.as_ref(),
        };
        tape.filter(|_| self.closing.is_none())?.due()
    }

    /// Takes what the channel gives; `false` at its end.
    fn read(&mut self, next: Next) -> bool {
        match next {
            Next::Tracks(tracks) => self.set_tracks(tracks),
            Next::Packet(packet) => self.take(packet),
            Next::Gap(lost) => {
                self.status.change(|status| status.lost += lost);
                tracing::warn!(lost, "the disk is too slow for what is recorded");
            }
            Next::End => return false,
        }
        true
    }

    /// Ends with what has been written to the channel so far.
    fn leave(&mut self) {
        while let Some(next) = self.reader.try_next() {
            if !self.read(next) {
                break;
            }
        }
        self.end();
    }

    fn handle(&mut self, request: Request) {
        match request {
            Request::Record { path, split } if self.recording.is_none() => {
                self.paused = false;
                self.recording = Some(Taken {
                    path,
                    split,
                    part: 1,
                    tape: None,
                    duration: Duration::ZERO,
                    bytes: 0,
                });
                self.reader.channel().request_keyframe();
            }
            Request::Record { .. } => {}
            Request::Pause => {
                self.paused = self.recording.is_some();
                let tape = self.recording.as_mut().and_then(|r| r.tape.as_mut());
                let paused = tape.map(|tape| tape.pause(&self.timeline));
                if let Some(Err(error)) = paused {
                    self.stop_because(&error);
                }
                self.reader.channel().request_keyframe();
            }
            Request::Resume => {
                self.paused = false;
                self.reader.channel().request_keyframe();
            }
            Request::Stop => {
                self.stop();
                self.reader.channel().request_keyframe();
            }
            Request::Window(window) => {
                self.options.window = window;
                if window.is_zero()
                    && let Some(tape) = self.behind.take()
                {
                    self.finish_behind(tape);
                }
            }
        }
        self.status.done();
        self.show();
    }

    fn set_tracks(&mut self, tracks: Arc<[Track]>) {
        let same = |(a, b): (&Track, &Track)| a.id == b.id && a.config == b.config;
        let unchanged =
            self.tracks.len() == tracks.len() && self.tracks.iter().zip(tracks.iter()).all(same);
        self.tracks = tracks;
        if unchanged {
            return;
        }
        // Other tracks are another file.
        if let Some(tape) = self.behind.take() {
            self.finish_behind(tape);
        }
        self.close();
        if let Some(mut tape) = self.leave_part() {
            if let Err(error) = tape.pause(&self.timeline) {
                tracing::warn!(%error, "a part ends a moment early");
            }
            self.finish(tape.into_path());
        }
        self.reader.channel().request_keyframe();
    }

    fn take(&mut self, packet: Packet) {
        if let Some(closing) = &mut self.closing {
            let waits = closing.tape.late(&packet, closing.end);
            let own = !Tape::could_open(&self.tracks, &packet) && packet.dts < closing.end;
            if !waits {
                self.close();
            } else if own {
                return;
            }
        }
        let recording = self.recording.is_some() && !self.paused;
        let outcome = if recording {
            self.record(packet)
        } else {
            self.keep_behind(packet)
        };
        if let Err(error) = outcome {
            if recording {
                self.stop_because(&error);
            } else {
                self.stop_behind(&error);
            }
        }
    }

    /// Writes a packet to the recording. What was kept behind ends where it begins.
    fn record(&mut self, packet: Packet) -> Result<(), Error> {
        let Some(taken) = &mut self.recording else {
            return Ok(());
        };
        if let Some(tape) = &mut taken.tape {
            let opens = tape.opens(&packet);
            if opens && tape.is_due(taken.split) {
                let carried = tape.end_before(packet.dts, &self.timeline)?;
                return self.split(packet, carried);
            }
            if tape.is_paused() {
                if !opens {
                    // Until the recording can go on, the stretch behind does.
                    return self.keep_behind(packet);
                }
                let carried = self.end_behind(packet.dts);
                if let Some(tape) = self.recording.as_mut().and_then(|r| r.tape.as_mut()) {
                    let stood = tape.resume(packet.dts, &self.timeline);
                    if let Some(stood) = stood.filter(|stood| !stood.is_empty()) {
                        let path = tape.path().to_owned();
                        (self.told)(Event::Resumed { path, stood });
                    }
                    for packet in [packet].into_iter().chain(carried) {
                        tape.push(packet, &self.timeline)?;
                    }
                }
                return Ok(());
            }
            return tape.push(packet, &self.timeline);
        }
        if !Tape::could_open(&self.tracks, &packet) {
            return self.keep_behind(packet);
        }
        let path = taken.part_path();
        let carried = self.end_behind(packet.dts);
        self.open_part(path, packet, carried)
    }

    fn open_part(
        &mut self,
        path: PathBuf,
        first: Packet,
        carried: Vec<Packet>,
    ) -> Result<(), Error> {
        let at = first.dts;
        let mut tape = Tape::open(&path, true, &self.tracks, &self.timeline)?;
        for packet in carried.into_iter().chain([first]) {
            tape.push(packet, &self.timeline)?;
        }
        if let Some(taken) = &mut self.recording {
            taken.tape = Some(tape);
        }
        (self.told)(Event::Began { path, at });
        self.show();
        Ok(())
    }

    /// Finishes the file that waits for its sound.
    fn close(&mut self) {
        let Some(Closing { mut tape, kept, .. }) = self.closing.take() else {
            return;
        };
        if let Err(error) = tape.close(&self.timeline) {
            tracing::warn!(%error, "the last sound of a file is missing");
        }
        if kept {
            self.finish(tape.into_path());
        }
    }

    /// Goes on in the next part.
    fn split(&mut self, first: Packet, carried: Vec<Packet>) -> Result<(), Error> {
        let end = first.dts;
        if let Some(tape) = self.leave_part() {
            self.close();
            self.closing = Some(Closing {
                tape,
                end,
                kept: true,
            });
        }
        let path = self.recording.as_ref().map(Taken::part_path);
        path.map_or(Ok(()), |path| self.open_part(path, first, carried))
    }

    /// Takes the part that is written out of the recording, which goes on in another.
    fn leave_part(&mut self) -> Option<Tape> {
        let taken = self.recording.as_mut()?;
        let tape = taken.tape.take()?;
        taken.duration += tape.duration();
        taken.bytes += tape.bytes();
        taken.part += 1;
        Some(tape)
    }

    fn keep_behind(&mut self, packet: Packet) -> Result<(), Error> {
        if self.options.window.is_zero() {
            return Ok(());
        }
        if let Some(tape) = &mut self.behind {
            if tape.opens(&packet) && tape.is_due(Some(Split::Time(REEL))) {
                let carried = tape.end_before(packet.dts, &self.timeline)?;
                self.leave_behind(packet.dts);
                return self.open_behind(packet, carried);
            }
            return tape.push(packet, &self.timeline);
        }
        if Tape::could_open(&self.tracks, &packet) {
            return self.open_behind(packet, Vec::new());
        }
        Ok(())
    }

    fn open_behind(&mut self, first: Packet, carried: Vec<Packet>) -> Result<(), Error> {
        let name = self.reader.channel().name();
        let file = format!("{name}-{}.mp4", self.clock.unix_millis(first.dts));
        let path = self.options.behind.join(file);
        let mut tape = Tape::open(&path, false, &self.tracks, &self.timeline)?;
        for packet in carried.into_iter().chain([first]) {
            tape.push(packet, &self.timeline)?;
        }
        self.behind = Some(tape);
        Ok(())
    }

    /// Ends what is kept behind where a recording takes over; gives what that begins with.
    fn end_behind(&mut self, next: Timestamp) -> Vec<Packet> {
        let Some(tape) = &mut self.behind else {
            return Vec::new();
        };
        let carried = tape.end_before(next, &self.timeline);
        self.leave_behind(next);
        carried.unwrap_or_default()
    }

    /// What is kept behind waits for its sound, and another goes on.
    fn leave_behind(&mut self, end: Timestamp) {
        self.close();
        let tape = self.behind.take();
        self.closing = tape.map(|tape| Closing {
            tape,
            end,
            kept: false,
        });
    }

    fn finish_behind(&self, mut tape: Tape) {
        if let Err(error) = tape.pause(&self.timeline) {
            tracing::warn!(%error, "the stretch behind ends a moment early");
        }
    }

    /// Ends the recording as it was asked for.
    fn stop(&mut self) {
        self.close();
        let Some(taken) = self.recording.take() else {
            return;
        };
        self.paused = false;
        if let Some(mut tape) = taken.tape {
            if let Err(error) = tape.pause(&self.timeline) {
                tracing::warn!(%error, "the recording ends a moment early");
            }
            self.finish(tape.into_path());
        }
        self.show();
    }

    fn finish(&self, path: PathBuf) {
        let result = finish(&path);
        if let Err(error) = &result {
            tracing::warn!(%error, "a recording stays as it was written");
        }
        (self.told)(Event::Ended { path, result });
    }

    fn stop_because(&mut self, error: &Error) {
        tracing::error!(%error, "the recording has ended");
        self.stop();
        self.warn(format!(
            "The recording has ended: {error}. The show goes on."
        ));
    }

    fn stop_behind(&mut self, error: &Error) {
        tracing::error!(%error, "nothing is kept behind any more");
        self.behind = None;
        self.options.window = Duration::ZERO;
        self.warn(format!("Viewers cannot go back any more: {error}."));
    }

    fn warn(&mut self, text: String) {
        (self.told)(Event::Stopped(text.clone()));
        self.warned = Some(text);
        self.show();
    }

    /// What is to be done now and then.
    fn tend(&mut self) {
        let now = self.clock.now();
        if now < self.next_sync {
            return;
        }
        self.next_sync = now + SYNC;
        let tape = self.recording.as_mut().and_then(|r| r.tape.as_mut());
        let outcome = tape.map(|tape| tape.sync().and_then(|()| tape.check()));
        if let Some(Err(error)) = outcome {
            self.stop_because(&error);
        }
        let oldest = now.offset(-nanos(self.options.window + GRACE));
        for path in self.timeline.forget(oldest) {
            remove(&path);
        }
        self.look_at_the_disk();
        self.show();
    }

    fn look_at_the_disk(&mut self) {
        let tape = self.recording.as_ref().and_then(|r| r.tape.as_ref());
        let path = tape.or(self.behind.as_ref()).map(Tape::path);
        let Some(folder) = path.and_then(Path::parent) else {
            return;
        };
        let Ok(free) = fs4::available_space(folder) else {
            return;
        };
        let least = self.options.leave_free;
        let full = free < least;
        self.status.change(|status| status.free = Some(free));
        if full && self.recording.is_some() {
            self.stop();
            let text = "The recording has ended: the disk is almost full. It is whole up to here, and the \
                        show goes on. Free some space, or choose another folder, and record again.";
            self.warn(text.into());
        } else if full && self.behind.take().is_some() {
            self.options.window = Duration::ZERO;
            for path in self.timeline.clear() {
                remove(&path);
            }
            self.warn("Viewers cannot go back any more: the disk is almost full.".into());
        } else if free < least.saturating_mul(WARN) && self.recording.is_some() {
            self.warned = Some(format!(
                "The disk has {} MB left; the recording ends by itself at {} MB.",
                free >> 20,
                least >> 20
            ));
        } else if self.recording.is_some() {
            self.warned = None;
        }
    }

    fn show(&self) {
        let recording = self.recording.as_ref().map(|taken| {
            let tape = taken.tape.as_ref();
            Recording {
                path: tape.map_or_else(|| taken.path.clone(), |t| t.path().to_owned()),
                part: taken.part,
                duration: taken.duration + tape.map_or(Duration::ZERO, Tape::duration),
                bytes: taken.bytes + tape.map_or(0, Tape::bytes),
                paused: self.paused,
            }
        });
        self.status.show(recording);
        self.status
            .change(|status| status.warning.clone_from(&self.warned));
    }

    fn end(&mut self) {
        self.stop();
        if let Some(tape) = self.behind.take() {
            self.finish_behind(tape);
        }
        self.timeline.end();
        for path in self.timeline.clear() {
            remove(&path);
        }
    }
}

fn remove(path: &Path) {
    if let Err(error) = std::fs::remove_file(path) {
        tracing::warn!(path = %path.display(), %error, "an old file stays");
    }
}

fn nanos(duration: Duration) -> i64 {
    i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
