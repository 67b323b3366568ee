//! The same station over TLS. Phones give a page their camera only there.
//!
//! Certificates come from `cert.pem` and `key.pem` in the data folder, or from an authority of this
//! machine's own, kept under `tls/`. [`Tls`] holds what is served; [`Tls::look`] follows what changes:
//! files, addresses of the machine, and the end of a certificate.

mod authority;
mod files;
mod names;
mod own;
pub(crate) mod trust;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use api::{Code, Problem};
use media::Clock;
use parking_lot::{Mutex, RwLock};
use rustls::ServerConfig;
use rustls::crypto::{CryptoProvider, ring};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use authority::Authority;
use names::Names;
pub(crate) use names::label_of;
use own::Stamp;

/// How often files and addresses are looked at.
const LOOK: Duration = Duration::from_secs(10);

/// Why there can be no HTTPS.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The folder cannot be used.
    #[error("certificates cannot be kept in {}: {source}", path.display())]
    Folder {
        /// The folder or file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// A certificate cannot be made.
    #[error("no certificate can be made: {0}")]
    Make(String),
}

/// What is served over TLS.
#[derive(Debug)]
pub(crate) struct Tls {
    folder: PathBuf,
    host: Option<String>,
    /// The name under which the network knows this machine, where that is another one.
    pub(crate) also: Arc<Mutex<Option<String>>>,
    port: u16,
    authority: Authority,
    serving: Arc<Serving>,
    watched: Mutex<Watched>,
}

/// What was there when it was last looked at.
#[derive(Debug, Default)]
struct Watched {
    stamp: Option<Stamp>,
    /// The person's own pair is served.
    own: bool,
    problem: Option<Problem>,
    /// The person's own pair is served, and has ended or soon will.
    lapse: Option<Problem>,
}

/// The certificate of new connections.
struct Serving(RwLock<Arc<CertifiedKey>>);

impl fmt::Debug for Serving {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Serving")
    }
}

impl ResolvesServerCert for Serving {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0.read()))
    }
}

impl Tls {
    /// Certificates for a station at `port`, kept in the data folder, at a time in milliseconds since
    /// 1970 UTC. Reads and writes files.
    ///
    /// # Errors
    /// [`TlsError`]. A broken pair of the person's own is none: the station's own certificate stands
    /// in, and [`Tls::problem`] says so.
    pub(crate) fn open(
        data_dir: &Path,
        host: Option<String>,
        port: u16,
        now: i64,
    ) -> Result<Self, TlsError> {
        let folder = data_dir.join("tls");
        let authority = Authority::open(&folder, host.as_deref(), now)?;
        let names = Names::of_this_machine(host.as_deref());
        let leaf = authority.leaf(&folder, &names, now)?;
        let tls = Self {
            folder: data_dir.to_owned(),
            host,
            also: Arc::default(),
            port,
            authority,
            serving: Arc::new(Serving(RwLock::new(leaf))),
            watched: Mutex::default(),
        };
        tls.look(now);
        Ok(tls)
    }

    /// What takes connections: HTTP/1.1 alone, as on the plain port.
    ///
    /// # Errors
    /// [`TlsError::Make`].
    pub(crate) fn acceptor(&self) -> Result<TlsAcceptor, TlsError> {
        let mut config = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(|e| TlsError::Make(e.to_string()))?
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(&self.serving) as Arc<dyn ResolvesServerCert>);
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(TlsAcceptor::from(Arc::new(config)))
    }

    /// What is wrong with the person's own pair.
    pub(crate) fn problem(&self) -> Option<Problem> {
        let watched = self.watched.lock();
        watched.problem.clone().or_else(|| watched.lapse.clone())
    }

    /// Serves what should be served now. Whatever fails leaves the certificate before in place.
    fn look(&self, now: i64) {
        let mut watched = self.watched.lock();
        let stamp = own::stamp(&self.folder);
        if stamp != watched.stamp {
            let before = std::mem::replace(&mut watched.stamp, stamp);
            match own::load(&self.folder) {
                Some(Ok(pair)) => {
                    self.serve(pair);
                    watched.own = true;
                    watched.problem = None;
                    tracing::info!(folder = %self.folder.display(), "HTTPS uses cert.pem and key.pem");
                }
                Some(Err(reason)) => {
                    tracing::error!(reason, "HTTPS goes on with the certificate it had");
                    let text =
                        format!("{reason} Until then HTTPS goes on with the certificate it had.");
                    watched.problem = Some(Problem::new(Code::Unavailable, text).about("https"));
                }
                None => {
                    watched.own = false;
                    watched.problem = None;
                    if before.is_some() {
                        tracing::info!(
                            "cert.pem and key.pem are gone; HTTPS uses its own certificate"
                        );
                    }
                }
            }
        }
        self.note_lapse(&mut watched, now);
        if !watched.own {
            let mut names = Names::of_this_machine(self.host.as_deref());
            names.hosts.extend(self.also.lock().clone());
            match self.authority.leaf(&self.folder.join("tls"), &names, now) {
                Ok(leaf) => self.serve(leaf),
                Err(error) => tracing::error!(%error, "the certificate was not renewed"),
            }
        }
    }

    /// Says once in the log, and in the studio for as long as it is so, that the person's own
    /// certificate has ended or soon will.
    fn note_lapse(&self, watched: &mut Watched, now: i64) {
        let pair = watched.own.then(|| Arc::clone(&self.serving.0.read()));
        let reason = pair.and_then(|pair| own::lapse(&self.folder, &pair, now));
        let lapse = reason.map(|text| Problem::new(Code::Unavailable, text).about("https"));
        if lapse != watched.lapse {
            if let Some(lapse) = &lapse {
                tracing::warn!(reason = lapse.message, "the certificate of HTTPS");
            }
            watched.lapse = lapse;
        }
    }

    fn serve(&self, pair: Arc<CertifiedKey>) {
        if self.serving.0.read().cert != pair.cert {
            *self.serving.0.write() = pair;
        }
    }
}

/// Follows files and addresses until the station stops.
pub(crate) async fn watch(tls: Arc<Tls>, clock: Clock, stop: CancellationToken) {
    let mut every = tokio::time::interval(LOOK);
    every.reset();
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = every.tick() => {}
        }
        let (tls, now) = (Arc::clone(&tls), clock.unix_millis(clock.now()));
        let looked = tokio::task::spawn_blocking(move || tls.look(now)).await;
        if let Err(error) = looked {
            tracing::error!(%error, "the certificates were not looked at");
        }
    }
}

/// The one provider: another one arrives in the process with other crates, so none is taken by default.
fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

#[cfg(test)]
mod tests;
