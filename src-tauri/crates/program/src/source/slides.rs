//! Pictures one after the other.
//!
//! A thread of its own reads, decodes and fits the next picture to the canvas while one is shown; fades are
//! mixed beside the program too. At most four pictures of the canvas' size are held.

mod fit;
mod show;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use media::{Clock, Frame, Samples, Timestamp};
use parking_lot::{Condvar, Mutex};
use scene::{Canvas, SlideShow, SourceKind};

use super::file::{List, resolve};
use super::painter::Painter;
use super::{Operation, Showing, Source, State, Status, placeholder_for};
use show::{Show, Slide};

/// How long to wait before looking for pictures again where there are none.
const RETRY: Duration = Duration::from_secs(2);

/// Most pictures of a folder.
const MAX_FILES: usize = 2000;

/// Endings of the files that a folder is looked through for.
const ENDINGS: [&str; 5] = ["png", "jpg", "jpeg", "webp", "gif"];

/// A slide show.
pub(super) struct Slides {
    name: Mutex<String>,
    folder: PathBuf,
    canvas: Canvas,
    clock: Clock,
    shared: Arc<Shared>,
    fades: Painter<Fade>,
    thread: Mutex<Option<JoinHandle<()>>>,
    placeholder: Mutex<Option<(String, Frame)>>,
}

#[derive(Default)]
struct Shared {
    show: Mutex<Show>,
    changed: Condvar,
}

/// A step of a fade.
#[derive(Clone)]
struct Fade {
    from: Frame,
    to: Frame,
    number: u64,
    /// Of 256.
    part: u16,
}

impl PartialEq for Fade {
    fn eq(&self, other: &Self) -> bool {
        (self.number, self.part) == (other.number, other.part)
    }
}

pub(super) fn slides(
    name: &str,
    kind: &SourceKind,
    folder: &Path,
    canvas: Canvas,
    clock: Clock,
) -> Slides {
    let slides = Slides {
        name: Mutex::new(name.to_owned()),
        folder: folder.to_owned(),
        canvas,
        clock,
        shared: Arc::default(),
        fades: Painter::new(|fade: &Fade| fit::mixed(&fade.from, &fade.to, fade.part)),
        thread: Mutex::default(),
        placeholder: Mutex::default(),
    };
    slides.set(name, kind);
    slides
}

impl Slides {
    fn begin(&self) {
        let mut thread = self.thread.lock();
        if thread.is_some() {
            return;
        }
        let shared = Arc::clone(&self.shared);
        let (folder, canvas) = (self.folder.clone(), self.canvas);
        let seed = self.clock.now().nanos().unsigned_abs();
        let named = Builder::new().name("slides".into());
        match named.spawn(move || shared.load(&folder, canvas, seed)) {
            Ok(handle) => *thread = Some(handle),
            Err(error) => {
                let said = format!("The system gives no thread to read them: {error}");
                self.shared.show.lock().problem = Some(said);
            }
        }
    }
}

impl Source for Slides {
    fn picture(&self, at: Timestamp) -> Option<Frame> {
        let mut show = self.shared.show.lock();
        let before = show.number();
        let tick = Duration::from_secs(1) / self.canvas.fps.max(1);
        let (shown, next) = show.turn_to(at, tick);
        let turned = show.number() != before;
        let problem = shown.is_none().then(|| show.problem.clone()).flatten();
        drop(show);
        if turned {
            self.shared.changed.notify_all();
        }
        if let Some(problem) = problem {
            return placeholder_for(&self.placeholder, &self.name.lock(), &problem, at);
        }
        match shown? {
            show::Shown::One(frame) => Some(frame),
            show::Shown::Fade(fade) => self.fades.picture(&fade, next.as_ref()),
        }
    }

    fn sound(&self, _start: Timestamp, _frames: usize, _out: &mut Vec<Samples>) {}

    fn show(&self, showing: Showing, now: Timestamp) {
        self.shared.show.lock().show(showing, now);
        if showing.anywhere() {
            self.begin();
        }
        self.shared.changed.notify_all();
    }

    fn set(&self, name: &str, kind: &SourceKind) -> bool {
        let SourceKind::SlideShow(settings) = kind else {
            return false;
        };
        name.clone_into(&mut self.name.lock());
        self.shared.show.lock().settings = settings.clone();
        self.shared.changed.notify_all();
        true
    }

    fn operate(&self, operation: Operation, now: Timestamp) -> bool {
        let done = self.shared.show.lock().operate(operation, now);
        self.shared.changed.notify_all();
        done
    }

    fn settled(&self) -> bool {
        let show = self.shared.show.lock();
        let ready = show.problem.is_some() || (show.has_slide() && !show.wants());
        ready && self.fades.settled()
    }

