//! What people do with the shows of the library: mark, cut, rename, hide, delete.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use api::{Code, Film, FilmKind, Pause, Problem};
use archive::{Source, Timeline};
use media::{ChannelName, Timestamp};
use store::ShowChange;

use super::{SUBJECT, channel_name, edge, free_path, local_time, millis, not_kept, note};
use crate::settings::plain;
use crate::studio::{Shared, sentence};

/// Deleted shows can be brought back this long.
const BRING_BACK: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// The longest clip.
const LONGEST: Duration = Duration::from_secs(12 * 60 * 60);

/// A clip that is to be cut.
struct NewClip<'a> {
    show: &'a str,
    title: &'a str,
    /// When its first picture was shown, in milliseconds since 1970 UTC.
    began: i64,
    /// Where what it is cut from stood still.
    pauses: Vec<Pause>,
    /// It is played on the program when it is there.
    on_air: bool,
    begins: Begins,
}

/// What a clip begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Begins {
    /// The keyframe before what was chosen.
    Keyframe,
    /// The very picture that was chosen.
    Picture,
    /// The same, as far as that picture can be encoded again; else the keyframe before.
    PictureIfPossible,
}

impl Shared {
    /// Whether a channel is recorded.
    pub(crate) fn is_recorded(&self, channel: &ChannelName) -> bool {
        let recordings = self.kept.lock().recordings();
        recordings.iter().any(|r| r.channel == channel.as_str())
    }

    /// Finishes all files, as the studio leaves.
    pub(crate) fn end_keeping(&self) {
        let ending = self.kept.lock().end_all();
        ending.finish();
        self.program.end();
    }

    /// Marks this moment.
    pub(crate) fn mark(&self, channel: Option<&str>, label: Option<&str>) -> Result<(), Problem> {
        let name = channel_name(channel)?;
        let show = {
            let kept = self.kept.lock();
            kept.show(&name)
                .map(str::to_owned)
                .ok_or_else(|| not_kept(&name))?
        };
        let label = match label.map(str::trim).filter(|l| !l.is_empty()) {
            Some(label) => text("A marker's label", label, 1..=100)?.to_owned(),
            None => {
                let so_far = self.store.show(&show).map_err(unkept)?;
                let many = so_far.map_or(0, |s| s.markers.len());
                format!("Marker {}", many + 1)
            }
        };
        let now = self.clock.unix_millis(self.clock.now());
        self.store.mark(&show, now, &label).map_err(unkept)
    }

    /// Saves the last seconds as a clip; on air it is played as soon as it is there.
    pub(crate) fn save_replay(
        self: &Arc<Self>,
        channel: Option<&str>,
        seconds: Option<u32>,
        on_air: bool,
    ) -> Result<(), Problem> {
        let name = channel_name(channel)?;
        let how = self.recording_settings();
        let seconds = seconds.unwrap_or(how.replay_seconds.get());
        if !(1..=3_600).contains(&seconds) {
            let text = "A replay has 1 to 3600 seconds.";
            return Err(Problem::new(Code::Invalid, text).about("seconds"));
        }
        let (show, timeline, folder) = {
            let kept = self.kept.lock();
            let show = kept.show(&name).ok_or_else(|| not_kept(&name))?.to_owned();
            let timeline: Arc<Timeline> =
                kept.timelines.of(&name).ok_or_else(|| not_kept(&name))?;
            (show, timeline, kept.folder(&how))
        };
        let span = timeline.span().ok_or_else(|| not_kept(&name))?;
        let length = i64::from(seconds) * 1_000_000_000;
        let from = Timestamp::from_nanos((span.end.nanos() - length).max(span.start.nanos()));
        // As much of it as there is since the sound tracks, or the size, changed.
        let (from, sources) = timeline.latest(from, span.end).map_err(uncut)?;
        if sources.is_empty() {
            return Err(not_kept(&name));
        }
        let (_, time) = local_time(self.clock.wall(self.clock.now()));
        let title = format!("Replay {time}");
        let began = self.clock.unix_millis(from);
        let clip = NewClip {
            show: &show,
            title: &title,
            began,
            pauses: Vec::new(),
            on_air,
            begins: Begins::PictureIfPossible,
        };
        self.cut(clip, &folder, sources)
    }

