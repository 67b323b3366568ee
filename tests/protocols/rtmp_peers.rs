//! The far ends: nginx with its RTMP module, a TLS front, and servers that misbehave.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use klieg_tests::{Process, eventually, find, free_tcp_port, need, root, skip, welcome};
use tempfile::TempDir;
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use wire::rtmp::chunk::{Message, kind};

const MODULE: &str = "/usr/lib/nginx/modules/ngx_rtmp_module.so";

/// The key that the application `keyed` takes.
pub(crate) const GOOD_KEY: &str = "good-key";

/// nginx on a port of its own, with an open application `live` and one that asks for a key, `keyed`.
pub(crate) struct Nginx {
    program: PathBuf,
    dir: TempDir,
    pub(crate) port: u16,
    process: Option<Process>,
}

impl Nginx {
    /// Starts it; without it the test says that it is skipped.
    pub(crate) fn start(test: &str) -> Option<Self> {
        let program = need(test, "nginx")?;
        for tool in ["ffmpeg", "ffprobe"] {
            need(test, tool)?;
        }
        if !Path::new(MODULE).is_file() {
            skip(
                test,
                "libnginx-mod-rtmp is not installed (`cargo xtask setup` installs it)",
            );
            return None;
        }
        let dir = tempfile::tempdir().expect("a folder");
        let (port, http) = (free_tcp_port(), free_tcp_port());
        let at = dir.path().display();
        let config = format!(
            "load_module {MODULE};
             daemon off;
             master_process off;
             worker_processes 1;
             pid {at}/pid;
             error_log {at}/error.log info;
             events {{ worker_connections 64; }}
             http {{
                 access_log off;
                 client_body_temp_path {at}/b; proxy_temp_path {at}/p; fastcgi_temp_path {at}/f;
                 uwsgi_temp_path {at}/u; scgi_temp_path {at}/s;
                 server {{
                     listen 127.0.0.1:{http};
                     location /auth {{ if ($arg_name = {GOOD_KEY}) {{ return 200; }} return 403; }}
                 }}
             }}
             rtmp {{
                 access_log off;
                 server {{
                     listen 127.0.0.1:{port};
                     application live {{ live on; wait_key on; wait_video on; }}
                     application keyed {{
                         live on;
                         notify_method get;
                         on_publish http://127.0.0.1:{http}/auth;
                     }}
                 }}
             }}"
        );
        fs::write(dir.path().join("nginx.conf"), config).expect("a configuration");
        let mut nginx = Self {
            program,
            dir,
            port,
            process: None,
        };
        nginx.resume();
        Some(nginx)
    }

    /// Ends it at once.
    pub(crate) fn kill(&mut self) {
        self.process = None;
    }

    /// Starts it again on the same port.
    pub(crate) fn resume(&mut self) {
        let process = Process::start(
            Command::new(&self.program)
                .arg("-p")
                .arg(self.dir.path())
                .arg("-c")
                .arg(self.dir.path().join("nginx.conf"))
                .stdin(Stdio::null())
                .stderr(Stdio::null()),
        );
        self.process = Some(process);
        let port = self.port;
        eventually("nginx listens", Duration::from_secs(20), || {
            std::net::TcpStream::connect(("127.0.0.1", port)).ok()
        });
    }

    /// The address of an application.
    pub(crate) fn url(&self, application: &str) -> String {
        format!("rtmp://127.0.0.1:{}/{application}", self.port)
    }

    /// A path for a file that lives as long as this.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }
}

/// node-media-server, which speaks RTMP in JavaScript.
pub(crate) struct NodeServer {
    dir: TempDir,
    port: u16,
    _process: Process,
}

impl NodeServer {
    /// Starts it; without it the test says that it is skipped.
    pub(crate) fn start(test: &str) -> Option<Self> {
        let node = need(test, "node")?;
        for tool in ["ffmpeg", "ffprobe"] {
            need(test, tool)?;
        }
        let modules = root().join("tests/browser");
        if !modules.join("node_modules/node-media-server").is_dir() {
            skip(
                test,
                "node-media-server is not installed (`cargo xtask setup` installs it)",
            );
            return None;
        }
        let dir = tempfile::tempdir().expect("a folder");
        let (port, http) = (free_tcp_port(), free_tcp_port());
        let process = Process::start(
            Command::new(node)
                .arg(root().join("tests/protocols/rtmp_node_server.cjs"))
                .arg(modules)
                .args([port.to_string(), http.to_string()])
                .arg(dir.path())
                .current_dir(dir.path())
                // It leaves when this ends, however the test does.
                .stdin(Stdio::piped())
                .stdout(Stdio::null()),
        );
        listening(port);
        Some(Self {
            dir,
            port,
            _process: process,
        })
    }

