//! Pictures of films: small JPEGs of the keyframe before a moment.

use std::collections::VecDeque;
use std::path::Path;

use api::{Code, Film, Problem};
use bytes::Bytes;
use media::Timestamp;
use tokio::sync::Mutex;

use crate::picture::{jpeg, still};
use crate::problem::Refusal;

/// Pictures that are kept: what a person moves over while seeking.
const KEPT: usize = 256;

/// Moments closer together than this are one, in milliseconds.
const APART: u64 = 2_000;

/// Pictures that stay of a film whose file goes, and how close together they are at most, in milliseconds.
const STAYING: u64 = 100;
const STAYING_APART: u64 = 10_000;

/// A picture's largest size, in pixels.
const SMALL: (u32, u32) = (320, 180);
const QUALITY: u8 = 70;

/// The same of one that stands where the film is to play.
const LARGE: (u32, u32) = (1280, 720);

/// Which pictures are the same: of the film, of the moment, as large.
type Key = (i64, u64, bool);

/// The pictures that were asked for last.
#[derive(Debug, Default)]
pub(crate) struct Stills {
    last: Mutex<VecDeque<(Key, Bytes)>>,
}

impl Stills {
    /// The picture of a film at a moment, in milliseconds from its beginning. One is made at a time.
    ///
    /// # Errors
    /// 404 when the file is gone or has none.
    pub(crate) async fn get(
        &self,
        film: &Film,
        path: &Path,
        at: u64,
        large: bool,
    ) -> Result<Bytes, Refusal> {
        let key = (film.id, at / APART, large);
        let mut last = self.last.lock().await;
        if let Some((_, jpeg)) = last.iter().find(|(k, _)| *k == key) {
            return Ok(jpeg.clone());
        }
        let (path, away) = (path.to_owned(), film.away);
        let at = at / APART * APART;
        let made = tokio::task::spawn_blocking(move || {
            if away {
                stayed(&path, at)
            } else {
                make(&path, at, if large { LARGE } else { SMALL })
            }
        });
        let jpeg = made
            .await
            .map_err(|e| Refusal::new(Code::Internal, e.to_string()))??;
        if last.len() == KEPT {
            last.pop_front();
        }
        last.push_back((key, jpeg.clone()));
        Ok(jpeg)
    }
}

/// Makes the pictures that stay of a film whose file goes, in a folder of their own. Takes some milliseconds
/// for each of a hundred at most.
///
/// # Errors
/// What the disk or the film says.
pub fn keep_pictures(film: &Path, duration_ms: u64, folder: &Path) -> Result<(), Problem> {
    let disk = |e: std::io::Error| {
        let text = format!("{} cannot be used: {e}.", folder.display());
        Problem::new(Code::Unavailable, text)
    };
    std::fs::create_dir_all(folder).map_err(disk)?;
    let apart = (duration_ms / STAYING).max(STAYING_APART);
    let mut at = 0;
    while at <= duration_ms {
        let made = make(film, at, SMALL).map_err(Refusal::into_problem)?;
        std::fs::write(folder.join(format!("{at}.jpg")), made).map_err(disk)?;
        at += apart;
    }
    Ok(())
}

/// The picture before a moment of those that stayed beside a path.
fn stayed(path: &Path, at: u64) -> Result<Bytes, Refusal> {
    let none = || Refusal::new(Code::NotFound, "No picture of it is kept.");
    let folder = path.parent().ok_or_else(none)?;
    let entries = std::fs::read_dir(folder).map_err(|_| none())?;
    let moment = |entry: std::fs::DirEntry| {
        let name = entry.file_name();
        name.to_str()?.strip_suffix(".jpg")?.parse::<u64>().ok()
    };
    let before = |moment: &u64| *moment <= at;
    let moments = entries.filter_map(Result::ok).filter_map(moment);
    let nearest = moments.filter(before).max().ok_or_else(none)?;
    let read = std::fs::read(folder.join(format!("{nearest}.jpg")));
    read.map(Bytes::from).map_err(|_| none())
}

fn make(path: &Path, at: u64, (width, height): (u32, u32)) -> Result<Bytes, Refusal> {
    let none = |e: &dyn std::fmt::Display| {
        Refusal::new(Code::NotFound, format!("There is no picture of it: {e}."))
    };
    let at = Timestamp::from_millis(i64::try_from(at).unwrap_or(0));
    let found = archive::keyframe(path, at).map_err(|error| {
        // Where it lies is the host's alone.
        tracing::debug!(%error, "no picture of a film");
        none(&"its file cannot be read")
    })?;
    let (config, packet) = found.ok_or_else(|| none(&"it holds sound alone"))?;
    let frame = still(&config, &packet).map_err(|e| none(&e))?;
    jpeg(
        &frame.ok_or_else(|| none(&"its picture cannot be decoded"))?,
        width,
        height,
        QUALITY,
    )
}
