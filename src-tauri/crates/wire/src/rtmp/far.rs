//! The far end of a session, in memory, for tests.

use bytes::Bytes;
use rml_rtmp::chunk_io::ChunkSerializer;
use rml_rtmp::handshake::{Handshake, HandshakeProcessResult, PeerType};
use rml_rtmp::messages::MessagePayload;
use rml_rtmp::time::RtmpTimestamp;

use super::amf0::{self, Value};
use super::chunk::{self, Limits, Message, kind};

/// Reads what a session sends, and answers as told.
pub(crate) struct Far {
    handshake: Option<Handshake>,
    reader: chunk::Reader,
    writer: ChunkSerializer,
}

impl Far {
    pub(crate) fn new() -> Self {
        Self {
            handshake: Some(Handshake::new(PeerType::Server)),
            reader: chunk::Reader::new(Limits::MEDIA),
            writer: ChunkSerializer::new(),
        }
    }

    /// Takes what the session sent; gives the messages in it, and what to answer at once.
    pub(crate) fn read(&mut self, bytes: &[u8]) -> (Vec<Message>, Vec<u8>) {
        let mut back = Vec::new();
        match self.handshake.take() {
            Some(mut handshake) => match handshake.process_bytes(bytes).unwrap() {
                HandshakeProcessResult::InProgress { response_bytes } => {
                    back = response_bytes;
                    self.handshake = Some(handshake);
                }
                HandshakeProcessResult::Completed {
                    response_bytes,
                    remaining_bytes,
                } => {
                    back = response_bytes;
                    self.reader.feed(&remaining_bytes);
                }
            },
            None => self.reader.feed(bytes),
        }
        let mut messages = Vec::new();
        while let Some(message) = self.reader.read().unwrap() {
            messages.push(message);
        }
        (messages, back)
    }

    pub(crate) fn say(&mut self, kind: u8, data: &[u8]) -> Vec<u8> {
        let payload = MessagePayload {
            timestamp: RtmpTimestamp::new(0),
            type_id: kind,
            message_stream_id: 0,
            data: Bytes::copy_from_slice(data),
        };
        self.writer.serialize(&payload, false, true).unwrap().bytes
    }

    pub(crate) fn command(&mut self, values: &[Value]) -> Vec<u8> {
        self.say(kind::COMMAND, &amf0::write(values))
    }

    pub(crate) fn result(&mut self, number: f64, with: Value) -> Vec<u8> {
        self.command(&["_result".into(), number.into(), Value::Null, with])
    }

    pub(crate) fn status(&mut self, level: &str, code: &str, description: &str) -> Vec<u8> {
        self.command(&[
            "onStatus".into(),
            0.0.into(),
            Value::Null,
            info(level, code, description),
        ])
    }
}

pub(crate) fn info(level: &str, code: &str, description: &str) -> Value {
    Value::object([
        ("level", level.into()),
        ("code", code.into()),
        ("description", description.into()),
    ])
}
