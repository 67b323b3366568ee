//! The far ends: nginx with its RTMP module, a TLS front, and servers that misbehave.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use klieg_tests::{Process, eventually, find, free_tcp_port, need, skip};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use wire::rtmp::amf0::{self, Value};
use wire::rtmp::chunk::{self, Limits, kind};

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

/// A TLS front: takes connections for `localhost` and hands their bytes to a plain port.
pub(crate) struct TlsFront {
    pub(crate) port: u16,
    pub(crate) root: CertificateDer<'static>,
    task: JoinHandle<()>,
}

impl TlsFront {
    pub(crate) async fn start(to: u16) -> Self {
        let made =
            rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
        let root = made.cert.der().clone();
        let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).expect("a key");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(vec![root.clone()], key)
            .expect("a certificate with its key");
        let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("its number").port();
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    let Ok(mut near) = acceptor.accept(stream).await else {
                        return;
                    };
                    let mut far = TcpStream::connect(("127.0.0.1", to)).await.expect("nginx");
                    // Either side may leave as it likes.
                    drop(tokio::io::copy_bidirectional(&mut near, &mut far).await);
                });
            }
        });
        Self { port, root, task }
    }
}

impl Drop for TlsFront {
    fn drop(&mut self) {
        self.task.abort();
    }
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

/// The server's side of a connection up to the start of publishing (RTMP 1.0, section 7.2).
async fn welcome(stream: &mut TcpStream) -> std::io::Result<()> {
    let mut hello = [0; 1537];
    stream.read_exact(&mut hello).await?;
    let answer = [&[3][..], &[0; 1536], &hello[1..]].concat();
    stream.write_all(&answer).await?;
    let mut echo = [0; 1536];
    stream.read_exact(&mut echo).await?;
    let mut reader = chunk::Reader::new(Limits::MEDIA);
    let mut bytes = [0; 4096];
    loop {
        let count = stream.read(&mut bytes).await?;
        if count == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        reader.feed(&bytes[..count]);
        while let Some(message) = reader.read().map_err(std::io::Error::other)? {
            if message.kind != kind::COMMAND {
                continue;
            }
            let values = amf0::read(&message.data).map_err(std::io::Error::other)?;
            let number = values.get(1).cloned().unwrap_or(Value::Null);
            match values.first().and_then(Value::as_str) {
                Some("connect") => {
                    let status = status("NetConnection.Connect.Success");
                    say(stream, &["_result".into(), number, Value::Null, status]).await?;
                }
                Some("createStream") => {
                    say(stream, &["_result".into(), number, Value::Null, 1.0.into()]).await?;
                }
                Some("publish") => {
                    let status = status("NetStream.Publish.Start");
                    say(
                        stream,
                        &["onStatus".into(), 0.0.into(), Value::Null, status],
                    )
                    .await?;
                    return Ok(());
                }
                _ => {}
            }
        }
    }
}

fn status(code: &str) -> Value {
    Value::object([("level", "status".into()), ("code", code.into())])
}

/// One command in one chunk: these are all shorter than 128 bytes.
async fn say(stream: &mut TcpStream, values: &[Value]) -> std::io::Result<()> {
    let data = amf0::write(values);
    let len = u8::try_from(data.len()).ok().filter(|len| *len <= 128);
    let len = len.expect("a short command");
    let head = [3, 0, 0, 0, 0, 0, len, kind::COMMAND, 0, 0, 0, 0];
    stream.write_all(&[&head[..], &data].concat()).await
}
