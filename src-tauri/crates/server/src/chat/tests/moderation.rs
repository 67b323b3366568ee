//! Rooms are kept in order by the host and by moderators, and by nobody else.

use api::{Code, LinkKind, Moderation, NewAccessLink, RoomRules};

use super::*;

/// Does something as the host.
async fn host(served: &Served, moderation: Moderation) -> Result<(), api::Problem> {
    let done = served.desk.app.chat.moderate_as_host("program", moderation);
    tokio::time::timeout(PATIENCE, done?)
        .await
        .unwrap()
        .unwrap()
}

/// The secret of a moderation link, and its identity.
fn link(served: &Served, channel: Option<&str>) -> (String, String) {
    let link = NewAccessLink {
        kind: LinkKind::Moderate,
        name: "Order".into(),
        channel: channel.map(str::to_owned),
        expires: None,
    };
    let link = served.desk.app.access.links.create(link, 0).unwrap();
    (link.word().to_owned(), link.kept.id)
}

async fn moderator(served: &Served, key: &str) -> (Client, Value) {
    let mut client = Client::new(served).await;
    let joined = client
        .ask("join", json!({ "channel": "program", "key": key }))
        .await;
    assert_eq!(joined["role"], "moderator", "{joined}");
    client.ask("name", json!({ "name": "Olga" })).await;
    (client, joined)
}

async fn say(client: &mut Client, text: &str) -> Value {
    client.ask("say", json!({ "text": text })).await
}

async fn said(client: &mut Client, text: &str) -> i64 {
    let answer = say(client, text).await;
    answer["message"]["id"]
        .as_i64()
        .unwrap_or_else(|| panic!("{answer}"))
}

async fn history(served: &Served) -> Vec<String> {
    let mut late = Client::new(served).await;
    let joined = late.ask("join", json!({ "channel": "program" })).await;
    let all = joined["history"].as_array().unwrap();
    all.iter()
        .map(|m| m["text"].as_str().unwrap().to_owned())
        .collect()
}

fn rules(slow_seconds: u32, links: bool, words: &[&str]) -> RoomRules {
    RoomRules {
        slow_seconds,
        links,
        words: words.iter().map(|w| (*w).to_owned()).collect(),
    }
}

#[tokio::test]
async fn keys_that_are_guessed_in_the_chat_are_counted() {
    let served = served().await;
    let (key, _) = link(&served, None);
    let mut guessing = Client::new(&served).await;
    let mut role = async |key: &str| {
        let join = json!({ "channel": "program", "key": key });
        guessing.ask("join", join).await["role"].clone()
    };
    assert_eq!(role(&key).await, "moderator");
    let app = &served.desk.app;
    for _ in 0..9 {
        let here = std::net::Ipv4Addr::LOCALHOST;
        app.access.guesses.wrong(here.into(), app.clock.now());
    }
    for guess in ["one", "two", "three"] {
        assert_eq!(role(guess).await, "viewer");
    }
    // Not even the right one opens now.
    assert_eq!(role(&key).await, "viewer");
}

#[tokio::test]
async fn viewers_keep_nothing_in_order() {
    let served = served().await;
    let mut anna = Client::named(&served, "program", "Anna").await;
    let (elsewhere, _) = link(&served, Some("stage"));
    let id = said(&mut anna, "hello").await;
    let mut posing = Client::new(&served).await;
    for key in [elsewhere.as_str(), "guess", ""] {
        let joined = posing
            .ask("join", json!({ "channel": "program", "key": key }))
            .await;
        assert_eq!(joined["role"], "viewer", "{key}");
        assert!(joined["room"].is_null(), "{joined}");
    }
    for (act, body) in [
        ("delete", json!({ "act": "delete", "message": id })),
        (
            "time_out",
            json!({ "act": "time_out", "message": id, "seconds": 60 }),
        ),
        ("ban", json!({ "act": "ban", "message": id, "purge": true })),
        ("lift", json!({ "act": "lift", "ban": 1 })),
        (
            "set_rules",
            json!({ "act": "set_rules", "rules": rules(9, true, &[]) }),
        ),
        ("clear", json!({ "act": "clear" })),
    ] {
        for client in [&mut anna, &mut posing] {
            let answer = client.ask("moderate", body.clone()).await;
            assert_eq!(code(&answer), "unauthorized", "{act}");
        }
    }
    assert_eq!(history(&served).await, ["hello"]);
    served.stop().await;
}

