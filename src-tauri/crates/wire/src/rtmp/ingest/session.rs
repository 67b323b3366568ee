//! The server's side of a publisher's connection, without I/O (RTMP 1.0, sections 5.2, 5.4 and 7.2).
//!
//! Feed it what arrives ([`Session::feed`]), drain what that means ([`Session::poll`]) until there
//! is nothing left, send what it wants sent ([`Session::output`]), and come back at
//! [`Session::deadline`] at the latest. It reads no further while a stream key waits for its answer.

use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use media::Timestamp;
use rml_rtmp::chunk_io::ChunkSerializer;
use rml_rtmp::messages::MessagePayload;
use rml_rtmp::time::RtmpTimestamp;

use super::handshake::Handshake;
use super::{Error, Refusal, Request};
use crate::rtmp::amf0::{self, Value};
use crate::rtmp::chunk::{self, Limits, Message, kind};

/// From the connection to the stream key.
const SETUP: Duration = Duration::from_secs(15);

/// How long a publisher may send neither sound nor picture.
const IDLE: Duration = Duration::from_secs(30);

/// Chunks of what we send. FFmpeg uses the same size from then on, and so needs few.
const CHUNK_SIZE: u32 = 65_536;

/// How much a peer may send before it hears from us, and we of it, unless it says otherwise.
const WINDOW: u32 = 2_500_000;

/// No peer needs to hear from us more often than this.
const LEAST_WINDOW: u32 = 4_096;

/// A peer that leaves this many bytes of answers unread is let go.
const UNREAD: usize = 64 << 10;

/// Streams that a connection may create; a publisher needs one.
const STREAMS: u32 = 8;

/// Bytes of an application's or a stream's name.
const NAME: usize = 1_024;

/// The message stream of the connection itself.
const CONNECTION: u32 = 0;

/// Codecs by their four characters (Enhanced RTMP v2, "Enhancing NetConnection connect").
const VIDEO_CODEC: &str = "avc1";
const AUDIO_CODEC: &str = "mp4a";

/// "Can be forwarded" in a codec's info mask.
const CAN_FORWARD: f64 = 4.0;

/// User control events (section 7.1.7).
mod event {
    pub(super) const STREAM_BEGIN: u16 = 0;
    pub(super) const PING: u16 = 6;
    pub(super) const PONG: u16 = 7;
}

/// What a peer's bytes mean.
#[derive(Debug, PartialEq)]
pub(super) enum Event {
    /// It asks to publish: answer with [`Session::accept`] or [`Session::refuse`].
    Publish(Request),
    /// It describes its stream.
    Metadata(Value),
    /// Sound or picture.
    Media(Message),
    /// It stops, in order.
    Unpublish,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Connect,
    Commands,
    /// A stream key waits for its answer.
    Deciding,
    Publishing,
    Over,
}

/// See the module.
pub(super) struct Session {
    handshake: Option<Handshake>,
    reader: chunk::Reader,
    writer: ChunkSerializer,
    output: BytesMut,
    step: Step,
    deadline: Timestamp,
    app: String,
    streams: u32,
    /// The message stream that is published on.
    stream: u32,
    window: u32,
    acknowledged: u64,
}

impl Session {
    /// A session at the first byte of a connection.
    pub(super) fn new(now: Timestamp) -> Self {
        Self {
            handshake: Some(Handshake::default()),
            reader: chunk::Reader::new(Limits::COMMANDS),
            writer: ChunkSerializer::new(),
            output: BytesMut::new(),
            step: Step::Connect,
            deadline: now + SETUP,
            app: String::new(),
            streams: 0,
            stream: CONNECTION,
            window: WINDOW,
            acknowledged: 0,
        }
    }

    /// Bytes to send, in order. Advance it by what has been sent.
    pub(super) fn output(&mut self) -> &mut BytesMut {
        &mut self.output
    }

    /// When something must have happened.
    pub(super) fn deadline(&self) -> Timestamp {
        self.deadline
    }

