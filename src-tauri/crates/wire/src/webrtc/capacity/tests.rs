use std::collections::VecDeque;

use super::super::testing::Luck;
use super::*;

/// A sender that follows, and a path with a queue before its narrowest place.
struct Line {
    now: Timestamp,
    capacity: Capacity,
    /// Bits per second that the picture would have, and those that the path carries.
    want: f64,
    width: f64,
    /// Bytes that its queue holds.
    room: f64,
    queue: f64,
    /// Packets lost by chance, in percent.
    loss: u64,
    /// How much faster the far end's clock runs, in millionths.
    drift: f64,
    luck: Luck,
    /// Of packets whose fate is not told yet.
    told_at: Timestamp,
    untold: VecDeque<Fate>,
    /// Bytes that wait to be a packet.
    credit: f64,
    ticks: u64,
}

const BYTES: f64 = 1_200.0;
const STEP: Duration = Duration::from_millis(5);
const WAY: f64 = 0.02;

impl Line {
    fn new(want: f64, width: f64) -> Self {
        let now = Timestamp::from_millis(5_000);
        let mut capacity = Capacity::new(now);
        capacity.announce(want as u64);
        Self {
            now,
            capacity,
            want,
            width,
            room: 60_000.0,
            queue: 0.0,
            loss: 0,
            drift: 0.0,
            luck: Luck(42),
            told_at: now,
            untold: VecDeque::new(),
            credit: 0.0,
            ticks: 0,
        }
    }

    /// Lets time pass.
    fn run(&mut self, seconds: u64) {
        for _ in 0..seconds * 200 {
            self.step();
        }
    }

    fn step(&mut self) {
        self.now += STEP;
        self.ticks += 1;
        let step = STEP.as_secs_f64();
        self.queue = (self.queue - self.width / 8.0 * step).max(0.0);
        let rate = self
            .capacity
            .limit()
            .map_or(self.want, |l| self.want.min(l as f64));
        self.credit += rate / 8.0 * step;
        while self.credit >= BYTES {
            self.credit -= BYTES;
            self.packet();
        }
        if self.now.since(self.told_at) >= Duration::from_millis(50) {
            self.told_at = self.now;
            let fates: Vec<Fate> = self.untold.drain(..).collect();
            self.capacity.counted(&fates, self.now);
        }
    }

    fn packet(&mut self) {
        self.capacity.sent(BYTES as usize, self.now);
        let lost = self.queue + BYTES > self.room || self.luck.below(self.loss);
        let came = if lost {
            None
        } else {
            self.queue += BYTES;
            let left = self.now.since(Timestamp::ZERO).as_secs_f64();
            let arrived = left + WAY + self.queue * 8.0 / self.width;
            // The far end's clock begins elsewhere.
            Some(Duration::from_secs_f64(
                1_000.0 + arrived * (1.0 + self.drift / 1e6),
            ))
        };
        self.untold.push_back(Fate {
            left: self.now,
            came,
            bytes: BYTES as usize,
        });
    }

    fn megabits(&self) -> Option<f64> {
        self.capacity.limit().map(|l| l as f64 / 1e6)
    }
}

#[test]
fn a_wide_path_is_never_called_narrow() {
    for (loss, drift) in [(0, 0.0), (0, 150.0), (0, -150.0), (4, 0.0)] {
        let mut line = Line::new(1_000_000.0, 6_000_000.0);
        line.loss = loss;
        line.drift = drift;
        for _ in 0..150 {
            line.run(2);
            assert_eq!(line.megabits(), None, "{loss} % lost, {drift} ppm");
        }
    }
}

#[test]
fn a_keyframe_in_one_gulp_is_no_queue() {
    let mut line = Line::new(300_000.0, 3_000_000.0);
    for _ in 0..60 {
        // 40 kB at once wait a tenth of a second.
        for _ in 0..33 {
            line.packet();
        }
        line.run(2);
        assert_eq!(line.megabits(), None);
    }
}

#[test]
fn what_is_sent_follows_a_path_that_becomes_narrow_and_comes_back() {
    for room in [20_000.0, 60_000.0, 400_000.0] {
        let mut line = Line::new(4_500_000.0, 10_000_000.0);
        line.room = room;
        line.run(20);
        assert_eq!(line.megabits(), None, "{room}");
        line.width = 2_000_000.0;
        line.run(12);
        let mut waited: f64 = 0.0;
        for _ in 0..60 {
            line.run(1);
            let megabits = line.megabits().unwrap();
            assert!((0.9..2.4).contains(&megabits), "{room}: {megabits}");
            waited = waited.max(line.queue * 8.0 / line.width);
        }
        assert!(waited < 0.5, "{room}: {waited} s in the queue");
        line.width = 10_000_000.0;
        line.run(60);
        assert_eq!(line.megabits(), None, "{room}: all of it again");
    }
}

#[test]
fn many_losses_are_a_narrow_path_and_a_few_are_not() {
    let mut line = Line::new(2_000_000.0, 20_000_000.0);
    line.loss = 30;
    line.run(10);
    let megabits = line.megabits().unwrap();
    assert!(megabits < 1.2, "{megabits}");
    line.loss = 0;
    line.run(60);
    assert_eq!(line.megabits(), None);
}

/// Sends 2 Mbps for some seconds.
fn sending(seconds: i64) -> (Capacity, Timestamp) {
    let at = Timestamp::from_millis;
    let mut capacity = Capacity::new(at(0));
    for ms in (0..=seconds * 1_000).step_by(10) {
        capacity.sent(2_500, at(ms));
    }
    (capacity, at(seconds * 1_000))
}

#[test]
fn without_counts_the_far_ends_word_is_taken() {
    // What it says in the beginning is a guess.
    let (mut capacity, now) = sending(3);
    capacity.estimated(800_000.0, now);
    assert_eq!(capacity.limit(), None);

    let (mut capacity, mut now) = sending(10);
    capacity.estimated(2_600_000.0, now);
    assert_eq!(capacity.limit(), None, "no less than what is sent");
    capacity.estimated(1_500_000.0, now);
    assert_eq!(capacity.limit(), Some(1_500_000));
    capacity.estimated(100_000.0, now);
    assert_eq!(capacity.limit(), Some(1_500_000), "a cut is given time");
    for _ in 0..20 {
        now += Duration::from_secs(1);
        capacity.estimated(2_600_000.0, now);
    }
    assert_eq!(capacity.limit(), None);
}

#[test]
fn with_nothing_else_losses_are_believed() {
    let (mut capacity, mut now) = sending(10);
    capacity.lost(13, now);
    assert_eq!(capacity.limit(), None, "five percent may be chance");
    capacity.lost(128, now);
    let limit = capacity.limit().unwrap();
    assert!((1_000_000..1_100_000).contains(&limit), "{limit}");
    for _ in 0..30 {
        now += Duration::from_secs(1);
        capacity.lost(0, now);
    }
    assert_eq!(capacity.limit(), None);
}
