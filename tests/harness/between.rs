//! A path over UDP that is as bad as a test wants it.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use media::{Clock, Timestamp};
use tokio::net::UdpSocket;
use tokio::task::JoinSet;

/// Datagrams are no longer than this.
const LONGEST: usize = 65_536;

/// What is shorter is no picture.
const MEDIA: usize = 300;

/// Bytes that a narrow path takes at once.
const BURST: f64 = 30_000.0;

/// Carries datagrams from whoever sends to its port to the far end, and back.
#[derive(Debug)]
pub struct Between {
    port: u16,
    rules: Arc<Rules>,
    _tasks: JoinSet<()>,
}

#[derive(Debug, Default)]
struct Rules {
    cut: AtomicBool,
    /// Bits per second to the far end; 0 for any.
    width: AtomicU64,
    /// Of datagrams of media to the far end, one in so many is lost; 0 for none.
    loss: AtomicU64,
    lost: AtomicU64,
    carried: AtomicU64,
    refused: AtomicU64,
}

impl Between {
    /// Begins to carry to `far`; only for senders with these ports, where any are given.
    ///
    /// # Panics
    /// When the machine has no port left.
    pub async fn to(far: SocketAddr, senders: Option<RangeInclusive<u16>>) -> Self {
        let near = UdpSocket::bind("127.0.0.1:0").await.expect("a port");
        let port = near.local_addr().expect("its number").port();
        let rules = Arc::<Rules>::default();
        let mut tasks = JoinSet::new();
        tasks.spawn(carry(Arc::new(near), far, senders, Arc::clone(&rules)));
        Self {
            port,
            rules,
            _tasks: tasks,
        }
    }

    /// Where it begins, on the loopback.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Nothing comes through any more, either way.
    pub fn cut(&self) {
        self.rules.cut.store(true, Ordering::Release);
    }

    /// It carries again.
    pub fn mend(&self) {
        self.rules.cut.store(false, Ordering::Release);
    }

    /// What goes beyond so many bits per second to the far end is lost; 0 for nothing.
    pub fn set_width(&self, bits_per_second: u64) {
        self.rules.width.store(bits_per_second, Ordering::Release);
    }

    /// One datagram of media in so many is lost on the way to the far end; 0 for none.
    pub fn lose_each(&self, many: u64) {
        self.rules.loss.store(many, Ordering::Release);
    }

    /// Datagrams that were lost so.
    pub fn lost(&self) -> u64 {
        self.rules.lost.load(Ordering::Acquire)
    }

    /// Datagrams that went to the far end, and those whose sender may not.
    pub fn counts(&self) -> (u64, u64) {
        let of = |count: &AtomicU64| count.load(Ordering::Acquire);
        (of(&self.rules.carried), of(&self.rules.refused))
    }
}

async fn carry(
    near: Arc<UdpSocket>,
    far: SocketAddr,
    senders: Option<RangeInclusive<u16>>,
    rules: Arc<Rules>,
) {
    let clock = Clock::start();
    let (mut room, mut filled) = (BURST, Timestamp::ZERO);
    let mut media = 0_u64;
    let mut legs: HashMap<SocketAddr, Arc<UdpSocket>> = HashMap::new();
    let mut backs = JoinSet::new();
    let mut bytes = vec![0; LONGEST];
    // A sender that has gone is told of by an error, which is nothing to the others.
    loop {
        let Ok((length, from)) = near.recv_from(&mut bytes).await else {
            continue;
        };
        if rules.cut.load(Ordering::Acquire) {
            continue;
        }
        if senders
            .as_ref()
            .is_some_and(|ports| !ports.contains(&from.port()))
        {
            rules.refused.fetch_add(1, Ordering::AcqRel);
            continue;
        }
        let width = rules.width.load(Ordering::Acquire) as f64;
        let now = clock.now();
        room = (room + width / 8.0 * now.since(filled).as_secs_f64()).min(BURST);
        filled = now;
        if width > 0.0 {
            if room < length as f64 {
                continue;
            }
            room -= length as f64;
        }
        let loss = rules.loss.load(Ordering::Acquire);
        if length > MEDIA && loss > 0 {
            media += 1;
            if media.is_multiple_of(loss) {
                rules.lost.fetch_add(1, Ordering::AcqRel);
                continue;
            }
        }
        let leg = match legs.get(&from) {
            Some(leg) => Arc::clone(leg),
            None => {
                let leg = UdpSocket::bind("127.0.0.1:0").await.expect("a port");
                leg.connect(far).await.expect("an address");
                let leg = Arc::new(leg);
                legs.insert(from, Arc::clone(&leg));
                backs.spawn(back(
                    Arc::clone(&leg),
                    Arc::clone(&near),
                    from,
                    Arc::clone(&rules),
                ));
                leg
            }
        };
        rules.carried.fetch_add(1, Ordering::AcqRel);
        drop(leg.send(&bytes[..length]).await);
    }
}

async fn back(leg: Arc<UdpSocket>, near: Arc<UdpSocket>, to: SocketAddr, rules: Arc<Rules>) {
    let mut bytes = vec![0; LONGEST];
    loop {
        let Ok(length) = leg.recv(&mut bytes).await else {
            continue;
        };
        if !rules.cut.load(Ordering::Acquire) {
            drop(near.send_to(&bytes[..length], to).await);
        }
    }
}