    /// What it means that the deadline has passed.
    pub(super) fn late(&self) -> Error {
        Error::Late(match self.step {
            _ if self.handshake.is_some() => "the handshake",
            Step::Connect | Step::Commands | Step::Deciding => "a stream key",
            Step::Publishing | Step::Over => "sound or picture",
        })
    }

    /// Takes bytes off the network.
    ///
    /// # Errors
    /// The peer does not speak RTMP, or reads no answers.
    pub(super) fn feed(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let Some(handshake) = &mut self.handshake else {
            self.reader.feed(bytes);
            return self.acknowledge();
        };
        if let Some(rest) = handshake.receive(bytes, &mut self.output)? {
            self.handshake = None;
            self.reader.feed(&rest);
        }
        Ok(())
    }

    /// The same for bytes that may be kept; leaves `bytes` empty.
    ///
    /// # Errors
    /// As [`Self::feed`].
    pub(super) fn take(&mut self, bytes: &mut BytesMut) -> Result<(), Error> {
        if self.handshake.is_some() {
            return self.feed(&bytes.split());
        }
        self.reader.take(bytes);
        self.acknowledge()
    }

    /// How many bytes have to come before anything happens: [`chunk::Reader::missing`].
    pub(super) fn missing(&self) -> usize {
        self.reader.missing()
    }

    /// The next event in what was fed; `None` until more is fed, or an answer is given.
    ///
    /// # Errors
    /// Whatever ends the connection; what is in [`Self::output`] should still be sent.
    pub(super) fn poll(&mut self, now: Timestamp) -> Result<Option<Event>, Error> {
        while self.handshake.is_none() && !matches!(self.step, Step::Deciding | Step::Over) {
            let Some(message) = self.reader.read()? else {
                break;
            };
            if let Some(event) = self.message(message, now)? {
                return Ok(Some(event));
            }
        }
        Ok(None)
    }

    /// Lets the publisher in.
    ///
    /// # Errors
    /// The peer reads no answers.
    pub(super) fn accept(&mut self, now: Timestamp) -> Result<(), Error> {
        self.step = Step::Publishing;
        self.deadline = now + IDLE;
        self.reader.set_limits(Limits::MEDIA);
        let begin = [
            &event::STREAM_BEGIN.to_be_bytes()[..],
            &self.stream.to_be_bytes(),
        ]
        .concat();
        self.control(kind::USER_CONTROL, &begin)?;
        self.status("status", "NetStream.Publish.Start", "Publishing.")
    }

    /// Says why the publisher is not let in, or may not go on.
    ///
    /// # Errors
    /// The peer reads no answers.
    pub(super) fn refuse(&mut self, refusal: &Refusal) -> Result<(), Error> {
        self.step = Step::Over;
        let (code, words) = match refusal {
            Refusal::Denied(words) => ("NetStream.Publish.Denied", words),
            Refusal::BadName(words) => ("NetStream.Publish.BadName", words),
        };
        self.status("error", code, words)
    }

    fn message(&mut self, message: Message, now: Timestamp) -> Result<Option<Event>, Error> {
        let data = &message.data;
        match message.kind {
            kind::AUDIO | kind::VIDEO => {
                if self.step != Step::Publishing || data.is_empty() {
                    return Ok(None);
                }
                self.deadline = now + IDLE;
                return Ok(Some(Event::Media(message)));
            }
            kind::DATA => return Ok(self.data(data)),
            kind::DATA_AMF3 => return Ok(self.data(behind_zero(data))),
            kind::COMMAND => return self.command(data, message.stream),
            kind::COMMAND_AMF3 => return self.command(behind_zero(data), message.stream),
            kind::WINDOW_ACKNOWLEDGEMENT => {
                if let Some(size) = data.first_chunk::<4>() {
                    self.window = u32::from_be_bytes(*size).max(LEAST_WINDOW);
                }
            }
            kind::USER_CONTROL => {
                let ping = event::PING.to_be_bytes();
                if let Some(time) = data.strip_prefix(&ping).and_then(|d| d.first_chunk::<4>()) {
                    let pong = [&event::PONG.to_be_bytes()[..], time].concat();
                    self.control(kind::USER_CONTROL, &pong)?;
                }
            }
            // Acknowledgements and the bandwidth it grants tell a receiver nothing.
            _ => {}
        }
        Ok(None)
    }

