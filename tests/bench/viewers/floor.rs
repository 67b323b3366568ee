//! What the same datagrams cost by bare batched sends.

use std::io::IoSliceMut;
use std::net::UdpSocket;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};
use cpu_time::ThreadTime;
use media::{Clock, Timestamp};
use quinn_udp::{RecvMeta, Transmit, UdpSockRef, UdpSocketState};
use serde_json::{Value, json};

/// Bytes that one call may send.
const LARGEST: usize = 65_000;

/// Pictures a second; the datagrams of one leave together.
const FPS: u32 = 30;

/// Datagrams of a keyframe of a channel of 2.5 Mbps.
const KEYFRAME: usize = 60;

/// Keyframes that are timed.
const BURSTS: usize = 9;

/// Sends `packets` datagrams of `bytes` a second to each of `count` sockets, in runs of one picture.
pub(super) fn run(count: usize, seconds: f64, packets: f64, bytes: usize) -> Result<Value> {
    let receivers: Vec<_> = (0..count)
        .map(|_| UdpSocket::bind("127.0.0.1:0"))
        .collect::<std::io::Result<_>>()?;
    let addresses: Vec<_> = receivers
        .iter()
        .map(UdpSocket::local_addr)
        .collect::<std::io::Result<_>>()?;
    let done = Arc::new(AtomicBool::new(false));
    let reading = {
        let done = Arc::clone(&done);
        thread::Builder::new()
            .name("receivers".into())
            .spawn(move || drain(&receivers, &done))?
    };

    let socket = UdpSocket::bind("127.0.0.1:0")?;
    let state = UdpSocketState::new(UdpSockRef::from(&socket))?;
    let run = (packets / f64::from(FPS)).round().max(1.0) as usize;
    let contents = vec![0x80; run.max(KEYFRAME) * bytes];
    // A full receiver loses it, as a viewer would.
    let send = |datagrams: usize| {
        for destination in &addresses {
            let mut left = datagrams;
            while left > 0 {
                let now = left
                    .min(state.max_gso_segments().max(1))
                    .min(LARGEST / bytes);
                let transmit = Transmit {
                    destination: *destination,
                    ecn: None,
                    contents: &contents[..now * bytes],
                    segment_size: Some(bytes),
                    src_ip: None,
                };
                drop(state.try_send(UdpSockRef::from(&socket), &transmit));
                left -= now;
            }
        }
    };
    let clock = Clock::start();
    let ticks = (seconds * f64::from(FPS)) as i64;
    let begin = ThreadTime::now();
    for tick in 1..=ticks {
        send(run);
        let due = Timestamp::from_ticks(tick, FPS);
        thread::sleep(due.since(clock.now()));
    }
    let cpu = begin.elapsed();
    let mut bursts = [Duration::ZERO; BURSTS];
    for burst in &mut bursts {
        thread::sleep(Duration::from_millis(100));
        let begun = clock.now();
        send(KEYFRAME);
        *burst = clock.now().since(begun);
    }
    bursts.sort_unstable();
    done.store(true, Ordering::Relaxed);
    reading.join().ok().context("the receivers failed")?;
    Ok(json!({
        "viewers": count,
        "cpu_percent_per_viewer": 100.0 * cpu.as_secs_f64() / seconds / count as f64,
        "keyframe_ms": bursts[BURSTS / 2].as_secs_f64() * 1_000.0,
        "datagrams_per_viewer_second": run * FPS as usize,
    }))
}

fn drain(receivers: &[UdpSocket], done: &AtomicBool) {
    let states: Vec<_> = receivers
        .iter()
        .filter_map(|r| UdpSocketState::new(UdpSockRef::from(r)).ok())
        .collect();
    let mut buffer = vec![0; 1 << 16];
    while !done.load(Ordering::Relaxed) {
        for (receiver, state) in receivers.iter().zip(&states) {
            let mut metas = [RecvMeta::default()];
            while state
                .recv(
                    UdpSockRef::from(receiver),
                    &mut [IoSliceMut::new(&mut buffer)],
                    &mut metas,
                )
                .is_ok()
            {}
        }
        thread::sleep(Duration::from_millis(5));
    }
}
