use super::super::handshake;
use super::*;
use crate::rtmp::Target;
use crate::rtmp::address::Address;
use crate::rtmp::session as client;
use crate::testing::Noise;

const START: Timestamp = Timestamp::ZERO;

/// A peer that writes well-formed chunks, and reads what the session says.
struct Peer {
    session: Session,
    writer: ChunkSerializer,
    reader: chunk::Reader,
}

impl Peer {
    /// After the handshake.
    fn new() -> Self {
        let mut peer = Self {
            session: Session::new(START),
            writer: ChunkSerializer::new(),
            reader: chunk::Reader::new(Limits::MEDIA),
        };
        peer.session.feed(&hello()).unwrap();
        let answer = peer.session.output().split();
        assert_eq!(answer.len(), 1 + 2 * handshake::LEN);
        peer
    }

    /// As far as the commands.
    fn connected() -> Self {
        let mut peer = Self::new();
        let connect = peer.connect(&[]);
        assert_eq!(peer.tell(&connect), Ok(vec![]));
        assert_eq!(peer.answers().last().unwrap()[0].as_str(), Some("_result"));
        peer
    }

    /// As far as sound and picture.
    fn publishing() -> Self {
        let mut peer = Self::connected();
        let publish = peer.publish("a");
        assert_eq!(peer.tell(&publish).unwrap().len(), 1);
        peer.session.accept(START).unwrap();
        peer.session.output().clear();
        peer
    }

    fn message(&mut self, type_id: u8, timestamp: u32, data: &[u8]) -> Vec<u8> {
        let payload = MessagePayload {
            timestamp: RtmpTimestamp::new(timestamp),
            type_id,
            message_stream_id: 1,
            data: Bytes::copy_from_slice(data),
        };
        self.writer.serialize(&payload, false, false).unwrap().bytes
    }

    fn command(&mut self, values: &[Value]) -> Vec<u8> {
        self.message(kind::COMMAND, 0, &amf0::write(values))
    }

    fn connect(&mut self, more: &[(&str, Value)]) -> Vec<u8> {
        let mut properties = vec![("app", "live".into()), ("objectEncoding", 0.0.into())];
        properties.extend(more.iter().cloned());
        self.command(&["connect".into(), 1.0.into(), Value::object(properties)])
    }

    fn publish(&mut self, key: &str) -> Vec<u8> {
        self.command(&[
            "publish".into(),
            5.0.into(),
            Value::Null,
            key.into(),
            "live".into(),
        ])
    }

    /// Feeds bytes and drains what they mean.
    fn tell(&mut self, bytes: &[u8]) -> Result<Vec<Event>, Error> {
        self.session.feed(bytes)?;
        let mut events = Vec::new();
        while let Some(event) = self.session.poll(START)? {
            events.push(event);
        }
        Ok(events)
    }

    /// The commands that the session has said since the last call.
    fn answers(&mut self) -> Vec<Vec<Value>> {
        let messages = self.said();
        let commands = messages.iter().filter(|m| m.kind == kind::COMMAND);
        commands.map(|m| amf0::read(&m.data).unwrap()).collect()
    }

    fn said(&mut self) -> Vec<Message> {
        let bytes = self.session.output().split();
        self.reader.feed(&bytes);
        let mut messages = Vec::new();
        while let Some(message) = self.reader.read().unwrap() {
            messages.push(message);
        }
        messages
    }
}

fn hello() -> Vec<u8> {
    [
        &[handshake::VERSION][..],
        &[1; handshake::LEN],
        &[2; handshake::LEN],
    ]
    .concat()
}

fn code(values: &[Value]) -> &str {
    values
        .last()
        .unwrap()
        .get("code")
        .unwrap()
        .as_str()
        .unwrap()
}

/// All that an encoder says from its connection to its goodbye.
fn conversation(peer: &mut Peer) -> Vec<u8> {
    let name = Value::from("a?key=b");
    let metadata = Value::ecma_array([("width", 1280.0.into())]);
    let data = amf0::write(&["@setDataFrame".into(), "onMetaData".into(), metadata]);
    [
        peer.connect(&[]),
        peer.command(&[
            "releaseStream".into(),
            2.0.into(),
            Value::Null,
            name.clone(),
        ]),
        peer.command(&["FCPublish".into(), 3.0.into(), Value::Null, name.clone()]),
        peer.command(&["createStream".into(), 4.0.into(), Value::Null]),
        peer.publish("a?key=b"),
        peer.message(kind::DATA, 0, &data),
        peer.message(kind::AUDIO, 0, &[0xaf, 0, 0x11, 0x90]),
        peer.message(kind::VIDEO, 7, &[9; 1_000]),
        peer.message(kind::AUDIO, 21, &[0xaf, 1, 7]),
        peer.command(&["FCUnpublish".into(), 6.0.into(), Value::Null, name]),
    ]
    .concat()
}

