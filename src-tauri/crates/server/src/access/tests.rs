use std::sync::Arc;

use api::{Code, NewAccessLink};
use futures::StreamExt;
use store::Store;

use super::*;
use crate::Limits;
use crate::testing::{Desk, PATIENCE, TOKEN, websocket};

fn links() -> Links {
    Links::open(Arc::new(Store::in_memory().unwrap())).unwrap()
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
    use LinkKind::{Control, Moderate, Publish, Watch};
    let links = links();
    for (own, on, opens) in [
        (Watch, None, vec![Watch]),
        (Publish, None, vec![Publish]),
        (Moderate, None, vec![Moderate, Watch]),
        (Control, None, vec![Watch, Publish, Moderate, Control]),
        (Watch, Some("stage"), vec![Watch]),
        (Publish, Some("stage"), vec![Publish]),
    ] {
        let secret = links.create(new(own, on, None), 0).unwrap().secret;
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
fn a_link_ends_is_regenerated_and_is_taken_back() {
    let store = Arc::new(Store::in_memory().unwrap());
    let links = Links::open(Arc::clone(&store)).unwrap();
    let link = links
        .create(new(LinkKind::Publish, Some("stage"), Some(1000)), 0)
        .unwrap();
    assert_eq!(link.name, "For Ana");
    assert!(link.secret.len() >= 32 && link.id != link.secret);
    let stage = channel("stage");
    let opens = |secret: &str, now| links.judge(LinkKind::Publish, secret, Some(&stage), now);
    assert!(opens(&link.secret, 999).is_some());
    assert!(opens(&link.secret, 1000).is_none(), "it has ended");
    let pass = opens(&link.secret, 1).unwrap();
    assert_eq!(pass.holder.name(), "For Ana");

    let again = links.regenerate(&link.id).unwrap();
    assert!(pass.revoked.is_cancelled());
    assert!(opens(&link.secret, 1).is_none());
    assert_eq!((again.created, again.expires), (0, Some(1000)));
    let pass = opens(&again.secret, 1).unwrap();

    let after_restart = Links::open(store).unwrap();
    assert_eq!(after_restart.list(), std::slice::from_ref(&again));
    links.revoke(&link.id).unwrap();
    assert!(pass.revoked.is_cancelled());
    assert!(opens(&again.secret, 1).is_none() && links.list().is_empty());
    for refused in [links.revoke(&link.id), links.regenerate(&link.id)] {
        assert_eq!(refused.unwrap_err().code, Code::NotFound);
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
    assert_eq!(everywhere.channel, None);
}

#[tokio::test]
async fn the_token_is_all_or_nothing() {
    let desk = Desk::new();
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
        let got = desk.app.control_pass(&headers, query).is_ok();
        assert_eq!(got, expect, "{header:?} {query:?}");
    }
    let nobody = Access::new(String::new(), links(), None);
    assert!(nobody.judge(LinkKind::Control, "", None, 0).is_none());
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
    assert!(app.may(LinkKind::Moderate, &moderate.secret, &channel("stage")));
    assert!(!app.may(LinkKind::Moderate, &moderate.secret, &channel("other")));
    assert!(app.may(LinkKind::Moderate, TOKEN, &channel("other")));

    let ask = async |secret: &str| {
        let bearer = format!("Bearer {secret}");
        let headers = [("authorization", bearer.as_str())];
        let got = served.desk.ask("GET", "/api/snapshot", &headers, "").await;
        got.status
    };
    assert_eq!(ask(&link.secret).await, 200);
    assert_eq!(ask(&moderate.secret).await, 401);
    let path = format!("/api/events?token={}", link.secret);
    let mut events = websocket(served.address, &path, &[]).await.unwrap();
    assert!(events.next().await.unwrap().is_ok(), "a first snapshot");

    app.access.links.revoke(&link.id).unwrap();
    assert_eq!(ask(&link.secret).await, 401);
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
        .judge(LinkKind::Control, &link.secret, None, now)
        .unwrap();
    let begun = tokio::time::Instant::now();
    pass.lapsed(&clock).await;
    let waited = begun.elapsed().as_secs();
    assert!((50..=60).contains(&waited), "{waited} s of virtual time");
}
