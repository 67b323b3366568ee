//! A reel, what is cut for it, and where the timeline has it.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;

use media::{Due, Kind, Packet, Timestamp, Track, TrackId};

use super::Split;
use crate::cutter::{Cutter, Piece};
use crate::reel::Reel;
use crate::{Error, Timeline};

/// How long sound is waited for that belongs before the end of a file.
const PATIENCE: Duration = Duration::from_secs(3);

/// A file that is being written.
#[derive(Debug)]
pub(super) struct Tape {
    cutter: Cutter,
    reel: Reel,
    number: u64,
    duration: Duration,
    paused: bool,
    /// Sound tracks of which nothing more comes that belongs before the end.
    past: Vec<TrackId>,
}

impl Tape {
    /// Makes the file; the first packet that [`could_open`](Self::could_open) begins it.
    pub(super) fn open(
        path: &Path,
        kept: bool,
        tracks: &[Track],
        timeline: &Timeline,
    ) -> Result<Self, Error> {
        let cutter = Cutter::new(tracks);
        let reel = Reel::create(path, &cutter.head())?;
        let number = timeline.begin(path.to_owned(), kept, cutter.init(), tracks.to_vec());
        Ok(Self {
            cutter,
            reel,
            number,
            duration: Duration::ZERO,
            paused: false,
            past: Vec::new(),
        })
    }

    /// Whether a file of these tracks can begin with a packet.
    pub(super) fn could_open(tracks: &[Track], packet: &Packet) -> bool {
        let video = |t: &Track| t.config.kind() == Kind::Video;
        let own = tracks.iter().find(|t| t.id == packet.track);
        own.is_some_and(|own| packet.keyframe && (video(own) || !tracks.iter().any(video)))
    }

    pub(super) fn opens(&self, packet: &Packet) -> bool {
        Self::could_open(self.cutter.tracks(), packet)
    }

    /// From when on packets are to be taken at once: those before it only wait to be written.
    pub(super) fn due(&self) -> Option<Due> {
        self.cutter.due().filter(|_| !self.paused)
    }

    pub(super) fn push(&mut self, packet: Packet, timeline: &Timeline) -> Result<(), Error> {
        let piece = self.cutter.push(packet);
        self.write(piece, timeline)
    }

    /// Stands still: everything so far is in the file.
    pub(super) fn pause(&mut self, timeline: &Timeline) -> Result<(), Error> {
        if std::mem::replace(&mut self.paused, true) {
            return Ok(());
        }
        let piece = self.cutter.pause();
        self.write(piece, timeline)
    }

    pub(super) fn is_paused(&self) -> bool {
        self.paused
    }

    /// Goes on with a packet of this decode time, which [`opens`](Self::opens). Gives the time that is not in the file.
    pub(super) fn resume(
        &mut self,
        at: Timestamp,
        timeline: &Timeline,
    ) -> Option<Range<Timestamp>> {
        self.paused = false;
        let stood = self.cutter.resume(at);
        // What was kept behind in between lies before it.
        let path = self.reel.path().to_owned();
        let (init, tracks) = (self.cutter.init(), self.cutter.tracks().to_vec());
        self.number = timeline.begin(path, true, init, tracks);
        stood
    }

    /// Ends before a packet that begins another file; gives what goes there.
    pub(super) fn end_before(
        &mut self,
        next: Timestamp,
        timeline: &Timeline,
    ) -> Result<Vec<Packet>, Error> {
        self.paused = true;
        let (piece, carried) = self.cutter.end_before(next);
        self.write(piece, timeline)?;
        Ok(carried)
    }

    /// Takes sound that belongs before the end and comes behind it; `false` once no more of it is to come.
    pub(super) fn late(&mut self, packet: &Packet, end: Timestamp) -> bool {
        if self.cutter.is_led_by(packet) {
            return packet.dts.since(end) < PATIENCE;
        }
        if packet.dts < end {
            self.cutter.late(packet.clone());
        } else if !self.past.contains(&packet.track) {
            self.past.push(packet.track);
        }
        // Each track has its own steps: one may be past the end while another is not.
        let sounds = self.cutter.tracks().iter();
        let mut sounds = sounds.filter(|t| t.config.kind() == Kind::Audio);
        !sounds.all(|t| self.past.contains(&t.id))
    }

    /// Writes what came late.
    pub(super) fn close(&mut self, timeline: &Timeline) -> Result<(), Error> {
        let piece = self.cutter.close();
        self.write(piece, timeline)
    }

    /// Whether it is time for another file.
    pub(super) fn is_due(&self, split: Option<Split>) -> bool {
        match split {
            Some(Split::Time(time)) => self.duration >= time,
            Some(Split::Size(bytes)) => self.reel.len() >= bytes,
            None => false,
        }
    }

    pub(super) fn sync(&mut self) -> Result<(), Error> {
        self.reel.sync()
    }

    /// Whether what is written is still where people look for it.
    pub(super) fn check(&self) -> Result<(), Error> {
        self.reel.check()
    }

    pub(super) fn path(&self) -> &Path {
        self.reel.path()
    }

    pub(super) fn into_path(self) -> PathBuf {
        self.reel.path().to_owned()
    }

    /// How long it plays.
    pub(super) fn duration(&self) -> Duration {
        self.duration
    }

    /// Bytes so far.
    pub(super) fn bytes(&self) -> u64 {
        self.reel.len()
    }

    fn write(&mut self, piece: Option<Piece>, timeline: &Timeline) -> Result<(), Error> {
        let Some(piece) = piece else { return Ok(()) };
        let at = self.reel.append(&piece)?;
        timeline.add(self.number, at, &piece);
        self.duration += piece.duration;
        Ok(())
    }
}
