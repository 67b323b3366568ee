//! Waiting with a bound.

use std::{
    io::{BufRead, BufReader, Read},
    sync::mpsc::{Receiver, sync_channel},
    thread,
    time::{Duration, Instant},
};

/// Between two looks at something that cannot announce itself.
const LOOK: Duration = Duration::from_millis(25);

/// Looks until there is something, for what another process does and cannot announce.
///
/// # Panics
/// When nothing came within `bound`.
#[expect(
    clippy::disallowed_methods,
    reason = "a bound in real time on processes that know no clock of ours"
)]
pub fn eventually<T>(what: &str, bound: Duration, mut look: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(start.elapsed() < bound, "not within {bound:?}: {what}");
        thread::sleep(LOOK);
    }
}

/// Lines as they come, read on a thread so that waiting for one can have a bound. Holds 1024;
/// a reader that does not keep up holds the writer back.
///
/// # Panics
/// When the system gives no thread.
pub fn lines(from: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = sync_channel(1024);
    thread::Builder::new()
        .name("lines".into())
        .spawn(move || {
            for line in BufReader::new(from).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        })
        .expect("a thread");
    receiver
}
