//! Where the encoder goes beyond what a platform takes, in words.

use api::{Platform, Rendition};
use scene::Canvas;

use crate::destinations::Terms;

/// What should change before this destination goes live, a sentence each. `own` is its own picture, where it does
/// not get the program's.
pub(crate) fn advice(
    platform: Option<&Platform>,
    url: &str,
    terms: &Terms,
    canvas: Canvas,
    own: Option<Rendition>,
) -> Vec<String> {
    let Some(platform) = platform else {
        return Vec::new();
    };
    let (name, limits) = (platform.name, &platform.limits);
    let video_bitrate = own.map_or(terms.video_bitrate, |own| own.bitrate);
    let height = own.map_or(canvas.height, |own| own.height.min(canvas.height));
    let (lower, smaller) = match own {
        Some(_) => (
            "Lower the bitrate of its own picture.",
            "Make its own picture smaller.",
        ),
        None => (
            "Lower encoder.bitrate in the settings, or give it a picture of its own.",
            "Give it a picture of its own.",
        ),
    };
    let mut said = Vec::new();
    if limits.secure && url.trim().to_ascii_lowercase().starts_with("rtmp:") {
        said.push(format!(
            "{name} takes rtmps:// alone. Choose its encrypted server."
        ));
    }
    if let Some(most) = limits.video_bitrate
        && video_bitrate > most
    {
        said.push(format!(
            "{name} takes a picture of {} at most, and yours is {}. {lower}",
            megabits(most.into()),
            megabits(video_bitrate.into())
        ));
    }
    if let Some(most) = limits.audio_bitrate
        && terms.audio_bitrate > most
    {
        said.push(format!(
            "{name} takes sound of {} kbps at most, and yours is {} kbps. Lower encoder.audio_bitrate in the \
             settings.",
            most / 1000,
            terms.audio_bitrate / 1000
        ));
    }
    if let Some(most) = limits.keyframe_seconds
        && terms.keyframe_seconds > f64::from(most)
    {
        said.push(format!(
            "{name} asks for a keyframe every {most} seconds at least, and yours come every {}. Lower \
             encoder.keyframe_seconds in the settings.",
            terms.keyframe_seconds
        ));
    }
    if let Some(most) = limits.height
        && height > most
    {
        said.push(format!(
            "{name} shows {most} lines at most, and your picture has {height}. It may refuse it. {smaller}"
        ));
    }
    if let Some(most) = limits.fps
        && canvas.fps > most
    {
        said.push(format!(
            "{name} shows {most} pictures a second at most, and your canvas makes {}.",
            canvas.fps
        ));
    }
    said
}

/// `6 Mbps`, `4.5 Mbps`.
pub(crate) fn megabits(bits: u64) -> String {
    let tenths = (bits + 50_000) / 100_000;
    match tenths % 10 {
        0 => format!("{} Mbps", tenths / 10),
        rest => format!("{}.{rest} Mbps", tenths / 10),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CANVAS: Canvas = Canvas {
        width: 1280,
        height: 720,
        fps: 30,
    };

    fn terms(video: u32, audio: u32, keyframe: f64) -> Terms {
        Terms {
            video_bitrate: video,
            audio_bitrate: audio,
            keyframe_seconds: keyframe,
            ..Terms::default()
        }
    }

    #[test]
    fn what_goes_beyond_a_platform_is_said_and_nothing_else() {
        let tall = Canvas {
            height: 1440,
            fps: 120,
            ..CANVAS
        };
        let usual = terms(2_500_000, 128_000, 2.0);
        let much = terms(8_000_000, 320_000, 4.0);
        let secure = "rtmps://x/app";
        for (platform, url, terms, canvas, expect) in [
            ("twitch", secure, &usual, CANVAS, &[][..]),
            (
                "twitch",
                secure,
                &much,
                CANVAS,
                &["6 Mbps at most, and yours is 8 Mbps", "every 2 seconds"],
            ),
            (
                "twitch",
                secure,
                &usual,
                tall,
                &["1080 lines", "60 pictures a second"],
            ),
            ("youtube", secure, &much, CANVAS, &[]),
            (
                "facebook",
                "rtmp://x/rtmp",
                &usual,
                CANVAS,
                &["rtmps:// alone"],
            ),
            ("facebook", secure, &much, CANVAS, &["sound of 128 kbps"]),
            ("rtmp", "rtmp://x/app", &much, tall, &[]),
            (
                "klieg",
                "http://x/a/whip",
                &terms(1, 1, 9.0),
                CANVAS,
                &["every 4 seconds"],
            ),
        ] {
            let said = advice(Platform::find(platform), url, terms, canvas, None);
            assert_eq!(said.len(), expect.len(), "{platform}: {said:?}");
            for (said, expect) in said.iter().zip(expect) {
                assert!(said.contains(expect), "{platform}: {said}");
            }
        }
        assert!(advice(None, "rtmp://x", &much, tall, None).is_empty());
        // What it has of its own counts, never more than the canvas has.
        let twitch = |height, bitrate| {
            let own = Some(Rendition { height, bitrate });
            let calm = terms(8_000_000, 128_000, 2.0);
            let slow = Canvas { fps: 30, ..tall };
            advice(Platform::find("twitch"), secure, &calm, slow, own)
        };
        assert_eq!(twitch(1_080, 6_000_000), [""; 0]);
        let said = twitch(2_160, 7_000_000);
        assert!(said[0].ends_with("yours is 7 Mbps. Lower the bitrate of its own picture."));
        assert!(said[1].contains("your picture has 1440. "), "{said:?}");
    }

    #[test]
    fn rates_are_as_short_as_they_can_be() {
        for (bits, expect) in [
            (6_000_000, "6 Mbps"),
            (4_460_000, "4.5 Mbps"),
            (0, "0 Mbps"),
        ] {
            assert_eq!(megabits(bits), expect);
        }
    }
}
