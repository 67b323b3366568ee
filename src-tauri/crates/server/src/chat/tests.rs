//! Over real sockets, with a small Socket.IO client (protocol 5 over engine.io 4).

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use futures::{SinkExt, StreamExt};
use media::Origin;
use serde_json::{Value, json};
use store::Store;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message as Frame;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::testing::{Desk, PATIENCE, Served};
use crate::{ChatNews, Limits};

mod moderation;

struct Client {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    events: VecDeque<(String, Value)>,
    answers: HashMap<u64, Value>,
    asked: u64,
}

impl Client {
    async fn new(served: &Served) -> Self {
        let url = format!(
            "ws://{}/socket.io/?EIO=4&transport=websocket",
            served.address
        );
        let (socket, _) = connect_async(url).await.unwrap();
        let mut client = Self {
            socket,
            events: VecDeque::new(),
            answers: HashMap::new(),
            asked: 0,
        };
        assert!(client.packet().await.starts_with("0{"), "engine.io opens");
        client.send("40").await;
        assert!(
            client.packet().await.starts_with("40{"),
            "socket.io connects"
        );
        client
    }

    /// Connected, in a room and with a name.
    async fn named(served: &Served, channel: &str, name: &str) -> Self {
        let mut client = Self::new(served).await;
        client.ask("join", json!({ "channel": channel })).await;
        let named = client.ask("name", json!({ "name": name })).await;
        assert_eq!(named["name"], name, "{named}");
        client
    }

    async fn send(&mut self, text: &str) {
        self.socket
            .send(Frame::text(text.to_owned()))
            .await
            .unwrap();
    }

    async fn packet(&mut self) -> String {
        loop {
            let frame = self.socket.next().await.expect("not closed").unwrap();
            let Frame::Text(text) = frame else { continue };
            if text.as_str() == "2" {
                self.send("3").await;
                continue;
            }
            return text.as_str().to_owned();
        }
    }

    /// Sends a request and leaves its answer for [`Client::answer`].
    async fn post(&mut self, event: &str, body: Value) -> u64 {
        self.asked += 1;
        let id = self.asked;
        self.send(&format!("42{id}{}", json!([event, body]))).await;
        id
    }

    async fn answer(&mut self, id: u64) -> Value {
        let answer = async {
            loop {
                if let Some(answer) = self.answers.remove(&id) {
                    return answer;
                }
                let packet = self.packet().await;
                self.remember(&packet);
            }
        };
        let answer = tokio::time::timeout(PATIENCE, answer).await;
        answer.unwrap_or_else(|_| panic!("request {id} was not answered"))
    }

    async fn ask(&mut self, event: &str, body: Value) -> Value {
        let id = self.post(event, body).await;
        self.answer(id).await
    }

    fn remember(&mut self, packet: &str) {
        if let Some(answer) = packet.strip_prefix("43") {
            let (id, body) = answer.split_once('[').unwrap();
            let body: Vec<Value> = serde_json::from_str(&format!("[{body}")).unwrap();
            self.answers.insert(id.parse().unwrap(), body[0].clone());
            return;
        }
        let event = packet
            .strip_prefix("42")
            .unwrap_or_else(|| panic!("{packet}"));
        let mut event: Vec<Value> = serde_json::from_str(event).unwrap();
        let body = event.remove(1);
        let name = event.remove(0).as_str().unwrap().to_owned();
        self.events.push_back((name, body));
    }

    async fn event(&mut self, wanted: &str) -> Value {
        self.until(wanted, |_| true).await
    }

    /// The next event of this name whose body is as wanted.
    async fn until(&mut self, wanted: &str, fits: impl Fn(&Value) -> bool) -> Value {
        let event = async {
            loop {
                while let Some((name, body)) = self.events.pop_front() {
                    if name == wanted && fits(&body) {
                        return body;
                    }
                }
                let packet = self.packet().await;
                self.remember(&packet);
            }
        };
        let event = tokio::time::timeout(PATIENCE, event).await;
        event.unwrap_or_else(|_| panic!("no such event: {wanted}"))
    }
}

async fn served() -> Served {
    Desk::new().listen(Limits::default()).await
}

fn code(answer: &Value) -> &str {
    let error = &answer["error"];
    assert!(
        error["message"].as_str().is_some_and(|m| m.len() > 10),
        "{answer}"
    );
    error["code"].as_str().unwrap()
}

