//! A picture file as a source, decoded beside the program.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use media::{Frame, Samples, Timestamp};
use parking_lot::{Condvar, Mutex};

use super::image::Image;
use super::{Showing, Source, State, Status, placeholder_for};

/// How long to wait before looking for a missing file again.
const RETRY: Duration = Duration::from_secs(2);

/// One picture is decoded at a time, whatever a collection holds of them: the program comes first.
static GATE: Gate = Gate {
    busy: Mutex::new(false),
    freed: Condvar::new(),
};

struct Gate {
    busy: Mutex<bool>,
    freed: Condvar,
}

/// A picture file.
pub(super) struct Picture {
    name: String,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
    /// Since when an animation moves: since it was last shown.
    began: Mutex<Timestamp>,
    placeholder: Mutex<Option<(String, Frame)>>,
}

struct Shared {
    path: PathBuf,
    desk: Mutex<Desk>,
    changed: Condvar,
}

#[derive(Default)]
struct Desk {
    image: Option<Arc<Image>>,
    status: Status,
    showing: Showing,
    stop: bool,
}

pub(super) fn picture(name: &str, path: PathBuf) -> Picture {
    let shared = Arc::new(Shared {
        path,
        desk: Mutex::new(Desk {
            status: Status {
                state: State::Starting,
                ..Status::default()
            },
            ..Desk::default()
        }),
        changed: Condvar::new(),
    });
    let theirs = Arc::clone(&shared);
    let thread = Builder::new()
        .name("picture".into())
        .spawn(move || theirs.load());
    if let Err(error) = &thread {
        let said = format!("The system gives no thread to read it: {error}");
        shared.desk.lock().status = Status::failed(said);
    }
    Picture {
        name: name.to_owned(),
        shared,
        thread: thread.ok(),
        began: Mutex::default(),
        placeholder: Mutex::default(),
    }
}

/// Why there is no picture, and whether there may be one later.
pub(super) struct Problem {
    pub(super) text: String,
    pub(super) missing: bool,
}

/// Reads and decodes a picture file.
pub(super) fn read(path: &Path) -> Result<Image, Problem> {
    let shown = path.display();
    let bytes = std::fs::read(path).map_err(|error| match error.kind() {
        ErrorKind::NotFound => Problem {
            text: format!("{shown} is not there; put it back, or choose another file"),
            missing: true,
        },
        _ => Problem {
            text: format!("{shown} cannot be read: {error}"),
            missing: true,
        },
    })?;
    Image::open(&bytes).map_err(|error| Problem {
        text: format!("{shown}: {error}"),
        missing: false,
    })
}

impl Shared {
    fn load(&self) {
        loop {
            if !self.enter() {
                return;
            }
            let outcome = read(&self.path);
            *GATE.busy.lock() = false;
            GATE.freed.notify_all();
            let mut desk = self.desk.lock();
            match outcome {
                Ok(image) => {
                    let (width, height) = image.size();
                    let moving = if image.is_animated() {
                        ", animated"
                    } else {
                        ""
                    };
                    desk.status = Status {
                        state: State::Running,
                        detail: Some(format!("{width}×{height}{moving}")),
                        ..Status::default()
                    };
                    desk.image = Some(Arc::new(image));
                    return;
                }
                Err(Problem { text, missing }) => {
                    let status = if missing {
                        Status::lost(text)
                    } else {
                        Status::failed(text)
                    };
                    if desk.status != status {
                        let path = self.path.display();
                        tracing::warn!(%path, reason = status.message, "a picture is not shown");
                        desk.status = status;
                    }
                    if !missing {
                        return;
                    }
                }
            }
            if !desk.stop {
                self.changed.wait_for(&mut desk, RETRY);
            }
        }
    }

    /// Waits until nobody else decodes; who is shown does not wait. False when the source is gone.
    fn enter(&self) -> bool {
        let mut busy = GATE.busy.lock();
        loop {
            let desk = self.desk.lock();
            if desk.stop {
                return false;
            }
            if !*busy || desk.showing.anywhere() {
                *busy = true;
                return true;
            }
            drop(desk);
            GATE.freed.wait(&mut busy);
        }
    }
}

impl Picture {
    /// The picture that is due on its first round, and nothing in place of one that is missing.
    pub(super) fn moving(&self, at: Timestamp) -> Option<Frame> {
        let image = self.shared.desk.lock().image.clone()?;
        let into = at.since(*self.began.lock());
        let over = image.is_animated() && into >= image.round();
        (!over).then(|| image.frame(Timestamp::ZERO + into))
    }
}

impl Source for Picture {
    fn picture(&self, at: Timestamp) -> Option<Frame> {
        let desk = self.shared.desk.lock();
        if let Some(image) = &desk.image {
            let image = Arc::clone(image);
            drop(desk);
            let into = at.since(*self.began.lock());
            return Some(image.frame(Timestamp::ZERO + into));
        }
        let reason = desk.status.message.clone()?;
        drop(desk);
        placeholder_for(&self.placeholder, &self.name, &reason, at)
    }

    fn sound(&self, _start: Timestamp, _frames: usize, _out: &mut Vec<Samples>) {}

    fn show(&self, showing: Showing, now: Timestamp) {
        let mut desk = self.shared.desk.lock();
        let was = std::mem::replace(&mut desk.showing, showing);
        let waits = desk.image.is_none();
        drop(desk);
        if showing > was {
            *self.began.lock() = now;
            if waits {
                GATE.freed.notify_all();
            }
        }
    }

    fn status(&self) -> Status {
        self.shared.desk.lock().status.clone()
    }
}

impl Drop for Picture {
    fn drop(&mut self) {
        self.shared.desk.lock().stop = true;
        self.shared.changed.notify_all();
        {
            // Whoever waits at the gate looks again; not between its look and its wait.
            let _busy = GATE.busy.lock();
            GATE.freed.notify_all();
        }
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!(picture = self.name, "the reader of a picture had panicked");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn save(path: &Path, shade: u8) {
        let pixels = ::image::RgbaImage::from_pixel(4, 2, ::image::Rgba([shade, 0, 0, 255]));
        pixels
            .save_with_format(path, ::image::ImageFormat::Png)
            .unwrap();
    }

    fn wait(picture: &Picture, state: State) -> Status {
        for _ in 0..500 {
            let status = picture.status();
            if status.state == state {
                return status;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("never {state:?}: {:?}", picture.status());
    }

    #[test]
    fn a_picture_is_there_after_a_moment_and_a_missing_one_comes_back() {
        let folder = std::env::temp_dir().join(format!("klieg-picture-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join("logo.png");
        let source = picture("Logo", path.clone());
        source.show(Showing::Program, Timestamp::ZERO);
        let said = wait(&source, State::Lost).message.unwrap();
        assert!(said.contains("logo.png is not there"), "{said}");
        assert_eq!(source.picture(Timestamp::ZERO).unwrap().width(), 960);
        save(&path, 200);
        source.shared.changed.notify_all();
        let detail = wait(&source, State::Running).detail;
        assert_eq!(detail.as_deref(), Some("4×2"));
        let frame = source.picture(Timestamp::ZERO).unwrap();
        assert_eq!(frame.planes()[0].data[0], 200);
        std::fs::write(&path, "no picture").unwrap();
        let other = picture("Logo", path);
        wait(&other, State::Failed);
        drop((source, other));
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
