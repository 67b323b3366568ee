//! What a stream holds at a moment, for whoever asks.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use media::Track;

use super::shelf::{Begun, Shelf};
use super::{Edge, File, Part, has_video};

const VIDEO_TYPE: &str = "video/mp4";
const AUDIO_TYPE: &str = "audio/mp4";

/// The bytes of a file, in pieces that follow each other: a segment is its parts, which are held once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Body(Vec<Bytes>);

impl Body {
    /// How many bytes there are.
    pub fn len(&self) -> usize {
        self.0.iter().map(Bytes::len).sum()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All in one; copied where they are in several pieces.
    pub fn to_bytes(&self) -> Bytes {
        match self.0.as_slice() {
            [one] => one.clone(),
            pieces => {
                let mut all = BytesMut::with_capacity(self.len());
                pieces.iter().for_each(|piece| all.extend_from_slice(piece));
                all.freeze()
            }
        }
    }
}

impl IntoIterator for Body {
    type Item = Bytes;
    type IntoIter = std::vec::IntoIter<Bytes>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl FromIterator<Bytes> for Body {
    fn from_iter<I: IntoIterator<Item = Bytes>>(pieces: I) -> Self {
        Self(pieces.into_iter().collect())
    }
}

impl From<Bytes> for Body {
    fn from(all: Bytes) -> Self {
        Self(vec![all])
    }
}

impl From<String> for Body {
    fn from(text: String) -> Self {
        Self(vec![text.into()])
    }
}

/// A stream as it was at a moment. Playlists are written when they are asked for.
#[derive(Clone, Debug)]
pub struct Contents {
    pub(super) shelf: Shelf,
    pub(super) begun: Option<Begun>,
    pub(super) tracks: Arc<[Track]>,
    pub(super) part: Option<Duration>,
    pub(super) ended: bool,
}

impl Contents {
    /// Whether there is something to play.
    pub fn is_ready(&self) -> bool {
        !self.shelf.segments.is_empty()
    }

    /// The multivariant playlist, once there is a segment (RFC 8216, section 4.3.4).
    pub fn multivariant(&self) -> Option<String> {
        self.shelf.multivariant(&self.tracks)
    }

    /// The media playlist, once there is a segment (RFC 8216, section 4.3.3).
    pub fn playlist(&self) -> Option<String> {
        self.written(false)
    }

    /// The same without the segments that somebody knows who has followed so far, where there are
    /// such (RFC 8216bis, section 6.2.5.1).
    pub fn delta(&self) -> Option<String> {
        self.written(true)
    }

    fn written(&self, skip: bool) -> Option<String> {
        let begun = self.begun.as_ref();
        self.shelf.playlist(begun, self.part, self.ended, skip)
    }

    /// How far it has come; `None` where there are no parts, and nothing can be waited for.
    pub fn edge(&self) -> Option<Edge> {
        self.part?;
        Some(Edge {
            segment: self.shelf.next_sequence(),
            parts: self.begun_parts().len(),
        })
    }

    /// The name of the part that comes next, which players may ask for before it is there.
    pub fn hint(&self) -> Option<String> {
        let edge = self.edge().filter(|_| !self.ended)?;
        Some(self.shelf.part_name(edge.segment, edge.parts))
    }

    /// The initialisation segment, segment or part of this name that a player may ask for now.
    pub fn media(&self, name: &str) -> Option<File> {
        let body = self
            .shelf
            .media(name, self.begun_parts(), self.part.is_some())?;
        let content_type = match has_video(&self.tracks) {
            true => VIDEO_TYPE,
            false => AUDIO_TYPE,
        };
        Some(File {
            content_type,
            immutable: true,
            body,
        })
    }

    fn begun_parts(&self) -> &[Part] {
        self.begun.as_ref().map_or(&[], |begun| &begun.parts)
    }
}
