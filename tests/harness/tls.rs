//! Servers behind TLS, with certificates that are good or not.

use std::sync::Arc;

use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// A TLS front: takes connections for `localhost` and hands their bytes to a plain port.
#[derive(Debug)]
pub struct TlsFront {
    /// Where it listens.
    pub port: u16,
    /// What it is trusted by.
    pub root: CertificateDer<'static>,
    task: JoinHandle<()>,
}

impl TlsFront {
    /// One that is as it should be.
    pub async fn start(to: u16) -> Self {
        Self::named("localhost", to).await
    }

    /// One whose certificate is for this name.
    ///
    /// # Panics
    /// When it is no name, or the machine has no port left.
    pub async fn named(name: &str, to: u16) -> Self {
        let parameters = rcgen::CertificateParams::new([name.to_owned()]);
        Self::with(parameters.expect("a name"), to).await
    }

    /// One whose certificate was good until long ago.
    pub async fn expired(to: u16) -> Self {
        let parameters = rcgen::CertificateParams::new(["localhost".to_owned()]);
        let mut parameters = parameters.expect("a name");
        parameters.not_before = rcgen::date_time_ymd(2019, 1, 1);
        parameters.not_after = rcgen::date_time_ymd(2020, 1, 1);
        Self::with(parameters, to).await
    }

    async fn with(parameters: rcgen::CertificateParams, to: u16) -> Self {
        let signing = rcgen::KeyPair::generate().expect("a key");
        let made = parameters.self_signed(&signing).expect("a certificate");
        let root = made.der().clone();
        let key = PrivateKeyDer::try_from(signing.serialize_der()).expect("a key");
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
                    let mut far = TcpStream::connect(("127.0.0.1", to))
                        .await
                        .expect("what is behind");
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
