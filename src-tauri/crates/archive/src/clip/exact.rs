//! Clips that begin with the very picture that was chosen: what lies between it and the next keyframe is encoded
//! again, and all behind that keyframe is copied.

use std::ops::Range;
use std::path::Path;
use std::sync::atomic::AtomicU8;
use std::time::Duration;

use bytes::Bytes;
use container::mp4::{Sample, Track};
use media::{Config, Kind, Packet, Timestamp, h264};

use super::{Clip, Part, Piece, Source, open, put_together};
use crate::Error;
use crate::finish;

/// A picture that comes or goes this close to the beginning of a clip begins with it: times are typed and handed on in
/// milliseconds, and nobody sees one that short.
const CLOSE: Duration = Duration::from_millis(4);

/// Pictures that were encoded again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edged {
    /// The first is a keyframe; decoded as they are shown, each with the time it had.
    pub packets: Vec<Packet>,
    /// What their decoder must know.
    pub config: Config,
}

/// Encodes again the pictures of a range of time, out of packets that begin with a keyframe. An error is for people,
/// without a full stop.
pub type Edge<'a> = dyn FnMut(&Config, &[Packet], Range<Timestamp>) -> Result<Edged, String> + 'a;

/// As [`cut_and_tell`](super::cut_and_tell), from the beginning of the first source on, its [`skip`](Source::skip) left
/// out, with the picture that is on the screen then; and nothing from the end of its times on, or from where the last
/// one [ends](Source::ends). `edge` makes the pictures up to the next keyframe.
///
/// # Errors
/// As [`cut`](super::cut), and [`Error::Edge`].
pub fn cut_exactly(
    sources: &[Source],
    to: &Path,
    percent: &AtomicU8,
    edge: &mut Edge<'_>,
) -> Result<Clip, Error> {
    let (tracks, mut parts) = open(sources)?;
    let video = tracks.iter().find(|t| t.config.kind() == Kind::Video);
    let by_time = sources.iter().any(|source| source.times.is_some());
    if let Some(last) = parts.last_mut()
        && let Some(end) = last.ends
    {
        last.end_at(video, end);
    }
    if let Some((first, rest)) = parts.split_first_mut()
        && let Some(times) = first.wanted.take()
    {
        if by_time {
            first.end_at(video, times.end);
        }
        match video {
            None => first.begin_with_sound(times.start),
            Some(video) => {
                if first.begin_at(video, &times, edge)? {
                    rest.iter_mut().for_each(|part| part.restore(video));
                }
            }
        }
    }
    put_together(&tracks, &mut parts, to, percent)
}

impl Part {
    /// Leaves out what is shown from `end` on, but for pictures that others need: with B-frames some are decoded before
    /// what is shown before them. These stay and the file's edit list ends in front of them, so that only a player that
    /// heeds none shows them.
    fn end_at(&mut self, video: Option<&Track>, end: Timestamp) {
        let own = |piece: &Piece| video.is_some_and(|v| v.id == piece.sample.track);
        let shown = self.samples.iter().filter(|p| own(p) && p.sample.pts < end);
        let last = shown.map(|p| p.sample.dts).max();
        let needed = |p: &Piece| own(p) && last.is_some_and(|last| p.sample.dts <= last);
        self.samples.retain(|p| p.sample.pts < end || needed(p));
        let hidden = self.samples.iter().any(|p| p.sample.pts >= end);
        self.until = hidden.then_some(end);
        // Where those behind it were skipped, the last picture would stand beyond the end.
        let pictures = self.samples.iter_mut().map(|piece| &mut piece.sample);
        let pictures = pictures.filter(|sample| video.is_some_and(|v| v.id == sample.track));
        if let Some(last) = pictures.max_by_key(|sample| sample.dts)
            && last.pts < end
        {
            last.duration = last.duration.min(end.since(last.pts));
        }
    }

    /// Sound can begin anywhere.
    fn begin_with_sound(&mut self, at: Timestamp) {
        self.samples.retain(|piece| piece.sample.pts >= at);
        let first = self.samples.iter().map(|piece| piece.sample.dts).min();
        self.begins = first.unwrap_or_default();
    }

