//! The room that the library takes: how much it may be, a warning before it is used up, and what happens then.

use std::path::Path;
use std::time::Duration;

use api::{Code, Problem};
use media::Timestamp;

use super::{Kept, SUBJECT};
use crate::settings::{Recording, WhenFull};
use crate::studio::Shared;
use archive::Request;

/// How often it is looked at.
const LOOK: Duration = Duration::from_secs(1);

/// Of how much of the room a warning is given, in percent.
const WARN: u64 = 90;

/// The room as it was looked at last.
#[derive(Debug, Default)]
pub(super) struct Room {
    now: api::Room,
    when_full: WhenFull,
    next: Option<Timestamp>,
}

impl Room {
    fn is_full(&self) -> bool {
        self.now.quota.is_some_and(|quota| self.now.used >= quota)
    }

    /// What is said before it is used up, and when it is.
    pub(super) fn warning(&self) -> Option<Problem> {
        let quota = self.now.quota?;
        let used = self.now.used;
        if used.saturating_mul(100) < quota.saturating_mul(WARN) {
            return None;
        }
        let then = match self.when_full {
            WhenFull::DeleteOldest => {
                "When it is used up, the oldest shows that are not protected are deleted for good."
            }
            WhenFull::StopRecording if self.is_full() => {
                "Nothing is recorded until there is room: delete shows for good, or allow more (recording.quota_gigabytes)."
            }
            WhenFull::StopRecording => {
                "When it is used up, recordings end. Delete shows for good, or allow more (recording.quota_gigabytes)."
            }
        };
        let text = format!(
            "The library has taken {} of {}. {then}",
            gigabytes(used),
            gigabytes(quota)
        );
        Some(Problem::new(Code::Unavailable, text).about(SUBJECT))
    }

    /// Whether there is room for a recording.
    ///
    /// # Errors
    /// What to do when there is none.
    pub(super) fn may_record(&self, how: &Recording) -> Result<(), Problem> {
        if !self.is_full() || how.quota().is_none() || how.when_full == WhenFull::DeleteOldest {
            return Ok(());
        }
        let text = "The library's room is used up. Delete shows for good, or allow more (recording.quota_gigabytes), and record again.";
        Err(Problem::new(Code::Conflict, text).about(SUBJECT))
    }
}

impl Kept {
    /// The room as people see it.
    pub(crate) fn room(&self) -> api::Room {
        self.room.now.clone()
    }

    /// Looks at the room, when it is time to.
    fn look_at_room(&mut self, how: &Recording) -> bool {
        let now = self.clock.now();
        if self.room.next.is_some_and(|next| now < next) {
            return false;
        }
        self.room.next = Some(now + LOOK);
        let whole = self.store.library_bytes();
        let written: u64 = self.recordings().iter().map(|r| r.bytes).sum();
        let folder = self.folder(how);
        self.room.now = api::Room {
            used: whole.unwrap_or(0) + written,
            quota: how.quota(),
            free: free(&folder),
        };
        self.room.when_full = how.when_full;
        true
    }

    /// Ends all recordings, because there is no room.
    fn stop_all(&mut self) -> bool {
        let mut any = false;
        for kept in self.channels.values() {
            let Some(keeper) = &kept.keeper else { continue };
            if keeper.status().recording.is_some() {
                keeper.request(Request::Stop);
                any = true;
            }
        }
        if any {
            let text = "The recording has ended: the library's room is used up. It is whole up to here, and the show goes on.";
            let problem = Problem::new(Code::Unavailable, text).about(SUBJECT);
            let mut problems = self.problems.lock();
            problems.retain(|p| *p != problem);
            problems.push(problem);
        }
        any
    }
}

impl Shared {
    /// Looks after the room that the library takes. Blocks for the time of small queries, and of deleting
    /// what goes.
    pub(super) fn tend_room(&self) {
        let how = self.recording_settings();
        let full = {
            let mut kept = self.kept.lock();
            kept.look_at_room(&how) && kept.room.is_full()
        };
        if !full {
            return;
        }
        let made = how.when_full == WhenFull::DeleteOldest && self.make_room();
        if !made && self.kept.lock().stop_all() {
            tracing::warn!("recordings have ended: the library's room is used up");
        }
        if made {
            self.kept.lock().room.next = None;
        }
        self.changed.notify_one();
    }

    /// Lets a deleted clip go, else the oldest show that may: what lies in the storage, too, goes here alone. Whether one went.
    fn make_room(&self) -> bool {
        let clips = self.store.clips_that_may_go().unwrap_or_default();
        if clips.into_iter().any(|clip| self.forget_film(clip).is_ok()) {
            return true;
        }
        let oldest = self.store.shows_that_may_go().unwrap_or_default();
        oldest.into_iter().any(|show| {
            let films = self.store.show(&show).ok().flatten();
            let films = films.map_or_else(Vec::new, |show| show.films);
            let here = || films.iter().filter(|film| !film.away);
            if here().all(|film| film.stored.is_some()) {
                here().for_each(|film| self.move_stored_away(film.id));
                tracing::info!(
                    show,
                    "a show's files lie in the storage alone, to make room"
                );
                return true;
            }
            let on_its_way = self.storage.uploads();
            if on_its_way.iter().any(|upload| upload.show == show) {
                return false;
            }
            tracing::info!(show, "a show is deleted, to make room");
            self.forget(&show).is_ok()
        })
    }
}

fn free(folder: &Path) -> Option<u64> {
    let there = folder.ancestors().find(|f| f.is_dir())?;
    archive::free(there)
}

/// `1.5 GB`.
fn gigabytes(bytes: u64) -> String {
    format!("{:.1} GB", bytes as f64 / 1e9)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_warning_comes_before_the_room_is_used_up_and_says_what_follows() {
        let gb = 1_000_000_000;
        let room = |used: u64, quota: Option<u64>, when_full| Room {
            now: api::Room {
                used,
                quota,
                free: None,
            },
            when_full,
            next: None,
        };
        let check = |used, quota, when_full, says: Option<&str>| {
            let said = room(used, quota, when_full).warning();
            let said = said.map(|p| p.message);
            assert_eq!(said.is_some(), says.is_some(), "{said:?}");
            if let (Some(said), Some(says)) = (said, says) {
                assert!(said.contains(says), "{said}");
            }
        };
        use WhenFull::{DeleteOldest, StopRecording};
        check(100 * gb, None, StopRecording, None);
        check(8_900_000_000, Some(10 * gb), StopRecording, None);
        check(
            9 * gb,
            Some(10 * gb),
            StopRecording,
            Some("9.0 GB of 10.0 GB. When"),
        );
        check(
            10 * gb,
            Some(10 * gb),
            StopRecording,
            Some("Nothing is recorded"),
        );
        check(9 * gb, Some(10 * gb), DeleteOldest, Some("not protected"));
    }
}