#[tokio::test]
async fn a_message_is_gone_for_everyone() {
    let served = served().await;
    let mut anna = Client::named(&served, "program", "Anna").await;
    let (key, _) = link(&served, None);
    let (mut olga, _) = moderator(&served, &key).await;
    let ids = [
        said(&mut anna, "one").await,
        said(&mut anna, "two").await,
        said(&mut anna, "three").await,
    ];
    let mut news = served.desk.app.chat.news();
    let done = olga
        .ask("moderate", json!({ "act": "delete", "message": ids[0] }))
        .await;
    assert_eq!(done, json!({}));
    for client in [&mut anna, &mut olga] {
        assert_eq!(
            client.event("deleted").await,
            json!({ "messages": [ids[0]] })
        );
    }
    let heard = tokio::time::timeout(PATIENCE, news.recv()).await.unwrap();
    let expect = ChatNews::Deleted {
        channel: "program".into(),
        messages: Some(vec![ids[0]]),
    };
    assert_eq!(heard, Ok(expect));
    host(&served, Moderation::Delete { message: ids[1] })
        .await
        .unwrap();
    assert_eq!(history(&served).await, ["three"]);
    let again = host(&served, Moderation::Delete { message: ids[1] }).await;
    assert_eq!(again.unwrap_err().code, Code::NotFound);
    host(&served, Moderation::Clear).await.unwrap();
    anna.until("deleted", |d| d["messages"].is_null()).await;
    assert!(history(&served).await.is_empty());
    served.stop().await;
}

#[tokio::test]
async fn whoever_is_stopped_writes_nothing_and_reads_why() {
    let served = served().await;
    let (key, _) = link(&served, None);
    let (mut olga, _) = moderator(&served, &key).await;
    let mut anna = Client::new(&served).await;
    anna.ask("join", json!({ "channel": "program" })).await;
    let named = anna.ask("name", json!({ "name": "Anna" })).await;
    let session = named["key"].clone();
    let first = said(&mut anna, "rude").await;
    said(&mut anna, "ruder").await;
    let own = said(&mut olga, "please").await;

    let out = json!({ "act": "time_out", "message": first, "seconds": 600 });
    assert_eq!(olga.ask("moderate", out).await, json!({}));
    let told = anna.event("stopped").await;
    assert!(told["until"].as_i64().is_some(), "{told}");
    let refused = say(&mut anna, "but").await;
    assert_eq!(code(&refused), "conflict");
    assert_eq!(refused["error"]["subject"], "ban");
    let room = olga
        .until("room", |r| !r["bans"].as_array().unwrap().is_empty())
        .await;
    assert_eq!(room["bans"][0]["name"], "Anna");
    assert_eq!(room["bans"][0]["by"], "Order");

    // Neither a new connection nor another name helps.
    drop(anna);
    let mut anna = Client::new(&served).await;
    let joined = anna
        .ask("join", json!({ "channel": "program", "session": session }))
        .await;
    assert!(joined["stopped"]["until"].is_number(), "{joined}");
    let named = anna
        .ask("name", json!({ "name": "Nina", "key": session }))
        .await;
    assert_eq!(code(&named), "conflict");

    // The host makes it a ban, and takes what she wrote away.
    host(
        &served,
        Moderation::Ban {
            message: first,
            purge: true,
        },
    )
    .await
    .unwrap();
    let told = anna.until("stopped", |s| s["until"].is_null()).await;
    assert!(told["message"].as_str().unwrap().contains("banned"));
    assert_eq!(history(&served).await, ["please"]);
    let bans = served.desk.app.chat.kept_rooms(0)[0].bans.clone();
    assert_eq!(bans.len(), 1, "one ban of one person: {bans:?}");

    // Nobody stops the host or a moderator.
    for message in [own, first] {
        let outcome = host(
            &served,
            Moderation::Ban {
                message,
                purge: false,
            },
        )
        .await;
        let expect = if message == own {
            Code::Conflict
        } else {
            Code::NotFound
        };
        assert_eq!(outcome.unwrap_err().code, expect);
    }
    let lift = json!({ "act": "lift", "ban": bans[0].id });
    assert_eq!(olga.ask("moderate", lift.clone()).await, json!({}));
    anna.until("stopped", Value::is_null).await;
    assert_eq!(code(&olga.ask("moderate", lift).await), "not_found");
    let named = anna
        .ask("name", json!({ "name": "Anna", "key": session }))
        .await;
    assert_eq!(named["name"], "Anna");
    said(&mut anna, "sorry").await;
    served.stop().await;
}

