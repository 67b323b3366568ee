use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use api::{FilmKind, LinkKind, NewAccessLink};
use axum::body::Body;
use parking_lot::Mutex;
use tracing::field::{Field, Visit as Fields};
use tracing::{Metadata, Subscriber, span};

use super::*;
use crate::testing::{Desk, Got, TOKEN};

const THERE: [u8; 4] = [192, 168, 1, 30];

/// A station with shows of an open channel, one of them hidden, and of two private ones.
struct Shelf {
    desk: Desk,
    film: i64,
}

impl Shelf {
    fn new() -> Self {
        let desk = Desk::new();
        let store = &desk.app.store;
        for (id, channel, aired) in [
            ("seen", "open", true),
            ("hidden", "open", false),
            ("closed", "stage", true),
            ("also", "attic", true),
        ] {
            store.begin_show(id, channel, id, 1000, aired).unwrap();
        }
        let path = std::path::Path::new("/nowhere/film.mp4");
        let film = store
            .begin_film("hidden", FilmKind::Recording, "Film", path, 1000)
            .unwrap();
        for channel in ["stage", "attic"] {
            desk.app
                .set_passphrase(channel, Some("open sesame"))
                .unwrap();
        }
        Self { desk, film }
    }

    fn link(&self, kind: LinkKind, channel: Option<&str>) -> String {
        let link = NewAccessLink {
            kind,
            name: "For Ana".into(),
            channel: channel.map(str::to_owned),
            expires: None,
        };
        let made = self.desk.app.access.links.create(link, 0).unwrap();
        made.word().to_owned()
    }

    async fn get(&self, path: &str, bearer: Option<&str>, from: [u8; 4]) -> Got {
        let mut request = Request::builder()
            .uri(path)
            .header("host", "192.168.1.20:8080");
        if let Some(key) = bearer {
            request = request.header("authorization", format!("Bearer {key}"));
        }
        let request = request.body(Body::empty()).unwrap();
        self.desk.send(request, (from, 9).into()).await
    }

    /// How many wrong keys this station has counted from there, of the ten that it takes.
    fn counted(&self, from: [u8; 4]) -> usize {
        let guesses = &self.desk.app.access.guesses;
        // However slow this machine is, nothing is forgiven meanwhile.
        let then = media::Timestamp::ZERO;
        let from = IpAddr::from(from);
        let left = (0..=10).take_while(|_| {
            let may = guesses.may_try(from, then).is_ok();
            guesses.wrong(from, then);
            may
        });
        10 - left.count()
    }
}

/// Keeps what is written into the record.
#[derive(Clone, Default)]
struct Record(Arc<Mutex<Vec<String>>>);

impl Subscriber for Record {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == crate::AUDIT
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        struct Line(String);
        impl Fields for Line {
            fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
                self.0.push_str(&format!("{field}={value:?} "));
            }
        }
        let mut line = Line(String::new());
        event.record(&mut line);
        self.0.lock().push(line.0);
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

#[tokio::test]
async fn a_wrong_key_is_one_guess_whatever_it_is_shown_for() {
    let shelf = Shelf::new();
    let film = format!("/media/{}.mp4", shelf.film);
    // What is open is given to anyone, what is hidden is not there, and both say nothing of the key.
    for (n, (path, status)) in [
        ("/api/library", 200),
        ("/api/library?channel=open", 200),
        ("/api/library/seen", 200),
        ("/api/library/seen/chat", 200),
        ("/api/library/hidden", 404),
        ("/api/library/nowhere", 404),
        (film.as_str(), 404),
        ("/api/library/closed", 401),
        ("/api/library/closed/chat", 401),
    ]
    .into_iter()
    .enumerate()
    {
        let from = [10, 0, 0, u8::try_from(n).unwrap()];
        let record = Record::default();
        let heard = tracing::subscriber::set_default(record.clone());
        assert_eq!(
            shelf.get(path, Some("guess"), from).await.status,
            status,
            "{path}"
        );
        drop(heard);
        assert_eq!(shelf.counted(from), 1, "{path}");
        let lines = record.0.lock().clone();
        let [line] = &*lines else {
            panic!("{path}: {lines:?}");
        };
        assert!(
            line.contains("wrong") && line.contains(&format!("10.0.0.{n}")),
            "{line}"
        );
        assert!(!line.contains("guess"), "a secret is in the record: {line}");

        let other = [10, 0, 1, u8::try_from(n).unwrap()];
        let between = if path.contains('?') { '&' } else { '?' };
        let path = format!("{path}{between}token=guess");
        assert_eq!(shelf.get(&path, None, other).await.status, status, "{path}");
        assert_eq!(shelf.counted(other), 1, "{path}");
    }
}

