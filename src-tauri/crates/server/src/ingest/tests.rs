use std::sync::Arc;

use api::NewAccessLink;
use bytes::Bytes;
use media::{Packet, Timestamp, TrackId};

use super::*;
use crate::Link;
use crate::testing::{Desk, TOKEN};

const HOME: &str = "192.168.1.30";

fn rules(policy: Policy) -> Rules {
    Rules {
        policy,
        ..Rules::default()
    }
}

/// Knocks as a WHIP publisher, where the control token is a key from other machines, too.
fn knock(desk: &Desk, channel: &str, key: Option<&str>, from: &str) -> Result<Admission, Code> {
    desk.app.access.set_remote_control(true);
    let request = Request {
        channel: channel.parse().unwrap(),
        origin: Origin::Whip,
        key,
        peer: from.parse().unwrap(),
    };
    admit(&desk.app, request).map_err(|problem| problem.code)
}

fn link(desk: &Desk, channel: Option<&str>) -> Link {
    let new = NewAccessLink {
        kind: LinkKind::Publish,
        name: "Ana's phone".into(),
        channel: channel.map(str::to_owned),
        expires: None,
    };
    desk.app.access.links.create(new, 0).unwrap()
}

fn guest_link(desk: &Desk) -> Link {
    let new = NewAccessLink {
        kind: LinkKind::Guest,
        name: "Maria".into(),
        channel: Some("maria".into()),
        expires: None,
    };
    desk.app.access.links.create(new, 0).unwrap()
}

fn live(desk: &Desk) -> Vec<String> {
    let channels = desk.app.hub.channels();
    channels.iter().map(|c| c.name().to_string()).collect()
}

#[tokio::test]
async fn who_comes_in_by_which_rule() {
    use Policy::{Approve, Keyed, Open};
    for (policy, key, expect) in [
        (Keyed, None, Err(Code::Unauthorized)),
        (Keyed, Some(""), Err(Code::Unauthorized)),
        (Keyed, Some("wrong"), Err(Code::Unauthorized)),
        (Keyed, Some("elsewhere"), Err(Code::Unauthorized)),
        (Keyed, Some("link"), Ok(false)),
        (Keyed, Some("any"), Ok(false)),
        (Keyed, Some("token"), Ok(false)),
        (Open, None, Ok(false)),
        (Open, Some("wrong"), Ok(false)),
        (Open, Some("link"), Ok(false)),
        (Approve, None, Ok(true)),
        (Approve, Some("wrong"), Ok(true)),
        (Approve, Some("link"), Ok(false)),
        (Approve, Some("token"), Ok(false)),
    ] {
        let desk = Desk::ruled(rules(policy));
        let own = link(&desk, Some("stage"));
        let other = link(&desk, Some("other"));
        let any = link(&desk, None);
        let secret = key.map(|key| match key {
            "link" => own.word(),
            "elsewhere" => other.word(),
            "any" => any.word(),
            "token" => TOKEN,
            key => key,
        });
        let came = knock(&desk, "stage", secret, HOME);
        let held = came.as_ref().map(|a| a.writer.channel().is_held());
        assert_eq!(held.map_err(|e| *e), expect, "{policy:?} {key:?}");
        let program = knock(&desk, "program", Some(TOKEN), HOME);
        assert_eq!(program.unwrap_err(), Code::Conflict);
    }
}

