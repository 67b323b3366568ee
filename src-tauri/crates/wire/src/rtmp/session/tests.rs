use super::*;
use crate::rtmp::Target;
use crate::rtmp::far::{Far, info};

fn session() -> Session {
    Session::new(
        Address::parse(&Target {
            url: "rtmp://a.example/live".into(),
            key: "sesame-street?sig=0001".into(),
        })
        .unwrap(),
    )
    .unwrap()
}

fn names(messages: &[Message]) -> Vec<String> {
    messages
        .iter()
        .filter(|m| m.kind == kind::COMMAND)
        .map(|m| amf0::read(&m.data).unwrap()[0].as_str().unwrap().to_owned())
        .collect()
}

/// A session as far as `step`, and its far end.
fn at(step: Step) -> (Session, Far) {
    let mut session = session();
    let mut far = Far::new();
    while session.step() < step {
        let (_, back) = far.read(&session.output().split());
        session.receive(&back).unwrap();
        let answer = match session.step() {
            Step::Connect => {
                far.read(&session.output().split());
                far.result(1.0, info("status", "NetConnection.Connect.Success", ""))
            }
            Step::CreateStream => far.result(4.0, 7.0.into()),
            Step::Publish => far.status("status", "NetStream.Publish.Start", ""),
            Step::Handshake | Step::Publishing => Vec::new(),
        };
        if session.step() < step {
            session.receive(&answer).unwrap();
        }
    }
    (session, far)
}

#[test]
fn the_whole_way_to_publishing_and_back() {
    let mut session = session();
    let mut far = Far::new();
    let (_, back) = far.read(&session.output().split());
    // One byte at a time: the handshake waits for the rest.
    for byte in &back {
        session.receive(&[*byte]).unwrap();
    }
    assert_eq!(session.step(), Step::Connect);
    let (messages, _) = far.read(&session.output().split());
    assert_eq!(names(&messages), ["connect"]);
    let connect = amf0::read(&messages.last().unwrap().data).unwrap();
    assert_eq!(connect[2].get("app").unwrap().as_str(), Some("live"));
    assert_eq!(
        connect[2].get("tcUrl").unwrap().as_str(),
        Some("rtmp://a.example/live")
    );

    let success = far.result(1.0, info("status", "NetConnection.Connect.Success", ""));
    session.receive(&success).unwrap();
    let (messages, _) = far.read(&session.output().split());
    assert_eq!(
        names(&messages),
        ["releaseStream", "FCPublish", "createStream"]
    );

    // Servers that do not know the first two say so, which changes nothing.
    let unknown = far.command(&["_error".into(), 2.0.into(), Value::Null, Value::Null]);
    session.receive(&unknown).unwrap();
    let created = far.result(4.0, 7.0.into());
    session.receive(&created).unwrap();
    let (messages, _) = far.read(&session.output().split());
    assert_eq!(names(&messages), ["publish"]);
    assert_eq!(messages[0].stream, 7);
    let publish = amf0::read(&messages[0].data).unwrap();
    assert_eq!(publish[3].as_str(), Some("sesame-street?sig=0001"));
    assert_eq!(publish[4].as_str(), Some("live"));

    let start = far.status("status", "NetStream.Publish.Start", "");
    session.receive(&start).unwrap();
    assert_eq!(session.step(), Step::Publishing);

    let picture = Bytes::from(vec![9; 10_000]);
    session.media(kind::VIDEO, 40, picture.clone()).unwrap();
    let (messages, _) = far.read(&session.output().split());
    let expect = Message {
        kind: kind::VIDEO,
        stream: 7,
        timestamp: 40,
        data: picture,
    };
    assert_eq!(messages, [expect]);

    session.close().unwrap();
    let (messages, _) = far.read(&session.output().split());
    assert_eq!(names(&messages), ["FCUnpublish", "deleteStream"]);
}

