//! The initialisation segment, and what a whole file's index shares with it.

use bytes::Bytes;
use media::{Config, Kind, Matrix, Range, h264};

use crate::boxes::Writer;

/// Ticks per second of the movie header; nothing in a fragmented file is measured in them.
const MOVIE_SCALE: u32 = 1_000;

/// No rotation (ISO/IEC 14496-12, section 6.2.2).
pub(crate) const MATRIX: [u32; 9] = [0x1_0000, 0, 0, 0, 0x1_0000, 0, 0, 0, 0x4000_0000];

pub(super) fn segment<'a>(tracks: impl Iterator<Item = (&'a Config, u32)> + Clone) -> Bytes {
    let mut w = Writer::default();
    file_type(&mut w);
    movie(&mut w, tracks);
    w.out.into()
}

/// What kind of file it is.
pub(crate) fn file_type(w: &mut Writer) {
    let ftyp = w.begin(b"ftyp");
    w.put(b"iso6");
    w.u32(0);
    w.put(b"iso6cmfcmp41");
    w.end(ftyp);
}

/// The index in front of fragments: tracks without samples.
pub(super) fn movie<'a>(w: &mut Writer, tracks: impl Iterator<Item = (&'a Config, u32)> + Clone) {
    let moov = w.begin(b"moov");
    movie_header(w, MOVIE_SCALE, None, tracks.clone().count());
    for (number, (config, scale)) in (1u32..).zip(tracks.clone()) {
        let before = tracks.clone().take(number as usize - 1);
        let head = TrackHead {
            number,
            of_kind: TrackHead::of_kind(config, before.map(|(config, _)| config)),
            config,
            scale,
            duration: None,
        };
        track(w, head, |_| {}, no_samples);
    }
    let mvex = w.begin(b"mvex");
    for (number, _) in (1u32..).zip(tracks) {
        let trex = w.begin_full(b"trex", 0, 0);
        w.u32(number);
        w.u32(1);
        w.zeros(12);
        w.end(trex);
    }
    w.end(mvex);
    w.end(moov);
}

/// Section 8.2.2. A `duration` in ticks of `scale` takes the large form.
pub(crate) fn movie_header(w: &mut Writer, scale: u32, duration: Option<u64>, tracks: usize) {
    let mvhd = w.begin_full(b"mvhd", u8::from(duration.is_some()), 0);
    times(w, duration, |w| w.u32(scale));
    w.u32(0x1_0000);
    w.u16(0x100);
    w.zeros(10);
    for value in MATRIX {
        w.u32(value);
    }
    w.zeros(24);
    w.u32(u32::try_from(tracks + 1).unwrap_or(u32::MAX));
    w.end(mvhd);
}

/// When it was made and changed, which is left open; something; how long it is.
fn times(w: &mut Writer, duration: Option<u64>, between: impl FnOnce(&mut Writer)) {
    w.zeros(if duration.is_some() { 16 } else { 8 });
    between(w);
    match duration {
        Some(duration) => w.u64(duration),
        None => w.u32(0),
    }
}

/// What a track says of itself.
pub(crate) struct TrackHead<'a> {
    /// Its number in the file, from 1.
    pub(crate) number: u32,
    /// Which it is of its kind, from 1: players begin with the first, and people choose among them.
    pub(crate) of_kind: usize,
    pub(crate) config: &'a Config,
    /// Its ticks per second.
    pub(crate) scale: u32,
    /// How long it is, in ticks of the movie and in its own; unknown where fragments follow.
    pub(crate) duration: Option<(u64, u64)>,
}

impl TrackHead<'_> {
    /// Which of its kind a track is that stands behind others.
    pub(crate) fn of_kind<'a>(config: &Config, before: impl Iterator<Item = &'a Config>) -> usize {
        1 + before.filter(|c| c.kind() == config.kind()).count()
    }
}

