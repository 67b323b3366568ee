//! What is recorded, and kept behind the live picture.

use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;
use toml::Value;

use super::{On, WhenFull, bounded};

/// What is recorded, and kept behind the live picture.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Recording {
    /// Where recordings and clips go; the folder `recordings` of the data folder when absent.
    pub folder: Option<PathBuf>,
    /// How files are called.
    pub name: Template,
    /// Each broadcast is recorded.
    pub every_broadcast: bool,
    /// A recording goes on in another file after so long.
    pub split_minutes: SplitMinutes,
    /// The same after so many bytes.
    pub split_megabytes: SplitMegabytes,
    /// What is left of the disk.
    pub leave_free_megabytes: LeaveFree,
    /// How much room the library may take.
    pub quota_gigabytes: Quota,
    /// What happens when it is used up.
    pub when_full: WhenFull,
    /// How far viewers can go back.
    pub rewind_minutes: RewindMinutes,
    /// They can in publishers' channels, too.
    pub rewind_publishers: On,
    /// How much a replay saves.
    pub replay_seconds: ReplaySeconds,
}

bounded!(
    /// Minutes of a file.
    SplitMinutes(u32), "minutes", 0..=1_440, 0
);
bounded!(
    /// Megabytes of a file.
    SplitMegabytes(u32), "megabytes", 0..=1_000_000, 0
);
bounded!(
    /// Megabytes of the disk that stay free.
    LeaveFree(u32), "megabytes", 1..=1_000_000, 500
);
bounded!(
    /// Gigabytes of the library.
    Quota(u32), "gigabytes", 0..=1_000_000, 0
);
bounded!(
    /// Minutes to go back.
    RewindMinutes(u32), "minutes", 0..=720, 10
);
bounded!(
    /// Seconds of a replay.
    ReplaySeconds(u32), "seconds", 5..=600, 30
);

impl Recording {
    /// How much is kept behind: as far as viewers go back, or replays reach.
    pub fn behind(&self) -> Duration {
        let rewind = Duration::from_secs(u64::from(self.rewind_minutes.get()) * 60);
        let replay = Duration::from_secs(u64::from(self.replay_seconds.get()) + 10);
        rewind.max(replay)
    }

    /// When a recording goes on in another file.
    pub fn split(&self) -> Option<archive::Split> {
        let (minutes, megabytes) = (self.split_minutes.get(), self.split_megabytes.get());
        match (minutes, megabytes) {
            (0, 0) => None,
            (0, megabytes) => Some(archive::Split::Size(u64::from(megabytes) << 20)),
            (minutes, _) => Some(archive::Split::Time(Duration::from_secs(
                u64::from(minutes) * 60,
            ))),
        }
    }

    /// Bytes that the library may take; none when that is no matter.
    pub fn quota(&self) -> Option<u64> {
        let gigabytes = u64::from(self.quota_gigabytes.get());
        (gigabytes > 0).then_some(gigabytes * 1_000_000_000)
    }

    /// Bytes of the disk that stay free.
    pub fn leave_free(&self) -> u64 {
        u64::from(self.leave_free_megabytes.get()) << 20
    }
}

/// How files are called: a text with `{title}`, `{channel}`, `{date}` and `{time}` in it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Template(String);

/// What may stand between braces.
const WORDS: [&str; 4] = ["title", "channel", "date", "time"];

impl Template {
    /// As it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A file's name without its ending: nothing in it leads out of its folder, and every system takes it.
    pub(crate) fn fill(&self, title: &str, channel: &str, date: &str, time: &str) -> String {
        let mut name = self.0.clone();
        for (word, value) in WORDS.iter().zip([title, channel, date, time]) {
            name = name.replace(&format!("{{{word}}}"), value);
        }
        plain(&name)
    }
}

/// A text as a file's name: at most 100 characters, none of which any system refuses.
pub(crate) fn plain(text: &str) -> String {
    let fine = |c: char| {
        if c.is_control() || "/\\:*?\"<>|".contains(c) {
            '-'
        } else {
            c
        }
    };
    let name: String = text.chars().map(fine).take(100).collect();
    let name = name.trim().trim_matches('.').trim();
    if name.is_empty() {
        "Recording".into()
    } else {
        name.to_owned()
    }
}

impl Default for Template {
    fn default() -> Self {
        Self("{title} {date} {time}".into())
    }
}

impl TryFrom<String> for Template {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        if text.trim().is_empty() || text.chars().count() > 200 {
            return Err("a name has 1 to 200 characters".into());
        }
        let mut rest = text.as_str();
        while let Some((_, after)) = rest.split_once('{') {
            let (word, then) = after
                .split_once('}')
                .ok_or_else(|| format!("\"{text}\" has a {{ without its }}"))?;
            if !WORDS.contains(&word) {
                return Err(format!(
                    "{{{word}}} stands for nothing; there are {{title}}, {{channel}}, {{date}} and {{time}}"
                ));
            }
            rest = then;
        }
        Ok(Self(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_in_their_folder() {
        let template = Template::default();
        let fill = |title: &str| template.fill(title, "program", "2026-05-04", "10-11-12");
        for (title, name) in [
            ("My show", "My show 2026-05-04 10-11-12"),
            ("../../etc/passwd", "-..-etc-passwd 2026-05-04 10-11-12"),
            (
                "a\\b:c*d?e\"f<g>h|i\0j",
                "a-b-c-d-e-f-g-h-i-j 2026-05-04 10-11-12",
            ),
        ] {
            assert_eq!(fill(title), name);
        }
        let only = Template::try_from("{title}".to_owned()).unwrap();
        assert_eq!(only.fill("...", "", "", ""), "Recording");
        assert_eq!(only.fill(&"x".repeat(300), "", "", "").len(), 100);
    }

    #[test]
    fn words_that_stand_for_nothing_are_refused() {
        for (text, says) in [
            ("{tilte}", "{tilte} stands for nothing"),
            ("{title", "without its }"),
            (" ", "1 to 200"),
        ] {
            let refused = Template::try_from(text.to_owned()).unwrap_err();
            assert!(refused.contains(says), "{refused}");
        }
    }
}
