//! Text: written in the document or read from a file, standing still or moving through its picture.

mod motion;
mod watched;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use media::{BufferPool, Frame, Samples, Timestamp};
use parking_lot::{Condvar, Mutex};
use scene::{Canvas, Crawl, CrawlDirection, SourceKind, TextStyle};

use super::{Showing, Source, State, Status, file, placeholder_for, raster};
use motion::Strip;
use watched::{Found, Watched};

/// How often a file is read again.
const LOOK: Duration = Duration::from_millis(500);

/// A text.
pub(super) struct Words {
    name: Mutex<String>,
    canvas: Canvas,
    folder: PathBuf,
    shared: Arc<Shared>,
    /// Since when it moves: since it was last shown.
    began: Mutex<Option<Timestamp>>,
    pool: BufferPool,
    watcher: Mutex<Option<JoinHandle<()>>>,
    placeholder: Mutex<Option<(String, Frame)>>,
}

#[derive(Default)]
struct Shared {
    desk: Mutex<Desk>,
    changed: Condvar,
}

#[derive(Default)]
struct Desk {
    look: Option<Look>,
    drawn: Drawn,
    showing: Showing,
    stop: bool,
    /// Why the file is not read, for people.
    problem: Option<String>,
    /// What is to be known of the file, for people.
    detail: Option<String>,
}

/// How a text is drawn; whole, so that it is compared at once.
#[derive(Clone, PartialEq)]
struct Look {
    style: TextStyle,
    crawl: Option<Crawl>,
    file: Option<PathBuf>,
    canvas: Canvas,
}

/// A text as drawn.
#[derive(Clone, Default)]
enum Drawn {
    /// Not yet.
    #[default]
    Nothing,
    /// It stands still.
    Still(Frame),
    /// It moves.
    Strip(Arc<Strip>),
}

/// The text of a document. One that stands in it is drawn now, one from a file when it has been read.
pub(super) fn words(name: &str, kind: &SourceKind, canvas: Canvas, folder: &Path) -> Words {
    let words = Words {
        name: Mutex::new(name.to_owned()),
        canvas,
        folder: folder.to_owned(),
        shared: Arc::default(),
        began: Mutex::default(),
        pool: BufferPool::new(4),
        watcher: Mutex::default(),
        placeholder: Mutex::default(),
    };
    words.take(kind);
    words
}

impl Words {
    /// Takes settings; false when they are not those of a text, or of another file.
    fn take(&self, kind: &SourceKind) -> bool {
        let SourceKind::Text {
            text,
            style,
            file,
            crawl,
        } = kind
        else {
            return false;
        };
        let look = Look {
            style: style.clone(),
            crawl: *crawl,
            file: file.as_ref().map(|path| file::resolve(&self.folder, path)),
            canvas: self.canvas,
        };
        let mut desk = self.shared.desk.lock();
        if desk.look.as_ref().is_some_and(|was| was.file != look.file) {
            return false;
        }
        desk.look = Some(look.clone());
        drop(desk);
        if look.file.is_none() {
            let drawn = look.draw(text);
            self.shared.desk.lock().drawn = drawn;
        }
        self.shared.changed.notify_all();
        true
    }

    fn watch(&self) {
        let mut watcher = self.watcher.lock();
        let path = self
            .shared
            .desk
            .lock()
            .look
            .as_ref()
            .and_then(|look| look.file.clone());
        let (None, Some(path)) = (watcher.as_ref(), path) else {
            return;
        };
        let shared = Arc::clone(&self.shared);
        let named = Builder::new().name("text file".into());
        match named.spawn(move || shared.follow(&path)) {
            Ok(handle) => *watcher = Some(handle),
            Err(error) => {
                self.shared.desk.lock().problem =
                    Some(format!("The system gives no thread to read it: {error}."));
            }
        }
    }
}

