//! Media files that are not played here: what they are, and how to make one of them that is.

use std::path::Path;

/// Bytes of a file's beginning that tell what it is.
pub(super) const HEAD: usize = 64 * 1024;

/// Codecs as Matroska writes them (RFC 9559, section 27), and as people do.
const MATROSKA: [(&str, &str); 17] = [
    ("V_VP8", "VP8"),
    ("V_VP9", "VP9"),
    ("V_AV1", "AV1"),
    ("V_MPEG4/ISO/AVC", "H.264"),
    ("V_MPEGH/ISO/HEVC", "HEVC"),
    ("V_MPEG4/ISO/ASP", "MPEG-4"),
    ("V_MPEG2", "MPEG-2"),
    ("V_PRORES", "ProRes"),
    ("V_THEORA", "Theora"),
    ("A_OPUS", "Opus"),
    ("A_VORBIS", "Vorbis"),
    ("A_AAC", "AAC"),
    ("A_AC3", "AC-3"),
    ("A_EAC3", "E-AC-3"),
    ("A_DTS", "DTS"),
    ("A_FLAC", "FLAC"),
    ("A_PCM", "PCM"),
];

/// What a file is by its first bytes, when it is media of a kind that is not played here.
pub(super) fn name(head: &[u8]) -> Option<String> {
    match head {
        [0x1A, 0x45, 0xDF, 0xA3, ..] => Some(matroska(head)),
        [
            b'R',
            b'I',
            b'F',
            b'F',
            _,
            _,
            _,
            _,
            b'A',
            b'V',
            b'I',
            b' ',
            ..,
        ] => Some("AVI".into()),
        [b'F', b'L', b'V', 1, ..] => Some("Flash video".into()),
        [0x30, 0x26, 0xB2, 0x75, 0x8E, 0x66, 0xCF, 0x11, ..] => Some("Windows Media".into()),
        [0, 0, 1, 0xBA, ..] => Some("an MPEG program stream".into()),
        _ if is_transport_stream(head) => Some("an MPEG transport stream".into()),
        _ => None,
    }
}

fn matroska(head: &[u8]) -> String {
    let kind = if find(head, b"webm") {
        "WebM"
    } else {
        "Matroska"
    };
    let codecs = MATROSKA.iter().filter(|(id, _)| find(head, id.as_bytes()));
    let codecs: Vec<&str> = codecs.map(|(_, name)| *name).collect();
    match codecs.split_last() {
        None => kind.to_owned(),
        Some((last, [])) => format!("{kind} with {last}"),
        Some((last, others)) => format!("{kind} with {} and {last}", others.join(", ")),
    }
}

fn find(head: &[u8], text: &[u8]) -> bool {
    head.windows(text.len()).any(|part| part == text)
}

/// Packets of 188 bytes, each of which begins alike.
fn is_transport_stream(head: &[u8]) -> bool {
    let begins = |packet: usize| head.get(packet * 188) == Some(&0x47);
    (0..4).all(begins)
}

/// What to do with such a file, for people.
pub(super) fn advice(path: &Path, what: &str) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let mut made = Path::new(&*name).with_extension("mp4");
    if made == Path::new(&*name) {
        made = Path::new(&*name).with_extension("h264.mp4");
    }
    // H.264 stays as it is, without loss and in seconds.
    let video = if what.contains("H.264") {
        "-c:v copy"
    } else {
        "-c:v libx264 -pix_fmt yuv420p"
    };
    format!(
        "{} is {what}, which Klieg does not play. Convert it with FFmpeg, then choose the new file: \
         ffmpeg -i \"{name}\" {video} -c:a aac \"{}\"",
        path.display(),
        made.display()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_other_kinds_are_known_by_their_beginning() {
        let mut stream = vec![0; 188 * 4];
        for packet in 0..4 {
            stream[packet * 188] = 0x47;
        }
        let webm = b"\x1A\x45\xDF\xA3..webm....V_VP9..A_OPUS..";
        let mkv = b"\x1A\x45\xDF\xA3..matroska..V_MPEG4/ISO/AVC....A_AAC..A_AC3";
        for (head, expect) in [
            (&webm[..], Some("WebM with VP9 and Opus")),
            (mkv, Some("Matroska with H.264, AAC and AC-3")),
            (b"\x1A\x45\xDF\xA3", Some("Matroska")),
            (b"RIFF....AVI LIST", Some("AVI")),
            (b"RIFF....WAVEfmt ", None),
            (b"FLV\x01\x05", Some("Flash video")),
            (&stream, Some("an MPEG transport stream")),
            (b"G", None),
            (b"\0\0\0\x18ftypmp42", None),
            (b"", None),
        ] {
            assert_eq!(name(head).as_deref(), expect);
        }
    }

    #[test]
    fn the_advice_can_be_copied_into_a_terminal() {
        for (path, what, expect) in [
            (
                "/show/my clip.webm",
                "WebM with VP9 and Opus",
                "ffmpeg -i \"my clip.webm\" -c:v libx264 -pix_fmt yuv420p -c:a aac \"my clip.mp4\"",
            ),
            (
                "/show/take.mkv",
                "Matroska with H.264 and AAC",
                "ffmpeg -i \"take.mkv\" -c:v copy -c:a aac \"take.mp4\"",
            ),
            (
                "/show/phone.mp4",
                "MP4 with HEVC (H.265)",
                "ffmpeg -i \"phone.mp4\" -c:v libx264 -pix_fmt yuv420p -c:a aac \"phone.h264.mp4\"",
            ),
        ] {
            let advice = advice(Path::new(path), what);
            assert!(advice.contains(expect), "{advice}");
            assert!(
                advice.starts_with(path) && advice.contains(what),
                "{advice}"
            );
        }
    }
}
