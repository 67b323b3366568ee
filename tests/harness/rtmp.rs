//! The far end of an RTMP publisher, as far as a test needs one.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use wire::rtmp::amf0::{self, Value};
use wire::rtmp::chunk::{self, Limits, kind};

/// The server's side of a connection up to the start of publishing (RTMP 1.0, section 7.2); gives what
/// reads the messages that follow.
///
/// # Errors
/// When the publisher leaves, or does not speak RTMP.
pub async fn welcome(stream: &mut TcpStream) -> std::io::Result<chunk::Reader> {
    let mut hello = [0; 1537];
    stream.read_exact(&mut hello).await?;
    let answer = [&[3][..], &[0; 1536], &hello[1..]].concat();
    stream.write_all(&answer).await?;
    let mut echo = [0; 1536];
    stream.read_exact(&mut echo).await?;
    let mut reader = chunk::Reader::new(Limits::MEDIA);
    let mut bytes = [0; 4096];
    loop {
        let count = stream.read(&mut bytes).await?;
        if count == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        reader.feed(&bytes[..count]);
        while let Some(message) = reader.read().map_err(std::io::Error::other)? {
            if message.kind != kind::COMMAND {
                continue;
            }
            let values = amf0::read(&message.data).map_err(std::io::Error::other)?;
            let number = values.get(1).cloned().unwrap_or(Value::Null);
            match values.first().and_then(Value::as_str) {
                Some("connect") => {
                    let status = status("NetConnection.Connect.Success");
                    say(stream, &["_result".into(), number, Value::Null, status]).await?;
                }
                Some("createStream") => {
                    say(stream, &["_result".into(), number, Value::Null, 1.0.into()]).await?;
                }
                Some("publish") => {
                    let status = status("NetStream.Publish.Start");
                    say(
                        stream,
                        &["onStatus".into(), 0.0.into(), Value::Null, status],
                    )
                    .await?;
                    return Ok(reader);
                }
                _ => {}
            }
        }
    }
}

fn status(code: &str) -> Value {
    Value::object([("level", "status".into()), ("code", code.into())])
}

/// One command in one chunk: these are all shorter than 128 bytes.
async fn say(stream: &mut TcpStream, values: &[Value]) -> std::io::Result<()> {
    let data = amf0::write(values);
    let len = u8::try_from(data.len()).ok().filter(|len| *len <= 128);
    let len = len.expect("a short command");
    let head = [3, 0, 0, 0, 0, 0, len, kind::COMMAND, 0, 0, 0, 0];
    stream.write_all(&[&head[..], &data].concat()).await
}
