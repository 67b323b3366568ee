//! What a person sees: everything at one moment.

use scene::{Collection, SceneId, SourceId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::{
    AccessLink, ChatRoom, Cutting, DestinationTarget, Devices, Encoded, FilterPreset, Keys,
    Playback, Problem, Publisher, QualityTest, Recording, Rendition, Rewind, Room, Setting,
    Storage, Uplink, Upload, Viewers,
};

/// The whole studio at one moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
pub struct Snapshot {
    /// The program's version.
    pub version: String,
    /// The document.
    pub collection: Collection,
    /// What undo and redo would do.
    pub undo: Undo,
    /// Studio mode, while it is on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub studio_mode: Option<StudioMode>,
    /// The title that viewers read.
    pub title: String,
    /// On air, or not.
    pub on_air: Option<OnAir>,
    /// What is recorded.
    #[serde(default)]
    pub recordings: Vec<Recording>,
    /// What one can go back in.
    #[serde(default)]
    pub rewinds: Vec<Rewind>,
    /// Clips that are being cut.
    #[serde(default)]
    pub cuts: Vec<Cutting>,
    /// The room that the library takes.
    #[serde(default)]
    pub room: Room,
    /// Films on their way into the storage.
    #[serde(default)]
    pub uploads: Vec<Upload>,
    /// Where films are uploaded to.
    #[serde(default)]
    pub storage: Storage,
    /// How each source does.
    pub sources: Vec<SourceStatus>,
    /// The person's collections, by name; one of them is open.
    #[serde(default)]
    pub collections: Vec<CollectionFile>,
    /// Devices of this machine.
    pub devices: Devices,
    /// Where the broadcast also goes.
    pub destinations: Vec<Destination>,
    /// What the chosen destinations take of the way out.
    #[serde(default)]
    pub uplink: Uplink,
    /// Where stream keys and tokens are kept.
    #[serde(default)]
    pub key_store: KeyStore,
    /// Addresses under which people on the network watch.
    pub links: Vec<Link>,
    /// Links that the host hands out, each for one thing.
    pub access: Vec<AccessLink>,
    /// Who publishes to the station, those that are held first.
    pub publishers: Vec<Publisher>,
    /// Channels that ask for a passphrase.
    #[serde(default)]
    pub private: Vec<String>,
    /// Chat rooms with rules or bans of their own.
    #[serde(default)]
    pub rooms: Vec<ChatRoom>,
    /// All settings, in the order in which they are shown.
    pub settings: Vec<Setting>,
    /// Keys that the person chose.
    #[serde(default)]
    pub keys: Keys,
    /// Settings of filters that the person keeps, in the order in which they were kept.
    #[serde(default)]
    pub filter_presets: Vec<FilterPreset>,
    /// Nobody has used this studio yet, and it is to ask what it needs to begin.
    #[serde(default)]
    pub first_start: bool,
    /// The last trial of what this machine can do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub quality: Option<QualityTest>,
    /// Pictures for luma wipes: those that are brought along, and the person's own.
    #[serde(default)]
    pub masks: Vec<MaskFile>,
    /// Figures.
    pub stats: Stats,
    /// What is wrong at the moment and not said elsewhere in here.
    pub problems: Vec<Problem>,
}

/// What undo and redo would do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct Undo {
    /// The step that undo takes back.
    pub undo: Option<String>,
    /// The step that redo makes again.
    pub redo: Option<String>,
    /// The steps that can be taken back, the latest first, as far as they are worth a look.
    #[serde(default)]
    pub past: Vec<String>,
    /// The steps that can be made again, the next one first.
    #[serde(default)]
    pub future: Vec<String>,
}

/// Studio mode.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
pub struct StudioMode {
    /// The scene on the preview.
    pub preview: SceneId,
    /// How far a hand holds the transition to it, 0 to 1.
    pub far: f32,
}

/// On air.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct OnAir {
    /// Since when, in milliseconds since 1970 UTC.
    #[ts(type = "number")]
    pub since: i64,
}