#[tokio::test]
async fn two_people_talk_and_a_third_reads_it_later() {
    let served = served().await;
    let mut anna = Client::new(&served).await;
    let joined = anna.ask("join", json!({ "channel": "program" })).await;
    assert_eq!(joined["history"], json!([]));
    assert_eq!(joined["viewers"], json!({ "whep": 0, "hls": 0 }));
    assert_eq!(joined["state"], "waiting");
    let refused = anna.ask("say", json!({ "text": "hello" })).await;
    assert_eq!(code(&refused), "conflict", "a name comes first");
    let named = anna.ask("name", json!({ "name": " Anna " })).await;
    assert_eq!(named["name"], "Anna");

    let mut berta = Client::named(&served, "program", "Berta").await;
    let said = anna
        .ask("say", json!({ "text": "<img src=x onerror=alert(1)> 👋" }))
        .await;
    for client in [&mut anna, &mut berta] {
        let message = client.event("message").await;
        assert_eq!(message["name"], "Anna");
        assert_eq!(message["role"], "viewer");
        assert_eq!(
            message["text"], "<img src=x onerror=alert(1)> 👋",
            "markup stays text"
        );
        assert!(message["at"].as_i64().unwrap() > 1_600_000_000_000);
        assert_eq!(message["id"], said["message"]["id"]);
    }

    let mut heard = served.desk.app.chat.news();
    let desk = &served.desk;
    let host = desk
        .app
        .chat
        .say_as_host(&desk.app.store, "program", " welcome\n all ", 5);
    assert_eq!(host.unwrap().text, "welcome all");
    for client in [&mut anna, &mut berta] {
        let message = client.event("message").await;
        assert_eq!(
            (message["role"].as_str(), message["name"].as_str()),
            (Some("host"), Some("Host"))
        );
    }
    let heard = tokio::time::timeout(PATIENCE, heard.recv()).await.unwrap();
    let Ok(ChatNews::Said { channel, message }) = heard else {
        panic!("{heard:?}");
    };
    assert_eq!(
        (channel.as_str(), message.text.as_str()),
        ("program", "welcome all")
    );

    let mut third = Client::new(&served).await;
    let joined = third.ask("join", json!({ "channel": "program" })).await;
    let texts: Vec<_> = joined["history"]
        .as_array()
        .unwrap()
        .iter()
        .map(|m| &m["text"])
        .collect();
    assert_eq!(texts, ["<img src=x onerror=alert(1)> 👋", "welcome all"]);
    served.stop().await;
}

#[tokio::test]
async fn the_last_hundred_are_there_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("klieg.db");
    {
        let store = Store::open(&path).unwrap();
        for n in 0..120 {
            let text = format!("{n} {}", "🎉".repeat(490));
            store
                .say("program", "Anna", api::Role::Viewer, &text, n)
                .unwrap();
        }
    }
    let desk = Desk::over(Arc::new(Store::open(&path).unwrap()));
    let served = desk.listen(Limits::default()).await;
    let mut late = Client::new(&served).await;
    let joined = late.ask("join", json!({ "channel": "program" })).await;
    let history = joined["history"].as_array().unwrap();
    assert_eq!(history.len(), 100);
    assert!(history[0]["text"].as_str().unwrap().starts_with("20 "));
    assert!(history[99]["text"].as_str().unwrap().starts_with("119 "));
    served.stop().await;
}