    /// Cuts a clip out of what is kept behind a channel's live picture, by the times it was shown (ms since 1970 UTC).
    pub(crate) fn cut_behind(
        self: &Arc<Self>,
        channel: Option<&str>,
        times: Range<i64>,
        title: &str,
        exact: bool,
    ) -> Result<(), Problem> {
        let title = text("A clip's title", title.trim(), 1..=100)?;
        let name = channel_name(channel)?;
        let longest = i64::try_from(millis(LONGEST)).unwrap_or(i64::MAX);
        if times.start >= times.end || times.end.saturating_sub(times.start) > longest {
            let text = "A clip begins before it ends, within what is kept.";
            return Err(Problem::new(Code::Invalid, text).about("from"));
        }
        let how = self.recording_settings();
        let (show, timeline, folder) = {
            let kept = self.kept.lock();
            let show = kept.show(&name).ok_or_else(|| not_kept(&name))?.to_owned();
            let timeline = kept.timelines.of(&name).ok_or_else(|| not_kept(&name))?;
            (show, timeline, kept.folder(&how))
        };
        let span = timeline.span().ok_or_else(|| not_kept(&name))?;
        // What reaches beyond what is kept is cut there: it goes on, and goes, while somebody chooses.
        let oldest = self.clock.unix_millis(span.start);
        let at = |millis: i64| {
            let behind = millis.saturating_sub(oldest).clamp(0, longest);
            Timestamp::from_nanos(span.start.nanos() + behind * 1_000_000)
        };
        let (from, to) = (at(times.start), at(times.end).min(span.end));
        let sources = timeline.sources(from, to).map_err(uncut)?;
        let clip = NewClip {
            show: &show,
            title,
            began: self.clock.unix_millis(from),
            pauses: Vec::new(),
            on_air: false,
            begins: match exact {
                true => Begins::Picture,
                false => Begins::Keyframe,
            },
        };
        self.cut(clip, &folder, sources)
    }

    /// Cuts a clip out of a film.
    pub(crate) fn cut_film(
        self: &Arc<Self>,
        film: i64,
        times: Range<u64>,
        title: &str,
        exact: bool,
    ) -> Result<(), Problem> {
        let title = text("A clip's title", title.trim(), 1..=100)?;
        let (show, path, about) = self.film(film)?;
        let Some(length) = about.duration_ms else {
            let text =
                "That file is still being written. Save a replay, or stop the recording first.";
            return Err(Problem::new(Code::Conflict, text).about("film"));
        };
        if about.away {
            let text = "That film lies in the storage alone. Download it to cut it.";
            return Err(Problem::new(Code::Conflict, text).about("film"));
        }
        if !path.is_file() {
            let text = format!(
                "The file {} is not where it was recorded. Put it back, or delete it from the library.",
                about.file
            );
            return Err(Problem::new(Code::NotFound, text).about("film"));
        }
        let most = millis(LONGEST);
        if times.start >= times.end || times.start >= length || times.end - times.start > most {
            let text = "A clip begins before it ends, within its film.";
            return Err(Problem::new(Code::Invalid, text).about("from_ms"));
        }
        let at =
            |ms: u64| Timestamp::from_millis(i64::try_from(ms).unwrap_or(i64::MAX / 2_000_000));
        let source = Source::times(path.clone(), at(times.start)..at(times.end));
        let folder = path.parent().map_or_else(PathBuf::new, PathBuf::from);
        let (began, pauses) = shown(&about, &times);
        let clip = NewClip {
            show: &show,
            title,
            began,
            pauses,
            on_air: false,
            begins: match exact {
                true => Begins::Picture,
                false => Begins::Keyframe,
            },
        };
        self.cut(clip, &folder, vec![source])
    }

