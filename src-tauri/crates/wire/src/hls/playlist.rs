//! The text of playlists (RFC 8216, section 4).

use std::time::Duration;

use media::{Config, Track, aac};

/// A segment as a media playlist lists it.
#[derive(Clone, Debug)]
pub(super) struct Entry<'a> {
    /// Address and length; `None` as long as it is being filled.
    pub(super) whole: Option<(&'a str, Duration)>,
    /// How many bytes of the file it is, and from which on; all where absent.
    pub(super) range: Option<(u64, u64)>,
    /// The initialisation segment that it needs.
    pub(super) map: &'a str,
    /// Its first picture's time of day, in milliseconds since 1970 UTC.
    pub(super) unix_millis: i64,
    /// It does not continue the one before.
    pub(super) discontinuity: bool,
    /// Its parts, where they are listed.
    pub(super) parts: Vec<Piece>,
}

/// A part of a segment (RFC 8216bis, section 4.4.4.9).
#[derive(Clone, Debug)]
pub(super) struct Piece {
    pub(super) uri: String,
    pub(super) duration: Duration,
    /// A player can begin here.
    pub(super) independent: bool,
}

/// What stands at the head of a media playlist.
#[derive(Clone, Copy, Debug)]
pub(super) struct Head<'a> {
    /// Seconds; no segment is longer when rounded.
    pub(super) target: u64,
    /// Number of the first segment listed.
    pub(super) sequence: u64,
    /// Discontinuities before the first segment listed.
    pub(super) discontinuities: u64,
    /// Nothing follows.
    pub(super) ended: bool,
    /// So many segments from the front are left out.
    pub(super) skipped: usize,
    /// What players that stay close behind need to know.
    pub(super) low: Option<Low<'a>>,
}

/// Low latency (RFC 8216bis, sections 4.4.3.7, 4.4.3.8 and 4.4.5.3).
#[derive(Clone, Copy, Debug)]
pub(super) struct Low<'a> {
    /// No part is longer.
    pub(super) part: Duration,
    /// Segments further from the end than this can be left out.
    pub(super) skip_until: Duration,
    /// The part that comes next.
    pub(super) hint: &'a str,
}

/// A segment that is a part of a larger file (RFC 8216, section 4.3.2.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Range {
    /// The file's address.
    pub uri: String,
    /// The address of the initialisation segment that it needs.
    pub map: String,
    /// Where in the file it begins, in bytes.
    pub position: u64,
    /// How many bytes it is.
    pub len: u64,
    /// How long it plays.
    pub duration: Duration,
    /// Its first picture's time of day, in milliseconds since 1970 UTC.
    pub unix_millis: i64,
    /// It does not continue the one before.
    pub discontinuity: bool,
}

/// A media playlist of parts of files (section 4.3.3): `sequence` segments and `discontinuities` were listed
/// before them. `None` without a segment.
pub fn ranges(
    sequence: u64,
    discontinuities: u64,
    ended: bool,
    entries: &[Range],
) -> Option<String> {
    let rounded = |d: Duration| (d + Duration::from_millis(500)).as_secs();
    let longest = entries.iter().map(|e| rounded(e.duration)).max()?;
    let head = Head {
        target: longest.max(1),
        sequence,
        discontinuities,
        ended,
        skipped: 0,
        low: None,
    };
    let listed: Vec<Entry<'_>> = entries
        .iter()
        .map(|entry| Entry {
            whole: Some((&entry.uri, entry.duration)),
            range: Some((entry.len, entry.position)),
            map: &entry.map,
            unix_millis: entry.unix_millis,
            discontinuity: entry.discontinuity,
            parts: Vec::new(),
        })
        .collect();
    Some(media(head, &listed))
}

