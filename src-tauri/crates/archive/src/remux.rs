//! A finished film in another container, as it is read: nothing is encoded again, and memory holds its index
//! and one sample.

use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use bytes::{Bytes, BytesMut};
use container::flv;
use container::mkv::Layout;
use container::mp4::{Demuxer, Sample, Track};
use media::Kind;

use crate::Error;

/// What is read at once. Tracks lie side by side within less.
const BUFFER: usize = 2 << 20;

/// What is given at once, about.
const PIECE: usize = 256 << 10;

/// Containers that a film can be had in beside its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Matroska, all tracks.
    Mkv,
    /// Flash Video, one picture and one sound.
    Flv,
}

/// A film on its way into another container.
pub struct Remux {
    path: PathBuf,
    file: BufReader<File>,
    at: u64,
    demuxer: Demuxer,
    samples: Vec<Sample>,
    tracks: Vec<Track>,
    next: usize,
    how: How,
    begun: bool,
}

enum How {
    Mkv(Layout),
    Flv,
}

impl Remux {
    /// Reads the index of a film.
    ///
    /// # Errors
    /// [`Error`]
    pub fn open(path: &Path, format: Format) -> Result<Self, Error> {
        let mut file = File::open(path).map_err(Error::disk(path))?;
        let len = file.metadata().map_err(Error::disk(path))?.len();
        let mut demuxer = crate::finish::read(path, &mut file, len)?;
        let mut samples = Vec::new();
        while let Some(sample) = demuxer.next_sample().map_err(Error::file(path))? {
            samples.push(sample);
        }
        samples.sort_by_key(|sample| sample.dts);
        let tracks = demuxer.tracks().to_vec();
        let how = match format {
            Format::Mkv => How::Mkv(Layout::new(&tracks, &samples)),
            Format::Flv => {
                let of = |kind| move |t: &&Track| t.config.kind() == kind;
                let fits = |t: &&Track| flv::sequence_header(&t.config).is_some();
                let picture = tracks.iter().filter(of(Kind::Video)).find(fits);
                let sound = tracks.iter().filter(of(Kind::Audio)).find(fits);
                let own: Vec<_> = [picture, sound]
                    .into_iter()
                    .flatten()
                    .map(|t| t.id)
                    .collect();
                samples.retain(|sample| own.contains(&sample.track));
                How::Flv
            }
        };
        Ok(Self {
            path: path.to_owned(),
            file: BufReader::with_capacity(BUFFER, file),
            // Where the index ends, nobody knows: the first sample is sought.
            at: u64::MAX,
            demuxer,
            samples,
            tracks,
            next: 0,
            how,
            begun: false,
        })
    }

    /// Bytes of the whole, where they are known before.
    pub fn len(&self) -> Option<u64> {
        match &self.how {
            How::Mkv(layout) => Some(layout.len()),
            How::Flv => None,
        }
    }

    /// Whether it holds nothing.
    pub fn is_empty(&self) -> bool {
        self.samples.is_empty()
    }

    /// The next piece; none at the end.
    ///
    /// # Errors
    /// [`Error`]
    pub fn piece(&mut self) -> Result<Option<Bytes>, Error> {
        let mut out = BytesMut::with_capacity(PIECE + (64 << 10));
        if !std::mem::replace(&mut self.begun, true) {
            self.begin(&mut out);
        }
        while out.len() < PIECE {
            let Some(sample) = self.samples.get(self.next).copied() else {
                break;
            };
            self.add(&sample, &mut out)?;
            self.next += 1;
        }
        Ok((!out.is_empty()).then(|| out.freeze()))
    }

    fn begin(&self, out: &mut BytesMut) {
        match &self.how {
            How::Mkv(layout) => out.extend_from_slice(layout.front()),
            How::Flv => {
                let used = |t: &&Track| self.samples.iter().any(|s| s.track == t.id);
                let tracks: Vec<&Track> = self.tracks.iter().filter(used).collect();
                let has = |kind| tracks.iter().any(|t| t.config.kind() == kind);
                out.extend_from_slice(&flv::file_header(has(Kind::Video), has(Kind::Audio)));
                let described: Vec<media::Track> = tracks
                    .iter()
                    .map(|t| media::Track {
                        id: t.id,
                        config: t.config.clone(),
                        bitrate: 0,
                    })
                    .collect();
                let mut about = flv::metadata(&described);
                let ends = self.samples.iter().map(|s| s.pts + s.duration).max();
                let seconds = ends.unwrap_or_default().millis().max(0) as f64 / 1_000.0;
                about.insert(0, ("duration", flv::Value::Number(seconds)));
                out.extend_from_slice(&flv::tag(flv::Kind::Data, 0, &flv::script(&about)));
                for track in tracks {
                    if let Some(head) = flv::sequence_header(&track.config) {
                        let kind = flv::Kind::of(&track.config);
                        out.extend_from_slice(&flv::tag(kind, 0, &head));
                    }
                }
            }
        }
    }

    fn add(&mut self, sample: &Sample, out: &mut BytesMut) -> Result<(), Error> {
        if let How::Mkv(layout) = &self.how {
            out.extend_from_slice(&layout.before(self.next));
            if !layout.takes(self.next) {
                return Ok(());
            }
        }
        let mut data = BytesMut::zeroed(sample.len);
        let read = self.read(sample.position, &mut data);
        let path = &self.path;
        read.map_err(Error::disk(path))?;
        if let How::Mkv(_) = &self.how {
            // As it stands in the file: its length is counted on.
            out.extend_from_slice(&data);
            return Ok(());
        }
        let packet = self.demuxer.packet(sample, data.freeze());
        let packet = packet.map_err(Error::file(path))?;
        let track = self.tracks.iter().find(|t| t.id == sample.track);
        if let Some(track) = track {
            let millis = u32::try_from(packet.dts.millis().max(0)).unwrap_or(u32::MAX);
            let body = flv::body(&track.config, &packet);
            out.extend_from_slice(&flv::tag(flv::Kind::of(&track.config), millis, &body));
        }
        Ok(())
    }

    /// Reads from a place, within what is read already where that is near.
    fn read(&mut self, from: u64, into: &mut [u8]) -> std::io::Result<()> {
        let near = i64::try_from(i128::from(from) - i128::from(self.at));
        match near {
            Ok(by) if self.at != u64::MAX => self.file.seek_relative(by)?,
            _ => drop(self.file.seek(SeekFrom::Start(from))?),
        }
        self.file.read_exact(into)?;
        self.at = from + into.len() as u64;
        Ok(())
    }
}