    /// The address of its one application.
    pub(crate) fn url(&self) -> String {
        format!("rtmp://127.0.0.1:{}/live", self.port)
    }

    /// A path for a file that lives as long as this.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }
}

/// Records `seconds` of an address as it comes.
pub(crate) fn record(url: &str, seconds: u32, to: &Path) {
    crate::measure::output(
        Command::new(find("ffmpeg").expect("checked before"))
            .args(["-v", "error", "-y", "-rw_timeout", "20000000", "-i", url])
            .args(["-t", &seconds.to_string(), "-c", "copy"])
            .arg(to)
            .stdin(Stdio::null()),
    );
}

/// Waits until something listens on a port of the loopback, without connecting to it.
pub(crate) fn listening(port: u16) {
    let wanted = format!("0100007F:{port:04X}");
    eventually("the peer listens", Duration::from_secs(20), || {
        let table = fs::read_to_string("/proc/net/tcp").unwrap_or_default();
        let listens = |line: &str| {
            let fields: Vec<&str> = line.split_whitespace().collect();
            fields.get(1) == Some(&wanted.as_str()) && fields.get(3) == Some(&"0A")
        };
        table.lines().any(listens).then_some(())
    });
}

/// A server that lets everybody publish and then reads nothing more.
pub(crate) struct Deaf {
    pub(crate) port: u16,
    task: JoinHandle<()>,
}

impl Deaf {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("its number").port();
        let task = tokio::spawn(async move {
            let mut held = Vec::new();
            while let Ok((mut stream, _)) = listener.accept().await {
                if welcome(&mut stream).await.is_ok() {
                    held.push(stream);
                }
            }
        });
        Self { port, task }
    }
}

impl Drop for Deaf {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A server that lets everybody publish, and gives every message of media that comes.
pub(crate) struct Listening {
    pub(crate) port: u16,
    messages: mpsc::Receiver<(usize, Message)>,
    kept: Option<(usize, Message)>,
    task: JoinHandle<()>,
}

impl Listening {
    pub(crate) async fn start() -> Self {
        Self::cutting_after(Duration::MAX).await
    }

    /// One that closes each connection in the middle of a message, when this much media has come.
    pub(crate) async fn cutting_after(media: Duration) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("its number").port();
        let (sender, messages) = mpsc::channel(64);
        let task = tokio::spawn(async move {
            let mut number = 0;
            while let Ok((mut stream, _)) = listener.accept().await {
                // Whoever leaves is only one who leaves.
                drop(listen(&mut stream, number, media, &sender).await);
                number += 1;
            }
        });
        Self {
            port,
            messages,
            kept: None,
            task,
        }
    }

    /// The next message, with the number of its connection.
    pub(crate) async fn next(&mut self) -> (usize, Message) {
        if let Some(kept) = self.kept.take() {
            return kept;
        }
        let next = tokio::time::timeout(super::PATIENCE, self.messages.recv()).await;
        next.expect("a message in time").expect("the server runs")
    }

    /// Leaves out what is left of the connections before this one.
    pub(crate) async fn skip_to(&mut self, connection: usize) {
        let next = loop {
            let next = self.next().await;
            if next.0 >= connection {
                break next;
            }
        };
        self.kept = Some(next);
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn listen(
    stream: &mut TcpStream,
    number: usize,
    until: Duration,
    to: &mpsc::Sender<(usize, Message)>,
) -> std::io::Result<()> {
    let mut reader = welcome(stream).await?;
    let mut bytes = [0; 4096];
    loop {
        while let Some(message) = reader.read().map_err(std::io::Error::other)? {
            if u128::from(message.timestamp) > until.as_millis() {
                return Ok(());
            }
            let media = matches!(message.kind, kind::AUDIO | kind::VIDEO);
            if media && to.send((number, message)).await.is_err() {
                return Ok(());
            }
        }
        let count = stream.read(&mut bytes).await?;
        if count == 0 {
            return Ok(());
        }
        reader.feed(&bytes[..count]);
    }
}
