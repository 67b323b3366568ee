//! Pictures that are drawn beside the program: drawing takes longer than a tick has.

use std::collections::VecDeque;
use std::sync::Arc;
use std::thread::{Builder, JoinHandle};

use media::Frame;
use parking_lot::{Condvar, Mutex};

/// Pictures that are kept: the one that is shown, the one that comes next, and one between.
const KEPT: usize = 3;

/// Draws what is wished for, on a thread of its own. Latest wins: what was wished for before it could be
/// drawn is left out, and what was drawn last is shown until the next is done.
pub(super) struct Painter<W> {
    shared: Arc<Shared<W>>,
    draw: Mutex<Option<Draw<W>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

type Draw<W> = Box<dyn FnMut(&W) -> Frame + Send>;

struct Shared<W> {
    easel: Mutex<Easel<W>>,
    wished: Condvar,
}

struct Easel<W> {
    /// The first is needed now, the second soon.
    wishes: [Option<W>; 2],
    /// The last one asked for, drawn or not.
    asked: [Option<W>; 2],
    done: VecDeque<(W, Frame)>,
    shown: Option<Frame>,
    stop: bool,
}

impl<W: Clone + PartialEq + Send + 'static> Painter<W> {
    /// A painter that has drawn nothing; its thread begins with the first wish.
    pub(super) fn new(draw: impl FnMut(&W) -> Frame + Send + 'static) -> Self {
        Self {
            shared: Arc::new(Shared {
                easel: Mutex::new(Easel {
                    wishes: [None, None],
                    asked: [None, None],
                    done: VecDeque::with_capacity(KEPT + 1),
                    shown: None,
                    stop: false,
                }),
                wished: Condvar::new(),
            }),
            draw: Mutex::new(Some(Box::new(draw))),
            thread: Mutex::default(),
        }
    }

    /// The picture of `wish`, or the last one that was shown while it is drawn. `next` is drawn when there is
    /// nothing better to do, so that it is there in time.
    pub(super) fn picture(&self, wish: &W, next: Option<&W>) -> Option<Frame> {
        let mut easel = self.shared.easel.lock();
        let wishes = [Some(wish), next];
        let mut new = false;
        for (slot, wish) in wishes.into_iter().enumerate() {
            if easel.asked[slot].as_ref() == wish {
                continue;
            }
            easel.asked[slot] = wish.cloned();
            let drawn = wish.is_none_or(|wish| easel.done.iter().any(|(of, _)| of == wish));
            easel.wishes[slot] = wish.filter(|_| !drawn).cloned();
            new |= easel.wishes[slot].is_some();
        }
        if let Some((_, frame)) = easel.done.iter().find(|(of, _)| of == wish) {
            easel.shown = Some(frame.clone());
        }
        let shown = easel.shown.clone();
        drop(easel);
        if new {
            self.begin();
            self.shared.wished.notify_one();
        }
        shown
    }

    /// Whether what was needed last has been drawn.
    pub(super) fn settled(&self) -> bool {
        let easel = self.shared.easel.lock();
        let mut done = easel.done.iter();
        easel.asked[0]
            .as_ref()
            .is_none_or(|wish| done.any(|(of, _)| of == wish))
    }

    fn begin(&self) {
        let mut thread = self.thread.lock();
        let Some(draw) = self.draw.lock().take() else {
            return;
        };
        let shared = Arc::clone(&self.shared);
        let named = Builder::new().name("painter".into());
        match named.spawn(move || shared.work(draw)) {
            Ok(handle) => *thread = Some(handle),
            Err(error) => tracing::error!(%error, "no thread to draw a picture"),
        }
    }
}

impl<W: PartialEq> Shared<W> {
    fn work(&self, mut draw: Draw<W>) {
        while let Some(wish) = self.take() {
            let frame = draw(&wish);
            let mut easel = self.easel.lock();
            easel.done.push_back((wish, frame));
            let gone = (easel.done.len() > KEPT).then(|| easel.done.pop_front());
            drop(easel);
            // Freed without the lock.
            drop(gone);
        }
    }

    /// The next wish, waited for; nothing at the end.
    fn take(&self) -> Option<W> {
        let mut easel = self.easel.lock();
        loop {
            if easel.stop {
                return None;
            }
            let [now, next] = &mut easel.wishes;
            if let Some(wish) = now.take().or_else(|| next.take()) {
                return Some(wish);
            }
            self.wished.wait(&mut easel);
        }
    }
}

impl<W> Drop for Painter<W> {
    fn drop(&mut self) {
        self.shared.easel.lock().stop = true;
        self.shared.wished.notify_all();
        if let Some(thread) = self.thread.get_mut().take()
            && thread.join().is_err()
        {
            tracing::error!("a painter's thread had panicked");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::color;
    use media::Timestamp;

    fn shade(of: u8) -> Frame {
        color::rgba(1, 1, vec![of; 4], Timestamp::ZERO)
    }

    /// Asks until the picture of a wish is there.
    fn wait(painter: &Painter<u8>, wish: u8, next: Option<u8>) {
        loop {
            let frame = painter.picture(&wish, next.as_ref());
            if frame.is_some_and(|frame| frame.planes()[0].data[0] == wish) {
                return;
            }
            std::thread::yield_now();
        }
    }

    #[test]
    fn the_last_picture_stands_until_the_next_is_drawn() {
        let (go, gate) = std::sync::mpsc::sync_channel::<()>(8);
        let painter = Painter::new(move |wish: &u8| {
            // Until the test lets it.
            gate.recv().ok();
            shade(*wish)
        });
        assert!(painter.picture(&1, None).is_none(), "nothing is drawn yet");
        go.send(()).unwrap();
        wait(&painter, 1, None);
        for _ in 0..5 {
            let shown = painter.picture(&2, None).unwrap();
            assert_eq!(shown.planes()[0].data[0], 1);
        }
        go.send(()).unwrap();
        wait(&painter, 2, None);
        drop(go);
    }

    #[test]
    fn what_comes_next_is_drawn_before_it_is_needed() {
        let painter = Painter::new(|wish: &u8| shade(*wish));
        wait(&painter, 1, Some(2));
        while painter.shared.easel.lock().done.len() < 2 {
            std::thread::yield_now();
        }
        let at_once = painter.picture(&2, Some(&3)).unwrap();
        assert_eq!(at_once.planes()[0].data[0], 2);
    }
}