#[test]
fn pings_are_answered_and_received_bytes_acknowledged() {
    let (mut session, mut far) = at(Step::Publishing);
    far.read(&session.output().split());
    let ping = far.say(kind::USER_CONTROL, &[0, 6, 1, 2, 3, 4]);
    session.receive(&ping).unwrap();
    let (messages, _) = far.read(&session.output().split());
    assert_eq!(messages.len(), 1);
    assert_eq!(messages[0].kind, kind::USER_CONTROL);
    assert_eq!(&messages[0].data[..], [0, 7, 1, 2, 3, 4]);

    let window = far.say(kind::WINDOW_ACKNOWLEDGEMENT, &[0, 0, 0x10, 0]);
    let bandwidth = far.say(kind::PEER_BANDWIDTH, &[0, 0, 0x10, 0, 2]);
    session.receive(&[window, bandwidth].concat()).unwrap();
    let (messages, _) = far.read(&session.output().split());
    assert_eq!(messages.len(), 1);
    assert_eq!(messages[0].kind, kind::WINDOW_ACKNOWLEDGEMENT);

    let filler = far.say(kind::DATA, &[5; 5_000]);
    session.receive(&filler).unwrap();
    let (messages, _) = far.read(&session.output().split());
    assert_eq!(messages.len(), 1);
    assert_eq!(messages[0].kind, kind::ACKNOWLEDGEMENT);
    let count = u32::from_be_bytes(messages[0].data[..4].try_into().unwrap());
    assert_eq!(u64::from(count), session.reader.received());
}

#[test]
fn a_server_that_only_pings_costs_no_memory() {
    let (mut session, mut far) = at(Step::Publishing);
    let window = far.say(kind::WINDOW_ACKNOWLEDGEMENT, &[0, 0, 0, 1]);
    session.receive(&window).unwrap();
    let pings = far
        .say(kind::USER_CONTROL, &[0, 6, 1, 2, 3, 4])
        .repeat(1_000);
    for _ in 0..200 {
        session.receive(&pings).unwrap();
    }
    let waiting = session.output().len();
    assert!(waiting <= ANSWERS + 100, "{waiting}");
}

/// What an answer at `step` comes to; `None` when the session goes on.
fn check(step: Step, answer: impl Fn(&mut Far) -> Vec<u8>, expect: Option<(bool, &str)>) {
    let (mut session, mut far) = at(step);
    let result = session.receive(&answer(&mut far));
    match (result, expect) {
        (Ok(()), None) => {}
        (
            Err(
                PublishError::Refused(text)
                | PublishError::WrongKey(text)
                | PublishError::KeyDoubted(text),
            ),
            Some((true, word)),
        )
        | (Err(PublishError::Lost(text)), Some((false, word))) => {
            assert!(text.contains("a.example"), "{text}");
            assert!(text.contains(word), "{text}");
            assert!(!text.contains("sesame"), "{text}");
            assert!(!text.contains("0001"), "{text}");
        }
        (result, expect) => panic!("{step:?}: {result:?}, not {expect:?}"),
    }
}

#[test]
fn answers_of_servers_and_what_they_come_to() {
    let error = |number: f64, code: &'static str, text: &'static str| {
        move |far: &mut Far| {
            far.command(&[
                "_error".into(),
                number.into(),
                Value::Null,
                info("error", code, text),
            ])
        }
    };
    let status = |level: &'static str, code: &'static str, text: &'static str| {
        move |far: &mut Far| far.status(level, code, text)
    };
    let rejected = "NetConnection.Connect.Rejected";
    check(
        Step::Connect,
        error(1.0, rejected, "no such app"),
        Some((true, "no such app")),
    );
    check(
        Step::Connect,
        error(1.0, "NetConnection.Connect.Failed", ""),
        Some((false, "error")),
    );
    check(
        Step::CreateStream,
        error(4.0, "NetStream.Failed", ""),
        Some((false, "error")),
    );
    check(
        Step::CreateStream,
        error(2.0, "NetConnection.Call.Failed", ""),
        None,
    );
    let bad = "NetStream.Publish.BadName";
    check(
        Step::Publish,
        status("error", bad, "Already publishing"),
        Some((true, "Already")),
    );
    check(
        Step::Publish,
        status("error", bad, "no sesame-street here"),
        Some((true, "key")),
    );
    check(
        Step::Publish,
        status("status", bad, ""),
        Some((true, "stream key")),
    );
    check(
        Step::Publish,
        status("error", "NetStream.Publish.Denied", ""),
        Some((true, "key")),
    );
    check(
        Step::Publish,
        status("error", "NetStream.Failed", "disk"),
        Some((false, "disk")),
    );
    check(
        Step::Publish,
        status("status", "NetStream.Publish.Idle", ""),
        None,
    );
    check(
        Step::Publishing,
        status("error", bad, ""),
        Some((true, "key")),
    );
    check(
        Step::Publishing,
        |far| far.command(&["close".into(), 0.0.into()]),
        Some((false, "ended")),
    );
    check(
        Step::Publish,
        |far| far.command(&["onFCPublish".into(), 0.0.into()]),
        None,
    );
    // The same as "AMF3".
    check(
        Step::Publish,
        |far| {
            let values = [
                "onStatus".into(),
                0.0.into(),
                Value::Null,
                info("error", bad, ""),
            ];
            far.say(
                kind::COMMAND_AMF3,
                &[&[0][..], &amf0::write(&values)].concat(),
            )
        },
        Some((true, "key")),
    );
}

