//! What the station knows and scenes show: who watches, and what is said in the chat.
//!
//! The program knows no network: whoever runs it hands these in.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use media::latest;
use parking_lot::Mutex;
use scene::SceneId;

/// Messages of a channel that are kept to be drawn.
const KEPT: usize = 50;

/// What is handed in, by channel. Only what a source has asked for is kept.
#[derive(Debug, Default)]
pub struct Feeds {
    viewers: Mutex<BTreeMap<String, Arc<AtomicU64>>>,
    rooms: Mutex<BTreeMap<String, Arc<Room>>>,
}

/// A chat message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Grows with time, unique.
    pub id: i64,
    /// Who says so.
    pub name: String,
    /// Whether it is the host, or somebody who keeps order.
    pub of_house: bool,
    /// What.
    pub text: String,
    /// When, in milliseconds since 1970 UTC.
    pub at: i64,
}

/// The chat of a channel as far as it is drawn.
#[derive(Debug, Default)]
pub(super) struct Room {
    told: Mutex<Told>,
}

#[derive(Debug, Default)]
struct Told {
    /// By identity, the oldest first.
    lines: VecDeque<Line>,
    /// What was said before is in it.
    filled: bool,
    /// Grows whenever something is taken away.
    deletions: u64,
    /// Grows with every change.
    version: u64,
}

impl Feeds {
    /// The channels whose viewers somebody shows.
    pub fn watched(&self) -> Vec<String> {
        let mut viewers = self.viewers.lock();
        viewers.retain(|_, count| Arc::strong_count(count) > 1);
        viewers.keys().cloned().collect()
    }

    /// Hands in how many watch a channel.
    pub fn set_viewers(&self, channel: &str, count: u64) {
        if let Some(kept) = self.viewers.lock().get(channel) {
            kept.store(count, Ordering::Relaxed);
        }
    }

    /// The channels whose chat somebody shows and whose past is missing, each with what [`fill`](Self::fill)
    /// wants to be shown.
    pub fn unfilled(&self) -> Vec<(String, u64)> {
        let mut rooms = self.rooms.lock();
        rooms.retain(|_, room| Arc::strong_count(room) > 1);
        let missing = rooms.iter().filter_map(|(channel, room)| {
            let told = room.told.lock();
            (!told.filled).then(|| (channel.clone(), told.deletions))
        });
        missing.collect()
    }

    /// Hands in what was said before. Without effect where something was deleted since
    /// [`unfilled`](Self::unfilled) was asked: it might be among the lines.
    pub fn fill(&self, channel: &str, deletions: u64, lines: impl IntoIterator<Item = Line>) {
        self.change(channel, |told| {
            if told.deletions == deletions {
                told.filled = true;
                for line in lines {
                    told.insert(line);
                }
            }
        });
    }

    /// Hands in a message.
    pub fn said(&self, channel: &str, line: Line) {
        self.change(channel, |told| told.insert(line));
    }

    /// Takes messages away: these, or all.
    pub fn deleted(&self, channel: &str, messages: Option<&[i64]>) {
        self.change(channel, |told| {
            told.deletions += 1;
            match messages {
                Some(ids) => told.lines.retain(|line| !ids.contains(&line.id)),
                None => told.lines.clear(),
            }
        });
    }

    /// Something was missed: every chat is to be handed in anew.
    pub fn missed(&self) {
        for room in self.rooms.lock().values() {
            let mut told = room.told.lock();
            let (deletions, version) = (told.deletions + 1, told.version + 1);
            *told = Told {
                deletions,
                version,
                ..Told::default()
            };
        }
    }

    fn change(&self, channel: &str, change: impl FnOnce(&mut Told)) {
        if let Some(room) = self.rooms.lock().get(channel) {
            let mut told = room.told.lock();
            change(&mut told);
            told.version += 1;
        }
    }

    pub(super) fn viewers(&self, channel: &str) -> Arc<AtomicU64> {
        let mut viewers = self.viewers.lock();
        Arc::clone(viewers.entry(channel.to_owned()).or_default())
    }

    pub(super) fn room(&self, channel: &str) -> Arc<Room> {
        let mut rooms = self.rooms.lock();
        Arc::clone(rooms.entry(channel.to_owned()).or_default())
    }
}

