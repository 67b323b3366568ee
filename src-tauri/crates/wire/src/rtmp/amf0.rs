//! AMF0, the notation of RTMP commands (Action Message Format, AMF 0, 2007).
//!
//! Reading is safe against strangers: nesting, the number of values and the length of text are all
//! capped, and nothing is reserved on the word of a length field.

use bytes::{BufMut, Bytes, BytesMut};

/// Values may stand in one another this deep.
pub const MAX_DEPTH: usize = 16;

/// One message may hold this many values, names not counted.
pub const MAX_VALUES: usize = 2_048;

/// A value. Properties keep their order.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A number; AMF0 knows only 64-bit floats.
    Number(f64),
    /// True or false.
    Bool(bool),
    /// Text. Bytes that are not UTF-8 are replaced in reading.
    String(String),
    /// Named values.
    Object(Vec<(String, Value)>),
    /// Named values as an "ECMA array": what `onMetaData` carries.
    EcmaArray(Vec<(String, Value)>),
    /// Values in a row.
    Array(Vec<Value>),
    /// Milliseconds since 1970 UTC.
    Date(f64),
    /// Nothing.
    Null,
    /// Not even nothing.
    Undefined,
}

impl Value {
    /// An object of these properties.
    pub fn object<'a>(properties: impl IntoIterator<Item = (&'a str, Value)>) -> Self {
        Self::Object(named(properties))
    }

    /// An ECMA array of these properties.
    pub fn ecma_array<'a>(properties: impl IntoIterator<Item = (&'a str, Value)>) -> Self {
        Self::EcmaArray(named(properties))
    }

    /// The property of this name, if this is an object or an ECMA array that has it.
    pub fn get(&self, name: &str) -> Option<&Value> {
        match self {
            Self::Object(properties) | Self::EcmaArray(properties) => properties
                .iter()
                .find(|(key, _)| key == name)
                .map(|(_, value)| value),
            _ => None,
        }
    }

    /// The text, if this is text.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// The number, if this is a number.
    pub fn as_number(&self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(*number),
            _ => None,
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::String(text.to_owned())
    }
}

impl From<f64> for Value {
    fn from(number: f64) -> Self {
        Self::Number(number)
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

fn named<'a>(properties: impl IntoIterator<Item = (&'a str, Value)>) -> Vec<(String, Value)> {
    properties
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

/// Why bytes are not AMF0 that we take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A value ends before it is whole.
    #[error("AMF0 value is cut short")]
    Truncated,
    /// More than [`MAX_DEPTH`] values in one another.
    #[error("AMF0 values are nested too deep")]
    TooDeep,
    /// More than [`MAX_VALUES`] values.
    #[error("AMF0 message holds too many values")]
    TooMany,
    /// A type that nobody sends in RTMP: references, record sets, AMF3.
    #[error("AMF0 type {0:#04x} is not supported")]
    Type(u8),
}

const NUMBER: u8 = 0x00;
const BOOLEAN: u8 = 0x01;
const STRING: u8 = 0x02;
const OBJECT: u8 = 0x03;
const NULL: u8 = 0x05;
const UNDEFINED: u8 = 0x06;
const ECMA_ARRAY: u8 = 0x08;
const OBJECT_END: u8 = 0x09;
const STRICT_ARRAY: u8 = 0x0a;
const DATE: u8 = 0x0b;
const LONG_STRING: u8 = 0x0c;
const XML: u8 = 0x0f;
const TYPED_OBJECT: u8 = 0x10;

/// Reads all values of a message.
///
/// # Errors
/// See [`Error`]. Never panics, and uses memory in proportion to `bytes`.
pub fn read(bytes: &[u8]) -> Result<Vec<Value>, Error> {
    let mut reader = Reader {
        rest: bytes,
        values: 0,
    };
    let mut values = Vec::new();
    while !reader.rest.is_empty() {
        values.push(reader.value(0)?);
    }
    Ok(values)
}

/// Writes values one after the other. Text beyond 65 535 bytes is written as a long string;
/// property names are cut there.
pub fn write<'a>(values: impl IntoIterator<Item = &'a Value>) -> Bytes {
    let mut out = BytesMut::with_capacity(256);
    for value in values {
        write_value(&mut out, value);
    }
    out.freeze()
}

struct Reader<'a> {
    rest: &'a [u8],
    values: usize,
}