/// How a source does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
pub struct SourceStatus {
    /// Which.
    pub id: SourceId,
    /// How.
    pub state: SourceState,
    /// Why, for people, when it is not running.
    pub message: Option<String>,
    /// What it delivers: "1280×720 NV12, 30 fps", "48 kHz stereo".
    pub detail: Option<String>,
    /// Whether a token is kept for it.
    #[serde(default)]
    pub has_token: bool,
    /// Its picture, as far as one was shown.
    #[serde(default)]
    pub size: Option<PictureSize>,
    /// How far it is, where it plays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub playback: Option<Playback>,
}

/// A picture's pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct PictureSize {
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
}

/// A collection's file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct CollectionFile {
    /// What people call the collection.
    pub name: String,
    /// The file.
    pub path: String,
    /// It is the one that is open.
    pub open: bool,
}

/// A picture for luma wipes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct MaskFile {
    /// What people call it.
    pub name: String,
    /// The file.
    pub path: String,
}

/// State of a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
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
    /// The identity of the [`Platform`](crate::Platform) it is on, when that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub platform: Option<String>,
    /// It gets the broadcast so many seconds late.
    #[serde(default)]
    pub delay_seconds: u32,
    /// The platform takes it as a test.
    #[serde(default)]
    pub test: bool,
    /// Its own picture; it gets the program's when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub rendition: Option<Rendition>,
    /// How its own picture is encoded; absent while it is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub encoded: Option<Encoded>,
    /// The program's picture has less, for everybody, when the way there carries less.
    #[serde(default)]
    pub follow: bool,
    /// Where the encoder goes beyond what the platform takes, and what else should change, a sentence each.
    #[serde(default)]
    pub advice: Vec<String>,
    /// What it took in each of the last seconds, in bits, the newest last; 0 where it took nothing. A
    /// minute at most; empty when it does not run.
    #[serde(default)]
    #[ts(type = "number[]")]
    pub recent: Vec<u64>,
    /// The broadcast is over, and what its delay still holds is sent until then: milliseconds since 1970 UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional, type = "number")]
    pub until: Option<i64>,
    /// How it does.
    pub state: DestinationState,
}

/// Where stream keys and tokens are kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct KeyStore {
    /// The place.
    pub place: KeyPlace,
    /// Why it is that one, when it is not the keychain; a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub reason: Option<String>,
}

/// A place for keys.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum KeyPlace {
    /// The operating system's keychain.
    Keychain,
    /// An encrypted file in the data folder, with its key beside it: both readable by their owner alone.
    #[default]
    File,
}

/// State of a destination.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum DestinationState {
    /// Not live.
    Off,
    /// Its delay passes before it is reached.
    Delayed {
        /// When it begins, in milliseconds since 1970 UTC.
        #[ts(type = "number")]
        at: i64,
    },
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
        /// Bytes that the far end has taken since then.
        #[ts(type = "number")]
        bytes: u64,
        /// Packets lost because the far end did not take them in time.
        #[ts(type = "number")]
        dropped: u64,
        /// There and back, in ms, as far as it is known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        round_trip_ms: Option<u32>,
        /// Bits per second that the way there carries, while that is less than there is to send.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional, type = "number")]
        carries: Option<u64>,
        /// The picture is held to that: its own where it has one, else the program's, for everybody. Without it, this
        /// destination gets fewer pictures.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        #[ts(optional, as = "Option<bool>")]
        lowers: bool,
    },
    /// Lost; tried again soon.
    Retrying {
        /// Which retry comes next, from 1.
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
        /// It is the key or token that was not taken.
        #[serde(default)]
        key: bool,
    },
}

/// An address under which people on the network watch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct Link {
    /// Which network: "Wi-Fi (wlan0)", "This machine".
    pub label: String,
    /// The address of the program.
    pub url: String,
    /// Where the station is there: `http://192.168.1.20:8080`.
    pub http: String,
    /// The same over TLS, where it is on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub https: Option<String>,
    /// The address as QR code: an SVG picture.
    pub qr: String,
}

/// Figures.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
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
    /// What the picture is held to, in bits per second, while the way to a destination carries less than is set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub lowered: Option<u32>,
    /// CPU time of this process, in percent of one core over the last second.
    pub cpu: f32,
    /// The encoder: "openh264".
    pub encoder: String,
    /// The adapter that composes: "llvmpipe (software)".
    pub adapter: String,
    /// Canvas and rate as they run: "1280×720 · 30 fps".
    pub canvas: String,
}
