//! JPEGs of the program: one small picture for lists.

use api::Code;
use bytes::Bytes;
use media::{Frame, Timestamp};
use tokio::sync::Mutex;

use crate::Control;
use crate::problem::Refusal;

/// A thumbnail is this old at most.
const FRESH: std::time::Duration = std::time::Duration::from_secs(1);

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
        let Some(frame) = control.preview().borrow().clone() else {
            return Ok(None);
        };
        let jpeg = tokio::task::spawn_blocking(move || jpeg(&frame, 480, 270, 75))
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