    /// What a publisher says beside sound and picture. Only `onMetaData` means something here.
    fn data(&self, data: &[u8]) -> Option<Event> {
        if self.step != Step::Publishing {
            return None;
        }
        let values = match amf0::read(data) {
            Ok(values) => values,
            Err(error) => {
                tracing::debug!(%error, "a data message is left out");
                return None;
            }
        };
        let mut values = values.into_iter().peekable();
        values.next_if(|v| v.as_str() == Some("@setDataFrame"));
        values.next_if(|v| v.as_str() == Some("onMetaData"))?;
        values.next().map(Event::Metadata)
    }

    fn command(&mut self, data: &[u8], stream: u32) -> Result<Option<Event>, Error> {
        let values = amf0::read(data)?;
        let name = values
            .first()
            .and_then(Value::as_str)
            .ok_or(Error::NotRtmp)?;
        let number = values.get(1).and_then(Value::as_number).unwrap_or(0.0);
        match (name, self.step) {
            ("connect", Step::Connect) => self.connect(number, values.get(2))?,
            (_, Step::Connect) => return Err(Error::NotRtmp),
            ("createStream", _) => {
                if self.streams >= STREAMS {
                    return Err(Error::TooManyStreams);
                }
                self.streams += 1;
                self.result(number, f64::from(self.streams).into())?;
            }
            ("publish", Step::Commands) => {
                self.stream = stream;
                self.step = Step::Deciding;
                let key = values.get(3).and_then(Value::as_str).unwrap_or_default();
                return Ok(Some(Event::Publish(Request {
                    app: self.app.clone(),
                    key: clipped(key),
                })));
            }
            ("publish", _) => {
                let words = "This connection publishes already. Open another one.";
                self.refuse(&Refusal::BadName(words.to_owned()))?;
                return Err(Error::Refused(words.to_owned()));
            }
            ("play" | "play2", _) => {
                self.stream = stream;
                self.step = Step::Over;
                let words =
                    "This station takes publishers over RTMP. Watch in a browser, or over HLS.";
                self.status("error", "NetStream.Play.Failed", words)?;
                return Err(Error::Player);
            }
            ("FCUnpublish" | "deleteStream" | "closeStream", Step::Publishing) => {
                self.step = Step::Over;
                let code = "NetStream.Unpublish.Success";
                self.status("status", code, "No longer publishing.")?;
                return Ok(Some(Event::Unpublish));
            }
            ("FCPublish", _) => {
                self.result(number, Value::Undefined)?;
                // Flash Media Live Encoder waits for it.
                let info = info("status", "NetStream.Publish.Start", "");
                self.say(CONNECTION, "onFCPublish", 0.0, [Value::Null, info])?;
            }
            ("releaseStream" | "FCUnpublish" | "deleteStream" | "closeStream" | "_checkbw", _) => {
                self.result(number, Value::Undefined)?;
            }
            // Answers are not answered.
            ("_result" | "_error" | "onStatus", _) => {}
            (name, _) if number != 0.0 => {
                let words = format!("{} is not known here.", clipped(name));
                let info = info("error", "NetConnection.Call.Failed", &words);
                self.say(CONNECTION, "_error", number, [Value::Null, info])?;
            }
            _ => {}
        }
        Ok(None)
    }

