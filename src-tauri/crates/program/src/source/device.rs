//! Cameras, microphones and screens as sources.
//!
//! A device is opened when the program first shows it, and stays open from then on: no camera
//! light before it is wanted, no delay afterwards.

use std::sync::OnceLock;

use capture::camera::{self, Camera};
use capture::microphone::{self, Microphone};
use capture::screen::{self, Screen};
use media::{Clock, Frame, PixelFormat, Samples, Timestamp};
use parking_lot::Mutex;

use super::jpeg::Decoder;
use super::{Showing, Source, State, Status, placeholder_for};

impl From<capture::Status> for Status {
    fn from(status: capture::Status) -> Self {
        Self {
            state: match status.state {
                capture::State::Starting => State::Starting,
                capture::State::Running => State::Running,
                capture::State::Lost => State::Lost,
            },
            message: status.message,
            detail: status.detail,
            playback: None,
        }
    }
}

/// A device that gives pictures.
pub(super) struct Video<D, R> {
    name: String,
    request: R,
    clock: Clock,
    start: fn(R, Clock) -> D,
    latest: fn(&D) -> Option<Frame>,
    state: fn(&D) -> capture::Status,
    device: OnceLock<D>,
    decoder: OnceLock<Decoder>,
    placeholder: Mutex<Option<(String, Frame)>>,
}

pub(super) fn camera(
    name: &str,
    request: camera::Request,
    clock: Clock,
) -> Video<Camera, camera::Request> {
    Video::new(
        name,
        request,
        clock,
        Camera::start,
        Camera::latest,
        Camera::status,
    )
}

pub(super) fn screen(
    name: &str,
    request: screen::Request,
    clock: Clock,
) -> Video<Screen, screen::Request> {
    Video::new(
        name,
        request,
        clock,
        Screen::start,
        Screen::latest,
        Screen::status,
    )
}

impl<D, R: Clone> Video<D, R> {
    fn new(
        name: &str,
        request: R,
        clock: Clock,
        start: fn(R, Clock) -> D,
        latest: fn(&D) -> Option<Frame>,
        state: fn(&D) -> capture::Status,
    ) -> Self {
        Self {
            name: name.to_owned(),
            request,
            clock,
            start,
            latest,
            state,
            device: OnceLock::new(),
            decoder: OnceLock::new(),
            placeholder: Mutex::default(),
        }
    }

    /// Motion JPEG is decoded only while the program wants to see it.
    fn decode(&self, frame: Frame) -> Option<Frame> {
        if frame.format() != PixelFormat::Mjpeg {
            return Some(frame);
        }
        self.decoder
            .get_or_init(|| Decoder::start(&self.name))
            .exchange(frame)
    }
}

impl<D: Send + Sync, R: Clone + Send + Sync> Source for Video<D, R> {
    fn picture(&self, at: Timestamp) -> Option<Frame> {
        let device = self.device.get()?;
        let status = (self.state)(device);
        if status.state == capture::State::Lost {
            let reason = status.message.unwrap_or_default();
            return placeholder_for(&self.placeholder, &self.name, &reason, at);
        }
        self.decode((self.latest)(device)?)
    }

    fn sound(&self, _start: Timestamp, _frames: usize, _out: &mut Vec<Samples>) {}

    fn show(&self, showing: Showing, _now: Timestamp) {
        if showing.anywhere() {
            self.device
                .get_or_init(|| (self.start)(self.request.clone(), self.clock));
        }
    }

    fn status(&self) -> Status {
        let device = self.device.get();
        device.map_or_else(Status::idle, |d| (self.state)(d).into())
    }
}

/// A device that gives sound.
pub(super) struct Audio {
    request: microphone::Request,
    clock: Clock,
    device: OnceLock<Mutex<Microphone>>,
}

pub(super) fn microphone(request: microphone::Request, clock: Clock) -> Audio {
    Audio {
        request,
        clock,
        device: OnceLock::new(),
    }
}

impl Source for Audio {
    fn picture(&self, _at: Timestamp) -> Option<Frame> {
        None
    }

    fn sound(&self, _start: Timestamp, _frames: usize, out: &mut Vec<Samples>) {
        if let Some(device) = self.device.get() {
            out.extend(device.lock().read());
        }
    }

    fn show(&self, showing: Showing, _now: Timestamp) {
        if showing.anywhere() {
            self.device
                .get_or_init(|| Mutex::new(Microphone::start(self.request.clone(), self.clock)));
        }
    }

    fn status(&self) -> Status {
        let device = self.device.get();
        device.map_or_else(Status::idle, |d| d.lock().status().into())
    }
}