#[tokio::test]
async fn what_is_refused() {
    let served = served().await;
    let _other = Client::named(&served, "program", "Berta").await;
    let mut client = Client::new(&served).await;
    // Before a room.
    for (event, body, expect) in [
        ("name", json!({ "name": "Anna" }), "conflict"),
        ("say", json!({ "text": "hi" }), "conflict"),
        ("join", json!({ "channel": "nobody" }), "not_found"),
        ("join", json!({ "channel": "../etc" }), "invalid"),
        ("join", json!({ "channel": "" }), "invalid"),
        ("join", json!({ "channel": 7 }), "invalid"),
        ("join", json!({}), "invalid"),
        ("join", json!(null), "invalid"),
        ("join", json!("program"), "invalid"),
        ("join", json!([["program"]]), "invalid"),
    ] {
        let answer = client.ask(event, body.clone()).await;
        assert_eq!(code(&answer), expect, "{event} {body}");
    }
    // Another connection has its own allowance.
    let mut client = Client::new(&served).await;
    client.ask("join", json!({ "channel": "program" })).await;
    for (body, expect) in [
        (json!({ "name": "" }), "invalid"),
        (json!({ "name": "   " }), "invalid"),
        (json!({ "name": "x".repeat(25) }), "invalid"),
        (json!({ "name": "An\u{0}na" }), "invalid"),
        (json!({ "name": "An\u{202e}na" }), "invalid"),
        (json!({ "name": ["Anna"] }), "invalid"),
        (json!({ "name": "Host" }), "conflict"),
        (json!({ "name": "h0ſt" }), "conflict"),
        (json!({ "name": "BERTA" }), "conflict"),
        (json!({ "name": "Веrtа" }), "conflict"),
    ] {
        let answer = client.ask("name", body.clone()).await;
        assert_eq!(code(&answer), expect, "{body}");
    }
    let mut client = Client::named(&served, "program", "Anna").await;
    for (body, expect) in [
        (json!({ "text": "" }), "invalid"),
        (json!({ "text": " \n " }), "invalid"),
        (json!({ "text": "x".repeat(501) }), "invalid"),
        (json!({ "text": "esc\u{1b}[2J" }), "invalid"),
        (json!({ "text": "\u{202e}txet" }), "invalid"),
        (json!({ "text": 5 }), "invalid"),
        (json!({ "message": "hi" }), "invalid"),
    ] {
        let answer = client.ask("say", body.clone()).await;
        assert_eq!(code(&answer), expect, "{body}");
    }
    assert!(client.ask("say", json!({ "text": "fine" })).await["message"].is_object());
    served.stop().await;
}

#[tokio::test]
async fn a_flood_is_refused_and_disconnects_nobody() {
    let served = served().await;
    let mut quiet = Client::named(&served, "program", "Quiet").await;
    let mut loud = Client::named(&served, "program", "Loud").await;
    let mut posted = Vec::new();
    for n in 0..200 {
        posted.push(
            loud.post("say", json!({ "text": format!("spam {n}") }))
                .await,
        );
    }
    let (mut said, mut refused) = (0, 0);
    for id in posted {
        let answer = loud.answer(id).await;
        if answer["message"].is_object() {
            said += 1;
        } else {
            assert_eq!(code(&answer), "too_many");
            refused += 1;
        }
    }
    // However long a slow machine takes, nothing like all of it gets through.
    assert!(said >= 5 && refused > 100, "{said} said, {refused} refused");
    assert!(quiet.ask("say", json!({ "text": "hello" })).await["message"].is_object());
    quiet.until("message", |m| m["text"] == "hello").await;
    assert!(
        loud.ask("join", json!({ "channel": "program" }))
            .await
            .is_object(),
        "still connected"
    );
    served.stop().await;
}

#[tokio::test]
async fn messages_of_one_person_keep_their_order() {
    let served = served().await;
    let mut client = Client::new(&served).await;
    // Without waiting for any answer.
    client.post("join", json!({ "channel": "program" })).await;
    client.post("name", json!({ "name": "Anna" })).await;
    for n in 0..5 {
        client.post("say", json!({ "text": n.to_string() })).await;
    }
    for n in 0..5 {
        assert_eq!(client.event("message").await["text"], n.to_string());
    }
    served.stop().await;
}

#[tokio::test]
async fn rooms_are_apart_and_hear_of_their_channel() {
    let served = served().await;
    let phone = served.desk.live("phone", Origin::Whip);
    let mut here = Client::named(&served, "phone", "Anna").await;
    let mut there = Client::named(&served, "program", "Anna").await;
    here.ask("say", json!({ "text": "in phone" })).await;
    there.ask("say", json!({ "text": "in program" })).await;
    assert_eq!(here.event("message").await["text"], "in phone");
    assert_eq!(there.event("message").await["text"], "in program");

    served
        .desk
        .ask(
            "POST",
            "/phone/whep",
            &[("content-type", "application/sdp")],
            "offer",
        )
        .await;
    here.until("viewers", |v| *v == json!({ "whep": 1, "hls": 0 }))
        .await;
    let program = served.desk.live("program", Origin::Program);
    assert_eq!(there.event("live").await, json!({ "state": "live" }));
    drop(phone);
    here.until("live", |l| *l == json!({ "state": "waiting" }))
        .await;
    drop(program);
    served.stop().await;
}

