use std::sync::Arc;

use api::{Code, NewAccessLink};
use futures::StreamExt;
use store::Store;

use super::*;
use crate::testing::{Desk, FakeControl, PATIENCE, TOKEN, websocket};
use crate::{Control, Limits};

fn links() -> Links {
    over(Arc::new(Store::in_memory().unwrap()), &FakeControl::new())
}

fn over(store: Arc<Store>, control: &Arc<FakeControl>) -> Links {
    Links::open(store, Arc::clone(control) as Arc<dyn Control>).unwrap()
}

fn new(kind: LinkKind, channel: Option<&str>, expires: Option<i64>) -> NewAccessLink {
    NewAccessLink {
        kind,
        name: " For Ana ".into(),
        channel: channel.map(str::to_owned),
        expires,
    }
}

fn channel(name: &str) -> ChannelName {
    name.parse().unwrap()
}

#[test]
fn each_kind_of_link_opens_its_own_and_what_lies_within() {
    use LinkKind::{Control, Guest, Moderate, Publish, Watch};
    let links = links();
    for (own, on, opens) in [
        (Watch, None, vec![Watch]),
        (Publish, None, vec![Publish]),
        (Moderate, None, vec![Moderate, Watch]),
        (Control, None, vec![Watch, Publish, Moderate, Control]),
        (Watch, Some("stage"), vec![Watch]),
        (Publish, Some("stage"), vec![Publish]),
        (Guest, Some("stage"), vec![Publish]),
    ] {
        let secret = links
            .create(new(own, on, None), 0)
            .unwrap()
            .word()
            .to_owned();
        for asked in [Watch, Publish, Moderate, Control] {
            let expect = opens.contains(&asked);
            let got = links.judge(asked, &secret, Some(&channel("stage")), 1);
            assert_eq!(got.is_some(), expect, "{own:?} on {on:?} for {asked:?}");
            let elsewhere = links.judge(asked, &secret, Some(&channel("other")), 1);
            assert_eq!(
                elsewhere.is_some(),
                expect && on.is_none(),
                "{own:?} on {on:?} for {asked:?} elsewhere"
            );
        }
    }
}

#[test]
fn a_link_holds_without_its_key_and_is_shown_with_it() {
    let store = Arc::new(Store::in_memory().unwrap());
    let control = FakeControl::new();
    let links = over(Arc::clone(&store), &control);
    let make = |links: &Links| links.create(new(LinkKind::Watch, None, None), 0).unwrap();
    let (link, other) = (make(&links), make(&links));
    assert_ne!(link.word(), other.word());
    let shown = |links: &Links| {
        links
            .list()
            .into_iter()
            .map(|l| l.secret)
            .collect::<Vec<_>>()
    };
    let both = vec![link.secret.clone(), other.secret.clone()];
    assert_eq!(shown(&links), both);
    // What is kept says nothing of it.
    let kept = format!("{:?}", store.links().unwrap());
    assert!(!kept.contains(link.word()));

    let key = std::mem::take(&mut *control.secrets.lock());
    let links = over(store, &control);
    assert_eq!(shown(&links), [None, None]);
    let holds = |secret: &str| links.judge(LinkKind::Watch, secret, None, 1).is_some();
    assert!(holds(link.word()) && holds(other.word()) && !holds(""));
    // Regenerated, it has another secret of another key.
    let again = links.regenerate(&link.kept.id, 1).unwrap();
    assert!(again.word() != link.word() && holds(again.word()) && !holds(link.word()));
    assert_eq!(shown(&links), [again.secret.clone(), None]);
    *control.secrets.lock() = key;
    assert_eq!(shown(&links), [None, other.secret.clone()]);
    assert!(holds(again.word()));
}