    /// Section 7.2.1.1; what enhanced RTMP adds is said to those who speak it.
    fn connect(&mut self, number: f64, asked: Option<&Value>) -> Result<(), Error> {
        let property = |name: &str| asked.and_then(|o| o.get(name));
        self.app = clipped(property("app").and_then(Value::as_str).unwrap_or_default());
        self.step = Step::Commands;
        self.control(kind::WINDOW_ACKNOWLEDGEMENT, &WINDOW.to_be_bytes())?;
        // 2: the limit is dynamic (section 5.4.5).
        let bandwidth = [&WINDOW.to_be_bytes()[..], &[2]].concat();
        self.control(kind::PEER_BANDWIDTH, &bandwidth)?;
        let resized = self
            .writer
            .set_max_chunk_size(CHUNK_SIZE, RtmpTimestamp::new(0))
            .map_err(|_| Error::Unread)?;
        self.output.extend_from_slice(&resized.bytes);

        let server = Value::object([
            ("fmsVer", "FMS/3,5,7,7009".into()),
            ("capabilities", 31.0.into()),
            ("mode", 1.0.into()),
        ]);
        let mut info = vec![
            ("level", "status".into()),
            ("code", "NetConnection.Connect.Success".into()),
            ("description", "Connected.".into()),
            ("objectEncoding", 0.0.into()),
        ];
        let enhanced = [
            "fourCcList",
            "videoFourCcInfoMap",
            "audioFourCcInfoMap",
            "capsEx",
        ];
        if enhanced.iter().any(|name| property(name).is_some()) {
            let codecs = [VIDEO_CODEC, AUDIO_CODEC].map(Value::from);
            let mask = |codec| Value::object([(codec, CAN_FORWARD.into())]);
            info.extend([
                ("fourCcList", Value::Array(codecs.into())),
                ("videoFourCcInfoMap", mask(VIDEO_CODEC)),
                ("audioFourCcInfoMap", mask(AUDIO_CODEC)),
                ("capsEx", 0.0.into()),
            ]);
        }
        self.say(CONNECTION, "_result", number, [server, Value::object(info)])
    }

    fn acknowledge(&mut self) -> Result<(), Error> {
        let received = self.reader.received();
        if received - self.acknowledged < u64::from(self.window) {
            return Ok(());
        }
        self.acknowledged = received;
        // The count wraps (section 5.4.3).
        self.control(kind::ACKNOWLEDGEMENT, &(received as u32).to_be_bytes())
    }

    fn result(&mut self, number: f64, value: Value) -> Result<(), Error> {
        self.say(CONNECTION, "_result", number, [Value::Null, value])
    }

    fn status(&mut self, level: &str, code: &str, words: &str) -> Result<(), Error> {
        let info = info(level, code, words);
        self.say(self.stream, "onStatus", 0.0, [Value::Null, info])
    }

    fn say(&mut self, on: u32, name: &str, number: f64, with: [Value; 2]) -> Result<(), Error> {
        let head = [Value::from(name), Value::from(number)];
        let data = amf0::write(head.iter().chain(&with));
        self.send(kind::COMMAND, on, data)
    }

    fn control(&mut self, kind: u8, data: &[u8]) -> Result<(), Error> {
        self.send(kind, CONNECTION, Bytes::copy_from_slice(data))
    }

    fn send(&mut self, type_id: u8, message_stream_id: u32, data: Bytes) -> Result<(), Error> {
        if self.output.len() > UNREAD {
            return Err(Error::Unread);
        }
        let payload = MessagePayload {
            timestamp: RtmpTimestamp::new(0),
            type_id,
            message_stream_id,
            data,
        };
        // Full headers: the few answers there are need no compression.
        let packet = self.writer.serialize(&payload, true, false);
        let packet = packet.map_err(|_| Error::Unread)?;
        self.output.extend_from_slice(&packet.bytes);
        Ok(())
    }
}

/// Forgets what has been sent.
pub(super) fn sent(output: &mut BytesMut, bytes: usize) {
    output.advance(bytes.min(output.len()));
}

fn info(level: &str, code: &str, words: &str) -> Value {
    Value::object([
        ("level", level.into()),
        ("code", code.into()),
        ("description", words.into()),
    ])
}

/// What AMF3 messages carry in practice: AMF0 behind a zero byte.
fn behind_zero(data: &[u8]) -> &[u8] {
    data.strip_prefix(&[0]).unwrap_or(data)
}

fn clipped(text: &str) -> String {
    text.chars().take(NAME).collect()
}

#[cfg(test)]
mod tests;
