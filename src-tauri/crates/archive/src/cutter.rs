//! Packets to fragments. Pure.

use std::ops::Range;
use std::time::Duration;

use bytes::Bytes;
use container::fmp4::{Fragment, Muxer};
use container::recording;
use media::{Due, Kind, Packet, Timestamp, Track};

/// How long a fragment is at most: as much is lost when the power fails.
const FRAGMENT: Duration = Duration::from_millis(500);

/// Sound that comes before the first picture and may belong after it.
const EARLY: usize = 64;

/// A fragment, and when it plays in the channel's own time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Piece {
    pub(crate) data: Fragment,
    /// Its first decode time.
    pub(crate) start: Timestamp,
    pub(crate) duration: Duration,
    /// A player can begin here.
    pub(crate) keyframe: bool,
    /// Places in it that viewers get other words at: see [`beside`].
    pub(crate) beside: Vec<usize>,
}

/// Cuts the packets of one file.
#[derive(Debug)]
pub(crate) struct Cutter {
    tracks: Vec<Track>,
    muxer: Muxer,
    video: bool,
    /// What the next fragment will hold, in the order in which it came.
    waiting: Vec<Packet>,
    /// Where the next fragment begins, once a picture has come.
    since: Option<Timestamp>,
    keyframe: bool,
    /// The latest decode time of what leads, and how far it was from the one before.
    newest: Timestamp,
    step: Duration,
    /// The first picture since the file began, or went on: sound from before it is left out.
    first: Timestamp,
    /// What is taken off all times: how long the recording stood still.
    paused: Duration,
}

impl Cutter {
    /// A cutter for a file of these tracks.
    pub(crate) fn new(tracks: &[Track]) -> Self {
        Self {
            tracks: tracks.to_vec(),
            muxer: Muxer::new(tracks),
            video: tracks.iter().any(|t| t.config.kind() == Kind::Video),
            waiting: Vec::new(),
            since: None,
            keyframe: false,
            newest: Timestamp::ZERO,
            step: Duration::ZERO,
            first: Timestamp::ZERO,
            paused: Duration::ZERO,
        }
    }

    /// The file's beginning, with room to finish it.
    pub(crate) fn head(&self) -> Bytes {
        recording::head(&self.muxer)
    }

    /// The same as viewers get it who play pieces: with the tracks that are for them.
    pub(crate) fn init(&self) -> Bytes {
        let shown = self.tracks.iter().filter(|t| !t.id.is_beside());
        let shown: Vec<Track> = shown.cloned().collect();
        Muxer::new(&shown).init_segment()
    }

    /// A piece of the file, whose tracks beside the mix stand behind all others.
    fn piece(&self, data: Fragment, start: Timestamp, duration: Duration, keyframe: bool) -> Piece {
        let shown = self.tracks.iter().filter(|t| !t.id.is_beside()).count();
        let beside = match shown == self.tracks.len() {
            true => Vec::new(),
            false => beside(&data.head, shown),
        };
        Piece {
            data,
            start,
            duration,
            keyframe,
            beside,
        }
    }

    pub(crate) fn tracks(&self) -> &[Track] {
        &self.tracks
    }

    /// Whether a file or a stretch can begin with this packet.
    pub(crate) fn opens(&self, packet: &Packet) -> bool {
        packet.keyframe && self.leads(packet)
    }

    /// What says when fragments end: the picture, or the sound where there is none.
    fn leads(&self, packet: &Packet) -> bool {
        let kind = |t: &Track| t.id == packet.track && t.config.kind() == Kind::Video;
        !self.video || self.tracks.iter().any(kind)
    }

    /// From when on packets complete a fragment; `None` before the first picture. Sound never does where there are
    /// pictures, and waits for them for as long again.
    pub(crate) fn due(&self) -> Option<Due> {
        let leads = self.since? + FRAGMENT;
        Some(Due {
            leads,
            others: leads + FRAGMENT,
        })
    }

    /// Takes a packet; gives a fragment that it has completed.
    pub(crate) fn push(&mut self, packet: Packet) -> Option<Piece> {
        if !self.tracks.iter().any(|t| t.id == packet.track) {
            return None;
        }
        let Some(since) = self.since else {
            if self.opens(&packet) {
                self.waiting.retain(|p| p.dts >= packet.dts);
                self.first = packet.dts;
                self.since = Some(packet.dts);
                self.keyframe = true;
                self.newest = packet.dts;
            } else if self.leads(&packet) {
                return None;
            } else if self.waiting.len() == EARLY {
                self.waiting.remove(0);
            }
            self.waiting.push(packet);
            return None;
        };
        // Sound comes later than its picture.
        if packet.dts < self.first {
            return None;
        }
        let mut piece = None;
        if self.leads(&packet) {
            let key = self.video && packet.keyframe;
            if (key || packet.dts.since(since) >= FRAGMENT) && packet.dts > since {
                piece = self.cut(packet.dts, packet.keyframe);
            }
            self.step = packet.dts.since(self.newest);
            self.newest = packet.dts;
        }
        self.waiting.push(packet);
        piece
    }

