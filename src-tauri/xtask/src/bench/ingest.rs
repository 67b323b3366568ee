//! What taking a publisher in costs: the station beside nginx with its RTMP module, on the same streams, at the
//! same time: what it costs to wake a thread on a machine that idles varies more from minute to minute than they
//! do from each other.
//!
//! All threads of the station count, less what they use without publishers. It makes HLS of every channel, with
//! parts; nginx is measured without and with its own, which has none, and which it writes to the disk. So there are
//! two stations: one keeps nothing, the other what viewers can go back to.

use std::{
    fs,
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use anyhow::{Context, Result, bail};

use super::process::{Cpu, Studio, cpu};
use crate::sh;

/// Publishers at once.
const PUBLISHERS: usize = 10;

/// Publishers begin one by one, and players of their first seconds do.
const SETTLE: Duration = Duration::from_secs(4);

/// After its start a program that nobody sees goes on for ten seconds, and rests then.
const REST: Duration = Duration::from_secs(12);

/// Longer than this tells nothing more.
const SECONDS: u64 = 20;

const NGINX_RTMP: &str = "/usr/lib/nginx/modules/ngx_rtmp_module.so";

/// A process that ends when this is dropped.
pub(super) struct Peer(Child);

impl Peer {
    /// Takes over a process.
    pub(super) fn new(child: Child) -> Self {
        Self(child)
    }

    pub(super) fn id(&self) -> u32 {
        self.0.id()
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // Gone already is as good.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// Measures, and prints the figures.
pub(super) fn run(profile: &str, work: &Path, seconds: u64) -> Result<()> {
    let seconds = seconds.min(SECONDS);
    sh::say(&format!(
        "{PUBLISHERS} RTMP publishers of 2.5 Mbps, {seconds} s each"
    ));
    if work.exists() {
        fs::remove_dir_all(work)?;
    }
    fs::create_dir_all(work)?;
    let clip = clip(work)?;
    let program = sh::built(profile, "klieg-headless");
    let stations = [
        ("station", Studio::idle(&program, &work.join("data"))?),
        (
            "station, going back 10 minutes",
            Studio::keeping(&program, &work.join("kept"))?,
        ),
    ];
    let of_stations = || -> Result<Vec<Cpu>> { stations.iter().map(|(_, s)| s.cpu()).collect() };
    thread::sleep(REST);
    let before = of_stations()?;
    thread::sleep(Duration::from_secs(seconds));
    let idle: Vec<f64> = before
        .iter()
        .zip(&of_stations()?)
        .map(|(before, after)| share(before, after))
        .collect();

    let mut peers = Vec::new();
    if Path::new(NGINX_RTMP).is_file() {
        for (name, hls) in [("nginx-rtmp", false), ("nginx-rtmp with HLS", true)] {
            let (server, port) = nginx(work, hls)?;
            peers.push((name, server, format!("rtmp://127.0.0.1:{port}/live")));
        }
    } else {
        println!("  SKIPPED nginx: libnginx-mod-rtmp is not installed");
    }
    let mut senders = Vec::new();
    for (_, station) in &stations {
        senders.extend(publishers(&clip, station.rtmp(), PUBLISHERS)?);
    }
    for (_, _, url) in &peers {
        senders.extend(publishers(&clip, url, PUBLISHERS)?);
    }
    thread::sleep(SETTLE);
    let of_peers = || -> Result<Vec<Cpu>> {
        peers
            .iter()
            .map(|(_, server, _)| cpu(server.id()))
            .collect()
    };
    let before = (of_stations()?, of_peers()?);
    thread::sleep(Duration::from_secs(seconds));
    let after = (of_stations()?, of_peers()?);
    check(&mut senders)?;
    let row = |name: &str, value: String| println!("  {name:<48}{value:>12}");
    let each = |before: &[Cpu], after: &[Cpu], idle: &[f64]| -> Vec<f64> {
        let idle = idle.iter().copied().chain(std::iter::repeat(0.0));
        let shares = before.iter().zip(after).map(|(a, b)| share(a, b));
        let shares = shares.zip(idle).map(|(share, idle)| share - idle);
        shares.map(|share| share / PUBLISHERS as f64).collect()
    };
    let ours = each(&before.0, &after.0, &idle);
    let theirs = each(&before.1, &after.1, &[]);
    for ((name, _), share) in stations.iter().zip(&ours) {
        row(&format!("{name}, CPU per publisher"), percent(*share));
    }
    for ((name, ..), share) in peers.iter().zip(&theirs) {
        row(&format!("{name}, CPU per publisher"), percent(*share));
        for ((station, _), own) in stations.iter().zip(&ours) {
            let ratio = format!("{:.2}", own / share);
            row(&format!("ratio of {station} to {name}"), ratio);
        }
    }
    Ok(())
}

/// Of one core, between two moments.
fn share(before: &Cpu, after: &Cpu) -> f64 {
    let wall = (after.at - before.at).as_secs_f64();
    (after.total - before.total).as_secs_f64() / wall
}

fn percent(share: f64) -> String {
    format!("{:.3} %", 100.0 * share)
}

/// Ten seconds of 2.5 Mbps, whatever they show.
pub(super) fn clip(work: &Path) -> Result<PathBuf> {
    let clip = work.join("clip.flv");
    sh::run(
        sh::command("ffmpeg")
            .args(["-v", "error", "-y", "-f", "lavfi"])
            .args(["-i", "testsrc2=s=1280x720:r=30,noise=alls=20:allf=t"])
            .args(["-f", "lavfi", "-i", "sine=f=440:r=48000", "-t", "10"])
            .args([
                "-c:v",
                "libx264",
                "-preset",
                "ultrafast",
                "-tune",
                "zerolatency",
            ])
            .args(["-pix_fmt", "yuv420p", "-g", "60", "-b:v", "2500k"])
            .args([
                "-minrate", "2500k", "-maxrate", "2500k", "-bufsize", "2500k",
            ])
            .args(["-c:a", "aac", "-b:a", "128k", "-ac", "2"])
            .arg(&clip),
    )?;
    Ok(clip)
}

pub(super) fn publishers(clip: &Path, url: &str, count: usize) -> Result<Vec<Peer>> {
    let publisher = |n: usize| {
        let child = Command::new("ffmpeg")
            .args(["-v", "error", "-re", "-stream_loop", "-1", "-i"])
            .arg(clip)
            .args(["-c", "copy", "-f", "flv"])
            .arg(format!("{url}/{}", channel(n)))
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        anyhow::Ok(Peer(child))
    };
    (0..count).map(publisher).collect()
}

/// The channel that a publisher comes to.
pub(super) fn channel(n: usize) -> String {
    format!("bench{n}")
}

/// Fails when one of them was not let in, or has given up.
pub(super) fn check(publishers: &mut [Peer]) -> Result<()> {
    for Peer(child) in publishers {
        if let Some(status) = child.try_wait()? {
            bail!("a publisher left ({status})");
        }
    }
    Ok(())
}

/// An nginx that takes publishers, and its port.
fn nginx(work: &Path, hls: bool) -> Result<(Peer, u16)> {
    let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let dir = work.join(if hls { "nginx-hls" } else { "nginx" });
    fs::create_dir_all(dir.join("hls"))?;
    let at = dir.display();
    let hls = if hls {
        format!("hls on; hls_path {at}/hls; hls_fragment 2s; hls_playlist_length 12s;")
    } else {
        String::new()
    };
    let config = format!(
        "load_module {NGINX_RTMP};
         user root; daemon off; master_process off; worker_processes 1;
         pid {at}/pid; error_log {at}/error.log;
         events {{ worker_connections 256; }}
         rtmp {{ access_log off; server {{
             listen 127.0.0.1:{port};
             application live {{ live on; {hls} }}
         }} }}"
    );
    let path = dir.join("nginx.conf");
    fs::write(&path, config)?;
    let server = Command::new(sh::find("nginx").context("nginx is not installed")?)
        .arg("-p")
        .arg(&dir)
        .arg("-c")
        .arg(&path)
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    let server = Peer(server);
    await_port(port).with_context(|| format!("see {at}/error.log"))?;
    Ok((server, port))
}

/// Waits until somebody listens there.
///
/// # Errors
/// When nobody does within five seconds.
pub(super) fn await_port(port: u16) -> Result<()> {
    for _ in 0..100 {
        if TcpStream::connect(("127.0.0.1", port)).is_ok() {
            return Ok(());
        }
        thread::sleep(Duration::from_millis(50));
    }
    bail!("nobody listens on port {port}")
}
