//! The way to a storage, which carries as much as a test lets through.

use std::sync::mpsc::sync_channel;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::sync::watch;

use crate::server::Storage;

/// Bytes that are carried at once.
const ROOM: usize = 16 << 10;

/// The way, until it is dropped.
pub(crate) struct Way {
    pub(crate) url: String,
    may: watch::Sender<u64>,
    carried: watch::Sender<u64>,
    runtime: Option<Runtime>,
}

impl Way {
    /// Begins on a free port of the loopback, and carries nothing yet.
    pub(crate) fn to(storage: &Storage) -> Self {
        let far = storage
            .url
            .strip_prefix("http://")
            .expect("a host")
            .to_owned();
        let (may, carried) = (watch::channel(0).0, watch::channel(0).0);
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let (told, port) = sync_channel(1);
        let (let_through, count) = (may.subscribe(), carried.clone());
        runtime.spawn(async move {
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
            told.send(listener.local_addr().expect("an address"))
                .expect("somebody waits");
            while let Ok((near, _)) = listener.accept().await {
                let Ok(far) = TcpStream::connect(&far).await else {
                    continue;
                };
                let (mut answers, requests) = far.into_split();
                let (from, mut back) = near.into_split();
                tokio::spawn(carry(from, requests, let_through.clone(), count.clone()));
                tokio::spawn(async move { tokio::io::copy(&mut answers, &mut back).await });
            }
        });
        let address = port.recv().expect("it listens");
        Self {
            url: format!("http://{address}"),
            may,
            carried,
            runtime: Some(runtime),
        }
    }

    /// Lets so many bytes more through.
    pub(crate) fn let_through(&self, bytes: u64) {
        self.may.send_modify(|may| *may = may.saturating_add(bytes));
    }

    /// Whether it has carried all that it may.
    pub(crate) fn is_used_up(&self) -> bool {
        *self.carried.borrow() >= *self.may.borrow()
    }
}

impl Drop for Way {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

async fn carry(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut may: watch::Receiver<u64>,
    carried: watch::Sender<u64>,
) {
    let mut buffer = vec![0; ROOM];
    loop {
        let open = |may: &u64| *may > *carried.borrow();
        if may.wait_for(open).await.is_err() {
            return;
        }
        match from.read(&mut buffer).await {
            Ok(0) | Err(_) => return,
            Ok(many) => {
                if to.write_all(&buffer[..many]).await.is_err() {
                    return;
                }
                carried.send_modify(|carried| *carried += many as u64);
            }
        }
    }
}
