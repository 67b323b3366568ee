//! Every address of a private channel, by everything that one can show.

use std::sync::Arc;

use api::{LinkKind, NewAccessLink};
use media::Origin;
use serde_json::json;
use store::Store;

use super::*;
use crate::Limits;
use crate::testing::{Desk, PATIENCE, Served, TOKEN, fetch};

const SDP: (&str, &str) = ("content-type", "application/sdp");
const JSON: (&str, &str) = ("content-type", "application/json");

/// A station on which `stage` is live and private, and `open` is live.
struct Stage {
    served: Served,
    _live: Vec<media::Writer>,
}

impl Stage {
    async fn new() -> Self {
        Self::over(Arc::new(Store::in_memory().unwrap())).await
    }

    async fn over(store: Arc<Store>) -> Self {
        let desk = Desk::over(store);
        let _live = vec![
            desk.live("stage", Origin::Whip),
            desk.live("open", Origin::Whip),
        ];
        let served = desk.listen(Limits::default()).await;
        Self { served, _live }
    }

    async fn private() -> Self {
        let stage = Self::new().await;
        stage.lock(Some("open sesame"));
        stage
    }

    fn app(&self) -> &Arc<App> {
        &self.served.desk.app
    }

    fn lock(&self, passphrase: Option<&str>) {
        self.app().set_passphrase("stage", passphrase).unwrap();
    }

    fn link(&self, kind: LinkKind, channel: Option<&str>) -> (String, String) {
        let link = NewAccessLink {
            kind,
            name: "For Ana".into(),
            channel: channel.map(str::to_owned),
            expires: None,
        };
        let link = self.app().access.links.create(link, 0).unwrap();
        (link.word().to_owned(), link.kept.id)
    }

    async fn enter(&self, body: serde_json::Value) -> crate::testing::Got {
        let body = body.to_string();
        let path = "/api/channels/stage/entry";
        fetch(self.served.address, "POST", path, &[JSON], &body).await
    }

    /// The cookie and the token that the passphrase is exchanged for.
    async fn entered(&self, passphrase: &str) -> (String, String) {
        let got = self.enter(json!({ "passphrase": passphrase })).await;
        assert_eq!(got.status, 200, "{}", got.text());
        let cookie = got.header("set-cookie");
        assert!(
            cookie.ends_with("Max-Age=43200; HttpOnly; SameSite=Strict"),
            "{cookie}"
        );
        let cookie = cookie.split(';').next().unwrap().to_owned();
        (cookie, got.json()["token"].as_str().unwrap().to_owned())
    }

