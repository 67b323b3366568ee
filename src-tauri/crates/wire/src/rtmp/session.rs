//! The publishing side of an RTMP connection, without I/O (RTMP 1.0, sections 5.2 and 7.2).
//!
//! Feed it what the server sends ([`Session::receive`]), send what it wants sent
//! ([`Session::output`]), until [`Session::step`] says that media may flow.

use bytes::{Buf, Bytes, BytesMut};
use rml_rtmp::chunk_io::ChunkSerializer;
use rml_rtmp::handshake::{Handshake, HandshakeProcessResult, PeerType};
use rml_rtmp::messages::{MessagePayload, RtmpMessage, UserControlEventType};
use rml_rtmp::time::RtmpTimestamp;

use super::address::Address;
use super::amf0::{self, Value};
use super::chunk::{self, Limits, Message, kind};
use crate::PublishError;

/// Chunks of what we send: large enough that a picture is a few of them.
const CHUNK_SIZE: u32 = 4_096;

/// How much we say that the server may send before it hears from us.
const WINDOW: u32 = 2_500_000;

/// Answers to a server that asks and does not read are left out beyond this many waiting bytes.
const ANSWERS: usize = 1 << 20;

/// The message streams of a session: the connection itself has number 0.
const CONNECTION: u32 = 0;

/// How far a session has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Step {
    /// The handshake of random bytes.
    Handshake,
    /// The application.
    Connect,
    /// A message stream.
    CreateStream,
    /// The stream key.
    Publish,
    /// Media may flow.
    Publishing,
}

impl Step {
    /// What the server owes us, for messages.
    pub(crate) fn waits_for(self) -> &'static str {
        match self {
            Self::Handshake => "the RTMP handshake",
            Self::Connect => "the connection to the application",
            Self::CreateStream => "the stream",
            Self::Publish => "the stream key",
            Self::Publishing => "media",
        }
    }
}

/// Transaction numbers of our commands.
mod transaction {
    pub(super) const CONNECT: f64 = 1.0;
    pub(super) const RELEASE: f64 = 2.0;
    pub(super) const FC_PUBLISH: f64 = 3.0;
    pub(super) const CREATE: f64 = 4.0;
    pub(super) const PUBLISH: f64 = 5.0;
    pub(super) const FC_UNPUBLISH: f64 = 6.0;
    pub(super) const DELETE: f64 = 7.0;
}

pub(crate) struct Session {
    address: Address,
    handshake: Option<Handshake>,
    reader: chunk::Reader,
    writer: ChunkSerializer,
    output: BytesMut,
    step: Step,
    stream: u32,
    /// Bytes that the server lets pass without acknowledgement, once it has said so.
    window: Option<u32>,
    acknowledged: u64,
    window_told: bool,
}

impl Session {
    /// A session whose first output is the handshake.
    pub(crate) fn new(address: Address) -> Result<Self, PublishError> {
        let mut handshake = Handshake::new(PeerType::Client);
        let hello = handshake
            .generate_outbound_p0_and_p1()
            .map_err(|_| own_fault(&address))?;
        Ok(Self {
            address,
            handshake: Some(handshake),
            reader: chunk::Reader::new(Limits::COMMANDS),
            writer: ChunkSerializer::new(),
            output: BytesMut::from(&hello[..]),
            step: Step::Handshake,
            stream: CONNECTION,
            window: None,
            acknowledged: 0,
            window_told: false,
        })
    }

    /// How messages name the far end.
    pub(crate) fn name(&self) -> String {
        self.address.name()
    }

    pub(crate) fn step(&self) -> Step {
        self.step
    }

    /// Bytes to send, in order. Advance it by what has been sent.
    pub(crate) fn output(&mut self) -> &mut BytesMut {
        &mut self.output
    }

    /// Takes bytes that the server sent.
    ///
    /// # Errors
    /// When the server refuses, or sends what is not RTMP; the session is over then.
    pub(crate) fn receive(&mut self, bytes: &[u8]) -> Result<(), PublishError> {
        match self.handshake.take() {
            Some(handshake) => self.shake(handshake, bytes)?,
            None => self.reader.feed(bytes),
        }
        loop {
            let message = self.reader.read().map_err(|error| {
                tracing::debug!(host = self.address.name(), %error, "not RTMP");
                self.not_rtmp()
            })?;
            let Some(message) = message else { break };
            self.message(&message)?;
        }
        self.acknowledge()
    }