    /// Ends the fragment before `end`; what belongs behind it waits.
    fn cut(&mut self, end: Timestamp, keyframe: bool) -> Option<Piece> {
        let start = self.since?;
        self.since = Some(end);
        let (own, later): (Vec<Packet>, _) = std::mem::take(&mut self.waiting)
            .into_iter()
            .partition(|p| p.dts < end);
        self.waiting = later;
        // The next one holds about as many.
        self.waiting.reserve(own.len());
        let began = std::mem::replace(&mut self.keyframe, keyframe);
        if own.is_empty() {
            return None;
        }
        let data = self.fragment(own, end);
        Some(self.piece(data, start, end.since(start), began))
    }

    fn fragment(&mut self, mut packets: Vec<Packet>, end: Timestamp) -> Fragment {
        let back = -i64::try_from(self.paused.as_nanos()).unwrap_or(0);
        if back != 0 {
            for packet in &mut packets {
                packet.pts = packet.pts.offset(back);
                packet.dts = packet.dts.offset(back);
            }
        }
        self.muxer.scattered(&packets, end.offset(back))
    }

    /// Ends the fragment with what there is; what comes next begins with a picture of its own, and the file
    /// goes on as if no time had passed.
    pub(crate) fn pause(&mut self) -> Option<Piece> {
        let end = self.newest + self.step.max(Duration::from_millis(1));
        let piece = self.cut(end, false);
        self.waiting.clear();
        piece
    }

    /// Goes on with a packet that [`opens`](Self::opens), where the file was paused. Gives the time that is not in it.
    pub(crate) fn resume(&mut self, at: Timestamp) -> Option<Range<Timestamp>> {
        let stood = self.since.take()?..at;
        self.paused += at.since(stood.start);
        Some(stood)
    }

    /// Ends the file before a packet that opens another: its last fragment but for [`late`](Self::late) sound,
    /// and what goes to that other.
    pub(crate) fn end_before(&mut self, next: Timestamp) -> (Option<Piece>, Vec<Packet>) {
        let piece = self.cut(next, false);
        (piece, std::mem::take(&mut self.waiting))
    }

    /// Takes sound from before the end that comes behind it.
    pub(crate) fn late(&mut self, packet: Packet) {
        let known = self.tracks.iter().any(|t| t.id == packet.track);
        if known && packet.dts >= self.first && self.since.is_some() {
            self.waiting.push(packet);
        }
    }

    /// A fragment of all sound that came late.
    pub(crate) fn close(&mut self) -> Option<Piece> {
        let end = self.since?;
        let own = std::mem::take(&mut self.waiting);
        if own.is_empty() {
            return None;
        }
        let data = self.fragment(own, end);
        Some(self.piece(data, end, Duration::ZERO, false))
    }

    /// Whether a packet is of what says when fragments end.
    pub(crate) fn is_led_by(&self, packet: &Packet) -> bool {
        self.leads(packet)
    }
}

/// Where in a fragment the kinds of the boxes stand that describe tracks behind the first `shown`. Called `free`
/// instead, they are passed over: no viewer's player takes several sounds in one stream.
fn beside(fragment: &[u8], shown: usize) -> Vec<usize> {
    let word = |at: usize| {
        let bytes = fragment.get(at..at + 4)?;
        Some(u32::from_be_bytes(bytes.try_into().ok()?))
    };
    let end = word(0).map_or(0, |len| len as usize);
    let mut found = Vec::new();
    let mut at = 8;
    while at + 8 <= end {
        let Some(len) = word(at).map(|len| len as usize).filter(|len| *len >= 8) else {
            break;
        };
        // The track's number stands in the box's first own box, behind its version and flags.
        let number = word(at + 20).map_or(0, |number| number as usize);
        if fragment.get(at + 4..at + 8) == Some(b"traf") && number > shown {
            found.push(at + 4);
        }
        at += len;
    }
    found
}

#[cfg(test)]
mod tests;
