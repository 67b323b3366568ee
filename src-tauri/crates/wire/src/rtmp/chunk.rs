//! Chunks to messages (RTMP 1.0, section 5.3).
//!
//! The reader is fed bytes as they come and gives whole messages. It is safe against strangers:
//! message length, chunk streams and everything held for unfinished messages are capped
//! ([`Limits`]), and memory grows with what has arrived, never with what a header promises.
//! Set Chunk Size and Abort Message (section 5.4) are obeyed here and not handed on.

use std::collections::BTreeMap;

use bytes::{Buf, Bytes, BytesMut};

/// Message types (RTMP 1.0, sections 5.4, 6 and 7.1).
pub mod kind {
    /// Set Chunk Size.
    pub const SET_CHUNK_SIZE: u8 = 1;
    /// Abort Message.
    pub const ABORT: u8 = 2;
    /// Acknowledgement.
    pub const ACKNOWLEDGEMENT: u8 = 3;
    /// User Control: pings and stream events.
    pub const USER_CONTROL: u8 = 4;
    /// Window Acknowledgement Size.
    pub const WINDOW_ACKNOWLEDGEMENT: u8 = 5;
    /// Set Peer Bandwidth.
    pub const PEER_BANDWIDTH: u8 = 6;
    /// Audio.
    pub const AUDIO: u8 = 8;
    /// Video.
    pub const VIDEO: u8 = 9;
    /// Data as AMF3; in practice AMF0 behind a zero byte.
    pub const DATA_AMF3: u8 = 15;
    /// Command as AMF3; in practice AMF0 behind a zero byte.
    pub const COMMAND_AMF3: u8 = 17;
    /// Data as AMF0.
    pub const DATA: u8 = 18;
    /// Command as AMF0.
    pub const COMMAND: u8 = 20;
}

/// What one connection may ask of us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The longest message, in bytes.
    pub message: usize,
    /// Chunk streams seen in the life of the connection.
    pub streams: usize,
    /// Bytes held for unfinished messages of all chunk streams together.
    pub pending: usize,
}

impl Limits {
    /// For commands and nothing large: a server's answers to somebody who publishes, and what
    /// strangers may say before they are let in.
    pub const COMMANDS: Self = Self {
        message: 64 << 10,
        streams: 32,
        pending: 128 << 10,
    };
    /// For somebody who publishes to us: pictures up to 8 MiB each.
    pub const MEDIA: Self = Self {
        message: 8 << 20,
        streams: 64,
        pending: 16 << 20,
    };
}

/// Why bytes are not chunks that we take. Nothing can be read after any of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A message longer than [`Limits::message`].
    #[error("RTMP message of {0} bytes is too long")]
    TooLong(usize),
    /// More chunk streams than [`Limits::streams`].
    #[error("too many RTMP chunk streams")]
    TooManyStreams,
    /// More unfinished messages than [`Limits::pending`] holds.
    #[error("too much in unfinished RTMP messages")]
    TooMuchPending,
    /// A chunk that leans on an earlier one of its stream, where there is none.
    #[error("RTMP chunk stream {0} continues before it began")]
    NoBeginning(u32),
    /// A new message begins where the one before is not finished.
    #[error("RTMP chunk stream {0} begins a message inside a message")]
    Interrupted(u32),
    /// A chunk size of zero, or one with the top bit set.
    #[error("RTMP chunk size is out of range")]
    ChunkSize,
    /// A protocol control message that is not as long as it must be.
    #[error("RTMP control message is malformed")]
    Control,
}

/// A whole message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Its type, see [`kind`].
    pub kind: u8,
    /// The message stream: 0 for the connection itself.
    pub stream: u32,
    /// Milliseconds, wrapping at 32 bits.
    pub timestamp: u32,
    /// What it carries.
    pub data: Bytes,
}

/// The reading half of a connection after its handshake.
#[derive(Debug)]
pub struct Reader {
    limits: Limits,
    buffer: BytesMut,
    chunk_size: usize,
    streams: BTreeMap<u32, Stream>,
    pending: usize,
    received: u64,
}

/// The newest header of a chunk stream, and the message it is in.
#[derive(Debug, Default)]
struct Stream {
    timestamp: u32,
    delta: u32,
    /// The four bytes that stood behind the newest header, when its time field was full.
    extended: Option<u32>,
    length: usize,
    kind: u8,
    message_stream: u32,
    partial: BytesMut,
    inside: bool,
}