#[tokio::test]
async fn a_name_is_free_when_its_connection_closes_and_taken_over_with_its_key() {
    let served = served().await;
    let mut first = Client::new(&served).await;
    first.ask("join", json!({ "channel": "program" })).await;
    let named = first.ask("name", json!({ "name": "Anna" })).await;
    let mut second = Client::new(&served).await;
    second.ask("join", json!({ "channel": "program" })).await;
    let refused = second.ask("name", json!({ "name": "Anna" })).await;
    assert_eq!(code(&refused), "conflict");
    let again = second
        .ask("name", json!({ "name": "Anna", "key": named["key"] }))
        .await;
    assert_eq!(again["name"], "Anna");
    drop(second);
    let mut third = Client::new(&served).await;
    third.ask("join", json!({ "channel": "program" })).await;
    // The close takes its way through the network first.
    while served.desk.app.chat.people() > 2 {
        tokio::task::yield_now().await;
    }
    assert_eq!(
        third.ask("name", json!({ "name": "Anna" })).await["name"],
        "Anna"
    );
    served.stop().await;
}

#[tokio::test]
async fn polling_works_and_is_limited() {
    let served = served().await;
    let address = served.address;
    let ask = move |request: String| async move {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        let read = tokio::time::timeout(PATIENCE, stream.read_to_string(&mut answer)).await;
        read.expect("an answer comes").unwrap();
        answer
    };
    let path = "/socket.io/?EIO=4&transport=polling";
    let end = "Host: 127.0.0.1\r\nConnection: close\r\n";
    let opened = ask(format!("GET {path} HTTP/1.1\r\n{end}\r\n")).await;
    assert!(opened.starts_with("HTTP/1.1 200"), "{opened}");
    let sid = opened
        .split("\"sid\":\"")
        .nth(1)
        .unwrap()
        .split('"')
        .next()
        .unwrap();
    let body = "x".repeat(70 * 1024);
    let huge = ask(format!(
        "POST {path}&sid={sid} HTTP/1.1\r\n{end}Content-Length: {}\r\n\r\n{body}",
        body.len()
    ))
    .await;
    assert!(huge.starts_with("HTTP/1.1 413"), "{huge}");
    let foreign = ask(format!(
        "GET {path} HTTP/1.1\r\n{end}Origin: http://evil.example\r\n\r\n"
    ));
    assert!(foreign.await.starts_with("HTTP/1.1 403"));
    let mut refused = false;
    for _ in 0..2000 {
        let answer = ask(format!("GET {path} HTTP/1.1\r\n{end}\r\n")).await;
        if answer.starts_with("HTTP/1.1 429") {
            refused = true;
            break;
        }
    }
    assert!(refused, "sessions without a connection are limited");
    served.stop().await;
}

#[tokio::test]
async fn a_message_too_large_for_anybody_closes_its_own_connection_only() {
    let served = served().await;
    let mut quiet = Client::named(&served, "program", "Quiet").await;
    let mut loud = Client::named(&served, "program", "Loud").await;
    let huge = format!("42{}", json!(["say", { "text": "x".repeat(8 << 20) }]));
    drop(loud.socket.send(Frame::text(huge)).await);
    let ended = async { while let Some(Ok(_)) = loud.socket.next().await {} };
    let ended = tokio::time::timeout(PATIENCE, ended).await;
    ended.expect("the connection is closed");
    assert!(quiet.ask("say", json!({ "text": "hello" })).await["message"].is_object());
    served.stop().await;
}

#[tokio::test]
async fn packets_that_are_none_hurt_nobody() {
    let served = served().await;
    let mut quiet = Client::named(&served, "program", "Quiet").await;
    for packet in [
        "",
        "9",
        "4",
        "42",
        "42[",
        "42{}",
        "42[]",
        "42[7]",
        "421[\"join\"]",
        "42[\"nothing\",{}]",
        "45-[\"say\",{\"_placeholder\":true,\"num\":0}]",
        "43999[]",
        "40/other,",
        "4999999999999",
    ] {
        let mut client = Client::new(&served).await;
        drop(client.socket.send(Frame::text(packet.to_owned())).await);
        drop(client.socket.send(Frame::binary(vec![0xFF; 9])).await);
    }
    assert!(quiet.ask("say", json!({ "text": "hello" })).await["message"].is_object());
    served.stop().await;
}