    /// Cuts beside: whoever asked sees how far it is. What fails is said as a problem.
    fn cut(
        self: &Arc<Self>,
        clip: NewClip<'_>,
        folder: &Path,
        sources: Vec<Source>,
    ) -> Result<(), Problem> {
        let NewClip {
            show,
            title,
            began,
            pauses,
            on_air,
            begins,
        } = clip;
        let path = self.free_film(folder, &plain(title)).map_err(unkept)?;
        let film = self
            .store
            .begin_film(show, FilmKind::Clip, title, &path, began)
            .map_err(unkept)?;
        for pause in &pauses {
            note(self.store.note_pause(film, pause));
        }
        let percent = self.kept.lock().begin_cut(film, show, title);
        let shared = Arc::clone(self);
        self.runtime.spawn_blocking(move || {
            let outcome = match begins {
                Begins::Keyframe => archive::cut_and_tell(&sources, &path, &percent),
                Begins::Picture | Begins::PictureIfPossible => {
                    archive::cut_exactly(&sources, &path, &percent, &mut edge::again)
                }
            };
            let outcome = match outcome {
                Err(archive::Error::Edge(why)) if begins == Begins::PictureIfPossible => {
                    tracing::warn!(why, "a replay begins with the keyframe before");
                    archive::cut_and_tell(&sources, &path, &percent)
                }
                outcome => outcome,
            };
            let outcome = outcome.map_err(uncut).and_then(|clip| {
                let length = millis(clip.duration);
                let kept = shared.store.end_film(&path, length, clip.bytes);
                kept.map_err(unkept)
            });
            let outcome = outcome.map(|()| {
                if on_air && let Err(problem) = shared.put_on_air(&path) {
                    shared.tell(api::Event::Problem { problem });
                }
            });
            shared.kept.lock().end_cut(film);
            if let Err(problem) = outcome {
                tracing::warn!(%problem, "a clip was not cut");
                if let Err(error) = shared.store.forget_film(film) {
                    tracing::error!(%error, "the library is not right");
                }
                shared.tell(api::Event::Problem { problem });
            }
            shared.changed.notify_one();
        });
        Ok(())
    }

    /// The first path of this name that neither a file nor the library has.
    fn free_film(&self, folder: &Path, name: &str) -> Result<PathBuf, store::Error> {
        let mut path = free_path(folder, name);
        let mut number = 2;
        while self.store.film_at(&path)?.is_some() {
            path = free_path(folder, &format!("{name}-{number}"));
            number += 1;
        }
        Ok(path)
    }

    fn film(&self, film: i64) -> Result<(String, PathBuf, api::Film), Problem> {
        let found = self.store.film(film).map_err(unkept)?;
        found.ok_or_else(|| {
            let text = "There is no such film in the library; it may have been deleted.";
            Problem::new(Code::NotFound, text).about("film")
        })
    }

    /// Takes a clip out of the library, or brings it back. What was deleted long ago goes for good.
    pub(crate) fn delete_film(&self, film: i64, delete: bool) -> Result<(), Problem> {
        let (_, _, about) = self.film(film)?;
        if about.kind != FilmKind::Clip {
            let text = "That is the recording itself. Delete the show, which can be undone.";
            return Err(Problem::new(Code::Conflict, text).about("film"));
        }
        if about.duration_ms.is_none() {
            let text = "That clip is still being cut. Delete it when it is there.";
            return Err(Problem::new(Code::Conflict, text).about("film"));
        }
        let now = self.clock.unix_millis(self.clock.now());
        let at = delete.then_some(now);
        self.store.delete_clip(film, at).map_err(unkept)?;
        self.purge(now);
        Ok(())
    }

    /// Deletes a deleted clip and its file for good, here and in the storage.
    pub(crate) fn forget_film(&self, film: i64) -> Result<(), Problem> {
        let (_, path, about) = self.film(film)?;
        self.storage.delete(film)?;
        remove_film(&path, &about, &self.kept.lock().pictures(film))?;
        self.store.forget_film(film).map_err(unkept)
    }

    /// Changes what people read of a show, or who sees it.
    pub(crate) fn set_show(&self, id: &str, change: ShowChange<'_>) -> Result<(), Problem> {
        let title = change
            .title
            .map(|t| text("A show's title", t.trim(), 1..=100))
            .transpose()?;
        let description = change
            .description
            .map(|d| {
                let d = d.trim();
                let fine =
                    d.chars().count() <= 2_000 && d.chars().all(|c| c == '\n' || !c.is_control());
                fine.then_some(d).ok_or_else(|| {
                    let text = "A show's description has at most 2000 characters.";
                    Problem::new(Code::Invalid, text).about("description")
                })
            })
            .transpose()?;
        let change = ShowChange {
            title,
            description,
            ..change
        };
        let found = self.store.change_show(id, &change).map_err(unkept)?;
        found.then_some(()).ok_or_else(|| no_show(id))
    }

    /// Takes a show out of the library, or brings it back. What was deleted long ago goes for good.
    pub(crate) fn delete_show(&self, id: &str, delete: bool) -> Result<(), Problem> {
        let show = self.store.show(id).map_err(unkept)?;
        if show.ok_or_else(|| no_show(id))?.ended.is_none() {
            let text = "That show is on. End it first.";
            return Err(Problem::new(Code::Conflict, text).about(id));
        }
        let now = self.clock.unix_millis(self.clock.now());
        self.store
            .delete_show(id, delete.then_some(now))
            .map_err(unkept)?;
        self.purge(now);
        Ok(())
    }

