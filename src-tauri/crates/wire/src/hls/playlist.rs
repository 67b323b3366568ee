//! The text of playlists (RFC 8216, section 4).

use std::time::Duration;

use media::{Config, Track, aac};

/// A segment as a media playlist lists it.
#[derive(Clone, Debug)]
pub(super) struct Entry<'a> {
    pub(super) uri: &'a str,
    /// The initialisation segment that it needs.
    pub(super) map: &'a str,
    pub(super) duration: Duration,
    /// Its first picture's time of day, in milliseconds since 1970 UTC.
    pub(super) unix_millis: i64,
    /// It does not continue the one before.
    pub(super) discontinuity: bool,
}

/// What stands at the head of a media playlist.
#[derive(Clone, Copy, Debug)]
pub(super) struct Head {
    /// Seconds; no segment is longer when rounded.
    pub(super) target: u64,
    /// Number of the first segment listed.
    pub(super) sequence: u64,
    /// Discontinuities before the first segment listed.
    pub(super) discontinuities: u64,
    /// Nothing follows.
    pub(super) ended: bool,
}

/// A media playlist (section 4.3.3).
pub(super) fn media<'a>(head: Head, entries: impl Iterator<Item = Entry<'a>>) -> String {
    let mut out = String::with_capacity(1_024);
    line(&mut out, format_args!("#EXTM3U"));
    line(&mut out, format_args!("#EXT-X-VERSION:7"));
    line(
        &mut out,
        format_args!("#EXT-X-TARGETDURATION:{}", head.target),
    );
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
    let mut map = "";
    for (n, entry) in entries.enumerate() {
        // At the head of the list the sequence number has counted it.
        if entry.discontinuity && n > 0 {
            line(&mut out, format_args!("#EXT-X-DISCONTINUITY"));
        }
        if entry.map != map {
            map = entry.map;
            line(&mut out, format_args!("#EXT-X-MAP:URI=\"{map}\""));
        }
        let at = date_time(entry.unix_millis);
        line(&mut out, format_args!("#EXT-X-PROGRAM-DATE-TIME:{at}"));
        let seconds = entry.duration.as_secs_f64();
        line(&mut out, format_args!("#EXTINF:{seconds:.5},"));
        line(&mut out, format_args!("{}", entry.uri));
    }
    if head.ended {
        line(&mut out, format_args!("#EXT-X-ENDLIST"));
    }
    out
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
            uri,
            map,
            duration: Duration::from_millis(2_033),
            unix_millis: 0,
            discontinuity,
        };
        let head = Head {
            target: 2,
            sequence: 41,
            discontinuities: 1,
            ended: true,
        };
        let entries = [
            entry("41.m4s", "i0.mp4", true),
            entry("42.m4s", "i0.mp4", false),
            entry("43.m4s", "i1.mp4", true),
        ];
        assert_eq!(
            media(head, entries.into_iter()),
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