#[test]
fn a_link_ends_is_regenerated_and_is_taken_back() {
    let store = Arc::new(Store::in_memory().unwrap());
    let control = FakeControl::new();
    let links = over(Arc::clone(&store), &control);
    let link = links
        .create(new(LinkKind::Publish, Some("stage"), Some(1000)), 0)
        .unwrap();
    assert_eq!(link.kept.name, "For Ana");
    assert!(link.word().len() >= 32 && link.kept.id != link.word());
    let stage = channel("stage");
    let opens = |secret: &str, now| links.judge(LinkKind::Publish, secret, Some(&stage), now);
    assert!(opens(link.word(), 999).is_some());
    assert!(opens(link.word(), 1000).is_none(), "it has ended");
    let pass = opens(link.word(), 1).unwrap();
    assert_eq!(pass.holder.name(), "For Ana");

    let again = links.regenerate(&link.kept.id, 1).unwrap();
    assert!(pass.revoked.is_cancelled());
    assert!(opens(link.word(), 1).is_none());
    assert_eq!((again.kept.created, again.kept.expires), (0, Some(1000)));
    let pass = opens(again.word(), 1).unwrap();

    let after_restart = over(store, &control);
    let listed = after_restart.list();
    let [there] = &*listed else {
        panic!("{listed:?}");
    };
    assert_eq!((&there.kept, &there.secret), (&again.kept, &again.secret));
    links.revoke(&link.kept.id).unwrap();
    assert!(pass.revoked.is_cancelled());
    assert!(opens(again.word(), 1).is_none() && links.list().is_empty());
    let revoked = links.revoke(&link.kept.id).map(|_| ());
    for refused in [revoked, links.regenerate(&link.kept.id, 1).map(|_| ())] {
        assert_eq!(refused.unwrap_err().code, Code::NotFound);
    }
}

/// A fresh link is one that opens something.
#[test]
fn a_link_whose_time_is_over_holds_as_long_again_when_it_is_renewed() {
    let links = links();
    let stage = channel("stage");
    let link = links
        .create(new(LinkKind::Watch, None, Some(1_000)), 400)
        .unwrap();
    for (now, expires) in [(999, 1_000), (5_000, 5_600)] {
        let again = links.regenerate(&link.kept.id, now).unwrap();
        assert_eq!(again.kept.expires, Some(expires), "renewed at {now}");
        let opens = |at| links.judge(LinkKind::Watch, again.word(), Some(&stage), at);
        assert!(opens(expires - 1).is_some() && opens(expires).is_none());
    }
}

#[test]
fn links_that_cannot_be_are_refused_at_their_field() {
    let links = links();
    let long = "x".repeat(101);
    for (name, kind, on, expires, about) in [
        ("", LinkKind::Watch, None, None, "name"),
        (long.as_str(), LinkKind::Watch, None, None, "name"),
        ("a\nb", LinkKind::Watch, None, None, "name"),
        ("a", LinkKind::Publish, Some("a b"), None, "channel"),
        ("a", LinkKind::Publish, Some("program"), None, "channel"),
        ("a", LinkKind::Control, Some("stage"), None, "channel"),
        ("a", LinkKind::Watch, None, Some(5), "expires"),
    ] {
        let link = NewAccessLink {
            name: name.into(),
            ..new(kind, on, expires)
        };
        let problem = links.create(link, 5).unwrap_err();
        assert_eq!(problem.code, Code::Invalid, "{problem}");
        assert_eq!(problem.subject.as_deref(), Some(about), "{problem}");
    }
    let everywhere = links
        .create(new(LinkKind::Watch, Some(""), None), 5)
        .unwrap();
    assert_eq!(everywhere.kept.channel, None);
}

#[tokio::test]
async fn the_token_is_all_or_nothing() {
    let desk = Desk::new();
    let near = Some("127.0.0.1".parse().unwrap());
    for (header, query, expect) in [
        (Some(format!("Bearer {TOKEN}")), None, true),
        (Some(format!("bearer {TOKEN}")), None, true),
        (None, Some(TOKEN), true),
        (Some(TOKEN.into()), None, false),
        (Some(format!("Basic {TOKEN}")), None, false),
        (Some("Bearer".into()), None, false),
        (Some(format!("Bearer {}", &TOKEN[1..])), None, false),
        (Some(format!("Bearer {TOKEN}s")), None, false),
        // The header decides.
        (Some("Bearer x".into()), Some(TOKEN), false),
        (None, None, false),
        (None, Some(""), false),
    ] {
        let mut headers = HeaderMap::new();
        if let Some(value) = &header {
            headers.insert(header::AUTHORIZATION, value.parse().unwrap());
        }
        let got = desk.app.control_pass(near, &headers, query).is_ok();
        assert_eq!(got, expect, "{header:?} {query:?}");
    }
    let nobody = Access::new(String::new(), links(), None);
    assert!(
        nobody
            .judge(LinkKind::Control, ("", near), None, 0)
            .is_none()
    );
}

