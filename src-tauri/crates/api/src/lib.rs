//! All that crosses a process boundary: what a person commands, what they see, what changed, and
//! what went wrong. The window, the control page, the REST interface and the tests speak this and
//! nothing else.
//!
//! Plain data only: no behaviour, no I/O. Times are milliseconds since 1970 UTC, levels are dB,
//! rates are bits per second.
//!
//! TypeScript bindings are generated from here, and committed in `ui/src/lib/api/bindings`:
//! `cargo run -p klieg-api --features bindings -- ui/src/lib/api/bindings` writes them anew. They are
//! fresh when the same command into an empty folder yields the same files.

mod access;
mod chat;
mod command;
mod dashboard;
mod device;
mod doctor;
mod event;
mod keys;
mod library;
mod platform;
mod playback;
mod preset;
mod problem;
mod quality;
mod record;
mod rendition;
mod rest;
mod secret;
mod setting;
mod snapshot;
mod station;
mod storage;
mod uplink;

pub use access::{
    AccessLink, IngestInfo, Level, LinkKind, NewAccessLink, OwnBroadcast, PublishPolicy, Publisher,
    Standing, Trust,
};
pub use chat::{Ban, ChatRoom, Message, Moderation, Role, RoomRules};
pub use command::{Command, DestinationTarget, NewDestination};
pub use dashboard::{Dashboard, DashboardChannel};
pub use device::{Device, DeviceKind, Devices};
pub use doctor::{DoctorCheck, DoctorFacts, DoctorReport, NewDoctorReport, Verdict};
pub use event::{Event, Meter, Meters};
pub use keys::Keys;
pub use library::{Cutting, Film, FilmKind, Marker, Pause, Recording, Rewind, Room, Show};
pub use platform::{PLATFORMS, Platform, PlatformLimits, PlatformProtocol, PlatformServer};
pub use playback::{Operation, Playback};
pub use preset::FilterPreset;
pub use problem::{Code, Problem};
pub use quality::{Quality, QualityTest};
pub use record::{Act, LogLevel, LogLine};
pub use rendition::{Encoded, Rendition};
pub use rest::{
    Broadcast, Enabled, Health, NewMessage, NewPassphrase, NewSetting, NewToken, OpenCollection,
    Reloaded, Title,
};
pub use scene;
pub use secret::Secret;
pub use setting::{Setting, SettingEffect, SettingKind, SettingOrigin, SettingValue};
pub use snapshot::{
    CollectionFile, Destination, DestinationState, KeyPlace, KeyStore, Link, MaskFile, OnAir,
    PictureSize, Snapshot, SourceState, SourceStatus, Stats, StudioMode, Undo,
};
pub use station::{Channel, ChannelSource, ChannelState, Entry, Track, TrackKind, Viewers};
pub use storage::{Storage, Upload, UploadState};
pub use uplink::{Uplink, UplinkFit};
