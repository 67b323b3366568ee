//! What can be shown or heard.

mod chat;
mod gradient;
mod media;
mod sound;
mod text;
mod time;

pub use chat::{ChatOverlay, Newest};
pub use gradient::{Gradient, GradientShape, GradientStop};
pub use media::{Playing, SlideShow, WhenHidden};
pub use sound::{Audio, SoundTracks};
pub use text::{Crawl, CrawlDirection, TextAlign, TextShadow, TextStyle};
pub use time::{
    Countdown, CountdownEnd, CountdownTarget, Stopwatch, TimeLayout, TimeOfDay, ViewerCount,
};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::{Filter, Invalid, SceneId, SourceId, filter, within};

/// The channel that a studio's own program is; a scene that showed it would show itself.
const PROGRAM: &str = "program";

/// Bytes of an address at most.
const LONGEST_URL: usize = 2048;

/// Something that can be shown or heard, in as many scenes as wanted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
pub struct Source {
    /// Its identity in the collection.
    pub id: SourceId,
    /// What people call it.
    pub name: String,
    /// What it is.
    #[serde(flatten)]
    pub kind: SourceKind,
    /// Its strip in the mixer; without effect on sources without sound.
    #[serde(default)]
    pub audio: Audio,
    /// What is done to its picture wherever it is shown.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[ts(as = "Option<Vec<Filter>>", optional)]
    pub filters: Vec<Filter>,
}

/// What a source is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
#[serde(tag = "kind", content = "settings", rename_all = "snake_case")]
pub enum SourceKind {
    /// A camera.
    Camera {
        /// The device's identity; empty means the first one.
        device: String,
        /// Pixels across wished for; 0 leaves it to the device.
        width: u32,
        /// Pixels down wished for.
        height: u32,
        /// Pictures per second wished for; 0 leaves it to the device.
        fps: u32,
    },
    /// A microphone or any other audio input.
    Microphone {
        /// The device's identity; empty means the system's default.
        device: String,
    },
    /// A monitor, a window, or a part of one.
    Screen {
        /// The monitor's identity; empty means the first one.
        device: String,
        /// All of it when absent.
        #[serde(default)]
        area: Option<ScreenArea>,
        /// With the pointer.
        pointer: bool,
    },
    /// A window of another program.
    Window {
        /// The window's identity: its program's class and its title.
        device: String,
        /// All of it when absent.
        #[serde(default)]
        area: Option<ScreenArea>,
        /// With the pointer.
        pointer: bool,
    },
    /// A video or audio file, or several after each other.
    Media {
        /// The file; relative paths start at the collection's folder.
        path: String,
        /// Begins again at its end.
        looped: bool,
        /// How it plays, and what follows it.
        #[serde(default)]
        playing: Playing,
    },
    /// A picture file.
    Image {
        /// The file; relative paths start at the collection's folder.
        path: String,
    },
    /// Text.
    Text {
        /// What it says; may have several lines.
        text: String,
        /// How it looks.
        style: TextStyle,
        /// A file whose text stands in for it, read again as it changes; relative paths start at the
        /// collection's folder.
        #[serde(default)]
        file: Option<String>,
        /// How it moves; absent, it stands still.
        #[serde(default)]
        crawl: Option<Crawl>,
    },
    /// One colour all over.
    Color {
        /// `#rrggbb` or `#rrggbbaa`.
        color: String,
    },
    /// Colours that run into each other, all over the canvas.
    Gradient(Gradient),
    /// Pictures one after the other.
    SlideShow(SlideShow),
    /// The time of day.
    Clock(TimeOfDay),
    /// Time that is left.
    Countdown(Countdown),
    /// Time that has passed.
    Stopwatch(Stopwatch),
    /// How many watch a channel.
    ViewerCount(ViewerCount),
    /// A channel's chat.
    Chat(ChatOverlay),
    /// A guest, or any other channel of the station: whoever publishes under that name.
    Channel {
        /// The channel's name: 1 to 64 letters, digits, `-` or `_`; never `program`.
        channel: String,
    },
    /// A channel of another station, fetched over WHEP.
    Remote {
        /// The WHEP endpoint: `http://…` or `https://…`, without what is secret.
        url: String,
        /// Not called until the host says so: it came with an imported collection.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        held: bool,
    },
    /// The test signal.
    TestSignal {
        /// Its picture.
        pattern: Pattern,
    },
    /// Another scene, with all that is seen and heard in it; or a group.
    Scene {
        /// Which; never one that shows this one again.
        scene: SceneId,
    },
}

