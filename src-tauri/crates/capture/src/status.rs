//! How a device does, and the last picture it gave.

use media::Frame;
use parking_lot::Mutex;

/// A device of this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceInfo {
    /// Its identity: what a request names. Survives a restart, and where the system allows it, another socket.
    pub id: String,
    /// What people call it.
    pub name: String,
}

/// State of a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Being opened for the first time.
    Starting,
    /// Delivering.
    Running,
    /// Not there, taken, or broken; tried again about once a second.
    Lost,
}

/// How a device does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// State.
    pub state: State,
    /// What it delivers: "1280×720 NV12, 30 fps", "48 kHz stereo".
    pub detail: Option<String>,
    /// Why, for people, when it is lost.
    pub message: Option<String>,
}

/// Where a device's thread writes and its handle reads.
#[derive(Debug)]
pub(crate) struct Board {
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    status: Status,
    frame: Option<Frame>,
}

impl Board {
    pub(crate) fn new() -> Self {
        Self {
            inner: Mutex::new(Inner {
                status: Status {
                    state: State::Starting,
                    detail: None,
                    message: None,
                },
                frame: None,
            }),
        }
    }

    pub(crate) fn status(&self) -> Status {
        self.inner.lock().status.clone()
    }

    pub(crate) fn frame(&self) -> Option<Frame> {
        self.inner.lock().frame.clone()
    }

    pub(crate) fn running(&self, detail: String) {
        self.inner.lock().status = Status {
            state: State::Running,
            detail: Some(detail),
            message: None,
        };
    }

    pub(crate) fn show(&self, frame: Frame) {
        // The one before is freed after the lock is.
        let before = self.inner.lock().frame.replace(frame);
        drop(before);
    }

    pub(crate) fn lost(&self, message: String) {
        let mut inner = self.inner.lock();
        inner.status = Status {
            state: State::Lost,
            detail: None,
            message: Some(message),
        };
        inner.frame = None;
    }
}
