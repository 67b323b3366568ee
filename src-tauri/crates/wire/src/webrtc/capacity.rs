//! What a path carries, judged by what the far end says of the packets that we send over it.
//!
//! Far ends tell of it in three ways, and the best there is counts: when each packet came (transport-wide
//! feedback, draft-holmer-rmcat-transport-wide-cc-extensions-01), an estimate of their own (REMB,
//! draft-alvestrand-rmcat-remb-03), or the share that was lost (RFC 3550, section 6.4.1).
//!
//! Who sends pictures seldom fills a path, so that a low rate proves nothing. A path is called too narrow only by
//! what a wide one does not do: it loses many packets, or even the quickest packet of half a second has waited in
//! a queue. A keyframe that comes in one gulp makes later packets wait, but not the quickest one. As with
//! Google's congestion control (draft-ietf-rmcat-gcc-02), the rate then falls below what came through, and grows
//! by a few percent a second from there.

use std::time::Duration;

use media::Timestamp;

/// What became of a packet.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fate {
    pub(crate) left: Timestamp,
    /// By the far end's clock, which begins anywhere; `None` when it was lost.
    pub(crate) came: Option<Duration>,
    pub(crate) bytes: usize,
}

/// Packets are judged together that left within so long, and at least so many.
const WINDOW: Duration = Duration::from_millis(500);
const ENOUGH: usize = 10;

/// Shares lost below which a path is calm, and above which it is too narrow (section 6 of the draft).
const FEW: f64 = 0.02;
const MANY: f64 = 0.1;

/// What a window counts against those before it.
const NEW: f64 = 0.3;

/// Waits in a queue, in seconds: below the first a path is calm, beyond the second it is too narrow, and beyond the
/// third the queue has to become shorter soon.
const SHORT: f64 = 0.03;
const LONG: f64 = 0.08;
const DEEP: f64 = 0.3;

/// What is left of the rate that came through, so that the queue becomes shorter.
const BELOW: f64 = 0.85;
const FAR_BELOW: f64 = 0.6;

/// Growth in a second, and close to where the path gave way before.
const GROWTH: f64 = 1.08;
const CAREFUL: f64 = 1.02;

/// A cut is given so long before the next one: encoder and queue take their time.
const SETTLE: Duration = Duration::from_millis(1_500);

/// Estimates of the far end begin low and grow with what comes; those of the first seconds say nothing.
const GRACE: Duration = Duration::from_secs(5);

/// No path is called narrower, in bits per second.
const LEAST: f64 = 150_000.0;

/// What carries sound and picture takes so much more.
const OVERHEAD: f64 = 1.05;

/// The quickest way is remembered so long, and as long again at most: clocks drift, and paths change.
const MEMORY: Duration = Duration::from_secs(30);

/// What one path carries, as far as it shows.
#[derive(Debug)]
pub(crate) struct Capacity {
    begun: Timestamp,
    /// What is sent over it when nothing holds that back, as far as it is announced.
    announced: f64,
    limit: Option<f64>,
    /// What came through when it was too narrow last.
    gave_way: f64,
    sent: Sent,
    window: Window,
    quickest: Quickest,
    /// The share of packets lost, over the last windows.
    lost: f64,
    settled_at: Timestamp,
    grown_at: Timestamp,
    /// Whether the far end counts packets, and whether it estimates.
    counts: bool,
    estimates: bool,
}

impl Capacity {
    /// A path that is used from `now` on.
    pub(crate) fn new(now: Timestamp) -> Self {
        Self {
            begun: now,
            announced: 0.0,
            limit: None,
            gave_way: 0.0,
            sent: Sent::new(now),
            window: Window::default(),
            quickest: Quickest::new(now),
            lost: 0.0,
            settled_at: now,
            grown_at: now,
            counts: false,
            estimates: false,
        }
    }

    /// What sound and picture have when nothing holds them back, in bits per second; 0 is not known.
    pub(crate) fn announce(&mut self, bits_per_second: u64) {
        self.announced = bits_per_second as f64 * OVERHEAD;
    }

    /// Bits per second that it carries, when that is less than there is to send.
    pub(crate) fn limit(&self) -> Option<u64> {
        self.limit.map(|limit| limit as u64)
    }

    /// Counts what is sent.
    pub(crate) fn sent(&mut self, bytes: usize, now: Timestamp) {
        self.sent.count(bytes, now, self.limit.is_none());
    }

    /// Another path leads there now: what was known of the old one says nothing of how long it takes.
    pub(crate) fn moved(&mut self, now: Timestamp) {
        self.window = Window::default();
        self.quickest = Quickest::new(now);
        self.settled_at = now + SETTLE;
    }

    /// Takes what became of packets, in the order they were sent.
    pub(crate) fn counted(&mut self, fates: &[Fate], now: Timestamp) {
        for fate in fates {
            self.counts = true;
            self.window.add(fate);
            if let Some(judged) = self.window.judge() {
                self.judge(judged, now);
                self.window = Window::default();
            }
        }
    }

    fn judge(&mut self, judged: Judged, now: Timestamp) {
        let quickest = self.quickest.with(judged.quickest, now);
        let waited = judged.quickest.map_or(0.0, |delay| delay - quickest);
        // One bad half second may be chance.
        self.lost += (judged.lost - self.lost) * NEW;
        if judged.lost.min(self.lost) > MANY || waited > LONG {
            let left = if waited > DEEP { FAR_BELOW } else { BELOW };
            self.narrow(judged.came, left, now);
        } else if self.lost < FEW && waited < SHORT {
            self.grow(now);
        }
    }

