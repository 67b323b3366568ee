//! What serving HLS costs, for each gigabyte: the station beside nginx, on the same files and to the same
//! players, one after the other. And what the station costs while nobody wants anything of it.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    thread,
    time::Duration,
};

use anyhow::{Context, Result, bail};

use super::{
    ingest::{self, Peer},
    process::{Studio, cpu},
    row,
};
use crate::sh;

/// Connections that ask for one file after the other, as fast as they come.
const PLAYERS: usize = 8;

/// Longer than this tells nothing more.
const SECONDS: u64 = 15;

/// How long a publisher gives what is served: some segments of two seconds.
const PUBLISHED: Duration = Duration::from_secs(9);

/// The program goes on for ten seconds after the last look; then it rests.
const REST: Duration = Duration::from_secs(14);

/// Measures, and prints the figures.
pub(super) fn run(profile: &str, work: &Path, seconds: u64) -> Result<()> {
    let seconds = seconds.min(SECONDS);
    if work.exists() {
        fs::remove_dir_all(work)?;
    }
    fs::create_dir_all(work)?;
    let program = sh::built(profile, "klieg-headless");
    sh::say(&format!("a station that nobody uses, {seconds} s"));
    let studio = Studio::idle(&program, &work.join("data"))?;
    thread::sleep(REST);
    let before = studio.cpu()?;
    thread::sleep(Duration::from_secs(seconds));
    let after = studio.cpu()?;
    let wall = (after.at - before.at).as_secs_f64();
    let used = (after.total - before.total).as_secs_f64();
    row(
        "CPU, of one core",
        format!("{:.2} %", 100.0 * used / wall),
        "under 1 %",
    );

    sh::say(&format!("HLS to {PLAYERS} players, {seconds} s each"));
    let clip = ingest::clip(work)?;
    let publishers = ingest::publishers(&clip, studio.rtmp(), 1)?;
    thread::sleep(PUBLISHED);
    // What it has sent is kept for a minute after it left, and changes no more.
    drop(publishers);
    let channel = format!("/hls/{}", ingest::channel(0));
    let files = segments(studio.address(), &channel)?;
    let site = work.join("site");
    fs::create_dir_all(site.join(channel.trim_start_matches('/')))?;
    for file in &files {
        let mut player = Player::to(studio.address())?;
        fs::write(site.join(file.trim_start_matches('/')), player.get(file)?)?;
    }
    let ours = per_gigabyte(studio.address(), studio.pid(), &files, seconds)?;
    row("station, CPU for a gigabyte", format!("{ours:.2} s"), "");
    drop(studio);
    let Some(nginx) = sh::find("nginx") else {
        println!("  SKIPPED nginx: it is not installed");
        return Ok(());
    };
    let (server, address) = serve(&nginx, &site, work)?;
    let theirs = per_gigabyte(&address, server.id(), &files, seconds)?;
    row("nginx, CPU for a gigabyte", format!("{theirs:.2} s"), "");
    row(
        "ratio to nginx",
        format!("{:.2}", ours / theirs),
        "at most 2",
    );
    Ok(())
}

/// A connection that stays, and what it asks for.
struct Player {
    host: String,
    stream: BufReader<TcpStream>,
}

impl Player {
    fn to(host: &str) -> Result<Self> {
        let stream = TcpStream::connect(host)?;
        stream.set_read_timeout(Some(Duration::from_secs(10)))?;
        Ok(Self {
            host: host.to_owned(),
            stream: BufReader::with_capacity(64 << 10, stream),
        })
    }

