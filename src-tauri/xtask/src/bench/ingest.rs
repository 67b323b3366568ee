//! What taking a publisher in costs: the station beside nginx with its RTMP module, on the same streams, one
//! after the other.
//!
//! Of the station its network threads count, less what they use without publishers. It makes HLS of every
//! channel as it comes; so nginx is measured with its HLS, too.

use std::{
    fs,
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use anyhow::{Context, Result, bail};

use super::process::{Studio, cpu};
use crate::sh;

/// Publishers at once.
const PUBLISHERS: usize = 10;

/// Publishers begin one by one, and players of their first seconds do.
const SETTLE: Duration = Duration::from_secs(4);

/// Longer than this tells nothing more.
const SECONDS: u64 = 20;

/// The threads of the station that a publisher keeps busy.
const STATION: [&str; 2] = ["station", "sound-twin"];

const NGINX_RTMP: &str = "/usr/lib/nginx/modules/ngx_rtmp_module.so";

/// A process that ends when this is dropped.
struct Peer(Child);

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
    let ours = station(profile, work, &clip, seconds)?;
    let row = |name: &str, value: String| println!("  {name:<34}{value:>12}");
    row("station, CPU per publisher", percent(ours));
    if !Path::new(NGINX_RTMP).is_file() {
        println!("  SKIPPED nginx: libnginx-mod-rtmp is not installed");
        return Ok(());
    }
    for (name, hls) in [("nginx-rtmp", false), ("nginx-rtmp with HLS", true)] {
        let theirs = nginx(work, &clip, seconds, hls)?;
        row(&format!("{name}, CPU per publisher"), percent(theirs));
        row(&format!("ratio to {name}"), format!("{:.2}", ours / theirs));
    }
    Ok(())
}

fn percent(share: f64) -> String {
    format!("{:.3} %", 100.0 * share)
}

/// Ten seconds of 2.5 Mbps, whatever they show.
fn clip(work: &Path) -> Result<PathBuf> {
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

fn publishers(clip: &Path, url: &str) -> Result<Vec<Peer>> {
    let publisher = |n: usize| {
        let child = Command::new("ffmpeg")
            .args(["-v", "error", "-re", "-stream_loop", "-1", "-i"])
            .arg(clip)
            .args(["-c", "copy", "-f", "flv"])
            .arg(format!("{url}/bench{n}"))
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        anyhow::Ok(Peer(child))
    };
    (0..PUBLISHERS).map(publisher).collect()
}

/// Fails when one of them was not let in, or has given up.
fn check(publishers: &mut [Peer]) -> Result<()> {
    for Peer(child) in publishers {
        if let Some(status) = child.try_wait()? {
            bail!("a publisher left ({status})");
        }
    }
    Ok(())
}

/// The share of a core that a publisher takes of the station.
fn station(profile: &str, work: &Path, clip: &Path, seconds: u64) -> Result<f64> {
    let program = sh::built(profile, "klieg-headless");
    let studio = Studio::idle(&program, &work.join("data"))?;
    thread::sleep(SETTLE);
    let spent = |seconds: u64| -> Result<f64> {
        let before = studio.cpu()?;
        thread::sleep(Duration::from_secs(seconds));
        let after = studio.cpu()?;
        let wall = (after.at - before.at).as_secs_f64();
        let threads = after.since(&before).into_iter();
        let ours = threads.filter(|(name, _)| STATION.contains(&name.as_str()));
        Ok(ours.map(|(_, time)| time.as_secs_f64()).sum::<f64>() / wall)
    };
    let idle = spent(seconds)?;
    let mut publishers = publishers(clip, studio.rtmp())?;
    thread::sleep(SETTLE);
    let busy = spent(seconds)?;
    check(&mut publishers)?;
    Ok((busy - idle) / PUBLISHERS as f64)
}

/// The same of nginx.
fn nginx(work: &Path, clip: &Path, seconds: u64, hls: bool) -> Result<f64> {
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
    let listens = (0..100).any(|_| {
        let there = TcpStream::connect(("127.0.0.1", port)).is_ok();
        if !there {
            thread::sleep(Duration::from_millis(50));
        }
        there
    });
    if !listens {
        bail!("nginx does not listen; see {at}/error.log");
    }
    let mut publishers = publishers(clip, &format!("rtmp://127.0.0.1:{port}/live"))?;
    thread::sleep(SETTLE);
    let before = cpu(server.0.id())?;
    thread::sleep(Duration::from_secs(seconds));
    let after = cpu(server.0.id())?;
    check(&mut publishers)?;
    let wall = (after.at - before.at).as_secs_f64();
    let used = (after.total - before.total).as_secs_f64();
    Ok(used / wall / PUBLISHERS as f64)
}
