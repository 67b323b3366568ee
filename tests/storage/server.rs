//! A storage that checks signatures (`s3s-fs`), and what goes wrong in front of one.

use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::sync_channel;

use hyper::body::Incoming;
use hyper::header::{DATE, ETAG, HeaderValue};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use s3s::Body;
use s3s::auth::SimpleAuth;
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s_fs::FileSystem;
use std::sync::Mutex;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::watch;

/// What it takes to get in.
pub(crate) const ACCESS: &str = "AKIDKLIEG";
pub(crate) const SECRET: &str = "orange/umbrella+under=the+bridge";

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Nothing.
    None,
    /// The key may not do that.
    Denied,
    /// The same, by a clock of another day.
    Skewed,
    /// It is out of order, for one request.
    Down,
    /// Parts have the fingerprint of something else.
    PartLies,
    /// The whole has the fingerprint of something else.
    WholeLies,
}

/// A request that came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) method: Method,
    /// Which part it put.
    pub(crate) part: Option<u16>,
    /// Of which upload it spoke.
    pub(crate) upload: Option<String>,
    /// The fingerprint that was answered; absent before the answer.
    pub(crate) etag: Option<String>,
}

struct Inner {
    service: S3Service,
    seen: Mutex<Vec<Seen>>,
    fault: Mutex<Fault>,
    /// Parts from this number on wait.
    held: watch::Sender<u16>,
}

/// The storage.
pub(crate) struct Storage {
    pub(crate) url: String,
    inner: Arc<Inner>,
    root: TempDir,
    runtime: Option<Runtime>,
}

impl Storage {
    /// Starts one with the bucket `shows`, on a free port of the loopback.
    pub(crate) fn start() -> Self {
        let root = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(root.path().join("shows")).expect("a bucket");
        let files = FileSystem::new(root.path()).expect("a file system");
        let mut builder = S3ServiceBuilder::new(files);
        builder.set_auth(SimpleAuth::from_single(ACCESS, SECRET));
        let inner = Arc::new(Inner {
            service: builder.build(),
            seen: Mutex::default(),
            fault: Mutex::new(Fault::None),
            held: watch::channel(u16::MAX).0,
        });
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let (told, port) = sync_channel(1);
        let serving = Arc::clone(&inner);
        runtime.spawn(async move {
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
            told.send(listener.local_addr().expect("an address"))
                .expect("somebody waits");
            while let Ok((stream, _)) = listener.accept().await {
                let inner = Arc::clone(&serving);
                tokio::spawn(async move {
                    let answer = service_fn(move |request| {
                        let inner = Arc::clone(&inner);
                        async move { Ok::<_, Infallible>(inner.answer(request).await) }
                    });
                    let connections = auto::Builder::new(TokioExecutor::new());
                    // Whoever is killed leaves in the middle of a request.
                    drop(
                        connections
                            .serve_connection(TokioIo::new(stream), answer)
                            .await,
                    );
                });
            }
        });
        let address = port.recv().expect("it listens");
        Self {
            url: format!("http://{address}"),
            inner,
            root,
            runtime: Some(runtime),
        }
    }

    /// What goes wrong from now on.
    pub(crate) fn set(&self, fault: Fault) {
        *self.inner.fault.lock().expect("the fault") = fault;
    }

    /// Lets parts from this number on wait.
    pub(crate) fn hold_from(&self, part: u16) {
        self.inner.held.send_replace(part);
    }

    /// What has come so far.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.inner.seen.lock().expect("what was seen").clone()
    }

    /// How often a part was put.
    pub(crate) fn puts(&self, part: u16) -> usize {
        let seen = self.seen();
        seen.iter().filter(|seen| seen.part == Some(part)).count()
    }

    /// The fingerprint that was answered for a part.
    pub(crate) fn etag(&self, part: u16) -> Option<String> {
        let seen = self.seen();
        let found = seen.iter().rfind(|seen| seen.part == Some(part));
        found.and_then(|seen| seen.etag.clone())
    }

    /// The files in the bucket.
    pub(crate) fn files(&self) -> Vec<PathBuf> {
        let mut found = Vec::new();
        collect(&self.root.path().join("shows"), &mut found);
        found
    }
}

impl Drop for Storage {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

fn collect(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, into);
        } else {
            into.push(path);
        }
    }
}

impl Inner {
    async fn answer(&self, request: Request<Incoming>) -> Response<Body> {
        let query = request.uri().query().unwrap_or_default().to_owned();
        let of = |name: &str| {
            let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
            pairs.find(|(n, _)| *n == name).map(|(_, v)| v.to_owned())
        };
        let part: Option<u16> = of("partNumber").and_then(|n| n.parse().ok());
        let method = request.method().clone();
        // What goes wrong is settled as a request comes: whoever has seen one may set what befalls the next.
        let (at, fault) = {
            let mut seen = self.seen.lock().expect("what was seen");
            seen.push(Seen {
                method: method.clone(),
                part,
                upload: of("uploadId"),
                etag: None,
            });
            (seen.len() - 1, self.befalls())
        };
        if let Some(part) = part {
            let mut held = self.held.subscribe();
            drop(held.wait_for(|from| part < *from).await);
        }
        if let Some(refusal) = refusal(fault) {
            return refusal;
        }
        let mut response = match hyper::service::Service::call(&self.service, request).await {
            Ok(response) => response,
            Err(error) => {
                let mut response = Response::new(Body::from(format!("{error:?}")));
                *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
                return response;
            }
        };
        let other = HeaderValue::from_static("\"00000000000000000000000000000000\"");
        match fault {
            Fault::PartLies if part.is_some() => {
                response.headers_mut().insert(ETAG, other);
            }
            Fault::WholeLies if method == Method::HEAD => {
                response.headers_mut().insert(ETAG, other);
            }
            _ => {}
        }
        let etag = response.headers().get(ETAG).and_then(|e| e.to_str().ok());
        let etag = etag.map(|etag| etag.trim_matches('"').to_owned());
        self.seen.lock().expect("what was seen")[at].etag = etag;
        response
    }

    /// What goes wrong with the request that has come.
    fn befalls(&self) -> Fault {
        let mut fault = self.fault.lock().expect("the fault");
        match *fault {
            Fault::Down => std::mem::replace(&mut fault, Fault::None),
            lasting => lasting,
        }
    }
}

fn refusal(fault: Fault) -> Option<Response<Body>> {
    let (status, code) = match fault {
        Fault::Denied | Fault::Skewed => (StatusCode::FORBIDDEN, "AccessDenied"),
        Fault::Down => (StatusCode::INTERNAL_SERVER_ERROR, "InternalError"),
        Fault::None | Fault::PartLies | Fault::WholeLies => return None,
    };
    let text = format!("<Error><Code>{code}</Code><Message>No.</Message></Error>");
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    if fault == Fault::Skewed {
        let long_ago = HeaderValue::from_static("Mon, 06 Jan 2025 08:49:37 GMT");
        response.headers_mut().insert(DATE, long_ago);
    }
    Some(response)
}