    /// What the stream holds: `onMetaData` and its values in AMF0, which servers want announced by
    /// `@setDataFrame`.
    pub(crate) fn metadata(&mut self, script: &[u8]) -> Result<(), PublishError> {
        let announced = amf0::write([&Value::from("@setDataFrame")]);
        let body = [&announced[..], script].concat();
        self.send(kind::DATA, self.stream, 0, body.into())
    }

    /// A message of sound or picture ([`kind::AUDIO`], [`kind::VIDEO`]) at `timestamp` milliseconds.
    pub(crate) fn media(
        &mut self,
        kind: u8,
        timestamp: u32,
        body: Bytes,
    ) -> Result<(), PublishError> {
        self.send(kind, self.stream, timestamp, body)
    }

    /// Says goodbye: what is still in [`Self::output`] should be sent before the connection is closed.
    pub(crate) fn close(&mut self) -> Result<(), PublishError> {
        if self.step < Step::Publish {
            return Ok(());
        }
        let name = Value::String(self.address.stream.clone());
        self.command(
            CONNECTION,
            "FCUnpublish",
            transaction::FC_UNPUBLISH,
            [Value::Null, name],
        )?;
        self.command(
            CONNECTION,
            "deleteStream",
            transaction::DELETE,
            [Value::Null, f64::from(self.stream).into()],
        )
    }

    fn shake(&mut self, mut handshake: Handshake, bytes: &[u8]) -> Result<(), PublishError> {
        match handshake.process_bytes(bytes) {
            Ok(HandshakeProcessResult::InProgress { response_bytes }) => {
                self.output.extend_from_slice(&response_bytes);
                self.handshake = Some(handshake);
                Ok(())
            }
            Ok(HandshakeProcessResult::Completed {
                response_bytes,
                remaining_bytes,
            }) => {
                self.output.extend_from_slice(&response_bytes);
                self.reader.feed(&remaining_bytes);
                self.connect()
            }
            Err(_) => Err(self.not_rtmp()),
        }
    }

    fn connect(&mut self) -> Result<(), PublishError> {
        let resized = self
            .writer
            .set_max_chunk_size(CHUNK_SIZE, RtmpTimestamp::new(0))
            .map_err(|_| own_fault(&self.address))?;
        self.output.extend_from_slice(&resized.bytes);
        let tc_url = Value::String(self.address.tc_url());
        let properties = Value::object([
            ("app", Value::String(self.address.app.clone())),
            ("type", "nonprivate".into()),
            ("flashVer", "FMLE/3.0 (compatible; Klieg)".into()),
            ("swfUrl", tc_url.clone()),
            ("tcUrl", tc_url),
        ]);
        self.step = Step::Connect;
        self.command(CONNECTION, "connect", transaction::CONNECT, [properties])
    }

    fn message(&mut self, message: &Message) -> Result<(), PublishError> {
        let number = || match message.data.get(..4) {
            Some(b) => Ok(u32::from_be_bytes([b[0], b[1], b[2], b[3]])),
            None => Err(self.not_rtmp()),
        };
        match message.kind {
            kind::WINDOW_ACKNOWLEDGEMENT => {
                self.window = Some(number()?.max(1));
                Ok(())
            }
            kind::PEER_BANDWIDTH => self.tell_window(),
            kind::USER_CONTROL => self.user_control(&message.data),
            kind::COMMAND => self.answer(&message.data),
            kind::COMMAND_AMF3 => self.answer(message.data.get(1..).unwrap_or_default()),
            // Acknowledgements, data and media tell a publisher nothing.
            _ => Ok(()),
        }
    }

    /// The answer to Set Peer Bandwidth (section 5.4.5); once is enough.
    fn tell_window(&mut self) -> Result<(), PublishError> {
        if self.window_told {
            return Ok(());
        }
        self.window_told = true;
        self.control(RtmpMessage::WindowAcknowledgement { size: WINDOW })
    }