impl<'a> Reader<'a> {
    fn value(&mut self, depth: usize) -> Result<Value, Error> {
        if depth > MAX_DEPTH {
            return Err(Error::TooDeep);
        }
        self.values += 1;
        if self.values > MAX_VALUES {
            return Err(Error::TooMany);
        }
        Ok(match self.byte()? {
            NUMBER => Value::Number(self.number()?),
            BOOLEAN => Value::Bool(self.byte()? != 0),
            STRING => Value::String(self.short_text()?),
            LONG_STRING | XML => {
                let len = self.u32()?;
                Value::String(self.text(len as usize)?)
            }
            OBJECT => Value::Object(self.properties(depth)?),
            TYPED_OBJECT => {
                self.short_text()?;
                Value::Object(self.properties(depth)?)
            }
            ECMA_ARRAY => {
                // The count is a hint that many writers leave at zero: the end marker decides.
                self.u32()?;
                Value::EcmaArray(self.properties(depth)?)
            }
            STRICT_ARRAY => {
                let count = self.u32()?;
                let mut values = Vec::new();
                for _ in 0..count {
                    values.push(self.value(depth + 1)?);
                }
                Value::Array(values)
            }
            DATE => {
                let millis = self.number()?;
                self.take(2)?;
                Value::Date(millis)
            }
            NULL => Value::Null,
            UNDEFINED => Value::Undefined,
            other => return Err(Error::Type(other)),
        })
    }

    fn properties(&mut self, depth: usize) -> Result<Vec<(String, Value)>, Error> {
        let mut properties = Vec::new();
        loop {
            if self.rest.starts_with(&[0, 0, OBJECT_END]) {
                self.take(3)?;
                return Ok(properties);
            }
            let name = self.short_text()?;
            properties.push((name, self.value(depth + 1)?));
        }
    }

    fn short_text(&mut self) -> Result<String, Error> {
        let len = self.take(2)?;
        self.text(usize::from(u16::from_be_bytes([len[0], len[1]])))
    }

    fn text(&mut self, len: usize) -> Result<String, Error> {
        Ok(String::from_utf8_lossy(self.take(len)?).into_owned())
    }

    fn number(&mut self) -> Result<f64, Error> {
        let bytes = self.take(8)?;
        let mut array = [0; 8];
        array.copy_from_slice(bytes);
        Ok(f64::from_be_bytes(array))
    }

    fn u32(&mut self) -> Result<u32, Error> {
        let b = self.take(4)?;
        Ok(u32::from_be_bytes([b[0], b[1], b[2], b[3]]))
    }

    fn byte(&mut self) -> Result<u8, Error> {
        Ok(self.take(1)?[0])
    }

    fn take(&mut self, len: usize) -> Result<&'a [u8], Error> {
        let (taken, rest) = self.rest.split_at_checked(len).ok_or(Error::Truncated)?;
        self.rest = rest;
        Ok(taken)
    }
}

fn write_value(out: &mut BytesMut, value: &Value) {
    match value {
        Value::Number(number) => {
            out.put_u8(NUMBER);
            out.put_f64(*number);
        }
        Value::Bool(value) => {
            out.put_u8(BOOLEAN);
            out.put_u8(u8::from(*value));
        }
        Value::String(text) => match u16::try_from(text.len()) {
            Ok(len) => {
                out.put_u8(STRING);
                out.put_u16(len);
                out.put_slice(text.as_bytes());
            }
            Err(_) => {
                out.put_u8(LONG_STRING);
                out.put_u32(u32::try_from(text.len()).unwrap_or(u32::MAX));
                out.put_slice(text.as_bytes());
            }
        },
        Value::Object(properties) => {
            out.put_u8(OBJECT);
            write_properties(out, properties);
        }
        Value::EcmaArray(properties) => {
            out.put_u8(ECMA_ARRAY);
            out.put_u32(u32::try_from(properties.len()).unwrap_or(0));
            write_properties(out, properties);
        }
        Value::Array(values) => {
            out.put_u8(STRICT_ARRAY);
            out.put_u32(u32::try_from(values.len()).unwrap_or(0));
            for value in values {
                write_value(out, value);
            }
        }
        Value::Date(millis) => {
            out.put_u8(DATE);
            out.put_f64(*millis);
            out.put_u16(0);
        }
        Value::Null => out.put_u8(NULL),
        Value::Undefined => out.put_u8(UNDEFINED),
    }
}

fn write_properties(out: &mut BytesMut, properties: &[(String, Value)]) {
    for (name, value) in properties {
        let len = u16::try_from(name.len()).unwrap_or(u16::MAX);
        out.put_u16(len);
        out.put_slice(&name.as_bytes()[..usize::from(len)]);
        write_value(out, value);
    }
    out.put_slice(&[0, 0, OBJECT_END]);
}

#[cfg(test)]
mod tests;
