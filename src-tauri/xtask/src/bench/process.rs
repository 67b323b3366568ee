//! The studio as a process, and what `/proc` says of it.

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use serde_json::Value;

/// Length of the kernel's tick in `/proc/*/stat`.
const TICK: Duration = Duration::from_millis(10);

/// A running `klieg-headless`. Ends when dropped.
pub(super) struct Studio {
    child: Child,
    address: String,
    rtmp: String,
    token: String,
    /// From its start to its ready line.
    pub(super) ready_after: Duration,
}

/// CPU time at a moment, of the whole process and of each thread.
pub(super) struct Cpu {
    pub(super) at: Instant,
    pub(super) total: Duration,
    threads: BTreeMap<(u32, String), Duration>,
}

#[expect(
    clippy::disallowed_methods,
    reason = "a bench measures other processes in real time"
)]
fn now() -> Instant {
    Instant::now()
}

impl Studio {
    /// On air with a collection.
    pub(super) fn start(program: &Path, collection: &Path, data: &Path) -> Result<Self> {
        let mut command = Command::new(program);
        command.arg("--on-air").arg("--collection").arg(collection);
        Self::run(command, data)
    }

    /// Off air, and open to publishers, of whom nothing is kept.
    pub(super) fn idle(program: &Path, data: &Path) -> Result<Self> {
        let mut command = Command::new(program);
        command.args(["--set", "ingest.policy=open"]);
        command.args(["--set", "recording.rewind_publishers=false"]);
        Self::run(command, data)
    }

    /// Off air, and open to publishers, in whose channels viewers can go back.
    pub(super) fn keeping(program: &Path, data: &Path) -> Result<Self> {
        let mut command = Command::new(program);
        command.args(["--set", "ingest.policy=open"]);
        Self::run(command, data)
    }

    /// Off air with a collection, and open to publishers.
    pub(super) fn open(program: &Path, collection: &Path, data: &Path) -> Result<Self> {
        let mut command = Command::new(program);
        command.args(["--set", "ingest.policy=open", "--collection"]);
        command.arg(collection);
        Self::run(command, data)
    }

    /// On air with a collection, and published to this WHIP address.
    pub(super) fn publishing(
        program: &Path,
        collection: &Path,
        data: &Path,
        to: &str,
    ) -> Result<Self> {
        let mut command = Command::new(program);
        command.args(["--publish", to]);
        command.arg("--collection").arg(collection);
        Self::run(command, data)
    }

