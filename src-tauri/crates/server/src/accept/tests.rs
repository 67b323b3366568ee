use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::*;
use crate::testing::{Desk, PATIENCE, TOKEN};

fn quick() -> Limits {
    Limits {
        header_time: Duration::from_millis(200),
        ..Limits::default()
    }
}

async fn all(stream: &mut TcpStream) -> String {
    let mut text = Vec::new();
    // A reset ends the answer as well as a close.
    let read = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut text)).await;
    drop(read.expect("the connection is closed"));
    String::from_utf8_lossy(&text).into_owned()
}

#[tokio::test]
async fn headers_that_do_not_come_end_the_connection() {
    let served = Desk::new().listen(quick()).await;
    for sent in [
        "",
        "GET / HTTP/1.1\r\n",
        "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: ",
    ] {
        let mut stream = TcpStream::connect(served.address).await.unwrap();
        stream.write_all(sent.as_bytes()).await.unwrap();
        let answer = all(&mut stream).await;
        assert!(!answer.contains("200 OK"), "{sent:?}: {answer}");
    }
    // Others are served meanwhile and after.
    let mut stream = TcpStream::connect(served.address).await.unwrap();
    let request = "GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n";
    stream.write_all(request.as_bytes()).await.unwrap();
    assert!(all(&mut stream).await.starts_with("HTTP/1.1 200"));
    served.stop().await;
}

#[tokio::test]
async fn requests_that_are_none() {
    let served = Desk::new().listen(Limits::default()).await;
    let large = format!(
        "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: {}\r\n\r\n",
        "x".repeat(HEADER_BYTES * 4)
    );
    let many = format!(
        "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n{}\r\n",
        "X: y\r\n".repeat(HEADER_LINES + 1)
    );
    let end = "Connection: close\r\n\r\n";
    for (sent, expect) in [
        ("nonsense\r\n\r\n".to_owned(), "HTTP/1.1 400"),
        (format!("GET / HTTP/1.1\r\n{end}"), "HTTP/1.1 400"),
        (
            format!("GET / HTTP/1.1\r\nHost: evil.example\r\n{end}"),
            "HTTP/1.1 421",
        ),
        (
            format!("GET /../../etc/passwd HTTP/1.1\r\nHost: [::1]\r\n{end}"),
            "HTTP/1.1 404",
        ),
        (large, "HTTP/1.1 431"),
        (many, "HTTP/1.1 431"),
    ] {
        let mut stream = TcpStream::connect(served.address).await.unwrap();
        // It may be refused before it is all written.
        drop(stream.write_all(sent.as_bytes()).await);
        let answer = all(&mut stream).await;
        assert!(answer.starts_with(expect), "{sent:.60}: {answer:.200}");
    }
    served.stop().await;
}

#[tokio::test]
async fn one_connection_too_many_is_told_so() {
    let limits = Limits {
        connections: 2,
        ..Limits::default()
    };
    let served = Desk::new().listen(limits).await;
    let mut first = TcpStream::connect(served.address).await.unwrap();
    let mut second = TcpStream::connect(served.address).await.unwrap();
    for stream in [&mut first, &mut second] {
        let request = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut status = [0; 12];
        stream.read_exact(&mut status).await.unwrap();
        assert_eq!(&status, b"HTTP/1.1 200");
    }
    let mut third = TcpStream::connect(served.address).await.unwrap();
    let answer = all(&mut third).await;
    assert!(
        answer.starts_with("HTTP/1.1 503") && answer.contains("Retry-After"),
        "{answer}"
    );
    drop((first, second));
    served.stop().await;
}

#[tokio::test]
async fn a_websocket_holds_its_place_and_may_not_send_much() {
    let limits = Limits {
        connections: 1,
        websocket_bytes: 4096,
        ..Limits::default()
    };
    let served = Desk::new().listen(limits).await;
    let mut stream = TcpStream::connect(served.address).await.unwrap();
    let request = format!(
        "GET /api/events?token={TOKEN} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\n\
         Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut status = [0; 12];
    stream.read_exact(&mut status).await.unwrap();
    assert_eq!(&status, b"HTTP/1.1 101");
    let mut next = TcpStream::connect(served.address).await.unwrap();
    assert!(
        all(&mut next).await.starts_with("HTTP/1.1 503"),
        "its place is taken"
    );

    // Pings: small frames that no message limit sees.
    let ping = [0x89, 0x80, 0, 0, 0, 0];
    let flood: Vec<u8> = ping.iter().copied().cycle().take(6 * 2000).collect();
    drop(stream.write_all(&flood).await);
    all(&mut stream).await;
    served.stop().await;
}

#[tokio::test]
async fn a_body_that_does_not_come_is_not_waited_for() {
    tokio::time::pause();
    let body =
        axum::body::Body::from_stream(futures::stream::pending::<io::Result<bytes::Bytes>>());
    let request = axum::extract::Request::new(body);
    let refusal = crate::body::read(request, 10).await.unwrap_err();
    let response = axum::response::IntoResponse::into_response(refusal);
    assert_eq!(response.status(), StatusCode::REQUEST_TIMEOUT);
}