    async fn status(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> u16 {
        let mut all = vec![SDP];
        all.extend(headers);
        let got = fetch(self.served.address, method, path, &all, "offer").await;
        if got.status == 401 {
            let problem = got.json();
            assert_eq!(problem["code"], "unauthorized");
            assert_eq!(problem["subject"], "stage");
            assert!(problem["message"].as_str().unwrap().contains("private"));
        }
        got.status
    }
}

/// What is answered on each address of a channel to whoever may see it. HLS has no segment yet.
const ADDRESSES: [(&str, &str, u16); 6] = [
    ("POST", "/stage/whep", 201),
    ("POST", "/webrtc/stage/whep", 201),
    ("GET", "/hls/stage/index.m3u8", 503),
    ("GET", "/hls/stage/media.m3u8", 404),
    ("GET", "/hls/stage/1.m4s", 404),
    ("GET", "/api/channels/stage/picture.jpg", 404),
];

#[tokio::test]
async fn every_address_by_every_right() {
    let stage = Stage::private().await;
    let (cookie, token) = stage.entered(" open sesame ").await;
    let (watch, _) = stage.link(LinkKind::Watch, Some("stage"));
    let (any, _) = stage.link(LinkKind::Moderate, None);
    let (other, _) = stage.link(LinkKind::Watch, Some("open"));
    let (publish, _) = stage.link(LinkKind::Publish, Some("stage"));
    let kept = format!("klieg-watch-stage={watch}");
    let foreign = cookie.replace("stage", "open");
    let bearer = |secret: &str| format!("Bearer {secret}");
    let forged = format!("{}0", &token[..token.len() - 1]);
    let rights = [
        ("nothing", vec![], None, false),
        ("the cookie", vec![("cookie", cookie.clone())], None, true),
        (
            "the token",
            vec![("authorization", bearer(&token))],
            None,
            true,
        ),
        (
            "the token in the address",
            vec![],
            Some(("token", token.clone())),
            true,
        ),
        ("a watch link", vec![], Some(("key", watch.clone())), true),
        (
            "a watch link as a token",
            vec![],
            Some(("token", watch.clone())),
            true,
        ),
        (
            "a watch link as a cookie",
            vec![("cookie", kept)],
            None,
            true,
        ),
        (
            "a moderation link",
            vec![("authorization", bearer(&any))],
            None,
            true,
        ),
        (
            "the control token",
            vec![("authorization", bearer(TOKEN))],
            None,
            true,
        ),
        (
            "a cookie of another channel",
            vec![("cookie", foreign)],
            None,
            false,
        ),
        ("a forged token", vec![], Some(("token", forged)), false),
        (
            "a link of another channel",
            vec![],
            Some(("key", other)),
            false,
        ),
        (
            "a publish link of nobody live",
            vec![],
            Some(("key", publish)),
            false,
        ),
    ];
    for (name, headers, query, fine) in rights {
        let headers: Vec<_> = headers.iter().map(|(n, v)| (*n, v.as_str())).collect();
        let query = query.map_or_else(String::new, |(n, v)| format!("?{n}={v}"));
        for (method, path, expect) in ADDRESSES {
            // A first request for the playlist waits for the first segment: one is enough.
            if expect == 503 && fine && name != "the cookie" {
                continue;
            }
            let got = stage
                .status(method, &format!("{path}{query}"), &headers)
                .await;
            // Whoever guesses too often is slowed down, and learns nothing either.
            let expect = if fine { vec![expect] } else { vec![401, 429] };
            assert!(
                expect.contains(&got),
                "{got} for {method} {path} with {name}"
            );
        }
    }
    for (method, path, expect) in ADDRESSES.map(|(m, p, s)| (m, p.replace("stage", "open"), s)) {
        if expect != 503 {
            assert_eq!(stage.status(method, &path, &[]).await, expect, "{path}");
        }
    }
    stage.served.stop().await;
}

#[tokio::test]
async fn the_list_shows_a_lock_and_no_secret() {
    let stage = Stage::private().await;
    let list = stage.served.desk.get("/api/channels").await.json();
    let private: Vec<_> = list
        .as_array()
        .unwrap()
        .iter()
        .map(|c| &c["private"])
        .collect();
    assert_eq!(private, [false, false, true], "{list}");
    let one = stage.served.desk.get("/api/channels/stage").await.json();
    assert_eq!(one["private"], true);
    stage.served.stop().await;
}

#[tokio::test]
async fn whoever_guesses_is_slowed_down() {
    let stage = Stage::private().await;
    for wish in [
        json!({}),
        json!({ "passphrase": 7 }),
        json!("x"),
        json!({ "key": "a", "b": "c" }),
    ] {
        assert_eq!(stage.enter(wish).await.status, 400);
    }
    for n in 0..2 {
        let got = stage
            .enter(json!({ "passphrase": format!("guess {n}") }))
            .await;
        assert_eq!(got.status, 401, "{n}");
        assert!(got.header("set-cookie").is_empty());
    }
    // However slow this machine is: all guesses of the next hour are made.
    let later = stage.app().clock.now() + std::time::Duration::from_secs(3600);
    for _ in 0..10 {
        stage
            .app()
            .access
            .guesses
            .wrong([127, 0, 0, 1].into(), later);
    }
    let right = stage.enter(json!({ "passphrase": "open sesame" })).await;
    assert_eq!(right.status, 429, "nothing is learned from one more");
    assert_eq!(stage.enter(json!({ "key": "x" })).await.status, 429);
    // Tokens that nobody can guess are no guesses.
    let token = stage.app().privacy.signer.sign(
        &"stage".parse().unwrap(),
        &stage.app().privacy.hash(&"stage".parse().unwrap()).unwrap(),
        i64::MAX,
    );
    let path = format!("/stage/whep?token={token}");
    assert_eq!(stage.status("POST", &path, &[]).await, 201);
    stage.served.stop().await;
}

#[tokio::test]
async fn a_link_is_exchanged_for_a_cookie_and_an_open_channel_needs_none() {
    let stage = Stage::private().await;
    let (secret, _) = stage.link(LinkKind::Watch, None);
    let got = stage.enter(json!({ "key": secret })).await;
    assert_eq!((got.status, &got.json()["token"]), (200, &json!(secret)));
    assert!(
        got.header("set-cookie")
            .starts_with(&format!("klieg-watch-stage={secret};"))
    );
    assert_eq!(stage.enter(json!({ "key": "wrong" })).await.status, 401);
    stage.lock(None);
    let open = stage.enter(json!({ "passphrase": "open sesame" })).await;
    assert_eq!(open.status, 409);
    assert_eq!(stage.status("POST", "/stage/whep", &[]).await, 201);
    stage.served.stop().await;
}

/// Waits until so many watch `stage`.
async fn watching(stage: &Stage, expect: u32) {
    let name: ChannelName = "stage".parse().unwrap();
    let reached = async {
        while stage.app().peers.viewers(&name) != expect {
            tokio::task::yield_now().await;
        }
    };
    let reached = tokio::time::timeout(PATIENCE, reached).await;
    reached.unwrap_or_else(|_| panic!("never {expect} viewers"));
}

#[tokio::test]
async fn whoever_has_no_right_any_more_is_put_out() {
    let stage = Stage::new().await;
    let (secret, id) = stage.link(LinkKind::Watch, None);
    // One came while it was open, one by a link; a third by another channel.
    assert_eq!(stage.status("POST", "/stage/whep", &[]).await, 201);
    let by_link = format!("/stage/whep?key={secret}");
    assert_eq!(stage.status("POST", &by_link, &[]).await, 201);
    assert_eq!(stage.status("POST", "/open/whep", &[]).await, 201);
    watching(&stage, 2).await;
    stage.lock(Some("first"));
    stage.app().put_strangers_out().await;
    watching(&stage, 1).await;
    assert_eq!(stage.app().peers.viewers(&"open".parse().unwrap()), 1);

    let (cookie, token) = stage.entered("first").await;
    assert_eq!(
        stage
            .status("POST", "/stage/whep", &[("cookie", &cookie)])
            .await,
        201
    );
    stage.app().put_strangers_out().await;
    watching(&stage, 2).await;
    // Another passphrase: who knew the old one goes, the link stays.
    stage.lock(Some("second"));
    watching(&stage, 1).await;
    let old = format!("/stage/whep?token={token}");
    assert_eq!(stage.status("POST", &old, &[]).await, 401);
    stage.app().access.links.revoke(&id).unwrap();
    watching(&stage, 0).await;
    stage.app().put_strangers_out().await;
    assert!(stage.app().privacy.rights.lock().is_empty());
    stage.served.stop().await;
}

#[tokio::test]
async fn it_is_private_still_after_a_restart_and_the_cookie_holds() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("klieg.db");
    let cookie = {
        let stage = Stage::over(Arc::new(Store::open(&path).unwrap())).await;
        stage.lock(Some("open sesame"));
        let (cookie, _) = stage.entered("open sesame").await;
        stage.served.stop().await;
        cookie
    };
    let stage = Stage::over(Arc::new(Store::open(&path).unwrap())).await;
    assert_eq!(stage.app().privacy.list(), ["stage"]);
    assert_eq!(stage.status("POST", "/stage/whep", &[]).await, 401);
    assert_eq!(
        stage
            .status("POST", "/stage/whep", &[("cookie", &cookie)])
            .await,
        201
    );
    stage.served.stop().await;
}