    fn status(&self) -> Status {
        self.shared.show.lock().status()
    }
}

impl Drop for Slides {
    fn drop(&mut self) {
        self.shared.show.lock().stop = true;
        self.shared.changed.notify_all();
        if let Some(thread) = self.thread.get_mut().take()
            && thread.join().is_err()
        {
            tracing::error!("the reader of a slide show had panicked");
        }
    }
}

impl Shared {
    /// Keeps the next picture ready.
    fn load(&self, folder: &Path, canvas: Canvas, seed: u64) {
        let settings = self.show.lock().settings.clone();
        let first = Arc::new(files(folder, &settings));
        let mut list = List::new(first, settings.shuffle, seed);
        // The first one of a round is on already.
        let mut fresh = true;
        let mut failed = 0;
        loop {
            let mut show = self.show.lock();
            while !show.stop && !show.wants() {
                self.changed.wait(&mut show);
            }
            if show.stop {
                return;
            }
            let settings = show.settings.clone();
            let way = show.way();
            drop(show);
            // Pictures may have come or gone, also the one that is on.
            let stays = list.set(Arc::new(files(folder, &settings)), settings.shuffle);
            let there = match (way, fresh || !stays) {
                (_, true) => true,
                (show::Way::Back, _) => {
                    list.previous(true);
                    true
                }
                (show::Way::Anew, _) => {
                    list.restart();
                    true
                }
                (show::Way::On, _) => list.next(settings.looped || failed > 0),
            };
            fresh = false;
            if !there {
                self.show.lock().end();
                continue;
            }
            let outcome = match list.current() {
                Some(path) => super::picture::read(path)
                    .map(|image| fit::fitted(&image.frame(Timestamp::ZERO), canvas))
                    .map_err(|problem| problem.text),
                None => Err("There is no picture to show; choose files or a folder with PNG, JPEG, WebP or GIF".to_owned()),
            };
            let (entry, entries) = list.place();
            let mut show = self.show.lock();
            match outcome {
                Ok(frame) => {
                    failed = 0;
                    let title = list.current().and_then(|path| path.file_name());
                    show.ready(Slide {
                        frame,
                        entry,
                        entries,
                        title: title.unwrap_or_default().to_string_lossy().into_owned(),
                    });
                }
                Err(problem) => {
                    failed += 1;
                    tracing::debug!(problem, "a picture of a slide show is left out");
                    if failed >= list.len().max(1) {
                        show.problem = Some(problem);
                        if !show.stop {
                            self.changed.wait_for(&mut show, RETRY);
                        }
                    }
                }
            }
        }
    }
}

/// The files of a show: those that are named, and those of its folder in the order of their names.
fn files(folder: &Path, show: &SlideShow) -> Vec<PathBuf> {
    let named = show.files.iter().filter(|path| !path.trim().is_empty());
    let mut files: Vec<PathBuf> = named.map(|path| resolve(folder, path)).collect();
    if show.folder.trim().is_empty() {
        return files;
    }
    let Ok(entries) = std::fs::read_dir(resolve(folder, &show.folder)) else {
        return files;
    };
    let picture = |path: &PathBuf| {
        let ending = path.extension().map(|e| e.to_string_lossy().to_lowercase());
        ending.is_some_and(|ending| ENDINGS.contains(&ending.as_str()))
    };
    let paths = entries.flatten().map(|entry| entry.path());
    let mut found: Vec<PathBuf> = paths.filter(picture).take(MAX_FILES).collect();
    found.sort_by_cached_key(|path| natural(&path.to_string_lossy()));
    files.extend(found);
    files
}

/// What names are ordered by: `2.png` before `10.png`.
fn natural(name: &str) -> Vec<(u64, String)> {
    let mut parts = vec![(0, String::new())];
    let mut digits = String::new();
    for letter in name.to_lowercase().chars() {
        if letter.is_ascii_digit() {
            digits.push(letter);
            continue;
        }
        if !digits.is_empty() {
            parts.push((digits.parse().unwrap_or(u64::MAX), String::new()));
            digits.clear();
        }
        if let Some((_, text)) = parts.last_mut() {
            text.push(letter);
        }
    }
    parts
}

impl Show {
    /// How it does.
    fn status(&self) -> Status {
        match (&self.problem, self.has_slide()) {
            (Some(problem), false) => Status::lost(problem.clone()),
            (_, true) => Status {
                state: State::Running,
                playback: self.playback(),
                ..Status::default()
            },
            (None, false) => Status {
                state: if self.is_shown() {
                    State::Starting
                } else {
                    State::Idle
                },
                ..Status::default()
            },
        }
    }
}

#[cfg(test)]
mod tests;