#[tokio::test]
async fn one_that_waits_is_seen_by_the_host_alone_until_it_is_let_in() {
    let desk = Desk::ruled(rules(Policy::Approve));
    let came = knock(&desk, "stage", None, HOME).unwrap();
    let _keyed = knock(&desk, "anna", Some(TOKEN), HOME).unwrap();
    let listed = desk.get("/api/channels").await.text().to_owned();
    assert!(
        !listed.contains("stage") && listed.contains("anna"),
        "{listed}"
    );
    assert_eq!(desk.get("/api/channels/stage").await.status, 404);
    assert_eq!(desk.get("/hls/stage/index.m3u8").await.status, 404);
    let sdp = [("content-type", "application/sdp")];
    assert_eq!(
        desk.ask("POST", "/stage/whep", &sdp, "v=0").await.status,
        404
    );

    let ingests = &desk.app.ingests;
    let seen = ingests.list(&desk.app.clock);
    assert_eq!(seen.len(), 2);
    let waits = &seen[0];
    assert_eq!((waits.channel.as_str(), waits.held), ("stage", true));
    assert_eq!((waits.address.as_str(), waits.by.as_deref()), (HOME, None));
    assert_eq!(
        (seen[1].held, seen[1].by.as_deref()),
        (false, Some("the host"))
    );

    ingests.admit(&desk.app.hub, "stage").unwrap();
    assert_eq!(desk.get("/api/channels/stage").await.status, 200);
    assert_eq!(
        desk.ask("POST", "/stage/whep", &sdp, "v=0").await.status,
        201
    );
    assert!(!came.end.is_cancelled());
    for channel in ["stage", "anna", "nobody"] {
        let refused = ingests.admit(&desk.app.hub, channel).unwrap_err();
        assert_eq!(refused.code, Code::NotFound, "{channel}");
    }
}

#[tokio::test]
async fn one_that_is_refused_is_ended_and_its_name_is_free() {
    let desk = Desk::ruled(rules(Policy::Approve));
    let came = knock(&desk, "stage", None, HOME).unwrap();
    desk.app
        .ingests
        .end(&desk.app.hub, "stage", desk.app.clock.now())
        .unwrap();
    assert!(came.end.is_cancelled() && came.writer.channel().has_ended());
    assert!(desk.app.ingests.list(&desk.app.clock).is_empty());
    let gone = desk
        .app
        .ingests
        .end(&desk.app.hub, "stage", desk.app.clock.now());
    assert_eq!(gone.unwrap_err().code, Code::NotFound);
    // The first still holds its writer.
    let _second = knock(&desk, "stage", None, HOME).unwrap();
    drop(came);
    assert_eq!(desk.app.ingests.list(&desk.app.clock).len(), 1);
}

#[tokio::test]
async fn nobody_fills_the_station_by_knocking() {
    let desk = Desk::ruled(rules(Policy::Approve));
    let knocks = |n: usize, from| knock(&desk, &format!("c{n}"), None, from);
    let mut inside = Vec::new();
    for n in 0..3 {
        inside.push(knocks(n, HOME).unwrap());
    }
    assert_eq!(knocks(5, HOME).unwrap_err(), Code::TooMany);
    assert_eq!(knocks(5, "::ffff:192.168.1.30").unwrap_err(), Code::TooMany);
    let _other = knocks(6, "192.168.1.31").unwrap();
    let full = knocks(7, "192.168.1.32").unwrap_err();
    assert_eq!(full, Code::TooMany, "the station is full");
}

#[tokio::test]
async fn a_live_channel_is_taken_over_with_its_own_key_alone() {
    for (take_over, first, second, expect) in [
        (true, Some("own"), Some("own"), true),
        (false, Some("own"), Some("own"), false),
        (true, Some("own"), Some("any"), false),
        (true, Some("own"), Some("token"), false),
        (true, Some("token"), Some("token"), true),
        (true, None, None, false),
        (true, Some("own"), None, false),
    ] {
        let desk = Desk::ruled(Rules {
            take_over,
            ..rules(Policy::Open)
        });
        let [own, any] = [link(&desk, Some("stage")), link(&desk, None)];
        let secret = |key: Option<&'static str>| {
            key.map(|key| match key {
                "own" => own.word(),
                "any" => any.word(),
                _ => TOKEN,
            })
        };
        let before = knock(&desk, "stage", secret(first), HOME).unwrap();
        let after = knock(&desk, "stage", secret(second), "192.168.1.31");
        let case = format!("{take_over} {first:?} {second:?}");
        assert_eq!(before.end.is_cancelled(), expect, "{case}");
        match after {
            Ok(after) => {
                assert!(expect, "{case}");
                drop(before);
                assert_eq!(live(&desk), ["stage"], "{case}");
                assert!(!after.end.is_cancelled() && !after.writer.channel().has_ended());
            }
            Err(code) => assert_eq!((code, expect), (Code::Conflict, false), "{case}"),
        }
    }
}