struct Header {
    /// Bytes from the start of the chunk to its payload.
    len: usize,
    chunk_stream: u32,
    form: u8,
    time: u32,
    extended: Option<u32>,
    length: usize,
    kind: u8,
    message_stream: u32,
}

const FULL_TIME: u32 = 0xff_ffff;

impl Reader {
    /// A reader at the first byte after the handshake; chunks are of 128 bytes until told otherwise.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            buffer: BytesMut::new(),
            chunk_size: 128,
            streams: BTreeMap::new(),
            pending: 0,
            received: 0,
        }
    }

    /// Allows more, or less, from the next chunk on.
    pub fn set_limits(&mut self, limits: Limits) {
        self.limits = limits;
    }

    /// Takes bytes off the network. Drain [`Self::read`] before feeding more: what is not yet
    /// read stays in memory.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.received += bytes.len() as u64;
        self.buffer.extend_from_slice(bytes);
    }

    /// The same for bytes that may be kept: they are copied only where some before them wait for more. Leaves
    /// `bytes` empty.
    pub fn take(&mut self, bytes: &mut BytesMut) {
        if self.buffer.is_empty() {
            self.received += bytes.len() as u64;
            std::mem::swap(&mut self.buffer, bytes);
        } else {
            self.feed(bytes);
        }
        bytes.clear();
    }

    /// Bytes fed so far: what acknowledgements count.
    pub fn received(&self) -> u64 {
        self.received
    }

    /// How many bytes have to come before [`Self::read`] can give anything more, as far as that is known: without any,
    /// a message may be of any length.
    pub fn missing(&self) -> usize {
        if self.buffer.is_empty() {
            let inside = self.streams.values().filter(|stream| stream.inside);
            let left = inside.map(|stream| stream.length.saturating_sub(stream.partial.len()));
            let least = left.map(|left| 1 + left.min(self.chunk_size)).min();
            return least.unwrap_or(usize::MAX);
        }
        let header = self.header().ok().flatten();
        let chunk = header.and_then(|header| Some(header.len + self.payload_of(&header).ok()?));
        let missing = chunk.map_or(1, |len| len.saturating_sub(self.buffer.len()));
        missing.max(1)
    }

    /// The next whole message, or `None` until more bytes are fed.
    ///
    /// # Errors
    /// See [`Error`]; the connection is of no use afterwards.
    pub fn read(&mut self) -> Result<Option<Message>, Error> {
        loop {
            let Some(header) = self.header()? else {
                return Ok(None);
            };
            let payload = self.payload_of(&header)?;
            if self.buffer.len() < header.len + payload {
                return Ok(None);
            }
            if let Some(message) = self.chunk(&header, payload)? {
                match self.control(&message)? {
                    true => continue,
                    false => return Ok(Some(message)),
                }
            }
        }
    }

    /// The header at the start of the buffer, if it is all there. Changes nothing.
    fn header(&self) -> Result<Option<Header>, Error> {
        let Some(&first) = self.buffer.first() else {
            return Ok(None);
        };
        let (basic, chunk_stream) = match first & 0x3f {
            0 => match self.buffer.get(1) {
                Some(&low) => (2, u32::from(low) + 64),
                None => return Ok(None),
            },
            1 => match self.buffer.get(1..3) {
                Some(b) => (3, u32::from(b[0]) + u32::from(b[1]) * 256 + 64),
                None => return Ok(None),
            },
            id => (1, u32::from(id)),
        };
        let form = first >> 6;
        let stream = self.streams.get(&chunk_stream);
        let before = match (form, stream) {
            (0, _) => None,
            (_, Some(stream)) => Some(stream),
            (_, None) => return Err(Error::NoBeginning(chunk_stream)),
        };
        let size = [11, 7, 3, 0][usize::from(form)];
        let Some(fields) = self.buffer.get(basic..basic + size) else {
            return Ok(None);
        };
        let time = match fields {
            [a, b, c, ..] => u32::from_be_bytes([0, *a, *b, *c]),
            _ => 0,
        };
        let (length, kind) = match (fields, before) {
            ([_, _, _, a, b, c, kind, ..], _) => {
                (u32::from_be_bytes([0, *a, *b, *c]) as usize, *kind)
            }
            (_, Some(before)) => (before.length, before.kind),
            _ => (0, 0),
        };
        let message_stream = match (fields, before) {
            ([.., a, b, c, d], _) if form == 0 => u32::from_le_bytes([*a, *b, *c, *d]),
            (_, Some(before)) => before.message_stream,
            _ => 0,
        };
        let mut len = basic + size;
        let expects_extended = match (form, before) {
            (3, Some(before)) => before.extended.is_some(),
            _ => time == FULL_TIME,
        };
        let mut extended = None;
        if expects_extended {
            let Some(b) = self.buffer.get(len..len + 4) else {
                return Ok(None);
            };
            let value = u32::from_be_bytes([b[0], b[1], b[2], b[3]]);
            // Some writers leave the field out of chunks that continue a message. It is there
            // when it repeats the value, and media otherwise.
            let there = match before {
                Some(before) if form == 3 && before.inside => before.extended == Some(value),
                _ => true,
            };
            if there {
                len += 4;
                extended = Some(value);
            } else {
                extended = before.and_then(|b| b.extended);
            }
        }
        Ok(Some(Header {
            len,
            chunk_stream,
            form,
            time,
            extended,
            length,
            kind,
            message_stream,
        }))
    }

    /// Bytes of payload in this chunk, after checking that its message may go on or begin.
    fn payload_of(&self, header: &Header) -> Result<usize, Error> {
        if header.length > self.limits.message {
            return Err(Error::TooLong(header.length));
        }
        let held = match self.streams.get(&header.chunk_stream) {
            Some(stream) if stream.inside && header.form != 3 => {
                return Err(Error::Interrupted(header.chunk_stream));
            }
            Some(stream) => stream.partial.len(),
            None if self.streams.len() >= self.limits.streams => {
                return Err(Error::TooManyStreams);
            }
            None => 0,
        };
        let payload = (header.length - held.min(header.length)).min(self.chunk_size);
        if self.pending + payload > self.limits.pending {
            return Err(Error::TooMuchPending);
        }
        Ok(payload)
    }

    fn chunk(&mut self, header: &Header, payload: usize) -> Result<Option<Message>, Error> {
        let stream = self.streams.entry(header.chunk_stream).or_default();
        if !stream.inside {
            let time = header.extended.unwrap_or(header.time);
            match header.form {
                0 => {
                    stream.timestamp = time;
                    // What a message of form 3 adds after one of form 0 is told in two ways:
                    // its time again, or nothing. Writers that do it mean nothing.
                    stream.delta = 0;
                }
                1 | 2 => {
                    stream.delta = time;
                    stream.timestamp = stream.timestamp.wrapping_add(time);
                }
                _ => stream.timestamp = stream.timestamp.wrapping_add(stream.delta),
            }
            stream.extended = header.extended;
            stream.length = header.length;
            stream.kind = header.kind;
            stream.message_stream = header.message_stream;
            stream.inside = true;
        }
        self.buffer.advance(header.len);
        let data = if payload == stream.length {
            // Whole in one chunk, as most are where chunks are large: not copied.
            self.buffer.split_to(payload)
        } else {
            stream.partial.extend_from_slice(&self.buffer[..payload]);
            self.buffer.advance(payload);
            self.pending += payload;
            if stream.partial.len() < stream.length {
                return Ok(None);
            }
            self.pending -= stream.partial.len();
            stream.partial.split()
        };
        stream.inside = false;
        Ok(Some(Message {
            kind: stream.kind,
            stream: stream.message_stream,
            timestamp: stream.timestamp,
            data: data.freeze(),
        }))
    }

    /// Obeys the messages that are about chunks themselves; says whether this was one.
    fn control(&mut self, message: &Message) -> Result<bool, Error> {
        let number = || {
            let bytes = message.data.get(..4).ok_or(Error::Control)?;
            Ok(u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
        };
        match message.kind {
            kind::SET_CHUNK_SIZE => {
                let size = number()?;
                if size == 0 || size > i32::MAX as u32 {
                    return Err(Error::ChunkSize);
                }
                self.chunk_size = size as usize;
                Ok(true)
            }
            kind::ABORT => {
                if let Some(stream) = self.streams.get_mut(&number()?) {
                    self.pending -= stream.partial.len();
                    stream.partial.clear();
                    stream.inside = false;
                }
                Ok(true)
            }
            _ => Ok(false),
        }
    }
}

#[cfg(test)]
mod tests;