    /// A ping (section 7.1.7) is answered; the other events are news of streams we do not play.
    fn user_control(&mut self, data: &[u8]) -> Result<(), PublishError> {
        match data {
            [0, 6, a, b, c, d, ..] => self.control(RtmpMessage::UserControl {
                event_type: UserControlEventType::PingResponse,
                stream_id: None,
                buffer_length: None,
                timestamp: Some(RtmpTimestamp::new(u32::from_be_bytes([*a, *b, *c, *d]))),
            }),
            _ => Ok(()),
        }
    }

    fn acknowledge(&mut self) -> Result<(), PublishError> {
        let received = self.reader.received();
        match self.window {
            Some(window) if received - self.acknowledged >= u64::from(window) => {
                self.acknowledged = received;
                // The count wraps (section 5.4.3).
                self.control(RtmpMessage::Acknowledgement {
                    sequence_number: received as u32,
                })
            }
            _ => Ok(()),
        }
    }

    fn answer(&mut self, data: &[u8]) -> Result<(), PublishError> {
        let values = amf0::read(data).map_err(|_| self.not_rtmp())?;
        let (Some(name), number) = (
            values.first().and_then(Value::as_str),
            values.get(1).and_then(Value::as_number),
        ) else {
            return Err(self.not_rtmp());
        };
        match (name, number) {
            ("_result", Some(transaction::CONNECT)) if self.step == Step::Connect => {
                self.create_stream()
            }
            ("_result", Some(transaction::CREATE)) if self.step == Step::CreateStream => {
                let stream = values.get(3).and_then(Value::as_number);
                self.publish(stream.unwrap_or(1.0))
            }
            ("_error", Some(transaction::CONNECT)) => Err(self.refusal(values.get(3))),
            ("_error", Some(transaction::CREATE | transaction::PUBLISH)) => {
                Err(self.refusal(values.get(3)))
            }
            ("onStatus", _) => self.status(values.get(3)),
            ("close", _) => Err(PublishError::Lost(format!(
                "{} ended the connection.",
                self.address.name()
            ))),
            // `_error` to releaseStream and FCPublish included: many servers do not know them.
            _ => Ok(()),
        }
    }

    fn create_stream(&mut self) -> Result<(), PublishError> {
        let name = Value::String(self.address.stream.clone());
        for (command, number) in [
            ("releaseStream", transaction::RELEASE),
            ("FCPublish", transaction::FC_PUBLISH),
        ] {
            self.command(CONNECTION, command, number, [Value::Null, name.clone()])?;
        }
        self.step = Step::CreateStream;
        self.command(
            CONNECTION,
            "createStream",
            transaction::CREATE,
            [Value::Null],
        )
    }

    fn publish(&mut self, stream: f64) -> Result<(), PublishError> {
        if !(0.0..=f64::from(u32::MAX)).contains(&stream) {
            return Err(self.not_rtmp());
        }
        self.stream = stream as u32;
        self.step = Step::Publish;
        let name = Value::String(self.address.stream.clone());
        self.command(
            self.stream,
            "publish",
            transaction::PUBLISH,
            [Value::Null, name, "live".into()],
        )
    }

    fn status(&mut self, info: Option<&Value>) -> Result<(), PublishError> {
        let code = text_of(info, "code");
        if code == "NetStream.Publish.Start" {
            if self.step == Step::Publish {
                self.step = Step::Publishing;
            }
            return Ok(());
        }
        let failed = text_of(info, "level") == "error" || refused_for_good(code);
        if failed {
            return Err(self.refusal(info));
        }
        Ok(())
    }

    /// What a refusal in so many words means.
    fn refusal(&self, info: Option<&Value>) -> PublishError {
        let host = self.address.name();
        let code = text_of(info, "code");
        let description = text_of(info, "description");
        let said = match self.address.fit_to_show(description) {
            Some(text) => format!(" It says: “{text}”."),
            None => String::new(),
        };
        match code {
            "NetConnection.Connect.Rejected" | "NetConnection.Connect.InvalidApp" => {
                PublishError::Refused(format!(
                    "{host} rejects the connection.{said} Check the server address of this destination."
                ))
            }
            code if refused_for_good(code) => {
                let text = format!(
                    "{host} refuses the stream key: it is wrong, has expired, or somebody is live with it \
                     already.{said} Check the stream key of this destination."
                );
                // What was taken before, or is in use, is right.
                if self.step == Step::Publishing || in_use(description) {
                    PublishError::Refused(text)
                } else if code == "NetStream.Publish.BadName" && description.trim().is_empty() {
                    PublishError::KeyDoubted(text)
                } else {
                    PublishError::WrongKey(text)
                }
            }
            _ => PublishError::Lost(format!("{host} reports an error.{said}")),
        }
    }

