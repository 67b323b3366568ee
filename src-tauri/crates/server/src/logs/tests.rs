use api::LogLevel;
use futures::StreamExt;
use serde_json::Value;

use super::*;
use crate::Limits;
use crate::testing::{Desk, PATIENCE, TOKEN, websocket};

fn line(text: impl Into<String>) -> LogLine {
    LogLine {
        id: 0,
        at: 1,
        level: LogLevel::Info,
        target: "test".into(),
        text: text.into(),
    }
}

#[test]
fn the_ring_forgets_the_oldest_and_cuts_what_is_long() {
    let logs = Logs::default();
    for n in 0..KEEP + 5 {
        logs.push(line(n.to_string()));
    }
    let all = logs.last(usize::MAX);
    assert_eq!(all.len(), KEEP);
    assert_eq!((all[0].id, all[0].text.as_str()), (5, "5"));
    assert_eq!(logs.last(2)[0].id, KEEP as u64 + 3);
    // Cut between letters, not inside of one.
    logs.push(line("ä".repeat(LINE_MAX)));
    let text = &logs.last(1)[0].text;
    assert_eq!(text.len(), LINE_MAX + '…'.len_utf8());
}

#[test]
fn a_slow_follower_is_told_how_many_it_missed() {
    let logs = Logs::default();
    let (_, mut news) = logs.follow(0);
    for n in 0..BEHIND + 7 {
        logs.push(line(n.to_string()));
    }
    let mut batch = Batch::default();
    batch.drain(&mut news);
    assert_eq!((batch.missed, batch.lines.len()), (7, BEHIND));
}

#[tokio::test]
async fn lines_are_for_whoever_may_control() {
    let desk = Desk::new();
    desk.app.logs.push(line("one"));
    desk.app.logs.push(line("two"));
    for path in ["/api/logs", "/api/logs?token=wrong"] {
        assert_eq!(desk.get(path).await.status, 401, "{path}");
    }
    let got = desk.get(&format!("/api/logs?last=1&token={TOKEN}")).await;
    assert_eq!(got.json()[0]["text"], "two");

    let served = desk.listen(Limits::default()).await;
    let path = |token: &str| format!("/api/logs/follow?token={token}");
    let refused = websocket(served.address, &path("wrong"), &[]).await;
    assert_eq!(refused.err(), Some(401));
    let mut socket = websocket(served.address, &path(TOKEN), &[]).await.unwrap();
    let mut next = async || -> Value {
        let message = tokio::time::timeout(PATIENCE, socket.next()).await;
        let message = message.expect("a batch").unwrap().unwrap();
        serde_json::from_str(message.to_text().unwrap()).unwrap()
    };
    assert_eq!(next().await["lines"][1]["text"], "two");
    served.desk.app.logs.push(line("three"));
    let batch = next().await;
    assert_eq!(batch["missed"], 0);
    assert_eq!(batch["lines"][0]["text"], "three");
    drop(socket);
    served.stop().await;
}
