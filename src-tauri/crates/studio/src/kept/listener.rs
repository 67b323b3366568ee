//! What becomes of recordings, as the library hears it from their threads.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use api::{Code, FilmKind, Problem};
use archive::Event;
use media::Clock;
use parking_lot::Mutex;
use store::Store;

use super::{SUBJECT, millis, note};
use crate::studio::sentence;

/// Keeps in the library what becomes of a recording.
pub(super) fn listener(
    store: Arc<Store>,
    clock: Clock,
    show: String,
    problems: Arc<Mutex<Vec<Problem>>>,
    whole: Arc<Mutex<Vec<PathBuf>>>,
) -> impl Fn(Event) + Send + 'static {
    move |event| match event {
        Event::Began { path, at } => {
            let title = path.file_stem().unwrap_or_default().to_string_lossy();
            let at = clock.unix_millis(at);
            note(
                store
                    .begin_film(&show, FilmKind::Recording, &title, &path, at)
                    .map(drop),
            );
            tracing::info!(path = %path.display(), "recording");
        }
        Event::Resumed { path, stood } => {
            let pause = api::Pause {
                at: clock.unix_millis(stood.start),
                length_ms: millis(stood.end.since(stood.start)),
            };
            note(store.film_at(&path).and_then(|film| match film {
                Some((film, _)) => store.note_pause(film, &pause),
                None => Ok(()),
            }));
        }
        Event::Ended { path, result } => match result {
            Ok(finished) => {
                keep_film(&store, &path, &finished);
                whole.lock().push(path);
            }
            Err(_) if !path.exists() => {
                // That it is gone is why the recording has ended, which says so.
                note(store.film_at(&path).and_then(|film| match film {
                    Some((film, _)) => store.forget_film(film),
                    None => Ok(()),
                }));
            }
            Err(error) => {
                // It plays as it is; how long it is, its size tells nobody.
                let bytes = std::fs::metadata(&path).map_or(0, |m| m.len());
                note(store.end_film(&path, 0, bytes));
                let text = format!("{} could not be finished: {}", path.display(), error);
                tell(&problems, sentence(&text));
            }
        },
        Event::Stopped(text) => {
            tell(&problems, text);
        }
    }
}

/// Says it once, however many channels meet the same: publishers come and go on a full disk, too.
fn tell(problems: &Mutex<Vec<Problem>>, text: String) {
    let mut problems = problems.lock();
    if problems.iter().all(|known| known.message != text) {
        problems.push(Problem::new(Code::Unavailable, text).about(SUBJECT));
    }
}

/// Keeps how long and how large a file has become.
pub(super) fn keep_film(store: &Store, path: &Path, finished: &archive::Finished) {
    note(store.end_film(path, millis(finished.duration), finished.bytes));
    tracing::info!(path = %path.display(), "the recording is whole");
}