#[tokio::test]
async fn a_link_that_is_taken_back_puts_out_who_came_through_it() {
    let desk = Desk::new();
    let [one, two] = [link(&desk, None), link(&desk, None)];
    let first = knock(&desk, "a", Some(one.word()), HOME).unwrap();
    let second = knock(&desk, "b", Some(two.word()), HOME).unwrap();
    desk.app.access.links.revoke(&one.kept.id).unwrap();
    desk.app.ingests.end_of_link(&desk.app.hub, &one.kept.id);
    assert!(first.end.is_cancelled() && !second.end.is_cancelled());
    assert_eq!(live(&desk), ["b"]);
    let again = knock(&desk, "a", Some(one.word()), HOME);
    assert_eq!(again.unwrap_err(), Code::Unauthorized);
}

#[tokio::test]
async fn whoever_guesses_keys_is_slowed_down() {
    let desk = Desk::new();
    for _ in 0..10 {
        let wrong = knock(&desk, "a", Some("guess"), HOME);
        assert_eq!(wrong.unwrap_err(), Code::Unauthorized);
    }
    for key in ["guess", TOKEN] {
        let now = knock(&desk, "a", Some(key), HOME);
        assert_eq!(now.unwrap_err(), Code::TooMany, "{key}");
    }
    let elsewhere = knock(&desk, "a", Some(TOKEN), "192.168.1.31");
    assert!(elsewhere.is_ok());
}

#[tokio::test]
async fn one_that_sends_nothing_for_too_long_is_ended() {
    let desk = Desk::new();
    let (app, hub) = (Arc::clone(&desk.app), &desk.app.hub);
    let silent = knock(&desk, "silent", Some(TOKEN), HOME).unwrap();
    let mut speaks = knock(&desk, "speaks", Some(TOKEN), HOME).unwrap();
    let start = app.clock.now();
    let hour = Duration::from_secs(3600);
    let pts = Timestamp::ZERO;
    app.ingests.sweep(hub, start + hour / 2, 0);
    speaks.writer.write(Packet {
        track: TrackId(0),
        pts,
        dts: pts,
        keyframe: true,
        data: Bytes::from_static(&[0]),
    });
    app.ingests.sweep(hub, start + hour / 2, 0);
    assert_eq!(live(&desk), ["silent", "speaks"]);
    app.ingests.sweep(hub, start + hour, 0);
    assert_eq!(live(&desk), ["speaks"]);
    assert!(silent.end.is_cancelled() && !speaks.end.is_cancelled());
    app.ingests.sweep(hub, start + hour * 3 / 2, 0);
    assert!(live(&desk).is_empty() && speaks.end.is_cancelled());
}

#[tokio::test]
async fn whoever_came_by_a_link_goes_when_it_runs_out() {
    let desk = Desk::new();
    let (app, hub) = (Arc::clone(&desk.app), &desk.app.hub);
    let now = app.clock.now();
    let unix = app.clock.unix_millis(now);
    let new = NewAccessLink {
        kind: LinkKind::Publish,
        name: "Until eight".into(),
        channel: None,
        expires: Some(unix + 60_000),
    };
    let link = app.access.links.create(new, unix).unwrap();
    let guest = knock(&desk, "stage", Some(link.word()), HOME).unwrap();
    let host = knock(&desk, "hall", Some(TOKEN), HOME).unwrap();
    app.ingests.sweep(hub, now, unix + 59_999);
    assert_eq!(live(&desk), ["hall", "stage"]);
    app.ingests.sweep(hub, now, unix + 60_000);
    assert_eq!(live(&desk), ["hall"]);
    assert!(guest.end.is_cancelled() && !host.end.is_cancelled());
}

#[tokio::test]
async fn when_the_station_stops_publishers_hear_of_it() {
    let desk = Desk::new();
    let came = knock(&desk, "a", Some(TOKEN), HOME).unwrap();
    desk.app.ends.stop.cancel();
    assert!(came.end.is_cancelled());
}