/// A media playlist (section 4.3.3; with parts, RFC 8216bis).
pub(super) fn media(head: Head<'_>, entries: &[Entry<'_>]) -> String {
    let mut out = String::with_capacity(4_096);
    line(&mut out, format_args!("#EXTM3U"));
    let version = if head.low.is_some() { 9 } else { 7 };
    line(&mut out, format_args!("#EXT-X-VERSION:{version}"));
    line(
        &mut out,
        format_args!("#EXT-X-TARGETDURATION:{}", head.target),
    );
    if let Some(low) = head.low {
        control(&mut out, low);
    }
    line(
        &mut out,
        format_args!("#EXT-X-MEDIA-SEQUENCE:{}", head.sequence),
    );
    if head.discontinuities > 0 {
        let count = head.discontinuities;
        line(
            &mut out,
            format_args!("#EXT-X-DISCONTINUITY-SEQUENCE:{count}"),
        );
    }
    line(&mut out, format_args!("#EXT-X-INDEPENDENT-SEGMENTS"));
    if head.skipped > 0 {
        let count = head.skipped;
        line(
            &mut out,
            format_args!("#EXT-X-SKIP:SKIPPED-SEGMENTS={count}"),
        );
    }
    let mut map = "";
    for (n, entry) in entries.iter().enumerate() {
        // At the head of the list the sequence number has counted it.
        if entry.discontinuity && (n > 0 || head.skipped > 0) {
            line(&mut out, format_args!("#EXT-X-DISCONTINUITY"));
        }
        if entry.map != map {
            map = entry.map;
            line(&mut out, format_args!("#EXT-X-MAP:URI=\"{map}\""));
        }
        let at = date_time(entry.unix_millis);
        line(&mut out, format_args!("#EXT-X-PROGRAM-DATE-TIME:{at}"));
        for part in &entry.parts {
            piece(&mut out, part);
        }
        if let Some((uri, duration)) = entry.whole {
            let seconds = duration.as_secs_f64();
            line(&mut out, format_args!("#EXTINF:{seconds:.5},"));
            if let Some((len, position)) = entry.range {
                line(&mut out, format_args!("#EXT-X-BYTERANGE:{len}@{position}"));
            }
            line(&mut out, format_args!("{uri}"));
        }
    }
    if let Some(low) = head.low {
        let uri = low.hint;
        line(
            &mut out,
            format_args!("#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"{uri}\""),
        );
    }
    if head.ended {
        line(&mut out, format_args!("#EXT-X-ENDLIST"));
    }
    out
}

/// What the station does for players that stay close behind; they keep three parts and a bit.
fn control(out: &mut String, low: Low<'_>) {
    let (part, skip) = (low.part.as_secs_f64(), low.skip_until.as_secs_f64());
    let behind = (low.part * 3).as_secs_f64() + 0.05;
    line(
        out,
        format_args!(
            "#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK={behind:.3},CAN-SKIP-UNTIL={skip:.1}"
        ),
    );
    line(out, format_args!("#EXT-X-PART-INF:PART-TARGET={part:.5}"));
}

fn piece(out: &mut String, part: &Piece) {
    let (uri, seconds) = (&part.uri, part.duration.as_secs_f64());
    let independent = if part.independent {
        ",INDEPENDENT=YES"
    } else {
        ""
    };
    line(
        out,
        format_args!("#EXT-X-PART:DURATION={seconds:.5},URI=\"{uri}\"{independent}"),
    );
}

/// A multivariant playlist (section 4.3.4) of one rendition; rates in bits per second.
pub(super) fn multivariant(tracks: &[Track], peak: u64, average: u64, uri: &str) -> String {
    let mut out = String::with_capacity(256);
    line(&mut out, format_args!("#EXTM3U"));
    line(&mut out, format_args!("#EXT-X-VERSION:7"));
    line(&mut out, format_args!("#EXT-X-INDEPENDENT-SEGMENTS"));
    let mut attributes = format!("BANDWIDTH={peak},AVERAGE-BANDWIDTH={average}");
    let codecs: Vec<String> = tracks.iter().filter_map(|t| codec(&t.config)).collect();
    if !codecs.is_empty() {
        add(
            &mut attributes,
            format_args!(",CODECS=\"{}\"", codecs.join(",")),
        );
    }
    for track in tracks {
        if let Config::H264 {
            width,
            height,
            fps_millis,
            ..
        } = track.config
        {
            add(
                &mut attributes,
                format_args!(",RESOLUTION={width}x{height}"),
            );
            if fps_millis > 0 {
                let rate = f64::from(fps_millis) / 1e3;
                add(&mut attributes, format_args!(",FRAME-RATE={rate:.3}"));
            }
        }
    }
    line(&mut out, format_args!("#EXT-X-STREAM-INF:{attributes}"));
    line(&mut out, format_args!("{uri}"));
    out
}