#[test]
fn a_publication_from_connect_to_goodbye_whole_and_byte_by_byte() {
    let bytes = conversation(&mut Peer::new());
    for step in [1, 100, bytes.len()] {
        let mut peer = Peer::new();
        let (mut events, mut answers) = (Vec::new(), Vec::new());
        for piece in bytes.chunks(step) {
            peer.session.feed(piece).unwrap();
            while let Some(event) = peer.session.poll(START).unwrap() {
                if let Event::Publish(request) = &event {
                    assert_eq!((&*request.app, &*request.key), ("live", "a?key=b"));
                    assert_eq!(
                        peer.session.poll(START),
                        Ok(None),
                        "it waits for the answer"
                    );
                    peer.session.accept(START).unwrap();
                }
                events.push(event);
            }
            answers.extend(peer.answers());
        }
        let [
            Event::Publish(_),
            Event::Metadata(metadata),
            media @ ..,
            Event::Unpublish,
        ] = &events[..]
        else {
            panic!("{events:?}");
        };
        assert_eq!(metadata.get("width").unwrap().as_number(), Some(1_280.0));
        let times: Vec<_> = media
            .iter()
            .map(|event| match event {
                Event::Media(m) => (m.kind, m.timestamp, m.data.len()),
                other => panic!("{other:?}"),
            })
            .collect();
        let expect = [
            (kind::AUDIO, 0, 4),
            (kind::VIDEO, 7, 1_000),
            (kind::AUDIO, 21, 3),
        ];
        assert_eq!(times, expect, "in steps of {step}");
        let names: Vec<_> = answers
            .iter()
            .map(|a| (a[0].as_str().unwrap(), a[1].as_number().unwrap()))
            .collect();
        let expect = [
            ("_result", 1.0),
            ("_result", 2.0),
            ("_result", 3.0),
            ("onFCPublish", 0.0),
            ("_result", 4.0),
            ("onStatus", 0.0),
            ("onStatus", 0.0),
        ];
        assert_eq!(names, expect);
        assert_eq!(answers[4][3].as_number(), Some(1.0), "the stream's number");
        assert_eq!(code(&answers[5]), "NetStream.Publish.Start");
        assert_eq!(code(&answers[6]), "NetStream.Unpublish.Success");
    }
}

#[test]
fn our_own_client_publishes_to_it() {
    let target = Target {
        url: "rtmp://a.example/live".into(),
        key: "a?key=b".into(),
    };
    let mut client = client::Session::new(Address::parse(&target).unwrap()).unwrap();
    let mut session = Session::new(START);
    let mut media = 0;
    let mut ended = false;
    for turn in 0..20 {
        session.feed(&client.output().split()).unwrap();
        while let Some(event) = session.poll(START).unwrap() {
            match event {
                Event::Publish(request) => {
                    assert_eq!(request.key, "a?key=b");
                    session.accept(START).unwrap();
                }
                Event::Media(message) => media += message.data.len(),
                Event::Unpublish => ended = true,
                Event::Metadata(_) => {}
            }
        }
        client.receive(&session.output().split()).unwrap();
        if client.step() == client::Step::Publishing && turn < 15 {
            let picture = Bytes::from(vec![9; 100_000]);
            client.media(kind::VIDEO, turn * 33, picture).unwrap();
        }
        if turn == 17 {
            client.close().unwrap();
        }
    }
    assert!(media >= 500_000 && ended, "{media}");
}

#[test]
fn refusals_are_said_in_words() {
    for (refusal, expect) in [
        (
            Refusal::Denied("Wrong key.".into()),
            "NetStream.Publish.Denied",
        ),
        (
            Refusal::BadName("Somebody is live.".into()),
            "NetStream.Publish.BadName",
        ),
    ] {
        let mut peer = Peer::connected();
        let publish = peer.publish("a");
        peer.tell(&publish).unwrap();
        peer.session.refuse(&refusal).unwrap();
        let answers = peer.answers();
        let status = answers.last().unwrap();
        assert_eq!(code(status), expect);
        let (Refusal::Denied(words) | Refusal::BadName(words)) = &refusal;
        let said = status.last().unwrap();
        assert_eq!(said.get("description").unwrap().as_str(), Some(&**words));
        assert_eq!(said.get("level").unwrap().as_str(), Some("error"));
        let sound = peer.message(kind::AUDIO, 0, &[1]);
        assert_eq!(peer.tell(&sound), Ok(vec![]), "nothing more is read");
    }
}

