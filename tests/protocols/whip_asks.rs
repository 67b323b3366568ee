//! Publishing over WHIP: what the far end asks for while it is sent to, and where it may send the offer.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use media::Clock;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use wire::whip::Timing;

use crate::ingest::{Asked, Ingest, Manners, read, station};
use crate::paths::Publication;
use crate::source::Signal;

/// How many pictures show that nothing was asked for.
const QUIET: usize = 45;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_asks_for_a_keyframe_gets_one() {
    let clock = Clock::start();
    let signal = Signal::start(clock);
    let station = station(clock);
    let ingest = Ingest::start(&station, clock, Manners::default()).await;
    let publication = Publication::start(&signal, clock, &ingest.url, Timing::default());
    let mut reader = ingest.reader().await;
    ingest.pictures(&mut reader, QUIET).await;
    for round in 1..=3 {
        let before = signal.keyframes();
        ingest.pictures(&mut reader, QUIET).await;
        assert_eq!(signal.keyframes(), before, "none comes by itself");
        // The channel's wish goes out as a PLI (RFC 4585, section 6.3.1).
        ingest.wish_for_keyframe();
        ingest.keyframe(&mut reader).await;
        assert_eq!(signal.keyframes(), before + 1, "{round}");
    }
    publication.stop().await;
}

/// Endpoints that lead elsewhere, and what they were asked.
struct Signpost {
    base: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Signpost {
    /// Each path leads to the next one; the last one to `to`.
    async fn start(path: &[(&'static str, u16)], to: Option<String>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let asked: Arc<Mutex<Vec<Asked>>> = Arc::default();
        let stops = path.to_vec();
        let seen = Arc::clone(&asked);
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let Some(request) = read(&mut stream).await else {
                    continue;
                };
                let path = request.head.split(' ').nth(1).unwrap_or_default();
                let at = stops.iter().position(|(stop, _)| *stop == path);
                let answer = match at.filter(|_| request.method == "POST") {
                    None => {
                        "HTTP/1.1 404 No\r\nconnection: close\r\ncontent-length: 0\r\n\r\n".into()
                    }
                    Some(at) => {
                        let next = stops.get(at + 1).map(|(stop, _)| (*stop).to_owned());
                        let to = next.or_else(|| to.clone());
                        let to = to.unwrap_or_else(|| stops[0].0.to_owned());
                        format!(
                            "HTTP/1.1 {} Moved\r\nlocation: {to}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n",
                            stops[at].1
                        )
                    }
                };
                seen.lock().expect("what was asked").push(request);
                drop(stream.write_all(answer.as_bytes()).await);
            }
        });
        Self { base, asked }
    }

    /// The offers that came.
    fn offers(&self) -> Vec<Asked> {
        let asked = self.asked.lock().expect("what was asked");
        let offers = asked.iter().filter(|asked| asked.method == "POST");
        offers.cloned().collect()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_offer_goes_where_it_is_led_and_the_token_stays_behind() {
    let clock = Clock::start();
    let signal = Signal::start(clock);
    let station = station(clock);
    let mut ingest = Ingest::start(&station, clock, Manners::default()).await;
    let path = [("/whip", 307), ("/moved", 308)];
    let signpost = Signpost::start(&path, Some(ingest.url.clone())).await;
    let url = format!("{}/whip", signpost.base);
    let publication = Publication::start(&signal, clock, &url, Timing::default());
    let arrived = ingest.asked("POST").await;
    // The same offer each time; the token as long as it is the same origin.
    let offers = signpost.offers();
    assert_eq!(offers.len(), 2);
    for offer in &offers {
        assert_eq!(offer.header("authorization"), Some("Bearer sesame"));
        assert_eq!(offer.header("content-type"), Some("application/sdp"));
        assert_eq!(offer.body, arrived.body);
    }
    assert_eq!(arrived.header("authorization"), None);
    assert_eq!(arrived.header("content-type"), Some("application/sdp"));
    let mut reader = ingest.reader().await;
    ingest.pictures(&mut reader, 10).await;
    // It leaves where it was let in.
    publication.stop().await;
    ingest.asked("DELETE").await;
    assert_eq!(signpost.offers().len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_circle_of_redirections_is_left_and_refused() {
    let clock = Clock::start();
    let signal = Signal::start(clock);
    for path in [
        &[("/whip", 307)][..],
        &[("/whip", 308), ("/there", 307), ("/back", 308)],
    ] {
        let signpost = Signpost::start(path, None).await;
        let url = format!("{}/whip", signpost.base);
        let timing = Timing {
            answer: Duration::from_secs(40),
            ..Timing::default()
        };
        let error = Publication::start(&signal, clock, &url, timing)
            .error()
            .await;
        assert!(error.is_refusal(), "{error}");
        assert!(error.to_string().contains("in a circle"), "{error}");
        let offers = signpost.offers().len();
        assert!((2..=10).contains(&offers), "{offers} offers");
    }
}