impl Look {
    fn draw(&self, text: &str) -> Drawn {
        let width = self.canvas.width as f32;
        let Some(crawl) = self.crawl else {
            let frame = raster()
                .lock()
                .raster(text, &self.style, width, Timestamp::ZERO);
            return Drawn::Still(frame);
        };
        let sideways = matches!(
            crawl.direction,
            CrawlDirection::Left | CrawlDirection::Right
        );
        let pixels = if sideways {
            let line = text.lines().map(str::trim).filter(|line| !line.is_empty());
            let line = line.collect::<Vec<_>>().join("     ");
            raster().lock().strip(&line, &self.style, None)
        } else {
            raster().lock().strip(text, &self.style, Some(width))
        };
        let span = match (crawl.span, sideways) {
            (0.0, true) => self.canvas.width,
            (0.0, false) => self.canvas.height,
            (span, _) => span as u32,
        };
        Drawn::Strip(Arc::new(Strip::new(pixels, &crawl, span, &self.style)))
    }
}

impl Shared {
    /// Reads the file again and again while it is shown, and draws it when it has changed.
    fn follow(&self, path: &Path) {
        let mut watched = Watched::default();
        let mut drawn_as = None;
        let mut desk = self.desk.lock();
        while !desk.stop {
            if !desk.showing.anywhere() {
                self.changed.wait(&mut desk);
                continue;
            }
            let look = desk.look.clone();
            drop(desk);
            let found = watched.read(path);
            let drawn = match (&found, &look) {
                (Found::Same, Some(look)) if drawn_as.as_ref() == Some(look) => None,
                (Found::Missing(_), _) | (_, None) => None,
                (_, Some(look)) => Some(look.draw(watched.text())),
            };
            desk = self.desk.lock();
            match found {
                Found::Missing(problem) => {
                    desk.problem = Some(problem);
                    drawn_as = None;
                }
                Found::Same | Found::New => {
                    desk.problem = None;
                    desk.detail = watched.detail();
                }
            }
            if let Some(drawn) = drawn {
                desk.drawn = drawn;
                drawn_as = look;
            }
            // Settings that changed meanwhile are drawn at once.
            if desk.look == drawn_as || desk.problem.is_some() {
                self.changed.wait_for(&mut desk, LOOK);
            }
        }
    }
}

impl Source for Words {
    fn picture(&self, at: Timestamp) -> Option<Frame> {
        let desk = self.shared.desk.lock();
        if let Some(problem) = &desk.problem {
            let problem = problem.clone();
            drop(desk);
            return placeholder_for(&self.placeholder, &self.name.lock(), &problem, at);
        }
        let strip = match &desk.drawn {
            Drawn::Nothing => return None,
            Drawn::Still(frame) => return Some(frame.clone()),
            Drawn::Strip(strip) => Arc::clone(strip),
        };
        drop(desk);
        let began = *self.began.lock().get_or_insert(at);
        Some(strip.frame(at.since(began), at, &self.pool))
    }

    fn sound(&self, _start: Timestamp, _frames: usize, _out: &mut Vec<Samples>) {}

    fn show(&self, showing: Showing, now: Timestamp) {
        let was = std::mem::replace(&mut self.shared.desk.lock().showing, showing);
        if showing > was {
            *self.began.lock() = Some(now);
            self.watch();
        }
        self.shared.changed.notify_all();
    }

    fn set(&self, name: &str, kind: &SourceKind) -> bool {
        name.clone_into(&mut self.name.lock());
        self.take(kind)
    }

    fn status(&self) -> Status {
        let desk = self.shared.desk.lock();
        if let Some(problem) = &desk.problem {
            return Status::lost(problem.clone());
        }
        let waits = desk.look.as_ref().is_some_and(|look| look.file.is_some())
            && matches!(desk.drawn, Drawn::Nothing);
        Status {
            state: match (waits, desk.showing.anywhere()) {
                (true, false) => State::Idle,
                (true, true) => State::Starting,
                (false, _) => State::Running,
            },
            detail: desk.detail.clone(),
            ..Status::default()
        }
    }
}

impl Drop for Words {
    fn drop(&mut self) {
        self.shared.desk.lock().stop = true;
        self.shared.changed.notify_all();
        if let Some(thread) = self.watcher.get_mut().take()
            && thread.join().is_err()
        {
            tracing::error!("the reader of a text file had panicked");
        }
    }
}

#[cfg(test)]
mod tests;