#[test]
fn who_wants_to_watch_is_told_where() {
    let mut peer = Peer::connected();
    let play = peer.command(&["play".into(), 4.0.into(), Value::Null, "a".into()]);
    assert_eq!(peer.tell(&play), Err(Error::Player));
    let answers = peer.answers();
    assert_eq!(code(&answers[0]), "NetStream.Play.Failed");
    let words = answers[0][3].get("description").unwrap().as_str().unwrap();
    assert!(words.contains("HLS"), "{words}");
}

#[test]
fn commands_out_of_order() {
    // Sound before a stream key means nothing, and a key before an application is an error.
    let mut peer = Peer::connected();
    let sound = peer.message(kind::AUDIO, 0, &[1]);
    assert_eq!(peer.tell(&sound), Ok(vec![]));
    let mut peer = Peer::new();
    let publish = peer.publish("a");
    assert_eq!(peer.tell(&publish), Err(Error::NotRtmp));
    // A second key on the same connection.
    let mut peer = Peer::publishing();
    let publish = peer.publish("b");
    assert!(matches!(peer.tell(&publish), Err(Error::Refused(_))));
    // What is not known is said to be unknown, when an answer is wanted.
    let mut peer = Peer::connected();
    let unknown = peer.command(&["teaTime".into(), 9.0.into(), Value::Null]);
    let silent = peer.command(&["teaTime".into(), 0.0.into(), Value::Null]);
    assert_eq!(peer.tell(&[unknown, silent].concat()), Ok(vec![]));
    let answers = peer.answers();
    assert_eq!(answers.len(), 1);
    assert_eq!(code(&answers[0]), "NetConnection.Call.Failed");
}

#[test]
fn enhanced_rtmp_is_spoken_to_those_who_do() {
    for asks in [false, true] {
        let mut peer = Peer::new();
        let list = Value::Array(vec!["hvc1".into(), "av01".into()]);
        let more = [("fourCcList", list)];
        let connect = peer.connect(if asks { &more } else { &[] });
        peer.tell(&connect).unwrap();
        let answers = peer.answers();
        let codecs = Value::Array(vec!["avc1".into(), "mp4a".into()]);
        let said = answers[0][3].get("fourCcList");
        assert_eq!(said, asks.then_some(&codecs));
    }
}

#[test]
fn amf3_messages_are_amf0_behind_a_zero() {
    let mut peer = Peer::connected();
    let values = ["publish".into(), 5.0.into(), Value::Null, "a".into()];
    let body = [&[0][..], &amf0::write(&values)].concat();
    let publish = peer.message(kind::COMMAND_AMF3, 0, &body);
    assert!(matches!(
        peer.tell(&publish).unwrap()[..],
        [Event::Publish(_)]
    ));
}

#[test]
fn pings_are_answered_and_received_bytes_acknowledged() {
    let mut peer = Peer::publishing();
    let ping = peer.message(kind::USER_CONTROL, 0, &[0, 6, 1, 2, 3, 4]);
    let window = peer.message(kind::WINDOW_ACKNOWLEDGEMENT, 0, &[0, 0, 0x20, 0]);
    peer.tell(&[ping, window].concat()).unwrap();
    let said = peer.said();
    assert_eq!(said.len(), 1);
    assert_eq!(
        (said[0].kind, &said[0].data[..]),
        (kind::USER_CONTROL, &[0, 7, 1, 2, 3, 4][..])
    );
    let picture = peer.message(kind::VIDEO, 0, &[7; 10_000]);
    peer.tell(&picture).unwrap();
    let said = peer.said();
    assert_eq!(said.len(), 1);
    assert_eq!(said[0].kind, kind::ACKNOWLEDGEMENT);
    let received = peer.session.reader.received() as u32;
    assert_eq!(&said[0].data[..], received.to_be_bytes());
}

#[test]
fn who_says_nothing_is_let_go() {
    let session = Session::new(START);
    assert_eq!(session.deadline(), START + SETUP);
    assert_eq!(session.late(), Error::Late("the handshake"));
    // Neither half a handshake nor commands without a key buy time.
    let mut peer = Peer::connected();
    assert_eq!(peer.session.deadline(), START + SETUP);
    assert_eq!(peer.session.late(), Error::Late("a stream key"));
    let create = peer.command(&["createStream".into(), 4.0.into(), Value::Null]);
    peer.tell(&create).unwrap();
    assert_eq!(peer.session.deadline(), START + SETUP);
    // Once live, sound and picture do, and pings do not.
    let mut peer = Peer::publishing();
    assert_eq!(peer.session.deadline(), START + IDLE);
    let later = START + Duration::from_secs(5);
    for (kind, data, expect) in [
        (kind::USER_CONTROL, &[0, 6, 1, 2, 3, 4][..], START + IDLE),
        (kind::AUDIO, &[0xaf, 1, 7], later + IDLE),
    ] {
        let message = peer.message(kind, 0, data);
        peer.session.feed(&message).unwrap();
        while peer.session.poll(later).unwrap().is_some() {}
        assert_eq!(peer.session.deadline(), expect);
    }
    assert_eq!(peer.session.late(), Error::Late("sound or picture"));
}