/// A part of a screen, in its pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct ScreenArea {
    /// Left edge.
    pub x: u32,
    /// Top edge.
    pub y: u32,
    /// Width.
    pub width: u32,
    /// Height.
    pub height: u32,
}

/// The picture of the test signal. All carry the machine-readable frame counter, timecode,
/// a 1 kHz tone at −20 dBFS, and a flash and beep in step once a second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Pattern {
    /// Colour bars with a moving sweep.
    #[default]
    Bars,
    /// A moving zone pattern, hard to encode.
    Motion,
}

impl Source {
    pub(crate) fn validate(&self) -> Result<(), Invalid> {
        within("gain", self.audio.gain_db.into(), -60.0, 20.0)?;
        within("pan", self.audio.pan.into(), -1.0, 1.0)?;
        filter::validate(&self.filters)?;
        self.kind.validate()?;
        if let SourceKind::Channel { channel } = &self.kind
            && channel == PROGRAM
        {
            return Err(Invalid::Loop);
        }
        if let SourceKind::Remote { url, .. } = &self.kind {
            let web = url.starts_with("https://") || url.starts_with("http://");
            if !web || url.len() > LONGEST_URL || url.chars().any(char::is_control) {
                return Err(Invalid::Address {
                    source_name: self.name.clone(),
                });
            }
        }
        // Chat and viewers of the program make no loop.
        let channel = match &self.kind {
            SourceKind::Channel { channel }
            | SourceKind::ViewerCount(ViewerCount { channel, .. })
            | SourceKind::Chat(ChatOverlay { channel, .. }) => channel,
            _ => return Ok(()),
        };
        let letter = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
        if !(1..=64).contains(&channel.len()) || !channel.bytes().all(letter) {
            return Err(Invalid::Channel {
                source_name: self.name.clone(),
            });
        }
        Ok(())
    }
}

impl SourceKind {
    /// Whether this differs from an earlier setting only by what is typed or moved by degrees.
    pub(crate) fn goes_on(&self, was: &Self) -> bool {
        matches!(
            (self, was),
            (Self::Text { .. }, Self::Text { .. })
                | (Self::Color { .. }, Self::Color { .. })
                | (Self::Gradient(_), Self::Gradient(_))
                | (Self::Clock(_), Self::Clock(_))
                | (Self::Countdown(_), Self::Countdown(_))
                | (Self::Stopwatch(_), Self::Stopwatch(_))
                | (Self::ViewerCount(_), Self::ViewerCount(_))
                | (Self::Chat(_), Self::Chat(_))
        )
    }

    fn validate(&self) -> Result<(), Invalid> {
        match self {
            Self::Text { style, crawl, .. } => {
                style.validate()?;
                crawl.as_ref().map_or(Ok(()), Crawl::validate)
            }
            Self::Media { playing, .. } => playing.validate(),
            Self::Gradient(gradient) => gradient.validate(),
            Self::SlideShow(show) => show.validate(),
            Self::Clock(clock) => clock.style.validate(),
            Self::Countdown(countdown) => countdown.validate(),
            Self::Stopwatch(watch) => watch.style.validate(),
            Self::ViewerCount(count) => count.style.validate(),
            Self::Chat(chat) => chat.validate(),
            _ => Ok(()),
        }
    }

    /// Whether it has a picture.
    pub fn has_video(&self) -> bool {
        !matches!(self, Self::Microphone { .. })
    }

    /// Whether it may have sound of its own; a scene's sound is that of the sources in it.
    pub fn has_audio(&self) -> bool {
        matches!(
            self,
            Self::Microphone { .. }
                | Self::Media { .. }
                | Self::Channel { .. }
                | Self::Remote { .. }
                | Self::TestSignal { .. }
        )
    }
}