#[tokio::test]
async fn rules_hold_for_viewers_and_everyone_knows_them() {
    let served = served().await;
    let (key, _) = link(&served, None);
    let (mut olga, joined) = moderator(&served, &key).await;
    assert_eq!(joined["room"]["rules"]["links"], true);
    let mut anna = Client::named(&served, "program", "Anna").await;
    let set = json!({ "act": "set_rules", "rules": rules(30, false, &["spam"]) });
    assert_eq!(olga.ask("moderate", set).await, json!({}));
    let told = anna.event("rules").await;
    assert_eq!(told, json!({ "slow_seconds": 30, "links": false }));
    let room = olga.event("room").await;
    assert_eq!(
        room["rules"]["words"],
        json!(["spam"]),
        "words are for moderators"
    );
    for (text, expect) in [
        ("S.P.A.M", Some("invalid")),
        ("see example.com", Some("invalid")),
        ("fine", None),
        ("at once again", Some("too_many")),
    ] {
        let answer = say(&mut anna, text).await;
        match expect {
            Some(expect) => assert_eq!(code(&answer), expect, "{text}"),
            None => assert!(answer["message"].is_object(), "{answer}"),
        }
    }
    for text in ["spam is blocked here", "read example.com/rules"] {
        said(&mut olga, text).await;
    }
    let bad = json!({ "act": "set_rules", "rules": rules(99_999, true, &[]) });
    assert_eq!(code(&olga.ask("moderate", bad).await), "invalid");
    for none in [
        json!({}),
        json!(null),
        json!({ "act": "explode" }),
        json!([1]),
    ] {
        assert_eq!(code(&olga.ask("moderate", none).await), "invalid");
    }
    served.stop().await;
}

#[tokio::test]
async fn order_is_there_again_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("klieg.db");
    let session = "0123456789abcdef0123456789abcdef";
    {
        let desk = Desk::over(Arc::new(Store::open(&path).unwrap()));
        let served = desk.listen(Limits::default()).await;
        let mut anna = Client::new(&served).await;
        anna.ask("join", json!({ "channel": "program" })).await;
        anna.ask("name", json!({ "name": "Anna", "key": session }))
            .await;
        let message = said(&mut anna, "rude").await;
        host(
            &served,
            Moderation::Ban {
                message,
                purge: false,
            },
        )
        .await
        .unwrap();
        let rules = rules(5, false, &["spam"]);
        host(&served, Moderation::SetRules { rules }).await.unwrap();
        host(&served, Moderation::Delete { message }).await.unwrap();
        served.stop().await;
    }
    let desk = Desk::over(Arc::new(Store::open(&path).unwrap()));
    let served = desk.listen(Limits::default()).await;
    let mut anna = Client::new(&served).await;
    let joined = anna
        .ask("join", json!({ "channel": "program", "session": session }))
        .await;
    assert_eq!(joined["history"], json!([]));
    assert_eq!(
        joined["rules"],
        json!({ "slow_seconds": 5, "links": false })
    );
    assert!(
        joined["stopped"]["message"]
            .as_str()
            .unwrap()
            .contains("banned")
    );
    let named = anna
        .ask("name", json!({ "name": "Anna", "key": session }))
        .await;
    assert_eq!(code(&named), "conflict");
    served.stop().await;
}

#[tokio::test]
async fn a_moderator_is_one_as_long_as_the_link_holds() {
    let served = served().await;
    let (key, id) = link(&served, Some("program"));
    let (mut olga, _) = moderator(&served, &key).await;
    let message = said(&mut olga, "order!").await;
    let written = served.desk.app.store.recent("program", 1).unwrap();
    assert_eq!(written[0].role, api::Role::Moderator);
    served.desk.app.access.links.revoke(&id).unwrap();
    assert_eq!(olga.event("role").await, json!({ "role": "viewer" }));
    let act = json!({ "act": "delete", "message": message });
    assert_eq!(code(&olga.ask("moderate", act).await), "unauthorized");
    served.stop().await;
}
