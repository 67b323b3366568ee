//! JPEGs of the program and of channels: small pictures for lists.

use api::Code;
use bytes::Bytes;
use media::{Channel, Config, Frame, Packet, Timestamp};
use tokio::sync::Mutex;

use crate::Control;
use crate::View;
use crate::problem::Refusal;

mod channels;

pub(crate) use channels::Pictures;

/// A thumbnail is this old at most.
const FRESH: std::time::Duration = std::time::Duration::from_secs(1);

/// A thumbnail's largest size, in pixels.
const WIDTH: u32 = 480;
const HEIGHT: u32 = 270;
const QUALITY: u8 = 75;

/// The newest small picture of the program, made when somebody asks for it.
#[derive(Debug, Default)]
pub(crate) struct Thumbnail {
    last: Mutex<Option<(Timestamp, Bytes)>>,
}

impl Thumbnail {
    /// The picture, at most a second old; `None` before the program has shown one. Whoever asks
    /// while one is being made waits for that one.
    ///
    /// # Errors
    /// 500 when the encoder fails.
    pub(crate) async fn get(
        &self,
        control: &dyn Control,
        now: Timestamp,
    ) -> Result<Option<Bytes>, Refusal> {
        let mut last = self.last.lock().await;
        if let Some((at, jpeg)) = &*last
            && now.since(*at) < FRESH
        {
            return Ok(Some(jpeg.clone()));
        }
        let Some(frame) = control.look(View::Program).borrow().clone() else {
            return Ok(None);
        };
        let jpeg = tokio::task::spawn_blocking(move || jpeg(&frame, WIDTH, HEIGHT, QUALITY))
            .await
            .map_err(|e| Refusal::new(Code::Internal, e.to_string()))??;
        *last = Some((now, jpeg.clone()));
        Ok(Some(jpeg))
    }
}

/// A JPEG of a frame, scaled down to fit. Blocks for some milliseconds.
///
/// # Errors
/// 500 when the encoder fails.
pub(crate) fn jpeg(
    frame: &Frame,
    max_width: u32,
    max_height: u32,
    quality: u8,
) -> Result<Bytes, Refusal> {
    codec::encode::picture::jpeg(frame, max_width, max_height, quality).map_err(|error| {
        Refusal::new(
            Code::Internal,
            format!("The picture cannot be encoded: {error}."),
        )
    })
}

/// The picture of a keyframe, decoded by itself. Blocks for some tens of milliseconds.
///
/// # Errors
/// [`codec::Error`] when it is damaged, or nothing that is decoded here.
pub(crate) fn still(config: &Config, keyframe: &Packet) -> Result<Option<Frame>, codec::Error> {
    let mut decoder = codec::decode::video::open(config)?;
    let mut frames = decoder.decode(keyframe)?;
    if frames.is_empty() {
        frames = decoder.flush()?;
    }
    Ok(frames.pop())
}

/// A JPEG of the newest keyframe of a channel; `None` before there is one.
pub(crate) fn shot(
    channel: &Channel,
    max_width: u32,
    max_height: u32,
) -> Result<Option<Bytes>, Refusal> {
    let Some((track, keyframe)) = channel.keyframe() else {
        return Ok(None);
    };
    match still(&track.config, &keyframe) {
        Ok(Some(frame)) => jpeg(&frame, max_width, max_height, QUALITY).map(Some),
        Ok(None) => Ok(None),
        Err(error) => {
            tracing::debug!(%error, channel = %channel.name(), "no picture could be made of it");
            Ok(None)
        }
    }
}
