//! Making an ordinary MP4 of a reel, in place.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::time::Duration;

use container::mp4::{Demuxer, Sample, Track};
use container::recording;
use media::Packet;

use crate::Error;

/// A reel as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finished {
    /// How long it plays.
    pub duration: Duration,
    /// Bytes of the file.
    pub bytes: u64,
    /// What it holds.
    pub tracks: Vec<Track>,
}

/// Finishes a reel: cuts off a fragment that is not whole, writes the index behind everything and seals it.
/// What is finished already stays as it is. Not a byte of media is moved; until the last write, which is one
/// of sixteen bytes, the file plays as the reel that it was.
///
/// # Errors
/// [`Error`]. A file without a single fragment is [`Error::File`].
pub fn finish(path: &Path) -> Result<Finished, Error> {
    let disk = || Error::disk(path);
    let mut options = OpenOptions::new();
    let mut file = options.read(true).write(true).open(path).map_err(disk())?;
    let mut beginning = [0; 36];
    let len = file.metadata().map_err(disk())?.len();
    let open = file.read_exact(&mut beginning).is_ok() && recording::is_open(&beginning);
    let (tracks, mut samples) = index(path, &mut file, len)?;
    if open {
        // Behind the last sample that is whole.
        samples.retain(|s| s.position.saturating_add(s.len as u64) <= len);
        let end = samples.iter().map(|s| s.position + s.len as u64).max();
        let end = end.unwrap_or(len);
        let moov = recording::index(&tracks, &samples);
        let (at, seal) = recording::seal(end);
        let mut write = || -> std::io::Result<()> {
            file.set_len(end)?;
            file.seek(SeekFrom::Start(end))?;
            file.write_all(&moov)?;
            file.sync_data()?;
            file.seek(SeekFrom::Start(at))?;
            file.write_all(&seal)?;
            file.sync_all()
        };
        write().map_err(disk())?;
    }
    let ends = samples.iter().map(|s| s.pts + s.duration).max();
    Ok(Finished {
        duration: ends.map_or(Duration::ZERO, |end| end.since(media::Timestamp::ZERO)),
        bytes: file.metadata().map_err(disk())?.len(),
        tracks,
    })
}

/// The tracks and samples of a file, of which the first `len` bytes are read.
pub(crate) fn index(
    path: &Path,
    file: &mut File,
    len: u64,
) -> Result<(Vec<Track>, Vec<Sample>), Error> {
    let mut demuxer = read(path, file, len)?;
    let mut samples = Vec::new();
    while let Some(sample) = demuxer.next_sample().map_err(Error::file(path))? {
        samples.push(sample);
    }
    Ok((demuxer.tracks().to_vec(), samples))
}

/// The packets of samples of a file.
pub(crate) fn packets(
    path: &Path,
    file: &mut File,
    samples: &[Sample],
) -> Result<Vec<Packet>, Error> {
    let len = file.metadata().map_err(Error::disk(path))?.len();
    let demuxer = read(path, file, len)?;
    let mut packets = Vec::with_capacity(samples.len());
    for sample in samples {
        let mut data = vec![0; sample.len];
        file.seek(SeekFrom::Start(sample.position))
            .and_then(|_| file.read_exact(&mut data))
            .map_err(Error::disk(path))?;
        let packet = demuxer.packet(sample, data.into());
        packets.push(packet.map_err(Error::file(path))?);
    }
    Ok(packets)
}

/// The index of a file, of which the first `len` bytes are read.
pub(crate) fn read(path: &Path, file: &mut File, len: u64) -> Result<Demuxer, Error> {
    let mut demuxer = Demuxer::new();
    let mut buffer = Vec::new();
    while let Some((position, wanted)) = demuxer.need() {
        let there = len.saturating_sub(position).min(wanted as u64);
        buffer.resize(usize::try_from(there).unwrap_or(0), 0);
        if !buffer.is_empty() {
            file.seek(SeekFrom::Start(position))
                .and_then(|_| file.read_exact(&mut buffer))
                .map_err(Error::disk(path))?;
        }
        demuxer.feed(position, &buffer).map_err(Error::file(path))?;
    }
    Ok(demuxer)
}

#[cfg(test)]
mod tests;