    /// Puts pictures that are encoded again in the place of those before the next keyframe. Gives whether they have
    /// parameter sets of their own, after which those of the file have to be told again.
    fn begin_at(
        &mut self,
        video: &Track,
        times: &Range<Timestamp>,
        edge: &mut Edge<'_>,
    ) -> Result<bool, Error> {
        let own = |piece: &&Piece| piece.sample.track == video.id;
        let (first, start) = self.on_screen(video, times.start);
        let times = start..times.end;
        let mut keys = self.samples.iter().filter(own);
        let next = keys.find(|p| p.sample.keyframe && times.contains(&p.sample.pts));
        let next = next.map(|piece| piece.sample);
        let until = next.map_or(times.end, |next| next.pts);
        let (head, rest): (Vec<Piece>, Vec<Piece>) = std::mem::take(&mut self.samples)
            .into_iter()
            .partition(|p| p.sample.track == video.id && next.is_none_or(|n| p.sample.dts < n.dts));
        // The end that was asked for may lie behind that of the file.
        let ends = head.iter().map(|p| p.sample.pts + p.sample.duration).max();
        let wanted = first..until.min(ends.unwrap_or(until)).max(start);
        let shown = head.iter().any(|p| wanted.contains(&p.sample.pts));
        let mut made = match shown {
            true => self.edge(video, head, &wanted, edge)?,
            false => Vec::new(),
        };
        // The one that was on the screen already is there from the beginning on.
        if let Some(Piece { sample, .. }) = made.first_mut()
            && sample.pts < start
        {
            sample.duration = sample.duration.saturating_sub(start.since(sample.pts));
            sample.pts = start;
        }
        // Pictures behind the keyframe that are shown before it need what is not there any more.
        let stays = |piece: &Piece| piece.sample.track != video.id || piece.sample.pts >= until;
        self.samples = rest.into_iter().filter(stays).collect();
        let sets = made.first().is_some_and(|first| !first.before.is_empty());
        if sets {
            self.restore(video);
        }
        let mut rest = std::mem::replace(&mut self.samples, made);
        // Where pictures are shown later than they are decoded, so are these.
        let later = next.map_or(0, |n| n.pts.offset_from(n.dts));
        for piece in &mut self.samples {
            piece.sample.dts = piece.sample.pts.offset(-later);
        }
        self.samples.append(&mut rest);
        let pictures = self.samples.iter().filter(own);
        let begins = pictures.map(|p| p.sample.dts).min();
        self.begins = begins.unwrap_or(times.start);
        let heard = self.begins.offset(later);
        self.samples
            .retain(|piece| piece.sample.track == video.id || piece.sample.pts >= heard);
        Ok(sets)
    }

    /// The time of the picture that is on the screen at `at`, and where the clip begins: there, or with a picture that
    /// is [`CLOSE`].
    fn on_screen(&self, video: &Track, at: Timestamp) -> (Timestamp, Timestamp) {
        let own = self.samples.iter().filter(|p| p.sample.track == video.id);
        let times = own.map(|piece| piece.sample.pts);
        let soon = times.clone().filter(|pts| *pts >= at).min();
        let before = times.filter(|pts| *pts <= at).max();
        match (before, soon) {
            (_, Some(soon)) if soon.since(at) < CLOSE => (soon, soon),
            (Some(before), _) if at.since(before) < CLOSE => (before, before),
            (Some(before), _) => (before, at),
            (None, soon) => (soon.unwrap_or(at), soon.unwrap_or(at)),
        }
    }

    /// Tells decoders the file's own parameter sets again, in front of each keyframe.
    fn restore(&mut self, video: &Track) {
        let back = parameter_sets(&video.config);
        let own = |p: &&mut Piece| p.sample.keyframe && p.sample.track == video.id;
        for piece in self.samples.iter_mut().filter(own) {
            piece.sample.len += back.len();
            piece.before = back.clone();
        }
    }

    /// Reads pictures and has those of a range encoded again.
    fn edge(
        &mut self,
        video: &Track,
        head: Vec<Piece>,
        wanted: &Range<Timestamp>,
        edge: &mut Edge<'_>,
    ) -> Result<Vec<Piece>, Error> {
        let samples: Vec<Sample> = head.into_iter().map(|piece| piece.sample).collect();
        let packets = finish::packets(&self.path, &mut self.file, &samples)?;
        let Edged { packets, config } =
            edge(&video.config, &packets, wanted.clone()).map_err(Error::Edge)?;
        let before = match same_sets(&config, &video.config) {
            true => Bytes::new(),
            false => parameter_sets(&config),
        };
        let nexts = packets.iter().skip(1).map(|p| p.pts);
        let nexts: Vec<Timestamp> = nexts.chain([wanted.end]).collect();
        let piece = |(packet, next): (Packet, Timestamp)| {
            let before = match packet.keyframe {
                true => before.clone(),
                false => Bytes::new(),
            };
            Piece {
                sample: Sample {
                    track: video.id,
                    position: 0,
                    len: before.len() + packet.data.len(),
                    pts: packet.pts,
                    dts: packet.pts,
                    duration: next.since(packet.pts),
                    keyframe: packet.keyframe,
                },
                before,
                made: Some(packet.data),
            }
        };
        Ok(packets.into_iter().zip(nexts).map(piece).collect())
    }
}

fn same_sets(a: &Config, b: &Config) -> bool {
    let sets = |config: &Config| match config {
        Config::H264 { sps, pps, .. } => Some((sps.clone(), pps.clone())),
        Config::Opus { .. } | Config::Aac { .. } => None,
    };
    sets(a) == sets(b)
}

/// Parameter sets as they stand in front of a keyframe, where the file's own would be wrong.
fn parameter_sets(config: &Config) -> Bytes {
    let mut out = Vec::new();
    if let Config::H264 { sps, pps, .. } = config {
        h264::push_avcc(&mut out, sps);
        h264::push_avcc(&mut out, pps);
    }
    out.into()
}