#[tokio::test]
async fn a_control_link_controls_until_it_is_taken_back() {
    let served = Desk::new().listen(Limits::default()).await;
    let app = &served.desk.app;
    let link = app
        .access
        .links
        .create(new(LinkKind::Control, None, None), 0)
        .unwrap();
    let moderate = app
        .access
        .links
        .create(new(LinkKind::Moderate, Some("stage"), None), 0)
        .unwrap();
    assert!(app.may(LinkKind::Moderate, moderate.word(), &channel("stage")));
    assert!(!app.may(LinkKind::Moderate, moderate.word(), &channel("other")));
    assert!(app.may(LinkKind::Moderate, TOKEN, &channel("other")));

    let ask = async |secret: &str| {
        let bearer = format!("Bearer {secret}");
        let headers = [("authorization", bearer.as_str())];
        let got = served.desk.ask("GET", "/api/snapshot", &headers, "").await;
        got.status
    };
    assert_eq!(ask(link.word()).await, 200);
    assert_eq!(ask(moderate.word()).await, 401);
    let path = format!("/api/events?token={}", link.word());
    let mut events = websocket(served.address, &path, &[]).await.unwrap();
    assert!(events.next().await.unwrap().is_ok(), "a first snapshot");

    app.access.links.revoke(&link.kept.id).unwrap();
    assert_eq!(ask(link.word()).await, 401);
    let ended = async { while let Some(Ok(_)) = events.next().await {} };
    tokio::time::timeout(PATIENCE, ended)
        .await
        .expect("who follows is put out");
    served.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_pass_lapses_when_its_link_ends() {
    let clock = Clock::start();
    let now = clock.unix_millis(clock.now());
    let links = links();
    let link = links
        .create(new(LinkKind::Control, None, Some(now + 60_000)), now)
        .unwrap();
    let pass = links
        .judge(LinkKind::Control, link.word(), None, now)
        .unwrap();
    let begun = tokio::time::Instant::now();
    pass.lapsed(&clock).await;
    let waited = begun.elapsed().as_secs();
    assert!((50..=60).contains(&waited), "{waited} s of virtual time");
}

#[tokio::test]
async fn whoever_guesses_the_control_token_is_slowed_down() {
    let desk = Desk::new();
    let link = NewAccessLink {
        kind: LinkKind::Control,
        name: "Tablet".into(),
        channel: None,
        expires: None,
    };
    let link = desk
        .app
        .access
        .links
        .create(link, 0)
        .unwrap()
        .word()
        .to_owned();
    let ask = async |path: &str, token: Option<&str>, from: [u8; 4]| {
        let mut request = axum::http::Request::builder()
            .uri(path)
            .header("host", "192.168.1.20:8080");
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let request = request.body(axum::body::Body::empty()).unwrap();
        desk.send(request, (from, 9).into()).await.status
    };
    let there = [192, 168, 1, 30];
    assert_eq!(ask("/api/snapshot", Some("wrong"), there).await, 401);
    assert_eq!(ask("/api/snapshot", Some(&link), there).await, 200);
    // However slow this machine is: all guesses of the next hour are made.
    let later = desk.app.clock.now() + Duration::from_secs(3600);
    for _ in 0..10 {
        desk.app.access.guesses.wrong(there.into(), later);
    }
    for path in [
        "/api/snapshot",
        "/api/events?token=x",
        "/api/preview?token=x",
        "/v3/paths/list",
        "/api/channels/program/chat",
        "/api/publishers",
    ] {
        for token in ["wrong", &link] {
            assert_eq!(
                ask(path, Some(token), there).await,
                429,
                "{path} with {token}"
            );
        }
    }
    // However the address writes it.
    assert_eq!(ask("/api/logs?%74oken=x", None, there).await, 429);
    // Those who show no token go on, and so does what anyone may see.
    assert_eq!(ask("/api/snapshot", None, there).await, 401);
    assert_eq!(ask("/api/channels", None, there).await, 200);
    assert_eq!(
        ask("/api/snapshot", Some(&link), [192, 168, 1, 31]).await,
        200
    );
    // A page that guesses in the host's own browser does not shut the host out.
    for _ in 0..20 {
        assert_eq!(
            ask("/api/snapshot", Some("wrong"), [127, 0, 0, 1]).await,
            401
        );
    }
    assert_eq!(ask("/api/snapshot", Some(TOKEN), [127, 0, 0, 1]).await, 200);
}
