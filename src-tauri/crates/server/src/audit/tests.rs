use api::scene::{Edit, SceneId};
use api::{DestinationTarget, LinkKind, NewAccessLink, NewDestination};
use store::NewAct;

use super::*;
use crate::testing::{Desk, TOKEN};

#[test]
fn a_command_is_told_without_its_secrets() {
    let destination = NewDestination {
        name: "Platform".into(),
        target: DestinationTarget::Rtmp {
            url: "rtmp://live.example/app/s3cret".into(),
        },
        secret: Some("s3cret".into()),
        platform: Some("twitch".into()),
        delay_seconds: 0,
        test: true,
        rendition: None,
        follow: false,
    };
    let link = NewAccessLink {
        kind: LinkKind::Publish,
        name: "Camera".into(),
        channel: Some("stage".into()),
        expires: None,
    };
    let say = Command::Say {
        channel: "stage".into(),
        text: "between us".into(),
    };
    let edit = Edit::SwitchScene {
        id: SceneId::new("s1"),
    };
    for (command, what, detail) in [
        (Command::GoLive, "go live", None),
        (
            Command::AddDestination { destination },
            "add destination",
            Some("name=Platform, protocol=rtmp"),
        ),
        (
            Command::CreateLink { link },
            "create link",
            Some("channel=stage, kind=publish, name=Camera"),
        ),
        (say, "say", Some("channel=stage")),
        (
            Command::Edit { edit },
            "edit",
            Some("edit=switch_scene, id=s1"),
        ),
    ] {
        let told = describe(&command);
        assert_eq!((told.0.as_str(), told.1.as_deref()), (what, detail));
    }
}

#[test]
fn cells_hold_whatever_stands_in_them() {
    for (text, expect) in [
        ("plain", "\"plain\""),
        ("a,b", "\"a,b\""),
        ("say \"hi\"", "\"say \"\"hi\"\"\""),
        ("=HYPERLINK(1)", "\"'=HYPERLINK(1)\""),
    ] {
        assert_eq!(cell(text), expect);
    }
    assert_eq!(moment(1_763_745_165_007), "2025-11-21T17:12:45.007Z");
}

#[tokio::test]
async fn the_record_is_read_by_whoever_may_control() {
    let desk = Desk::new();
    for (n, what) in ["link: made", "publisher: came", "go live"]
        .iter()
        .enumerate()
    {
        let act = NewAct {
            by: Some("link “Ann”".into()),
            from: Some("192.168.1.9".into()),
            channel: (n == 1).then(|| "stage".into()),
            what: (*what).into(),
            detail: None,
        };
        desk.app.store.note_act(&act, n as i64).unwrap();
    }
    assert_eq!(desk.get("/api/audit").await.status, 401);
    let ask = async |query: &str| desk.get(&format!("/api/audit?token={TOKEN}{query}")).await;
    let all = ask("").await.json();
    assert_eq!(all.as_array().unwrap().len(), 3);
    assert_eq!(all[0]["what"], "go live");
    assert_eq!(
        ask("&search=ANN+stage").await.json()[0]["what"],
        "publisher: came"
    );
    assert_eq!(ask("&limit=1&before=3").await.json()[0]["id"], 2);
    let table = ask("&format=csv&search=stage").await;
    assert!(table.header("content-type").starts_with("text/csv"));
    let row = table.text().lines().nth(1).unwrap();
    assert!(
        row.ends_with(",\"link “Ann”\",\"192.168.1.9\",\"stage\",\"publisher: came\",\"\""),
        "{row}"
    );
    assert_eq!(ask("&format=xml").await.status, 400);
}
