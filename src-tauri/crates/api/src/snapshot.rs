//! What a person sees: everything at one moment.

use scene::{Collection, SourceId};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::{AccessLink, DestinationTarget, Devices, Problem, Publisher, Viewers};

/// The whole studio at one moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct Snapshot {
    /// The program's version.
    pub version: String,
    /// The document.
    pub collection: Collection,
    /// What undo and redo would do.
    pub undo: Undo,
    /// The title that viewers read.
    pub title: String,
    /// On air, or not.
    pub on_air: Option<OnAir>,
    /// How each source does.
    pub sources: Vec<SourceStatus>,
    /// Devices of this machine.
    pub devices: Devices,
    /// Where the broadcast also goes.
    pub destinations: Vec<Destination>,
    /// Addresses under which people on the network watch.
    pub links: Vec<Link>,
    /// Links that the host hands out, each for one thing.
    pub access: Vec<AccessLink>,
    /// Who publishes to the station, those that are held first.
    pub publishers: Vec<Publisher>,
    /// Figures.
    pub stats: Stats,
    /// What is wrong at the moment and not said elsewhere in here.
    pub problems: Vec<Problem>,
}

/// What undo and redo would do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Undo {
    /// The step that undo takes back.
    pub undo: Option<String>,
    /// The step that redo makes again.
    pub redo: Option<String>,
}

/// On air.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct OnAir {
    /// Since when, in milliseconds since 1970 UTC.
    #[ts(type = "number")]
    pub since: i64,
}

/// How a source does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct SourceStatus {
    /// Which.
    pub id: SourceId,
    /// How.
    pub state: SourceState,
    /// Why, for people, when it is not running.
    pub message: Option<String>,
    /// What it delivers: "1280×720 NV12, 30 fps", "48 kHz stereo".
    pub detail: Option<String>,
}

/// State of a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum SourceState {
    /// Not in use: nothing on the program shows it.
    Idle,
    /// Opening.
    Starting,
    /// Delivering.
    Running,
    /// Not there, taken, or broken; a placeholder stands in, and it comes back by itself.
    Lost,
    /// It cannot work as it is set (no such file, wrong format).
    Failed,
}

/// Where the broadcast also goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Destination {
    /// Its identity.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// Where it is.
    pub target: DestinationTarget,
    /// Whether a key or token is kept for it.
    pub has_secret: bool,
    /// Goes live with the broadcast.
    pub enabled: bool,
    /// How it does.
    pub state: DestinationState,
}

/// State of a destination.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum DestinationState {
    /// Not live.
    Off,
    /// On its way.
    Connecting,
    /// Live.
    Live {
        /// Since when, in milliseconds since 1970 UTC.
        #[ts(type = "number")]
        since: i64,
        /// Bits per second over the last seconds.
        #[ts(type = "number")]
        bitrate: u64,
        /// Packets lost because the far end did not take them in time.
        #[ts(type = "number")]
        dropped: u64,
    },
    /// Lost; tried again soon.
    Retrying {
        /// Which attempt comes next, from 2.
        attempt: u32,
        /// When, in milliseconds since 1970 UTC.
        #[ts(type = "number")]
        at: i64,
        /// Why it was lost.
        reason: String,
    },
    /// Refused for good (wrong key, wrong address): a person must change something.
    Refused {
        /// Why.
        reason: String,
    },
}

/// An address under which people on the network watch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Link {
    /// Which network: "Wi-Fi (wlan0)", "This machine".
    pub label: String,
    /// The address.
    pub url: String,
    /// The address as QR code: an SVG picture.
    pub qr: String,
}

/// Figures.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, TS)]
pub struct Stats {
    /// Viewers of the program.
    pub viewers: Viewers,
    /// Pictures composed since start.
    #[ts(type = "number")]
    pub frames: u64,
    /// Ticks that passed without a picture, because the one before took too long.
    #[ts(type = "number")]
    pub lagged: u64,
    /// Pictures that the encoder was too busy to take.
    #[ts(type = "number")]
    pub skipped: u64,
    /// Mean time to compose one picture over the last second, in ms.
    pub render_ms: f32,
    /// Mean time to encode one picture over the last second, in ms.
    pub encode_ms: f32,
    /// Median time from a picture's tick to its packet in the hub, in ms.
    pub latency_ms: f32,
    /// What the encoder makes, in bits per second over the last second.
    #[ts(type = "number")]
    pub bitrate: u64,
    /// CPU time of this process, in percent of one core over the last second.
    pub cpu: f32,
    /// The encoder: "openh264".
    pub encoder: String,
    /// The adapter that composes: "llvmpipe (software)".
    pub adapter: String,
    /// Canvas and rate as they run: "1280×720 · 30 fps".
    pub canvas: String,
}