    /// What it means that the server closed the connection, `live` after it accepted the stream.
    pub(crate) fn closed(&self, soon: bool) -> PublishError {
        let host = self.address.name();
        match self.step {
            Step::Publish => PublishError::KeyDoubted(format!(
                "{host} closed the connection when it got the stream key, which is how many servers \
                 refuse a wrong one. Check the stream key of this destination."
            )),
            Step::Publishing if soon => PublishError::KeyDoubted(format!(
                "{host} closed the connection as soon as publishing began, which is how many servers \
                 refuse a wrong stream key. Check the stream key of this destination."
            )),
            Step::Publishing => PublishError::Lost(format!("{host} closed the connection.")),
            step => PublishError::Lost(format!(
                "{host} closed the connection during {}.",
                step.waits_for()
            )),
        }
    }

    fn not_rtmp(&self) -> PublishError {
        PublishError::Lost(format!(
            "{} answers with something that is not RTMP. Check that address and port belong to an RTMP \
             server{}.",
            self.address.name(),
            if self.address.tls {
                ""
            } else {
                ", and whether it wants rtmps://"
            }
        ))
    }

    fn command<const N: usize>(
        &mut self,
        stream: u32,
        name: &str,
        number: f64,
        arguments: [Value; N],
    ) -> Result<(), PublishError> {
        let head = [Value::from(name), Value::from(number)];
        let data = amf0::write(head.iter().chain(&arguments));
        self.send(kind::COMMAND, stream, 0, data)
    }

    fn control(&mut self, message: RtmpMessage) -> Result<(), PublishError> {
        if self.output.len() > ANSWERS {
            return Ok(());
        }
        let payload = message
            .into_message_payload(RtmpTimestamp::new(0), CONNECTION)
            .map_err(|_| own_fault(&self.address))?;
        self.send(payload.type_id, CONNECTION, 0, payload.data)
    }

    fn send(
        &mut self,
        type_id: u8,
        message_stream_id: u32,
        timestamp: u32,
        data: Bytes,
    ) -> Result<(), PublishError> {
        let payload = MessagePayload {
            timestamp: RtmpTimestamp::new(timestamp),
            type_id,
            message_stream_id,
            data,
        };
        // "Can be dropped" makes the next message begin with a full header. Twelve bytes a packet
        // buy freedom from the two ways in which servers count from abbreviated ones.
        let packet = self
            .writer
            .serialize(&payload, false, true)
            .map_err(|_| own_fault(&self.address))?;
        self.output.extend_from_slice(&packet.bytes);
        Ok(())
    }
}

/// Forgets what has been sent.
pub(crate) fn sent(output: &mut BytesMut, bytes: usize) {
    output.advance(bytes.min(output.len()));
}

fn refused_for_good(code: &str) -> bool {
    matches!(
        code,
        "NetStream.Publish.BadName"
            | "NetStream.Publish.Denied"
            | "NetStream.Publish.Rejected"
            | "NetStream.Publish.Unauthorized"
            | "NetConnection.Connect.Rejected"
            | "NetConnection.Connect.InvalidApp"
    )
}

/// Whether a server says that somebody is live with the key.
fn in_use(description: &str) -> bool {
    let lower = description.to_lowercase();
    ["already", "in use", "busy"]
        .iter()
        .any(|words| lower.contains(words))
}

fn text_of<'a>(info: Option<&'a Value>, name: &str) -> &'a str {
    info.and_then(|info| info.get(name))
        .and_then(Value::as_str)
        .unwrap_or_default()
}

/// The writer refuses only messages over 16 MiB.
fn own_fault(address: &Address) -> PublishError {
    PublishError::Lost(format!(
        "A packet is too large to be sent to {}. Lower the bitrate.",
        address.name()
    ))
}

#[cfg(test)]
mod tests;