#[tokio::test]
async fn whoever_guesses_at_the_library_is_slowed_down_and_learns_nothing() {
    let shelf = Shelf::new();
    let control = shelf.link(LinkKind::Control, None);
    let get = async |path: &str, key: Option<&str>| shelf.get(path, key, THERE).await.status;
    assert_eq!(get("/api/library/hidden", Some(&control)).await, 200);
    // However slow this machine is: all guesses of the next hour but one are made.
    let later = shelf.desk.app.clock.now() + Duration::from_secs(3600);
    for _ in 0..9 {
        shelf.desk.app.access.guesses.wrong(THERE.into(), later);
    }
    assert_eq!(get("/api/library/hidden", Some("guess")).await, 404);
    let film = format!("/media/{}.jpg", shelf.film);
    for path in [
        "/api/library",
        "/api/library/hidden",
        "/api/library/closed",
        &film,
    ] {
        for key in ["guess", &control] {
            assert_eq!(get(path, Some(key)).await, 429, "{path} with {key}");
        }
    }
    // Who shows none goes on, and so does everybody else.
    assert_eq!(get("/api/library/seen", None).await, 200);
    let elsewhere = [192, 168, 1, 31];
    let got = shelf
        .get("/api/library/hidden", Some(&control), elsewhere)
        .await;
    assert_eq!(got.status, 200);
}

#[tokio::test]
async fn a_private_show_says_whose_passphrase_opens_it() {
    let shelf = Shelf::new();
    for path in ["/api/library/closed", "/api/library/closed/chat"] {
        let got = shelf.get(path, None, THERE).await;
        assert_eq!(got.status, 401, "{path}");
        assert_eq!(got.json()["subject"], "stage", "{path}");
    }
}

#[tokio::test]
async fn what_opens_something_is_no_guess() {
    let shelf = Shelf::new();
    let ids = |got: Got| -> Vec<String> {
        let all = got.json();
        let shows = all.as_array().unwrap().iter();
        let mut ids: Vec<_> = shows
            .map(|s| s["id"].as_str().unwrap().to_owned())
            .collect();
        ids.sort();
        ids
    };
    let watch = shelf.link(LinkKind::Watch, Some("stage"));
    let publish = shelf.link(LinkKind::Publish, Some("open"));
    let entry = shelf.desk.ask(
        "POST",
        "/api/channels/stage/entry",
        &[("content-type", "application/json")],
        r#"{"passphrase":"open sesame"}"#,
    );
    let token = entry.await.json()["token"].as_str().unwrap().to_owned();
    for (n, (key, expect)) in [
        (watch.as_str(), vec!["closed", "seen"]),
        (&token, vec!["closed", "seen"]),
        (&publish, vec!["seen"]),
    ]
    .into_iter()
    .enumerate()
    {
        let from = [10, 0, 2, u8::try_from(n).unwrap()];
        let got = shelf.get("/api/library", Some(key), from).await;
        assert_eq!(ids(got), expect, "{key}");
        assert_eq!(shelf.counted(from), 0, "{key}");
    }
    // A right to one channel hides no guess for another.
    let path = format!("/api/library?key={watch}&token=guess");
    assert_eq!(ids(shelf.get(&path, None, THERE).await), ["closed", "seen"]);
    assert_eq!(shelf.counted(THERE), 1);
    let path = format!("/api/library?token={watch}&key=guess");
    let from = [192, 168, 1, 32];
    assert_eq!(ids(shelf.get(&path, None, from).await), ["closed", "seen"]);
    assert_eq!(shelf.counted(from), 1);
}

#[tokio::test]
async fn a_page_that_guesses_in_the_hosts_own_browser_does_not_shut_the_host_out() {
    let shelf = Shelf::new();
    let here = [127, 0, 0, 1];
    for _ in 0..20 {
        let got = shelf.get("/api/library/hidden", Some("guess"), here).await;
        assert_eq!(got.status, 404);
    }
    let got = shelf.get("/api/library/hidden", Some(TOKEN), here).await;
    assert_eq!(got.status, 200);
}
