//! Publishing over WHIP when the way there is not plain: addresses that are found late, paths that are lost, that
//! carry too little, or that lead over a relay alone; and endpoints that are not what they should be.

use std::sync::Arc;
use std::time::Duration;

use klieg_tests::{Between, TlsFront};
use media::{Clock, Start, Want};
use outputs::{Destination, State};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use wire::whip::{self, Options, Target, Timing};
use wire::{Progress, PublishError, Roots};

use crate::ingest::{Ingest, Manners, RELAYED, Turn, read, station};
use crate::source::Signal;

const PATIENCE: Duration = Duration::from_secs(40);

/// A publication by itself, without anything that retries.
pub(crate) struct Publication {
    stop: watch::Sender<bool>,
    task: JoinHandle<Result<(), PublishError>>,
}

impl Publication {
    pub(crate) fn start(signal: &Signal, clock: Clock, url: &str, timing: Timing) -> Self {
        let options = Options {
            timing,
            ..Options::default()
        };
        Self::with(signal, clock, url, options)
    }

    fn with(signal: &Signal, clock: Clock, url: &str, options: Options) -> Self {
        let (stop, stopped) = watch::channel(false);
        let target = Target {
            url: url.to_owned(),
            bearer: "sesame".into(),
        };
        let reader = signal.channel().read(Want::WEBRTC, Start::Next, 400);
        let progress = Arc::<Progress>::default();
        let publish = whip::publish_with(target, options, reader, clock, progress, stopped);
        Self {
            stop,
            task: tokio::spawn(publish),
        }
    }

    pub(crate) async fn stop(self) {
        self.stop.send_replace(true);
        assert_eq!(self.task.await.unwrap(), Ok(()));
    }

    /// Why it ended.
    pub(crate) async fn error(self) -> PublishError {
        let ended = timeout(PATIENCE, self.task).await.expect("an end");
        ended.unwrap().expect_err("not by itself")
    }
}