    fn get(&mut self, path: &str) -> Result<Vec<u8>> {
        let length = self.ask(path)?;
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body)?;
        Ok(body)
    }

    /// Reads a file and forgets it; how long it was.
    fn pass(&mut self, path: &str) -> Result<u64> {
        let mut left = self.ask(path)?;
        let length = left as u64;
        while left > 0 {
            let read = self.stream.fill_buf()?.len().min(left);
            if read == 0 {
                bail!("{path} ended early");
            }
            self.stream.consume(read);
            left -= read;
        }
        Ok(length)
    }

    fn ask(&mut self, path: &str) -> Result<usize> {
        let host = &self.host;
        write!(
            self.stream.get_mut(),
            "GET {path} HTTP/1.1\r\nhost: {host}\r\n\r\n"
        )?;
        let mut length = None;
        let mut status = String::new();
        self.stream.read_line(&mut status)?;
        if !status.contains(" 200 ") {
            bail!("{path}: {}", status.trim());
        }
        loop {
            let mut line = String::new();
            self.stream.read_line(&mut line)?;
            let line = line.trim().to_ascii_lowercase();
            if line.is_empty() {
                return length.with_context(|| format!("{path} came without its length"));
            }
            if let Some(value) = line.strip_prefix("content-length:") {
                length = Some(value.trim().parse()?);
            }
        }
    }
}

/// The segments of a channel that has ended.
fn segments(host: &str, channel: &str) -> Result<Vec<String>> {
    let mut player = Player::to(host)?;
    let mut playlist = |path: &str| -> Result<Vec<String>> {
        let text = String::from_utf8(player.get(path)?)?;
        let lines = text
            .lines()
            .filter(|l| !l.is_empty() && !l.starts_with('#'));
        let address = |l: &str| format!("{channel}/{l}");
        Ok(lines.map(address).collect())
    };
    let index = playlist(&format!("{channel}/index.m3u8"))?;
    let media = index.first().context("no media playlist")?;
    let files = playlist(media)?;
    if files.len() < 2 {
        bail!("the publisher left too few segments");
    }
    Ok(files)
}

/// Seconds of CPU time for 10⁹ bytes of bodies.
fn per_gigabyte(host: &str, process: u32, files: &[String], seconds: u64) -> Result<f64> {
    let stop = AtomicBool::new(false);
    let bytes = AtomicU64::new(0);
    thread::scope(|scope| {
        let players: Vec<_> = (0..PLAYERS)
            .map(|_| {
                scope.spawn(|| -> Result<()> {
                    let mut player = Player::to(host)?;
                    for file in files.iter().cycle() {
                        if stop.load(Ordering::Relaxed) {
                            break;
                        }
                        bytes.fetch_add(player.pass(file)?, Ordering::Relaxed);
                    }
                    Ok(())
                })
            })
            .collect();
        thread::sleep(Duration::from_secs(1));
        let before = (cpu(process)?, bytes.load(Ordering::Relaxed));
        thread::sleep(Duration::from_secs(seconds));
        let after = (cpu(process)?, bytes.load(Ordering::Relaxed));
        stop.store(true, Ordering::Relaxed);
        for player in players {
            let ended = player.join();
            ended.ok().context("a player panicked")??;
        }
        let used = (after.0.total - before.0.total).as_secs_f64();
        Ok(used / ((after.1 - before.1) as f64 / 1e9))
    })
}

/// nginx with these files; where it answers.
fn serve(nginx: &Path, site: &Path, work: &Path) -> Result<(Peer, String)> {
    let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let dir: PathBuf = work.join("nginx");
    fs::create_dir_all(&dir)?;
    let (at, site) = (dir.display(), site.display());
    let config = format!(
        "user root; daemon off; master_process off; worker_processes 1;
         pid {at}/pid; error_log {at}/error.log;
         events {{ worker_connections 256; }}
         http {{ access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000;
             client_body_temp_path {at}/body; proxy_temp_path {at}/proxy;
             fastcgi_temp_path {at}/fastcgi; uwsgi_temp_path {at}/uwsgi; scgi_temp_path {at}/scgi;
             server {{ listen 127.0.0.1:{port}; root {site}; }}
         }}"
    );
    let path = dir.join("nginx.conf");
    fs::write(&path, config)?;
    let server = Command::new(nginx)
        .arg("-p")
        .arg(&dir)
        .arg("-c")
        .arg(&path)
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    let server = Peer::new(server);
    ingest::await_port(port).with_context(|| format!("see {at}/error.log"))?;
    Ok((server, format!("127.0.0.1:{port}")))
}