    /// Takes an estimate of the far end's.
    pub(crate) fn estimated(&mut self, bits_per_second: f64, now: Timestamp) {
        self.estimates = true;
        if self.counts || now.since(self.begun) < GRACE {
            return;
        }
        // It knows no more of a path than what came over it.
        if bits_per_second < self.sent.rate {
            self.narrow(bits_per_second, 1.0, now);
        } else {
            self.grow(now);
        }
    }

    /// Takes the share of a picture's or a sound's packets, of 256, that were lost since the last report.
    pub(crate) fn lost(&mut self, share: u8, now: Timestamp) {
        if self.counts {
            return;
        }
        let lost = f64::from(share) / 256.0;
        if lost > MANY {
            self.narrow(self.sent.rate * (1.0 - lost), 1.0, now);
        } else if lost < FEW && !self.estimates {
            self.grow(now);
        }
    }

    /// The path is too narrow: `came` came through, and the part `left` of that is sent from now on.
    fn narrow(&mut self, came: f64, left: f64, now: Timestamp) {
        if now < self.settled_at {
            return;
        }
        let before = self.limit.unwrap_or(f64::MAX);
        // Half as much at most: one bad moment is not the whole truth.
        let least = 0.5 * before.min(self.sent.rate);
        let limit = (came * left).max(least).max(LEAST);
        self.gave_way = came;
        self.limit = Some(limit.min(before));
        self.settled_at = now + SETTLE;
        self.grown_at = now;
    }

    fn grow(&mut self, now: Timestamp) {
        let seconds = now.since(self.grown_at).as_secs_f64().min(1.0);
        self.grown_at = now;
        let Some(limit) = self.limit else { return };
        if now < self.settled_at {
            return;
        }
        let close = (0.9..1.1).contains(&(limit / self.gave_way.max(1.0)));
        let growth = if close { CAREFUL } else { GROWTH };
        let limit = limit * growth.powf(seconds);
        let whole = if self.announced > 0.0 {
            self.announced
        } else {
            self.sent.most
        };
        // A little more than all there is: then it has been shown to carry it.
        self.limit = Some(limit).filter(|limit| *limit < 1.05 * whole);
    }
}

/// What is sent, second by second.
#[derive(Debug)]
struct Sent {
    since: Timestamp,
    bits: f64,
    /// Of the last whole second.
    rate: f64,
    /// The most in a second while nothing held it back.
    most: f64,
}

impl Sent {
    fn new(now: Timestamp) -> Self {
        Self {
            since: now,
            bits: 0.0,
            rate: 0.0,
            most: 0.0,
        }
    }

    fn count(&mut self, bytes: usize, now: Timestamp, free: bool) {
        self.bits += bytes as f64 * 8.0;
        let seconds = now.since(self.since).as_secs_f64();
        if seconds >= 1.0 {
            self.rate = self.bits / seconds * OVERHEAD;
            if free {
                self.most = self.most.max(self.rate);
            }
            self.since = now;
            self.bits = 0.0;
        }
    }
}

/// Packets that are judged together.
#[derive(Debug, Default)]
struct Window {
    began: Option<Timestamp>,
    ended: Timestamp,
    packets: usize,
    lost: usize,
    /// When the first and the last of them came, and bits of all but the first.
    first: Option<Duration>,
    last: Duration,
    bits: f64,
    quickest: Option<f64>,
}

/// What packets have shown.
#[derive(Clone, Copy, Debug)]
struct Judged {
    /// The share that was lost.
    lost: f64,
    /// Bits per second that came through.
    came: f64,
    /// Seconds that the quickest took, from our clock to the far end's.
    quickest: Option<f64>,
}

impl Window {
    fn add(&mut self, fate: &Fate) {
        self.began.get_or_insert(fate.left);
        self.ended = self.ended.max(fate.left);
        self.packets += 1;
        let Some(came) = fate.came else {
            self.lost += 1;
            return;
        };
        if self.first.is_some() {
            self.bits += fate.bytes as f64 * 8.0;
        }
        let first = *self.first.get_or_insert(came);
        self.first = Some(first.min(came));
        self.last = self.last.max(came);
        let left = fate.left.since(Timestamp::ZERO).as_secs_f64();
        let took = came.as_secs_f64() - left;
        self.quickest = Some(self.quickest.map_or(took, |q| q.min(took)));
    }

    fn judge(&self) -> Option<Judged> {
        let lasted = self.ended.since(self.began?);
        if lasted < WINDOW || self.packets < ENOUGH {
            return None;
        }
        let taken = self.first.map_or(Duration::ZERO, |first| self.last - first);
        Some(Judged {
            lost: self.lost as f64 / self.packets as f64,
            // However close together the last of them came: they left within that time.
            came: self.bits / taken.max(lasted).as_secs_f64(),
            quickest: self.quickest,
        })
    }
}

/// The quickest that a packet was, lately.
#[derive(Debug)]
struct Quickest {
    since: Timestamp,
    now: f64,
    before: f64,
}

impl Quickest {
    fn new(now: Timestamp) -> Self {
        Self {
            since: now,
            now: f64::INFINITY,
            before: f64::INFINITY,
        }
    }

    /// The quickest of all with this one.
    fn with(&mut self, took: Option<f64>, now: Timestamp) -> f64 {
        if now.since(self.since) >= MEMORY {
            self.before = self.now;
            self.now = f64::INFINITY;
            self.since = now;
        }
        self.now = self.now.min(took.unwrap_or(f64::INFINITY));
        self.now.min(self.before)
    }
}

#[cfg(test)]
mod tests;