impl Told {
    fn insert(&mut self, line: Line) {
        match self.lines.binary_search_by_key(&line.id, |known| known.id) {
            Ok(at) => self.lines[at] = line,
            Err(at) => self.lines.insert(at, line),
        }
        if self.lines.len() > KEPT {
            self.lines.pop_front();
        }
    }
}

impl Room {
    /// What [`lines`](Self::lines) would give is another when this is.
    pub(super) fn version(&self) -> u64 {
        self.told.lock().version
    }

    /// The newest `count`, the oldest of them first.
    pub(super) fn lines(&self, count: usize) -> Vec<Line> {
        let told = self.told.lock();
        let skipped = told.lines.len().saturating_sub(count);
        told.lines.iter().skip(skipped).cloned().collect()
    }

    /// Identities and times of the newest `count`, the oldest of them first.
    pub(super) fn ages(&self, count: usize, mut each: impl FnMut(i64, i64)) {
        let told = self.told.lock();
        let skipped = told.lines.len().saturating_sub(count);
        for line in told.lines.iter().skip(skipped) {
            each(line.id, line.at);
        }
    }
}

/// The way in which a source asks for another scene. Latest wins.
#[derive(Clone, Debug)]
pub(crate) struct SwitchTo {
    wanted: Arc<latest::Sender<Wanted>>,
}

/// A scene that a source wants on the program, with a number that grows with each wish.
pub type Wanted = Option<(u64, SceneId)>;

impl Default for SwitchTo {
    fn default() -> Self {
        Self {
            wanted: Arc::new(latest::channel(None).0),
        }
    }
}

impl SwitchTo {
    pub(super) fn to(&self, scene: SceneId) {
        self.wanted.send_modify(|wanted| {
            let number = wanted.as_ref().map_or(0, |(number, _)| *number);
            *wanted = Some((number + 1, scene));
        });
    }

    pub(crate) fn receiver(&self) -> latest::Receiver<Wanted> {
        self.wanted.subscribe()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(id: i64) -> Line {
        Line {
            id,
            name: "ana".into(),
            of_house: false,
            text: format!("message {id}"),
            at: id * 1000,
        }
    }

    fn ids(room: &Room, count: usize) -> Vec<i64> {
        room.lines(count).iter().map(|line| line.id).collect()
    }

    #[test]
    fn only_what_is_shown_is_kept() {
        let feeds = Feeds::default();
        feeds.said("program", line(1));
        let room = feeds.room("program");
        assert_eq!(feeds.unfilled(), [("program".to_owned(), 0)]);
        feeds.said("program", line(5));
        feeds.said("hall", line(6));
        feeds.fill("program", 0, [line(4), line(5), line(3)]);
        assert_eq!(ids(&room, 9), [3, 4, 5]);
        assert_eq!(ids(&room, 2), [4, 5]);
        assert!(feeds.unfilled().is_empty());
        for id in 10..100 {
            feeds.said("program", line(id));
        }
        assert_eq!(ids(&room, 1000).len(), KEPT);
        drop(room);
        assert!(feeds.unfilled().is_empty() && feeds.rooms.lock().is_empty());
    }

    #[test]
    fn what_is_deleted_never_comes_back() {
        let feeds = Feeds::default();
        let room = feeds.room("program");
        feeds.fill("program", 0, (1..=6).map(line));
        feeds.deleted("program", Some(&[2, 4, 99]));
        assert_eq!(ids(&room, 9), [1, 3, 5, 6]);
        feeds.deleted("program", None);
        assert!(ids(&room, 9).is_empty());
        // The past was asked for, something deleted, and only then did the answer come.
        feeds.missed();
        let (_, asked) = feeds.unfilled().remove(0);
        feeds.deleted("program", Some(&[7]));
        feeds.fill("program", asked, [line(7), line(8)]);
        assert!(ids(&room, 9).is_empty());
        let (_, again) = feeds.unfilled().remove(0);
        feeds.fill("program", again, [line(8)]);
        assert_eq!(ids(&room, 9), [8]);
    }

    #[test]
    fn viewers_are_counted_where_they_are_shown() {
        let feeds = Feeds::default();
        let count = feeds.viewers("hall");
        assert_eq!(feeds.watched(), ["hall"]);
        feeds.set_viewers("hall", 3);
        feeds.set_viewers("program", 4);
        assert_eq!(count.load(Ordering::Relaxed), 3);
        drop(count);
        assert!(feeds.watched().is_empty());
    }
}