#[test]
fn who_reads_nothing_costs_no_memory() {
    let mut peer = Peer::connected();
    let ping = peer.message(kind::USER_CONTROL, 0, &[0, 6, 1, 2, 3, 4]);
    let mut result = Ok(vec![]);
    for _ in 0..100_000 {
        result = peer.tell(&ping);
        if result.is_err() {
            break;
        }
    }
    assert_eq!(result, Err(Error::Unread));
    assert!(peer.session.output().len() <= UNREAD + 1_024);
    let mut peer = Peer::connected();
    let create = peer.command(&["createStream".into(), 4.0.into(), Value::Null]);
    let many = create.repeat(100);
    assert_eq!(peer.tell(&many), Err(Error::TooManyStreams));
}

#[test]
fn strangers_say_little_and_publishers_much() {
    let mut peer = Peer::connected();
    let long = peer.message(kind::VIDEO, 0, &vec![1; 1 << 20]);
    assert!(matches!(
        peer.tell(&long),
        Err(Error::Chunk(chunk::Error::TooLong(_)))
    ));
    let mut peer = Peer::publishing();
    let long = peer.message(kind::VIDEO, 0, &vec![1; 1 << 20]);
    assert!(matches!(peer.tell(&long).unwrap()[..], [Event::Media(_)]));
    let mut peer = Peer::publishing();
    let longest = peer.message(kind::VIDEO, 0, &vec![1; (8 << 20) + 1]);
    assert!(matches!(
        peer.tell(&longest),
        Err(Error::Chunk(chunk::Error::TooLong(_)))
    ));
}

#[test]
fn values_in_one_another_end_the_connection_and_nothing_else() {
    let mut nested = Value::from(1.0);
    for _ in 0..200 {
        nested = Value::object([("a", nested)]);
    }
    let mut peer = Peer::new();
    let connect = peer.connect(&[("nested", nested.clone())]);
    assert_eq!(peer.tell(&connect), Err(Error::Amf(amf0::Error::TooDeep)));
    // In data it is left out: an encoder may say strange things of itself.
    let mut peer = Peer::publishing();
    let data = amf0::write(&["@setDataFrame".into(), "onMetaData".into(), nested]);
    let data = peer.message(kind::DATA, 0, &data);
    assert_eq!(peer.tell(&data), Ok(vec![]));
}

#[test]
fn sound_between_the_chunks_of_a_picture() {
    let mut peer = Peer::publishing();
    let mut bytes = vec![6, 0, 0, 40, 0, 0, 200, kind::VIDEO, 1, 0, 0, 0];
    bytes.extend([5; 128]);
    bytes.extend([4, 0, 0, 41, 0, 0, 3, kind::AUDIO, 1, 0, 0, 0, 0xaf, 1, 7]);
    bytes.push(0xc6);
    bytes.extend([5; 72]);
    let events = peer.tell(&bytes).unwrap();
    let [Event::Media(sound), Event::Media(picture)] = &events[..] else {
        panic!("{events:?}");
    };
    assert_eq!(
        (sound.kind, sound.timestamp, sound.data.len()),
        (kind::AUDIO, 41, 3)
    );
    assert_eq!(
        (picture.kind, picture.timestamp, picture.data.len()),
        (kind::VIDEO, 40, 200)
    );
}

#[test]
fn damage_ends_a_connection_at_worst() {
    let good = [hello(), conversation(&mut Peer::new())].concat();
    for seed in 0..3_000 {
        let mut noise = Noise::new(seed);
        let mut bytes = good.clone();
        noise.damage(&mut bytes);
        let mut session = Session::new(START);
        let mut rest = &bytes[..];
        'connection: while !rest.is_empty() {
            let (piece, after) = rest.split_at(1 + noise.below(rest.len()));
            rest = after;
            if session.feed(piece).is_err() {
                break;
            }
            loop {
                match session.poll(START) {
                    Ok(Some(Event::Publish(_))) => session.accept(START).unwrap(),
                    Ok(Some(_)) => {}
                    Ok(None) => break,
                    Err(_) => break 'connection,
                }
            }
        }
        assert!(session.output().len() <= UNREAD + (4 << 10), "seed {seed}");
    }
}
