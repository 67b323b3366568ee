//! A text file that may change at any time.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::Path;

/// Bytes that are read of a file; what is beyond is left out.
const MOST: u64 = 64 * 1024;

/// What a look at the file found.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// The text is as it was.
    Same,
    /// There is another text.
    New,
    /// It cannot be read; why, for people.
    Missing(String),
}

/// A file as it was last read.
#[derive(Debug, Default)]
pub(super) struct Watched {
    text: Option<String>,
    cut: bool,
    bytes: Vec<u8>,
}

impl Watched {
    /// Reads the file. All of it each time, for it is small: whatever wrote it, and whatever the file system
    /// says of its age, no change is missed.
    pub(super) fn read(&mut self, path: &Path) -> Found {
        self.bytes.clear();
        let read =
            File::open(path).and_then(|file| file.take(MOST + 1).read_to_end(&mut self.bytes));
        if let Err(error) = read {
            self.text = None;
            let shown = path.display();
            return Found::Missing(match error.kind() {
                ErrorKind::NotFound => format!(
                    "{shown} is not there; put it back, or choose another file. It is looked for twice a second"
                ),
                _ => format!("{shown} cannot be read: {error}"),
            });
        }
        self.cut = self.bytes.len() as u64 > MOST;
        self.bytes.truncate(MOST as usize);
        let text = decoded(&self.bytes);
        if self.text.as_ref() == Some(&text) {
            return Found::Same;
        }
        self.text = Some(text);
        Found::New
    }

    /// What was read last; empty while nothing was.
    pub(super) fn text(&self) -> &str {
        self.text.as_deref().unwrap_or_default()
    }

    /// What is to be known, for people.
    pub(super) fn detail(&self) -> Option<String> {
        self.cut
            .then(|| "only the first 64 KB of the file".to_owned())
    }
}

/// UTF-8, or UTF-16 where a byte order mark says so, as editors on Windows write it. What is neither is
/// shown as replacement characters.
fn decoded(bytes: &[u8]) -> String {
    let wide = |bytes: &[u8], unit: fn([u8; 2]) -> u16| {
        let (pairs, _) = bytes.as_chunks::<2>();
        let units: Vec<u16> = pairs.iter().map(|pair| unit(*pair)).collect();
        String::from_utf16_lossy(&units)
    };
    let text = match bytes {
        [0xEF, 0xBB, 0xBF, rest @ ..] => String::from_utf8_lossy(rest).into_owned(),
        [0xFF, 0xFE, rest @ ..] => wide(rest, u16::from_le_bytes),
        [0xFE, 0xFF, rest @ ..] => wide(rest, u16::from_be_bytes),
        plain => String::from_utf8_lossy(plain).into_owned(),
    };
    text.trim_end().replace("\r\n", "\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_to_write_a_text_is_read() {
        for (bytes, expect) in [
            (&b"plain \xc3\xbc\r\nlines\n\n"[..], "plain \u{fc}\nlines"),
            (b"\xef\xbb\xbfmarked", "marked"),
            (b"\xff\xfeh\0i\0", "hi"),
            (b"\xfe\xff\0h\0i", "hi"),
            (b"broken \xff\xff", "broken \u{fffd}\u{fffd}"),
            (b"", ""),
        ] {
            assert_eq!(decoded(bytes), expect);
        }
    }

    #[test]
    fn a_file_is_missing_there_changed_and_too_long() {
        let folder = std::env::temp_dir().join(format!("klieg-watched-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join("now-playing.txt");
        let mut watched = Watched::default();
        let Found::Missing(problem) = watched.read(&path) else {
            panic!("it is not there");
        };
        assert!(
            problem.contains("now-playing.txt is not there"),
            "{problem}"
        );
        std::fs::write(&path, "one").unwrap();
        assert_eq!(watched.read(&path), Found::New);
        assert_eq!(watched.read(&path), Found::Same);
        std::fs::write(&path, "two").unwrap();
        assert_eq!(watched.read(&path), Found::New);
        assert_eq!(watched.text(), "two");
        std::fs::write(&path, "x".repeat(100_000)).unwrap();
        assert_eq!(watched.read(&path), Found::New);
        assert_eq!(watched.text().len(), 65_536);
        assert!(watched.detail().is_some_and(|said| said.contains("64 KB")));
        std::fs::remove_dir_all(&folder).unwrap();
        assert!(matches!(watched.read(&path), Found::Missing(_)));
    }
}
