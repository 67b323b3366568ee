//! Whether anybody sees or hears the program. While nobody does, its threads rest: a station that is
//! left running costs next to nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use media::{Frame, Timestamp, latest};
use parking_lot::{Condvar, Mutex};

use crate::outlet::Outlet;
use crate::stage::Looking;
use crate::views::Views;

/// The program goes on for so long after the last look: a page that is loaded again finds it running.
pub(crate) const LINGER: Duration = Duration::from_secs(10);

/// A thread that rests looks by itself this often, whether or not it was woken.
const NAP: Duration = Duration::from_secs(1);

/// What the program's threads ask before they work.
pub(crate) struct Attention {
    outlet: Arc<Outlet>,
    views: Arc<Views>,
    preview: latest::Sender<Option<Frame>>,
    linger: Duration,
    /// Until when somebody is taken to look, in nanoseconds of the clock.
    until: AtomicI64,
    rests: AtomicU64,
    bell: Condvar,
    door: Mutex<()>,
}

impl Attention {
    /// Somebody looks from `now` on, and for a while.
    pub(crate) fn new(
        outlet: Arc<Outlet>,
        views: Arc<Views>,
        preview: latest::Sender<Option<Frame>>,
        linger: Duration,
        now: Timestamp,
    ) -> Self {
        let attention = Self {
            outlet,
            views,
            preview,
            linger,
            until: AtomicI64::default(),
            rests: AtomicU64::default(),
            bell: Condvar::new(),
            door: Mutex::default(),
        };
        attention.attend(now);
        attention
    }

    /// Notes that somebody looks, and wakes who rests.
    pub(crate) fn attend(&self, now: Timestamp) {
        let until = (now + self.linger).nanos();
        let before = self.until.fetch_max(until, Ordering::AcqRel);
        if before < now.nanos() {
            self.ring();
        }
    }

    /// Wakes who rests: what is asked for may be there now, or the end is.
    pub(crate) fn ring(&self) {
        // Not between somebody's look and their wait.
        drop(self.door.lock());
        self.bell.notify_all();
    }

    /// Whether there is a reason to work now.
    pub(crate) fn is_paid(&self, now: Timestamp) -> bool {
        self.outlet.is_open()
            || now.nanos() < self.until.load(Ordering::Acquire)
            || self.preview.receiver_count() > 0
            || self.views.looking() != Looking::default()
    }

    /// Rests until there may be something to do; at most a moment.
    pub(crate) fn rest(&self, now: Timestamp, stopped: impl Fn() -> bool) {
        let mut door = self.door.lock();
        if !stopped() && !self.is_paid(now) {
            self.rests.fetch_add(1, Ordering::Relaxed);
            self.bell.wait_for(&mut door, NAP);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use media::{ChannelInfo, ChannelName, Clock, Hub, Next, Origin, Start, Want};
    use scene::Collection;

    use super::*;
    use crate::outlet::VIDEO;
    use crate::views::View;
    use crate::{Program, Settings};

    fn at(seconds: u64) -> Timestamp {
        Timestamp::ZERO + Duration::from_secs(seconds)
    }

    fn attention() -> Attention {
        Attention::new(
            Arc::default(),
            Views::new(),
            latest::channel(None).0,
            Duration::from_secs(10),
            at(0),
        )
    }

    #[test]
    fn it_is_paid_while_somebody_looks_and_a_while_longer() {
        let attention = attention();
        assert!(attention.is_paid(at(9)), "from the start");
        assert!(!attention.is_paid(at(10)));
        attention.attend(at(20));
        attention.attend(at(12));
        assert!(attention.is_paid(at(29)), "the latest look counts");
        assert!(!attention.is_paid(at(30)));
        let preview = attention.preview.subscribe();
        assert!(attention.is_paid(at(99)), "a preview");
        drop(preview);
        let scenes = attention.views.look(View::Scenes);
        assert!(attention.is_paid(at(99)), "a view of all scenes");
        drop(scenes);
        assert!(!attention.is_paid(at(99)));
    }

    #[test]
    fn who_rests_is_woken_by_a_look_and_by_the_end() {
        let attention = Arc::new(attention());
        for wake in [
            (|attention: &Attention| attention.attend(at(50))) as fn(&Attention),
            |attention| attention.ring(),
        ] {
            std::thread::scope(|scope| {
                let resting = scope.spawn(|| attention.rest(at(30), || false));
                wake(&attention);
                assert!(resting.join().is_ok());
            });
        }
        attention.rest(at(100), || true);
    }

    #[test]
    fn the_program_rests_off_the_air_and_goes_on_when_it_goes_on_air() {
        let clock = Clock::start();
        let hub = Hub::new(1);
        let program = Program::with_linger(
            Settings::default(),
            Arc::new(Collection::empty("Rest")),
            PathBuf::new(),
            hub.clone(),
            clock,
            Duration::ZERO,
        )
        .unwrap();
        let rested = |times: u64| {
            let before = program.attention.rests.load(Ordering::Relaxed);
            for _ in 0..1_000 {
                if program.attention.rests.load(Ordering::Relaxed) >= before + times {
                    return true;
                }
                std::thread::sleep(Duration::from_millis(10));
            }
            false
        };
        assert!(rested(1), "from the beginning");
        let info = ChannelInfo {
            origin: Origin::Program,
            title: String::new(),
        };
        let name = ChannelName::program();
        let writer = hub.publish(name.clone(), info, clock.now()).unwrap();
        program.go_live(writer).unwrap();
        let channel = hub.channel(&name).unwrap();
        let mut reader = channel.read(Want::MP4, Start::Next, 1_000);
        let mut pictures = 0;
        while pictures < 3 {
            let next = reader.next_blocking(Duration::from_secs(10)).unwrap();
            pictures += u32::from(matches!(next, Next::Packet(packet) if packet.track == VIDEO));
        }
        program.end();
        // Both threads have been at their beds once each of them has been there twice, at the least.
        assert!(rested(4), "after the air");
        let frames = program.stats().frames;
        assert!(frames >= 3);
        assert!(rested(4), "on and on");
        assert_eq!(
            program.stats().frames,
            frames,
            "nothing is composed meanwhile"
        );
    }
}