fn quick() -> Timing {
    Timing {
        silence: Duration::from_millis(600),
        ..Timing::default()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_that_is_found_late_is_told_for_the_ice_session_it_belongs_to() {
    let Some(turn) = Turn::start("an_address_that_is_found_late_is_told") else {
        return;
    };
    let clock = Clock::start();
    let signal = Signal::start(clock);
    let station = station(clock);
    // The way leads over the relay alone, and the relay answers only once the offer is made.
    let door = Between::to(station.local_addr(), Some(RELAYED)).await;
    let relay = Between::to(turn.address(), None).await;
    relay.cut();
    let manners = Manners {
        doors: vec![door.port()],
        early: Some(Turn::link_over(relay.port())),
        ..Manners::default()
    };
    let mut ingest = Ingest::start(&station, clock, manners).await;
    let timing = Timing {
        path: PATIENCE,
        ..Timing::default()
    };
    door.cut();
    let publication = Publication::start(&signal, clock, &ingest.url, timing);
    let offer = ingest.asked("POST").await;
    assert!(!offer.body.contains(" typ relay"), "{}", offer.body);
    assert!(
        !offer.body.contains("a=end-of-candidates"),
        "{}",
        offer.body
    );
    relay.mend();
    let later = ingest.asked("PATCH").await;
    assert_eq!(later.header("authorization"), Some("Bearer sesame"));
    assert_eq!(
        later.header("content-type"),
        Some("application/trickle-ice-sdpfrag")
    );
    let tag = later.header("if-match").unwrap();
    assert!(tag.starts_with('"'), "{tag}");
    let told = &later.body;
    assert!(
        told.contains("a=ice-ufrag:") && told.contains("a=mid:"),
        "{told}"
    );
    assert!(
        told.contains(" typ relay") && !told.contains(" typ host"),
        "{told}"
    );
    door.mend();
    let mut reader = ingest.reader().await;
    ingest.pictures(&mut reader, 5).await;
    publication.stop().await;
    ingest.asked("DELETE").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_path_that_is_lost_is_found_anew_within_the_session() {
    let clock = Clock::start();
    let signal = Signal::start(clock);
    let station = station(clock);
    let far = station.local_addr();
    let (first, second) = (Between::to(far, None).await, Between::to(far, None).await);
    let manners = Manners {
        doors: vec![first.port(), second.port()],
        ..Manners::default()
    };
    let mut ingest = Ingest::start(&station, clock, manners).await;
    let publication = Publication::start(&signal, clock, &ingest.url, quick());
    let mut reader = ingest.reader().await;
    ingest.pictures(&mut reader, 10).await;
    first.cut();
    let restart = ingest.asked("PATCH").await;
    assert_eq!(restart.header("if-match"), Some("*"));
    assert!(restart.body.contains("a=ice-pwd:"), "{}", restart.body);
    while reader.try_next().is_some() {}
    ingest.pictures(&mut reader, 20).await;
    assert!(second.counts().0 > 20);
    publication.stop().await;
    assert_eq!(ingest.count("POST"), 0, "the session went on");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_no_other_path_is_looked_for_the_session_ends_with_the_path() {
    let clock = Clock::start();
    let signal = Signal::start(clock);
    for (restart, untagged) in [
        (Some(405), false),
        (Some(412), false),
        (Some(428), false),
        (Some(501), false),
        // It knows nothing of restarts, and takes this for something that trickles.
        (Some(204), false),
        // The session is gone there.
        (Some(404), false),
        (None, true),
    ] {
        let station = station(clock);
        let door = Between::to(station.local_addr(), None).await;
        let manners = Manners {
            doors: vec![door.port()],
            restart,
            untagged,
            ..Manners::default()
        };
        let mut ingest = Ingest::start(&station, clock, manners).await;
        let publication = Publication::start(&signal, clock, &ingest.url, quick());
        let mut reader = ingest.reader().await;
        ingest.pictures(&mut reader, 5).await;
        door.cut();
        let error = publication.error().await;
        assert!(!error.is_refusal(), "{restart:?}: {error}");
        let said = error.to_string();
        assert!(said.ends_with("was lost"), "{restart:?}: {said}");
        ingest.asked("POST").await;
        let asked = ingest.count("PATCH");
        assert_eq!(
            asked,
            usize::from(!untagged),
            "{restart:?}: once, if at all"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_turn_alone() {
    let Some(turn) = Turn::start("over_turn_alone") else {
        return;
    };
    let clock = Clock::start();
    let signal = Signal::start(clock);
    // Told of before the offer, with the answer alone, and with the answer to who can say nothing later.
    for (early, trickle) in [(true, None), (false, None), (true, Some(405))] {
        let station = station(clock);
        // A firewall: what does not come from the relay is dropped.
        let door = Between::to(station.local_addr(), Some(RELAYED)).await;
        let manners = Manners {
            doors: vec![door.port()],
            early: early.then(|| turn.link()),
            late: Some(turn.link()),
            trickle,
            ..Manners::default()
        };
        let mut ingest = Ingest::start(&station, clock, manners).await;
        let timing = Timing {
            alone: Duration::from_secs(1),
            ..Timing::default()
        };
        let publication = Publication::start(&signal, clock, &ingest.url, timing);
        let offer = ingest.asked("POST").await;
        assert_eq!(offer.body.contains(" typ relay"), early, "{}", offer.body);
        if !early {
            ingest.asked("DELETE").await;
            let offer = ingest.asked("POST").await;
            assert!(offer.body.contains(" typ relay"), "{}", offer.body);
        }
        let mut reader = ingest.reader().await;
        ingest.pictures(&mut reader, 20).await;
        let (carried, refused) = door.counts();
        assert!(
            carried > 20 && refused > 0,
            "{carried} carried, {refused} refused"
        );
        publication.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_a_relay_that_is_reached_by_tcp_or_tls_alone() {
    let Some(turn) = Turn::start("over_a_relay_that_is_reached_by_tcp_or_tls_alone") else {
        return;
    };
    let clock = Clock::start();
    let signal = Signal::start(clock);
    let port = turn.address().port();
    let front = TlsFront::start(port).await;
    let trusted = Roots::from(vec![front.root.clone()]);
    for (url, roots) in [
        (
            format!("turn:127.0.0.1:{port}?transport=tcp"),
            Roots::default(),
        ),
        (format!("turns:localhost:{}", front.port), trusted),
    ] {
        let station = station(clock);
        let door = Between::to(station.local_addr(), Some(RELAYED)).await;
        let manners = Manners {
            doors: vec![door.port()],
            early: Some(Turn::link_to(&url)),
            ..Manners::default()
        };
        let mut ingest = Ingest::start(&station, clock, manners).await;
        let options = Options {
            roots,
            ..Options::default()
        };
        let publication = Publication::with(&signal, clock, &ingest.url, options);
        ingest.asked("POST").await;
        let mut reader = ingest.reader().await;
        ingest.pictures(&mut reader, 20).await;
        let (carried, _) = door.counts();
        assert!(carried > 20, "{url}: {carried} carried");
        publication.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_picture_follows_a_path_that_becomes_narrow_and_comes_back() {
    let clock = Clock::start();
    let signal = Signal::following(clock);
    let station = station(clock);
    let door = Between::to(station.local_addr(), None).await;
    let manners = Manners {
        doors: vec![door.port()],
        ..Manners::default()
    };
    let ingest = Ingest::start(&station, clock, manners).await;
    let target = outputs::Target::Whip {
        url: ingest.url.clone(),
        bearer: String::new(),
    };
    let options = outputs::Options {
        follow: true,
        ..outputs::Options::default()
    };
    let channel = signal.channel();
    let destination = Destination::start_with(target, options, channel, clock, &Handle::current());
    let mut state = destination.state();
    let mut until = async |what: &str, fits: &dyn Fn(&State) -> bool| {
        let fits = state.wait_for(|state| fits(state));
        match timeout(PATIENCE, fits).await {
            Ok(state) => state.expect("it runs").clone(),
            Err(_) => panic!("never {what}; the picture aims at {}", signal.aim()),
        }
    };
    let full = Signal::FULL;
    until("live in full", &|s| {
        matches!(s, State::Live { bitrate, carries: None, .. } if *bitrate > u64::from(full) / 2)
    })
    .await;
    let width = u64::from(full) * 2 / 3;
    door.set_width(width);
    let narrow = until(
        "narrow",
        &|s| matches!(s, State::Live { carries: Some(carries), .. } if *carries < width * 5 / 4),
    )
    .await;
    assert!(signal.aim() < full, "{narrow:?}: {}", signal.aim());
    door.set_width(0);
    let wide = |s: &State| matches!(s, State::Live { carries: None, .. });
    until("wide again", &wide).await;
    signal.aims_at(full);
    destination.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_lost_on_the_way_is_sent_again() {
    let clock = Clock::start();
    let signal = Signal::following(clock);
    let station = station(clock);
    let door = Between::to(station.local_addr(), None).await;
    let manners = Manners {
        doors: vec![door.port()],
        ..Manners::default()
    };
    let ingest = Ingest::start(&station, clock, manners).await;
    let publication = Publication::start(&signal, clock, &ingest.url, Timing::default());
    let mut reader = ingest.reader().await;
    ingest.pictures(&mut reader, 60).await;
    let before = signal.keyframes();
    door.lose_each(40);
    let times = ingest.pictures(&mut reader, 180).await;
    let lost = door.lost();
    assert!(lost >= 5, "{lost} datagrams were lost");
    // Keyframes come when they are asked for alone: each loss that stays would cost pictures, and then one of them.
    let most = times.windows(2).map(|pair| pair[1].since(pair[0])).max();
    assert!(
        most < Some(Duration::from_millis(60)),
        "{most:?}, {lost} lost"
    );
    assert_eq!(signal.keyframes(), before, "{lost} lost");
    publication.stop().await;
}

/// An answer that says that none follows on its connection: else the next request may go there while it closes.
fn last(answer: &[u8]) -> Vec<u8> {
    let head = b"HTTP/1.1 ";
    let line = answer.windows(2).position(|at| at == b"\r\n");
    match line.filter(|_| answer.starts_with(head)) {
        Some(end) => {
            let (status, rest) = answer.split_at(end);
            [status, &b"\r\nconnection: close"[..], rest].concat()
        }
        None => answer.to_vec(),
    }
}

/// An endpoint that says one thing to everybody, and then closes or waits.
async fn says(text: &'static [u8], closes: bool) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/whip", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok((mut stream, _)) = listener.accept().await {
            drop(read(&mut stream).await);
            drop(stream.write_all(&last(text)).await);
            if !closes {
                held.push(stream);
                continue;
            }
            // What lies unread when a connection is closed takes the answer with it.
            drop(stream.shutdown().await);
            tokio::spawn(async move { tokio::io::copy(&mut stream, &mut tokio::io::sink()).await });
        }
    });
    url
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_bad_endpoint_is_told_from_the_others() {
    let clock = Clock::start();
    let signal = Signal::start(clock);
    let timing = Timing {
        answer: Duration::from_millis(400),
        path: Duration::from_millis(400),
        ..Timing::default()
    };
    for (text, closes, refused, expect) in [
        (&b""[..], false, false, "it does not answer"),
        (b"", true, false, "cannot be reached"),
        (
            b"SSH-2.0-OpenSSH_9.2\r\n",
            false,
            false,
            "cannot be reached",
        ),
        (
            b"HTTP/1.1 201 Created\r\ncontent-length: 900\r\n\r\nv=0\r\n",
            true,
            false,
            "cannot be reached",
        ),
        (
            b"HTTP/1.1 201 Created\r\ncontent-length: 900\r\n\r\nv=0\r\n",
            false,
            false,
            "it does not answer",
        ),
        (
            b"HTTP/1.1 201 Created\r\ncontent-length: 7\r\n\r\nnothing",
            true,
            false,
            "an answer that cannot be used",
        ),
        (
            b"HTTP/1.1 201 Created\r\ncontent-length: 0\r\n\r\n",
            true,
            false,
            "an answer that cannot be used",
        ),
        (
            b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi",
            true,
            true,
            "does not take the offer (200: hi)",
        ),
        (
            b"HTTP/1.1 301 Moved\r\nlocation: /there\r\ncontent-length: 0\r\n\r\n",
            true,
            true,
            "redirects with 301",
        ),
        (
            b"HTTP/1.1 308 Moved\r\nlocation: /whip\r\ncontent-length: 0\r\n\r\n",
            true,
            true,
            "in a circle",
        ),
        (
            b"HTTP/1.1 307 Moved\r\nlocation: ftp://x/\r\ncontent-length: 0\r\n\r\n",
            true,
            true,
            "where no offer may be sent",
        ),
        (
            b"HTTP/1.1 307 Moved\r\ncontent-length: 0\r\n\r\n",
            true,
            true,
            "where no offer may be sent",
        ),
        (
            b"HTTP/1.1 403 No\r\ncontent-length: 0\r\n\r\n",
            true,
            true,
            "the token is wrong or has expired (403)",
        ),
        (
            b"HTTP/1.1 406 No\r\ncontent-length: 7\r\n\r\nno H264",
            true,
            true,
            "does not take the offer (406: no H264)",
        ),
        (
            b"HTTP/1.1 500 No\r\ncontent-length: 0\r\n\r\n",
            true,
            false,
            "is not able to take the broadcast now",
        ),
    ] {
        let url = says(text, closes).await;
        let publication = Publication::start(&signal, clock, &url, timing);
        let error = publication.error().await;
        let said = error.to_string();
        let text = String::from_utf8_lossy(text);
        assert!(said.contains(expect), "{text:?}: {said}");
        assert_eq!(error.is_refusal(), refused, "{text:?}: {said}");
        assert!(
            said.contains("127.0.0.1:") && !said.contains("sesame"),
            "{said}"
        );
    }
    // It answers as it should, and no media ever comes through.
    let station = station(clock);
    let closed = Between::to(station.local_addr(), None).await;
    closed.cut();
    let manners = Manners {
        doors: vec![closed.port()],
        ..Manners::default()
    };
    let ingest = Ingest::start(&station, clock, manners).await;
    let publication = Publication::start(&signal, clock, &ingest.url, timing);
    let said = publication.error().await.to_string();
    assert!(said.contains("lets UDP through"), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn certificates_that_are_wrong_are_told_in_words() {
    let clock = Clock::start();
    let signal = Signal::start(clock);
    let station = station(clock);
    let mut ingest = Ingest::start(&station, clock, Manners::default()).await;
    let plain = ingest.port();
    let good = TlsFront::start(plain).await;
    let elsewhere = TlsFront::named("elsewhere.example", plain).await;
    let expired = TlsFront::expired(plain).await;
    let trust = |front: &TlsFront| Roots::from(vec![front.root.clone()]);
    let secure = |port: u16| format!("https://localhost:{port}/whip");
    for (url, roots, expect) in [
        (secure(good.port), Roots::default(), "outputs.ca_file"),
        (
            secure(elsewhere.port),
            trust(&elsewhere),
            "is for another name",
        ),
        (secure(expired.port), trust(&expired), "has expired"),
        (
            format!("http://localhost:{}/whip", good.port),
            trust(&good),
            "cannot be reached",
        ),
    ] {
        let options = Options {
            roots,
            ..Options::default()
        };
        let error = Publication::with(&signal, clock, &url, options)
            .error()
            .await;
        let said = error.to_string();
        assert!(said.contains(expect), "{url}: {said}");
        assert!(!error.is_refusal(), "{url}: {said}");
    }
    assert_eq!(ingest.count("POST"), 0, "nothing was offered");
    let options = Options {
        roots: trust(&good),
        ..Options::default()
    };
    let publication = Publication::with(&signal, clock, &secure(good.port), options);
    let mut reader = ingest.reader().await;
    ingest.pictures(&mut reader, 5).await;
    publication.stop().await;
}
