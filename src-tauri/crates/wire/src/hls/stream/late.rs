//! Media that is written when somebody wants it.

use bytes::Bytes;
use container::fmp4::Unwritten;
use parking_lot::Mutex;

/// A fragment. Of most channels nobody asks for files, and of those that are followed over WebRTC
/// hardly ever somebody; so what files have is written down by the first who asks.
#[derive(Debug)]
pub(super) struct Late(Mutex<State>);

#[derive(Debug)]
enum State {
    Unwritten(Unwritten),
    Written(Bytes),
}

impl Late {
    pub(super) fn new(fragment: Unwritten) -> Self {
        Self(Mutex::new(State::Unwritten(fragment)))
    }

    /// Its bytes; the same ones each time.
    pub(super) fn bytes(&self) -> Bytes {
        let mut state = self.0.lock();
        let bytes = match &*state {
            State::Written(bytes) => return bytes.clone(),
            State::Unwritten(fragment) => fragment.write(),
        };
        // The packets go: media is not held twice.
        *state = State::Written(bytes.clone());
        bytes
    }
}