#[tokio::test]
async fn a_guest_waits_by_every_rule_and_is_let_in_for_scenes_alone() {
    for policy in [Policy::Keyed, Policy::Open, Policy::Approve] {
        let desk = Desk::ruled(rules(policy));
        let link = guest_link(&desk);
        let came = knock(&desk, "maria", Some(link.word()), HOME).unwrap();
        assert_eq!(came.writer.channel().standing(), Standing::Held);
        let (hub, ingests) = (&desk.app.hub, &desk.app.ingests);
        let seen = &ingests.list(&desk.app.clock)[0];
        assert_eq!((seen.held, seen.guest), (true, true), "{policy:?}");
        assert_eq!(seen.by.as_deref(), Some("Maria"));
        ingests.admit(hub, "maria").unwrap();
        assert_eq!(came.writer.channel().standing(), Standing::Backstage);
        assert!(live(&desk).is_empty() && hub.on_stage(came.writer.channel().name()).is_some());
        let sdp = [("content-type", "application/sdp")];
        for (method, path) in [
            ("GET", "/api/channels/maria"),
            ("GET", "/api/channels/maria/picture.jpg"),
            ("GET", "/hls/maria/index.m3u8"),
            ("POST", "/maria/whep"),
        ] {
            let got = desk.ask(method, path, &sdp, "v=0").await;
            assert_eq!(got.status, 404, "{policy:?} {path}");
        }
        let other = knock(&desk, "elsewhere", Some(link.word()), HOME);
        if policy == Policy::Keyed {
            assert_eq!(other.unwrap_err(), Code::Unauthorized);
        }
    }
}

#[tokio::test]
async fn a_guest_who_was_let_in_comes_back_without_waiting_until_the_host_ends_it() {
    let desk = Desk::ruled(rules(Policy::Keyed));
    let link = guest_link(&desk);
    let (hub, ingests) = (&desk.app.hub, &desk.app.ingests);
    let come = || knock(&desk, "maria", Some(link.word()), HOME).unwrap();
    let standing = |came: &Admission| came.writer.channel().standing();

    let first = come();
    ingests.admit(hub, "maria").unwrap();
    // What is left of a connection that broke makes way, though take-over is off.
    let again = come();
    assert!(first.end.is_cancelled());
    assert_eq!(standing(&again), Standing::Backstage);
    drop(again);
    assert_eq!(standing(&come()), Standing::Backstage);

    let came = come();
    ingests.end(hub, "maria", desk.app.clock.now()).unwrap();
    assert!(came.end.is_cancelled());
    let again = knock(&desk, "maria", Some(link.word()), HOME);
    assert_eq!(again.unwrap_err(), Code::Conflict, "for a minute");
    ingests.forget_whom_the_host_ended();
    assert_eq!(standing(&come()), Standing::Held);

    let _waits = come();
    ingests.admit(hub, "maria").unwrap();
    ingests.end_of_link(hub, &link.kept.id);
    let fresh = desk.app.access.links.regenerate(&link.kept.id, 1).unwrap();
    let came = knock(&desk, "maria", Some(fresh.word()), HOME).unwrap();
    assert_eq!(standing(&came), Standing::Held);
}

#[tokio::test]
async fn a_publisher_is_told_how_its_broadcast_stands() {
    let desk = Desk::ruled(rules(Policy::Keyed));
    let link = guest_link(&desk);
    let other = self::link(&desk, Some("maria"));
    let ask = |key: &str| {
        let bearer = format!("Bearer {key}");
        let desk = &desk;
        async move {
            let headers = [("authorization", bearer.as_str())];
            let got = desk.ask("GET", "/api/publishers/maria", &headers, "").await;
            let said = if got.status == 200 {
                got.json()["standing"].as_str().unwrap().to_owned()
            } else {
                String::new()
            };
            (got.status, said)
        }
    };
    assert_eq!(ask(link.word()).await, (404, String::new()));
    let _came = knock(&desk, "maria", Some(link.word()), HOME).unwrap();
    assert_eq!(ask(link.word()).await, (200, "held".into()));
    assert_eq!(ask(other.word()).await, (404, String::new()), "not theirs");
    assert_eq!(ask("wrong").await, (401, String::new()));
    assert_eq!(desk.get("/api/publishers/maria").await.status, 401);
    desk.app.ingests.admit(&desk.app.hub, "maria").unwrap();
    assert_eq!(ask(link.word()).await, (200, "backstage".into()));
}