#[test]
fn what_is_not_rtmp_is_lost_and_never_a_panic() {
    let mut http = session();
    assert!(matches!(
        http.receive(b"HTTP/1.1 400 Bad Request\r\n\r\n"),
        Err(PublishError::Lost(text)) if text.contains("not RTMP")
    ));
    for step in [
        Step::Connect,
        Step::CreateStream,
        Step::Publish,
        Step::Publishing,
    ] {
        check(
            step,
            |far| far.say(kind::COMMAND, &[10, 0, 0, 0, 1].repeat(10_000)),
            Some((false, "not RTMP")),
        );
        check(
            step,
            |far| far.say(kind::COMMAND, &[5, 5]),
            Some((false, "not RTMP")),
        );
        check(
            step,
            |far| far.say(kind::WINDOW_ACKNOWLEDGEMENT, &[1]),
            Some((false, "not RTMP")),
        );
        check(
            step,
            |_| vec![6, 0, 0, 0, 0xff, 0xff, 0xff, 9, 0, 0, 0, 0],
            Some((false, "RTMP")),
        );
        check(step, |far| far.say(kind::USER_CONTROL, &[0]), None);
    }
    check(
        Step::CreateStream,
        |far| far.result(4.0, Value::from(f64::NAN)),
        Some((false, "not RTMP")),
    );
}

#[test]
fn noise_after_the_handshake_never_panics() {
    let mut noise = crate::testing::Noise::new(11);
    for _ in 0..300 {
        let (mut session, mut far) = at(Step::Connect);
        let mut answers = [
            far.result(1.0, info("status", "NetConnection.Connect.Success", "")),
            far.result(4.0, 1.0.into()),
            far.status("status", "NetStream.Publish.Start", ""),
        ]
        .concat();
        noise.damage(&mut answers);
        drop(session.receive(&answers));
    }
}

#[test]
fn a_wrong_key_is_told_from_one_in_use_and_from_one_in_doubt() {
    type Kind = fn(String) -> PublishError;
    let refused: Kind = PublishError::Refused;
    let wrong: Kind = PublishError::WrongKey;
    let doubted: Kind = PublishError::KeyDoubted;
    for (code, description, kind) in [
        ("BadName", "Already publishing", refused),
        // What it says repeats the key and is not shown, and yet understood.
        ("BadName", "sesame-street is already publishing", refused),
        ("BadName", "Stream name is in use", refused),
        ("BadName", "Invalid stream key", wrong),
        ("BadName", "", doubted),
        ("Denied", "", wrong),
        ("Unauthorized", "", wrong),
        ("Rejected", "Key has expired", wrong),
    ] {
        let (mut session, mut far) = at(Step::Publish);
        let code = format!("NetStream.Publish.{code}");
        let answer = far.status("error", &code, description);
        let error = session.receive(&answer).unwrap_err();
        assert_eq!(error, kind(error.to_string()), "{code} {description}");
        assert!(!error.to_string().contains("sesame"), "{error}");
    }
}

#[test]
fn a_closed_connection_means_what_step_it_was_at() {
    for (step, soon, refused) in [
        (Step::Handshake, false, false),
        (Step::Connect, false, false),
        (Step::CreateStream, false, false),
        (Step::Publish, false, true),
        (Step::Publishing, true, true),
        (Step::Publishing, false, false),
    ] {
        let (session, _) = at(step);
        let error = session.closed(soon);
        assert_eq!(
            matches!(error, PublishError::KeyDoubted(_)),
            refused,
            "{step:?}"
        );
        assert!(error.to_string().contains("a.example"));
    }
}