/// The name of a codec in `CODECS` (RFC 6381).
fn codec(config: &Config) -> Option<String> {
    match config {
        // Profile, constraints and level stand right behind the NAL unit's header.
        Config::H264 { sps, .. } => match sps[..] {
            [_, profile, constraints, level, ..] => {
                Some(format!("avc1.{profile:02X}{constraints:02X}{level:02X}"))
            }
            _ => None,
        },
        Config::Aac { asc, .. } => aac::AudioConfig::parse(asc).ok().map(|a| a.codec_string()),
        Config::Opus { .. } => Some("opus".to_owned()),
    }
}

fn add(out: &mut String, text: std::fmt::Arguments<'_>) {
    out.push_str(&std::fmt::format(text));
}

fn line(out: &mut String, text: std::fmt::Arguments<'_>) {
    add(out, text);
    out.push('\n');
}

/// ISO 8601 in UTC with milliseconds, as EXT-X-PROGRAM-DATE-TIME wants it (section 4.3.2.6).
fn date_time(unix_millis: i64) -> String {
    let (days, millis) = (
        unix_millis.div_euclid(86_400_000),
        unix_millis.rem_euclid(86_400_000),
    );
    let (year, month, day) = date(days);
    let (seconds, millis) = (millis / 1_000, millis % 1_000);
    let (hour, minute, second) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z")
}

/// Year, month and day of a number of days since 1970-01-01, in the Gregorian calendar.
fn date(days: i64) -> (i64, i64, i64) {
    // Counted from 1 March of year 0, leap days come last in their year and four centuries repeat.
    const ERA: i64 = 146_097;
    let days = days + 719_468;
    let (era, day) = (days.div_euclid(ERA), days.rem_euclid(ERA));
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (month, later) = if month < 10 {
        (month + 3, 0)
    } else {
        (month - 9, 1)
    };
    (era * 400 + year + later, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    #[test]
    fn times_of_day() {
        for (millis, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (1_709_251_199_999, "2024-02-29T23:59:59.999Z"),
            (1_735_689_600_001, "2025-01-01T00:00:00.001Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
            (-1, "1969-12-31T23:59:59.999Z"),
        ] {
            assert_eq!(date_time(millis), text);
        }
    }

    #[test]
    fn multivariant_names_codecs_size_and_rate() {
        let tracks = [testing::video(0), testing::audio(1)];
        assert_eq!(
            multivariant(&tracks, 3_000_000, 2_600_000, "media.m3u8"),
            "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-INDEPENDENT-SEGMENTS\n\
             #EXT-X-STREAM-INF:BANDWIDTH=3000000,AVERAGE-BANDWIDTH=2600000,\
             CODECS=\"avc1.42C01F,mp4a.40.2\",RESOLUTION=1280x720,FRAME-RATE=30.000\nmedia.m3u8\n"
        );
    }

    #[test]
    fn media_lists_maps_and_discontinuities_where_they_change() {
        let entry = |uri, map, discontinuity| Entry {
            whole: Some((uri, Duration::from_millis(2_033))),
            range: None,
            map,
            unix_millis: 0,
            discontinuity,
            parts: Vec::new(),
        };
        let head = Head {
            target: 2,
            sequence: 41,
            discontinuities: 1,
            ended: true,
            skipped: 0,
            low: None,
        };
        let entries = [
            entry("41.m4s", "i0.mp4", true),
            entry("42.m4s", "i0.mp4", false),
            entry("43.m4s", "i1.mp4", true),
        ];
        assert_eq!(
            media(head, &entries),
            "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:41\n\
             #EXT-X-DISCONTINUITY-SEQUENCE:1\n#EXT-X-INDEPENDENT-SEGMENTS\n\
             #EXT-X-MAP:URI=\"i0.mp4\"\n\
             #EXT-X-PROGRAM-DATE-TIME:1970-01-01T00:00:00.000Z\n#EXTINF:2.03300,\n41.m4s\n\
             #EXT-X-PROGRAM-DATE-TIME:1970-01-01T00:00:00.000Z\n#EXTINF:2.03300,\n42.m4s\n\
             #EXT-X-DISCONTINUITY\n#EXT-X-MAP:URI=\"i1.mp4\"\n\
             #EXT-X-PROGRAM-DATE-TIME:1970-01-01T00:00:00.000Z\n#EXTINF:2.03300,\n43.m4s\n\
             #EXT-X-ENDLIST\n"
        );
    }
}
