//! The station over TLS, with clients that trust its authority and clients that do not.

use axum::body::Body;
use axum::http::Request;
use http_body_util::BodyExt;
use hyper_util::rt::TokioIo;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::*;

fn secure(folder: &tempfile::TempDir) -> Config {
    Config {
        https: Some("127.0.0.1:0".parse().unwrap()),
        data_dir: folder.path().to_owned(),
        ..config()
    }
}

/// A connection of a client that trusts this authority.
async fn connect(
    address: SocketAddr,
    name: &str,
    authority: Option<&CertificateDer<'static>>,
) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    if let Some(authority) = authority {
        roots.add(authority.clone()).unwrap();
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let stream = TcpStream::connect(address).await?;
    let name = ServerName::try_from(name.to_owned()).unwrap();
    let connected = TlsConnector::from(Arc::new(config)).connect(name, stream);
    tokio::time::timeout(PATIENCE, connected).await.unwrap()
}

/// What a page of `origin` is answered.
async fn ask(
    stream: TlsStream<TcpStream>,
    method: &str,
    path: &str,
    origin: &str,
) -> (u16, String) {
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .unwrap();
    tokio::spawn(async move { drop(connection.await) });
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("host", "localhost:8443")
        .header("origin", origin)
        .header("content-type", "application/json")
        .body(Body::from("{}"))
        .unwrap();
    let answer = tokio::time::timeout(PATIENCE, sender.send_request(request))
        .await
        .unwrap()
        .unwrap();
    let status = answer.status().as_u16();
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8_lossy(&body).into_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_device_that_installs_the_authority_is_served_over_https() {
    let folder = tempfile::tempdir().unwrap();
    let (parts, _control) = parts(&Hub::new(1));
    let station = start(secure(&folder), parts).await.unwrap();
    let (http, https) = (station.http_addr(), station.https_addr().unwrap());

    let pem = fetch(http, "GET", "/ca.pem", &[], "").await;
    assert_eq!(pem.header("content-type"), "application/x-pem-file");
    let authority = CertificateDer::from_pem_slice(&pem.body).unwrap();
    let der = fetch(http, "GET", "/ca.crt", &[], "").await;
    assert_eq!(der.header("content-type"), "application/x-x509-ca-cert");
    assert_eq!(der.body, authority.as_ref());
    let profile = fetch(http, "GET", "/ca.mobileconfig", &[], "").await;
    assert_eq!(
        profile.header("content-type"),
        "application/x-apple-aspen-config"
    );
    let base64: String = pem.text().lines().filter(|l| !l.starts_with('-')).collect();
    assert!(profile.text().contains(&format!("<data>{base64}</data>")));
    let trust = fetch(http, "GET", "/api/trust", &[], "").await.json();
    assert_eq!(
        (&trust["port"], &trust["own"]),
        (&https.port().into(), &false.into())
    );
    let fingerprint = trust["fingerprint"].as_str().unwrap();
    assert_eq!(fingerprint.split(':').count(), 32, "{fingerprint}");

    for name in ["localhost", "127.0.0.1"] {
        let stream = connect(https, name, Some(&authority)).await.unwrap();
        let (_, session) = stream.get_ref();
        assert_eq!(session.alpn_protocol(), Some(b"http/1.1".as_slice()));
        let (status, body) = ask(stream, "GET", "/healthz", "https://localhost:8443").await;
        assert_eq!(status, 200);
        assert!(body.contains("\"status\":\"ok\""), "{body}");
    }
    let stranger = connect(https, "localhost", None).await.unwrap_err();
    assert!(stranger.to_string().contains("UnknownIssuer"), "{stranger}");
    let elsewhere = connect(https, "example.com", Some(&authority)).await;
    assert!(elsewhere.is_err());

    // Whoever may do what is the same as over HTTP.
    for (method, path, origin, expect) in [
        ("POST", "/api/commands", "https://localhost:8443", 401),
        ("POST", "/api/commands", "https://evil.example", 403),
        ("GET", "/trust", "https://localhost:8443", 200),
    ] {
        let stream = connect(https, "localhost", Some(&authority)).await;
        let (status, _) = ask(stream.unwrap(), method, path, origin).await;
        assert_eq!(status, expect, "{method} {path} from {origin}");
    }
    station.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_speaks_no_tls_is_let_go_and_holds_nobody_up() {
    let folder = tempfile::tempdir().unwrap();
    let (parts, _control) = parts(&Hub::new(1));
    let options = Options {
        limits: Limits {
            header_time: Duration::from_millis(200),
            ..Limits::default()
        },
        ..Options::default()
    };
    let station = start_with(secure(&folder), options, parts).await.unwrap();
    let https = station.https_addr().unwrap();
    for sent in [
        "",
        "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "\x16\x03\x01",
    ] {
        let mut stream = TcpStream::connect(https).await.unwrap();
        stream.write_all(sent.as_bytes()).await.unwrap();
        let mut said = Vec::new();
        let read = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut said)).await;
        drop(read.expect("the connection is closed"));
        assert!(!said.starts_with(b"HTTP"), "{sent:?}");
    }
    let authority = fetch(station.http_addr(), "GET", "/ca.pem", &[], "").await;
    let authority = CertificateDer::from_pem_slice(&authority.body).unwrap();
    assert!(connect(https, "localhost", Some(&authority)).await.is_ok());
    station.shutdown().await;
}

#[tokio::test]
async fn a_taken_port_of_https_is_named_with_its_setting() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (parts, _control) = parts(&Hub::new(1));
    let config = Config {
        https: Some(taken.local_addr().unwrap()),
        ..secure(&folder)
    };
    let error = start(config, parts).await.err().unwrap();
    let said = error.to_string();
    assert!(
        matches!(error, StartError::Taken { what: "HTTPS", .. }),
        "{said}"
    );
    assert!(said.contains("server.https"), "{said}");
}

#[tokio::test]
async fn without_https_there_is_nothing_to_trust() {
    let desk = Desk::new();
    for path in ["/ca.pem", "/ca.crt", "/ca.mobileconfig", "/api/trust"] {
        let got = desk.get(path).await;
        assert_eq!(got.status, 404, "{path}");
        assert!(got.text().contains("server.https"), "{path}");
    }
    assert_eq!(
        desk.get("/trust").await.status,
        200,
        "the page says so, too"
    );
}