/// A track; `edits` may write an edit list, `samples` writes the tables of its samples.
pub(crate) fn track(
    w: &mut Writer,
    head: TrackHead<'_>,
    edits: impl FnOnce(&mut Writer),
    samples: impl FnOnce(&mut Writer),
) {
    let TrackHead {
        number,
        of_kind,
        config,
        scale,
        duration,
    } = head;
    let version = u8::from(duration.is_some());
    let video = config.kind() == Kind::Video;
    let (width, height) = match config {
        Config::H264 { width, height, .. } => (*width, *height),
        Config::Opus { .. } | Config::Aac { .. } => (0, 0),
    };
    let trak = w.begin(b"trak");
    // In the movie and in the preview; enabled is the first of its kind.
    let tkhd = w.begin_full(b"tkhd", version, if of_kind == 1 { 7 } else { 6 });
    times(w, duration.map(|(movie, _)| movie), |w| {
        w.u32(number);
        w.zeros(4);
    });
    w.zeros(8);
    w.u16(0);
    // Tracks of one group are alternatives; picture and sound are not.
    w.u16(u16::from(!video));
    w.u16(if video { 0 } else { 0x100 });
    w.u16(0);
    for value in MATRIX {
        w.u32(value);
    }
    w.u32(width.min(0xffff) << 16);
    w.u32(height.min(0xffff) << 16);
    w.end(tkhd);
    edits(w);

    let mdia = w.begin(b"mdia");
    let mdhd = w.begin_full(b"mdhd", version, 0);
    times(w, duration.map(|(_, own)| own), |w| w.u32(scale));
    // Undetermined language, `und`.
    w.u16(0x55c4);
    w.u16(0);
    w.end(mdhd);
    let hdlr = w.begin_full(b"hdlr", 0, 0);
    w.u32(0);
    w.put(if video { b"vide" } else { b"soun" });
    w.zeros(12);
    w.put(if video { b"Picture" } else { b"Sound" });
    if of_kind > 1 {
        w.put(format!(" {of_kind}").as_bytes());
    }
    w.u8(0);
    w.end(hdlr);
    let minf = w.begin(b"minf");
    let header = if video {
        let vmhd = w.begin_full(b"vmhd", 0, 1);
        w.zeros(8);
        vmhd
    } else {
        let smhd = w.begin_full(b"smhd", 0, 0);
        w.zeros(4);
        smhd
    };
    w.end(header);
    let dinf = w.begin(b"dinf");
    let dref = w.begin_full(b"dref", 0, 0);
    w.u32(1);
    let url = w.begin_full(b"url ", 0, 1);
    w.end(url);
    w.end(dref);
    w.end(dinf);
    let stbl = w.begin(b"stbl");
    let stsd = w.begin_full(b"stsd", 0, 0);
    w.u32(1);
    match config {
        Config::H264 { sps, pps, .. } => avc(w, sps, pps, width, height),
        Config::Aac {
            asc,
            sample_rate,
            channels,
        } => aac(w, asc, *sample_rate, *channels),
        Config::Opus { channels, pre_skip } => opus(w, *channels, *pre_skip),
    }
    w.end(stsd);
    samples(w);
    w.end(stbl);
    w.end(minf);
    w.end(mdia);
    w.end(trak);
}

/// Samples come in fragments: the tables are empty.
fn no_samples(w: &mut Writer) {
    for kind in [b"stts", b"stsc", b"stco"] {
        let table = w.begin_full(kind, 0, 0);
        w.u32(0);
        w.end(table);
    }
    let stsz = w.begin_full(b"stsz", 0, 0);
    w.zeros(8);
    w.end(stsz);
}

/// ISO/IEC 14496-12, section 12.1.3, and 14496-15, section 5.4.2.
fn avc(w: &mut Writer, sps: &[u8], pps: &[u8], width: u32, height: u32) {
    let avc1 = w.begin(b"avc1");
    w.zeros(6);
    w.u16(1);
    w.zeros(16);
    w.u16(u16::try_from(width).unwrap_or(u16::MAX));
    w.u16(u16::try_from(height).unwrap_or(u16::MAX));
    // 72 dpi both ways.
    w.u32(0x48_0000);
    w.u32(0x48_0000);
    w.u32(0);
    w.u16(1);
    w.zeros(32);
    w.u16(24);
    w.u16(0xffff);
    let avcc = w.begin(b"avcC");
    // Parameter sets that cannot be read give an empty record, which players refuse in their words.
    w.put(&h264::record(sps, pps).unwrap_or_default());
    w.end(avcc);
    if let Ok(sps) = h264::Sps::parse(sps)
        && sps.color_declared
    {
        let colr = w.begin(b"colr");
        w.put(b"nclx");
        // Primaries, transfer and matrix by their numbers in ISO/IEC 23091-2.
        let number = match sps.color.matrix {
            Matrix::Bt709 => 1,
            Matrix::Bt601 => 6,
        };
        for _ in 0..3 {
            w.u16(number);
        }
        w.u8(if sps.color.range == Range::Full {
            0x80
        } else {
            0
        });
        w.end(colr);
    }
    w.end(avc1);
}

/// Begins an audio sample entry (ISO/IEC 14496-12, section 12.2.3).
fn audio(w: &mut Writer, channels: u16, rate: u32) {
    w.zeros(6);
    w.u16(1);
    w.zeros(8);
    w.u16(channels);
    w.u16(16);
    w.zeros(4);
    // 16.16, which ends at 65 535.
    w.u32(u32::from(u16::try_from(rate).unwrap_or(0)) << 16);
}

/// ISO/IEC 14496-14, section 5.6, and 14496-1, section 7.2.6.
fn aac(w: &mut Writer, asc: &[u8], rate: u32, channels: u16) {
    let mp4a = w.begin(b"mp4a");
    audio(w, channels, rate);
    let esds = w.begin_full(b"esds", 0, 0);
    let asc = &asc[..asc.len().min(64)];
    // At most 64 and a few: the lengths below stay under 128, which one byte holds.
    let len = asc.len() as u8;
    w.put(&[3, 3 + (2 + 13 + 2 + len) + 3, 0, 0, 0]);
    // AAC, an audio stream; buffer and bitrates unsaid.
    w.put(&[4, 13 + 2 + len, 0x40, 0x15]);
    w.zeros(11);
    w.put(&[5, len]);
    w.put(asc);
    w.put(&[6, 1, 2]);
    w.end(esds);
    w.end(mp4a);
}

/// The Opus mapping, sections 4.3.1 and 4.3.2.
fn opus(w: &mut Writer, channels: u16, pre_skip: u16) {
    let entry = w.begin(b"Opus");
    audio(w, channels, media::SAMPLE_RATE);
    let dops = w.begin(b"dOps");
    w.u8(0);
    w.u8(u8::try_from(channels).unwrap_or(2));
    w.u16(pre_skip);
    w.u32(media::SAMPLE_RATE);
    w.u16(0);
    w.u8(0);
    w.end(dops);
    w.end(entry);
}
