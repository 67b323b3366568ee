//! From what a hub reader gives to the messages of a publication.

use std::time::Duration;

use bytes::Bytes;
use container::flv;
use media::{Kind, Next, Packet, Timestamp, Track};

use super::chunk::kind;
use super::interleave::Interleave;

/// A message to send, in order.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Outgoing {
    /// `onMetaData` and its values, in AMF0.
    Metadata(Bytes),
    /// What a decoder must know, before its packets.
    Header(Message),
    /// A packet.
    Packet(Message),
}

/// Sound or picture.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Message {
    /// [`kind::AUDIO`] or [`kind::VIDEO`].
    pub(crate) kind: u8,
    /// Milliseconds since the first packet; never less than before.
    pub(crate) timestamp: u32,
    pub(crate) body: Bytes,
}

/// How much sound is held back for a picture that may still come: an encoder shows its settings
/// with its first packet, and players settle for what a stream begins with.
const PATIENCE: Duration = Duration::from_secs(2);

/// Puts a channel's packets in order, begins with a keyframe and counts time from there.
#[derive(Debug, Default)]
pub(crate) struct Feed {
    tracks: Vec<Track>,
    /// The tracks have yet to be told to the server.
    unannounced: bool,
    early: Vec<Packet>,
    interleave: Interleave,
    /// Decode time of the first packet sent: timestamp 0.
    base: Option<Timestamp>,
    awaiting_key: bool,
    timestamp: u32,
}

impl Feed {
    /// Takes what a reader gave; gives what is to be sent now.
    pub(crate) fn take(&mut self, next: Next) -> Vec<Outgoing> {
        match next {
            Next::Tracks(tracks) => self.set_tracks(carried(&tracks)),
            Next::Packet(packet) => self.packet(packet),
            Next::Gap(_) => {
                self.awaiting_key = self.has_video();
                self.flush()
            }
            Next::End => self.flush(),
        }
    }

    fn set_tracks(&mut self, tracks: Vec<Track>) -> Vec<Outgoing> {
        if tracks == self.tracks {
            return Vec::new();
        }
        self.early.clear();
        let out = self.flush();
        self.interleave = Interleave::new(tracks.iter().map(|t| t.id));
        self.tracks = tracks;
        self.unannounced = true;
        self.awaiting_key = self.has_video();
        out
    }

    fn packet(&mut self, packet: Packet) -> Vec<Outgoing> {
        let Some(track) = self.tracks.iter().find(|t| t.id == packet.track) else {
            return Vec::new();
        };
        let video = track.config.kind() == Kind::Video;
        if video && packet.keyframe {
            self.awaiting_key = false;
        }
        // Sound goes on while the picture waits for its keyframe, but does not begin without it.
        if self.awaiting_key && (video || self.base.is_none()) {
            return Vec::new();
        }
        if self.base.is_none() && !self.has_video() {
            let held = self.early.first().map(|first| packet.dts.since(first.dts));
            self.early.push(packet);
            return match held {
                Some(held) if held >= PATIENCE => self.begin(),
                _ => Vec::new(),
            };
        }
        self.pass(packet)
    }

    /// Sends the sound that was held back.
    fn begin(&mut self) -> Vec<Outgoing> {
        let early = std::mem::take(&mut self.early);
        early.into_iter().flat_map(|p| self.pass(p)).collect()
    }

    fn pass(&mut self, packet: Packet) -> Vec<Outgoing> {
        let base = *self.base.get_or_insert(packet.dts);
        if packet.dts < base {
            return Vec::new();
        }
        self.interleave.push(packet);
        let mut out = Vec::new();
        while let Some(packet) = self.interleave.pop() {
            self.send(&packet, &mut out);
        }
        out
    }

    fn flush(&mut self) -> Vec<Outgoing> {
        let mut out = self.begin();
        for packet in self.interleave.flush() {
            self.send(&packet, &mut out);
        }
        out
    }

    fn send(&mut self, packet: &Packet, out: &mut Vec<Outgoing>) {
        let track = self.tracks.iter().find(|t| t.id == packet.track);
        let (Some(track), Some(base)) = (track, self.base) else {
            return;
        };
        if std::mem::take(&mut self.unannounced) {
            announce(&self.tracks, self.timestamp, out);
        }
        let since = packet.dts.offset_from(base);
        // Wraps after 49 days, as the field does (RTMP 1.0, section 5.3.1).
        self.timestamp = Timestamp::from_nanos(since).ticks(1_000) as u32;
        out.push(Outgoing::Packet(Message {
            kind: kind_of(track),
            timestamp: self.timestamp,
            body: flv::body(&track.config, packet),
        }));
    }

    fn has_video(&self) -> bool {
        self.tracks.iter().any(|t| t.config.kind() == Kind::Video)
    }
}

fn announce(tracks: &[Track], timestamp: u32, out: &mut Vec<Outgoing>) {
    out.push(Outgoing::Metadata(flv::script(&flv::metadata(tracks))));
    for track in tracks {
        if let Some(body) = flv::sequence_header(&track.config) {
            out.push(Outgoing::Header(Message {
                kind: kind_of(track),
                timestamp,
                body,
            }));
        }
    }
}

fn kind_of(track: &Track) -> u8 {
    match track.config.kind() {
        Kind::Video => kind::VIDEO,
        Kind::Audio => kind::AUDIO,
    }
}

/// The tracks that RTMP can carry, one of each kind.
fn carried(tracks: &[Track]) -> Vec<Track> {
    let first = |kind| {
        let fits =
            |t: &&Track| t.config.kind() == kind && flv::sequence_header(&t.config).is_some();
        tracks.iter().find(fits)
    };
    let both = [first(Kind::Video), first(Kind::Audio)];
    both.into_iter().flatten().cloned().collect()
}

#[cfg(test)]
mod tests;
