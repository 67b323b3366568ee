//! Motion JPEG, decoded beside the program: a large picture takes longer than a tick has.

use std::sync::Arc;
use std::thread::{Builder, JoinHandle};

use media::{Frame, Timestamp};
use parking_lot::{Condvar, Mutex};

/// Decodes the newest of the pictures it is given, on a thread of its own. Latest wins on both
/// sides: what is given too fast is left out, what is asked for is the newest that is done.
pub(super) struct Decoder {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    slot: Mutex<Slot>,
    given: Condvar,
}

#[derive(Default)]
struct Slot {
    next: Option<Frame>,
    /// The newest that was given, decoded or not.
    seen: Option<Timestamp>,
    done: Option<Frame>,
    ended: bool,
}

impl Decoder {
    /// A decoder that has nothing yet. `name` is the device's, for the log.
    pub(super) fn start(name: &str) -> Self {
        let shared = Arc::new(Shared::default());
        let (theirs, device) = (Arc::clone(&shared), name.to_owned());
        let thread = Builder::new()
            .name("motion-jpeg".into())
            .spawn(move || theirs.work(&device));
        if let Err(error) = &thread {
            tracing::error!(%error, camera = name, "no thread for its pictures");
        }
        Self {
            shared,
            thread: thread.ok(),
        }
    }

    /// Takes a picture, unless it was given before, and returns the newest that is decoded.
    pub(super) fn exchange(&self, frame: Frame) -> Option<Frame> {
        let mut slot = self.shared.slot.lock();
        if slot.seen != Some(frame.timestamp()) {
            slot.seen = Some(frame.timestamp());
            slot.next = Some(frame);
            self.shared.given.notify_one();
        }
        slot.done.clone()
    }
}

impl Shared {
    fn work(&self, device: &str) {
        while let Some(frame) = self.take() {
            let Some(data) = frame.planes().first().map(|p| p.data.clone()) else {
                continue;
            };
            match codec::decode::picture::jpeg(&data, frame.timestamp()) {
                Ok(picture) => self.slot.lock().done = Some(picture),
                // Cameras send a broken picture now and then; the one before stays.
                Err(error) => tracing::debug!(%error, camera = device, "a picture was broken"),
            }
        }
    }

    /// The next picture, waited for; nothing at the end.
    fn take(&self) -> Option<Frame> {
        let mut slot = self.slot.lock();
        loop {
            if slot.ended {
                return None;
            }
            if let Some(frame) = slot.next.take() {
                return Some(frame);
            }
            self.given.wait(&mut slot);
        }
    }
}

impl Drop for Decoder {
    fn drop(&mut self) {
        self.shared.slot.lock().ended = true;
        self.shared.given.notify_one();
        if self.thread.take().is_some_and(|t| t.join().is_err()) {
            tracing::error!("a decoder of camera pictures had panicked");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use media::{Clock, Color, PixelFormat};

    use super::*;

    fn jpeg(at: i64, data: impl Into<bytes::Bytes>) -> Frame {
        let at = Timestamp::from_millis(at);
        Frame::packed(
            PixelFormat::Mjpeg,
            16,
            16,
            Color::default(),
            at,
            data.into(),
        )
        .unwrap()
    }

    fn picture() -> bytes::Bytes {
        let black = Frame::black(16, 16, Timestamp::ZERO).unwrap();
        codec::encode::picture::jpeg(&black, 16, 16, 80).unwrap()
    }

    fn until(decoder: &Decoder, frame: &Frame) {
        let clock = Clock::start();
        let done = || decoder.exchange(frame.clone()).map(|f| f.timestamp());
        while done() != Some(frame.timestamp()) {
            let waited = clock.now().since(Timestamp::ZERO);
            assert!(waited < Duration::from_secs(30), "nothing decoded");
            std::thread::yield_now();
        }
    }

    #[test]
    fn the_newest_picture_is_decoded_and_a_broken_one_changes_nothing() {
        let decoder = Decoder::start("Camera");
        until(&decoder, &jpeg(40, picture()));
        decoder.exchange(jpeg(80, &b"\xff\xd8 noise"[..]));
        until(&decoder, &jpeg(120, picture()));
    }
}