    fn run(mut command: Command, data: &Path) -> Result<Self> {
        let start = now();
        let program = command.get_program().to_owned();
        let mut child = command
            .args(["--set", "server.http=127.0.0.1:0"])
            .args(["--set", "server.https=127.0.0.1:0"])
            .args(["--set", "server.rtmp=127.0.0.1:0"])
            .args(["--set", "server.media_udp=127.0.0.1:0"])
            .arg("--data-dir")
            .arg(data)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| format!("could not start {}", program.display()))?;
        let mut line = String::new();
        let out = child.stdout.take().context("its output")?;
        BufReader::new(out).read_line(&mut line)?;
        let ready_after = now() - start;
        let mut studio = Self {
            child,
            address: String::new(),
            rtmp: String::new(),
            token: String::new(),
            ready_after,
        };
        let ready: Value = serde_json::from_str(&line).context("it printed no ready line")?;
        let text = |key: &str| ready[key].as_str().unwrap_or_default().to_owned();
        studio.address = text("http").trim_start_matches("http://").to_owned();
        studio.rtmp = text("rtmp");
        studio.token = text("control_token");
        Ok(studio)
    }

    /// Where publishers come to, `rtmp://host:port/live`.
    pub(super) fn rtmp(&self) -> &str {
        &self.rtmp
    }

    /// The studio's own figures (`api::Stats`).
    pub(super) fn stats(&self) -> Result<Value> {
        let snapshot = self.get("/api/snapshot")?;
        let snapshot: Value = serde_json::from_str(&snapshot).context("no snapshot")?;
        Ok(snapshot["stats"].clone())
    }

    /// A histogram of `/metrics`: for each upper bound in milliseconds, how many were not longer.
    pub(super) fn histogram(&self, name: &str) -> Result<Vec<(f64, f64)>> {
        let metrics = self.get("/metrics")?;
        let buckets = metrics.lines().filter_map(|line| {
            let (bound, count) = line
                .strip_prefix(name)?
                .strip_prefix("_bucket{le=\"")?
                .split_once("\"} ")?;
            let bound = bound.parse().unwrap_or(f64::INFINITY);
            Some((1_000.0 * bound, count.trim().parse().ok()?))
        });
        Ok(buckets.collect())
    }

    /// Everything at this moment (`api::Snapshot`).
    pub(super) fn snapshot(&self) -> Result<Value> {
        serde_json::from_str(&self.get("/api/snapshot")?).context("no snapshot")
    }

    /// Does a command (`api::Command`).
    pub(super) fn apply(&self, command: &Value) -> Result<()> {
        let body = command.to_string();
        let length = body.len();
        let more = format!("content-type: application/json\r\ncontent-length: {length}\r\n");
        self.ask("POST", "/api/commands", &more, &body)?;
        Ok(())
    }

    pub(super) fn get(&self, path: &str) -> Result<String> {
        self.ask("GET", path, "", "")
    }

    fn ask(&self, method: &str, path: &str, more: &str, body: &str) -> Result<String> {
        let mut stream = TcpStream::connect(&self.address)?;
        write!(
            stream,
            "{method} {path} HTTP/1.0\r\nhost: {}\r\nauthorization: Bearer {}\r\n{more}\r\n{body}",
            self.address, self.token
        )?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        let (head, body) = answer.split_once("\r\n\r\n").context("no answer")?;
        if !head
            .split(' ')
            .nth(1)
            .is_some_and(|code| code.starts_with('2'))
        {
            bail!("{method} {path} is refused: {body}");
        }
        Ok(body.to_owned())
    }

    /// Where it answers, `host:port`.
    pub(super) fn address(&self) -> &str {
        &self.address
    }

    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(super) fn cpu(&self) -> Result<Cpu> {
        cpu(self.child.id())
    }

    /// Memory in use, in MB.
    pub(super) fn resident_mb(&self) -> Result<f64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|l| l.strip_prefix("VmRSS:"));
        let kb: f64 = line
            .and_then(|l| l.trim().strip_suffix(" kB"))
            .context("VmRSS")?
            .parse()?;
        Ok(kb * 1024.0 / 1e6)
    }
}

/// CPU time of a process so far.
pub(super) fn cpu(process: u32) -> Result<Cpu> {
    let proc = format!("/proc/{process}");
    let (_, total) = stat(&fs::read_to_string(format!("{proc}/stat"))?)?;
    let mut threads = BTreeMap::new();
    for entry in fs::read_dir(format!("{proc}/task"))? {
        let path = entry?.path();
        // A thread may end between the two.
        let Ok(text) = fs::read_to_string(path.join("stat")) else {
            continue;
        };
        let id = path.file_name().and_then(|n| n.to_str()?.parse().ok());
        let (name, time) = stat(&text)?;
        threads.insert((id.unwrap_or_default(), name), time);
    }
    Ok(Cpu {
        at: now(),
        total,
        threads,
    })
}

impl Drop for Studio {
    fn drop(&mut self) {
        // Gone already is as good.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Cpu {
    /// CPU time since `before` by thread name, the largest first.
    pub(super) fn since(&self, before: &Self) -> Vec<(String, Duration)> {
        let mut sums: BTreeMap<String, Duration> = BTreeMap::new();
        for (key, time) in &self.threads {
            let earlier = before.threads.get(key).copied().unwrap_or_default();
            *sums.entry(key.1.clone()).or_default() += time.saturating_sub(earlier);
        }
        let mut sums: Vec<_> = sums.into_iter().collect();
        sums.sort_by_key(|(_, time)| std::cmp::Reverse(*time));
        sums
    }
}

/// Name and CPU time out of a `stat` file of proc(5).
fn stat(text: &str) -> Result<(String, Duration)> {
    let (head, rest) = text.rsplit_once(") ").context("/proc/…/stat")?;
    let (_, name) = head.split_once('(').context("/proc/…/stat")?;
    let mut fields = rest.split(' ').skip(11);
    let mut ticks = || -> Result<u32> { Ok(fields.next().context("CPU time")?.parse()?) };
    Ok((name.to_owned(), TICK * (ticks()? + ticks()?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_with_brackets_do_not_shift_the_fields() {
        let line = "7 (a) b (c) S 1 7 7 0 -1 0 0 0 0 0 12 30 0 0 20 0 1 0 5 0 0";
        let (name, time) = stat(line).unwrap();
        assert_eq!(
            (name.as_str(), time),
            ("a) b (c", Duration::from_millis(420))
        );
    }
}