    /// Deletes a deleted show's files now. What could not be deleted stays in the library, and can be deleted again.
    pub(crate) fn delete_for_good(&self, id: &str) -> Result<(), Problem> {
        self.forget(id).map_err(|problem| {
            let text = format!(
                "{} The show stays in the library; delete it again when that is mended.",
                problem.message
            );
            Problem::new(problem.code, text).about(id)
        })
    }

    fn purge(&self, now: i64) {
        let before = now - i64::try_from(millis(BRING_BACK)).unwrap_or(i64::MAX);
        for film in self.store.clips_deleted_before(before).unwrap_or_default() {
            if let Err(problem) = self.forget_film(film) {
                tracing::warn!(%problem, "a clip stays");
            }
        }
        let old = self.store.shows_deleted_before(before);
        for show in old.unwrap_or_default() {
            drop(self.forget(&show));
        }
    }

    /// Deletes a show and its files for good, here and in the storage. What cannot be deleted now stays in
    /// the library, and is tried again with the next one.
    pub(crate) fn forget(&self, show: &str) -> Result<(), Problem> {
        let films = self.store.films_of(show).map_err(unkept)?;
        let mut outcome = Ok(());
        for (film, path) in &films {
            let pictures = self.kept.lock().pictures(*film);
            let about = self.store.film(*film).ok().flatten();
            let removed = self.storage.delete(*film).and_then(|()| match about {
                Some((_, _, about)) => remove_film(path, &about, &pictures),
                None => Ok(()),
            });
            // The others go all the same.
            if let Err(problem) = removed {
                tracing::warn!(%problem, "a film stays");
                outcome = Err(problem);
            }
        }
        outcome?;
        self.store.forget_show(show).map_err(unkept)
    }
}

/// When a stretch of a film was shown first, in milliseconds since 1970 UTC, and where it stood still.
pub(super) fn shown(film: &Film, times: &Range<u64>) -> (i64, Vec<Pause>) {
    let millis = |ms: u64| i64::try_from(ms).unwrap_or(0);
    let mut began = film.began + millis(times.start);
    let mut end = film.began + millis(times.end);
    let mut within = Vec::new();
    for pause in &film.pauses {
        if pause.at >= end {
            break;
        }
        let length = millis(pause.length_ms);
        end += length;
        match pause.at <= began {
            true => began += length,
            false => within.push(*pause),
        }
    }
    (began, within)
}

/// Removes a film's file, or what is left of it here.
fn remove_film(path: &Path, about: &api::Film, pictures: &Path) -> Result<(), Problem> {
    if !about.away {
        return remove(path);
    }
    match std::fs::remove_dir_all(pictures) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            tracing::warn!(%error, "pictures of a film stay");
        }
        _ => {}
    }
    Ok(())
}

/// Removes a file; one that is gone already is as good.
fn remove(path: &Path) -> Result<(), Problem> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            let text = format!("{} cannot be deleted: {error}.", path.display());
            Err(Problem::new(Code::Unavailable, text).about("film"))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

fn text<'a>(
    what: &str,
    value: &'a str,
    length: std::ops::RangeInclusive<usize>,
) -> Result<&'a str, Problem> {
    let fine = length.contains(&value.chars().count()) && !value.chars().any(char::is_control);
    fine.then_some(value).ok_or_else(|| {
        let text = format!(
            "{what} has {} to {} characters.",
            length.start(),
            length.end()
        );
        Problem::new(Code::Invalid, text).about("title")
    })
}

fn no_show(id: &str) -> Problem {
    let text = "There is no such show in the library; it may have been deleted.";
    Problem::new(Code::NotFound, text).about(id)
}

fn unkept(error: store::Error) -> Problem {
    Problem::new(Code::Unavailable, sentence(&error.to_string())).about(SUBJECT)
}

fn uncut(error: archive::Error) -> Problem {
    let code = match error {
        archive::Error::Nothing(_) | archive::Error::Changed => Code::Conflict,
        archive::Error::Disk { .. }
        | archive::Error::Gone(_)
        | archive::Error::File { .. }
        | archive::Error::Edge(_) => Code::Unavailable,
    };
    Problem::new(code, sentence(&error.to_string())).about(SUBJECT)
}
