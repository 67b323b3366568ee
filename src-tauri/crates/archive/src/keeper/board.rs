//! How a keeper does, between whoever asks it for something and the thread that does it.

use std::time::Duration;

use parking_lot::Mutex;

use super::{Recording, Request, Status};

/// What was asked for is shown at once, and until it is done: whoever looks in between sees no state that nobody
/// wanted.
#[derive(Debug, Default)]
pub(super) struct Board(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    status: Status,
    /// Requests that are not done yet.
    waiting: usize,
}

impl Board {
    pub(super) fn status(&self) -> Status {
        self.0.lock().status.clone()
    }

    /// Something is asked for.
    pub(super) fn ask(&self, request: &Request) {
        let mut inner = self.0.lock();
        inner.waiting += 1;
        let recording = &mut inner.status.recording;
        match request {
            Request::Record { path, .. } => {
                recording.get_or_insert_with(|| Recording {
                    path: path.clone(),
                    part: 1,
                    duration: Duration::ZERO,
                    bytes: 0,
                    paused: false,
                });
            }
            Request::Pause | Request::Resume => {
                if let Some(recording) = recording {
                    recording.paused = *request == Request::Pause;
                }
            }
            Request::Stop => *recording = None,
            Request::Window(_) => {}
        }
    }

    /// What was asked for first is done.
    pub(super) fn done(&self) {
        let mut inner = self.0.lock();
        inner.waiting = inner.waiting.saturating_sub(1);
    }

    /// What is recorded, as the thread knows it.
    pub(super) fn show(&self, recording: Option<Recording>) {
        let mut inner = self.0.lock();
        if inner.waiting == 0 {
            inner.status.recording = recording;
        }
    }

    pub(super) fn change(&self, change: impl FnOnce(&mut Status)) {
        change(&mut self.0.lock().status);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_asked_for_is_seen_until_it_is_done() {
        let board = Board::default();
        let paused = || board.status().recording.map(|r| r.paused);
        let real = |paused| Recording {
            path: "Show.mp4".into(),
            part: 1,
            duration: Duration::from_secs(9),
            bytes: 9,
            paused,
        };
        let record = Request::Record {
            path: "Show.mp4".into(),
            split: None,
        };
        board.ask(&record);
        // The thread has not heard of it, and says what it does.
        board.show(None);
        assert_eq!(paused(), Some(false));
        board.ask(&Request::Pause);
        board.done();
        board.show(Some(real(false)));
        assert_eq!(paused(), Some(true), "the second is not done yet");
        board.done();
        board.show(Some(real(true)));
        assert_eq!(board.status().recording, Some(real(true)));
        board.ask(&Request::Stop);
        board.show(Some(real(true)));
        assert_eq!(paused(), None);
        board.done();
        board.show(None);
        assert_eq!(paused(), None);
    }
}
