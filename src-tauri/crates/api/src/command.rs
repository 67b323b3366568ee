//! What a person can tell the studio to do.

use scene::{Collection, Edit, SceneId, SourceId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::{
    FilterPreset, Keys, Moderation, NewAccessLink, Operation, Rendition, Secret, SettingValue,
};

/// One command. Answered by success or a [`Problem`](crate::Problem); what it changed arrives as events.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
#[serde(tag = "command", rename_all = "snake_case")]
#[expect(
    clippy::large_enum_variant,
    reason = "one is alive at a time, and a box would show in every caller"
)]
pub enum Command {
    /// Changes the document.
    Edit {
        /// The change.
        edit: Edit,
    },
    /// Takes the last edit back.
    Undo,
    /// Makes the last undone edit again.
    Redo,
    /// Goes several steps of the history at once.
    Travel {
        /// Below 0 takes back, above 0 makes again.
        steps: i32,
    },
    /// Plays, pauses or moves a source that plays.
    Operate {
        /// Which.
        source: SourceId,
        /// What to do.
        operation: Operation,
    },
    /// Begins studio mode: a scene is prepared on the preview while the program goes on; or ends it.
    StudioMode {
        /// On.
        on: bool,
    },
    /// Brings a scene to where the next one stands: in studio mode to the preview, else to the
    /// program by its transition. Who asks need not have heard yet which of the two it is.
    Show {
        /// Which.
        scene: SceneId,
    },
    /// Puts a scene on the preview; in studio mode alone.
    Preview {
        /// Which.
        scene: SceneId,
    },
    /// Takes the preview to the program by its transition; what was there goes to the preview.
    Take,
    /// Holds the transition to the preview by hand, as a T-bar does: 0 is the program, 1 takes the
    /// preview.
    Hold {
        /// How far, 0 to 1.
        far: f32,
    },
    /// Goes live on the LAN and to every enabled destination.
    GoLive,
    /// Ends the broadcast everywhere.
    EndBroadcast,
    /// Records a channel to a file; the program also without being on air.
    Record {
        /// The channel; the program when absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        channel: Option<String>,
    },
    /// Lets a recording stand still, or go on in the same file.
    PauseRecording {
        /// The channel; the program when absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        channel: Option<String>,
        /// It stands still.
        paused: bool,
    },
    /// Ends a recording; its file is finished then.
    StopRecording {
        /// The channel; the program when absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        channel: Option<String>,
    },
    /// Marks this moment of a channel that is on air or recorded.
    Mark {
        /// The channel; the program when absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        channel: Option<String>,
        /// What people read; a number when absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        label: Option<String>,
    },
    /// Saves the last seconds of a channel as a clip in the library.
    SaveReplay {
        /// The channel; the program when absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        channel: Option<String>,
        /// How many; the setting's when absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        seconds: Option<u32>,
    },
    /// Saves the last seconds of a channel in the same way and plays them on top of the scene that is on the
    /// program, once; the replay leaves by itself.
    PlayReplay {
        /// The channel; the program when absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        channel: Option<String>,
        /// How many; the setting's when absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        seconds: Option<u32>,
    },
    /// Cuts a clip out of a film of the library, beside what else goes on.
    CutFilm {
        /// The film.
        #[ts(type = "number")]
        film: i64,
        /// Its beginning in the film, in milliseconds.
        #[ts(type = "number")]
        from_ms: u64,
        /// Its end.
        #[ts(type = "number")]
        to_ms: u64,
        /// What people read, 1 to 100 characters.
        title: String,
        /// From the very picture on: those before the next keyframe are encoded again. Else it begins with the
        /// keyframe before, and nothing is.
        #[serde(default)]
        #[ts(optional, as = "Option<bool>")]
        exact: bool,
    },
    /// Cuts a clip out of what is kept behind the live picture of a channel, beside what else goes on.
    CutBehind {
        /// The channel; the program when absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        channel: Option<String>,
        /// When its first picture was shown, in milliseconds since 1970 UTC.
        #[ts(type = "number")]
        from: i64,
        /// When it ends.
        #[ts(type = "number")]
        to: i64,
        /// What people read, 1 to 100 characters.
        title: String,
        /// From the very picture on, and up to the very picture. Else from keyframe to keyframe, and nothing is
        /// encoded again.
        #[serde(default)]
        #[ts(optional, as = "Option<bool>")]
        exact: bool,
    },
    /// Takes a clip out of the library; its file goes a week later.
    DeleteFilm {
        /// The film.
        #[ts(type = "number")]
        film: i64,
        /// Its file goes now, here and in the storage.
        #[serde(default)]
        #[ts(optional, as = "Option<bool>")]
        for_good: bool,
    },
    /// Brings a deleted clip back.
    RestoreFilm {
        /// The film.
        #[ts(type = "number")]
        film: i64,
    },
    /// Changes what people read of a show, or who sees it; what is absent stays.
    SetShow {
        /// Which.
        id: String,
        /// 1 to 100 characters.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        title: Option<String>,
        /// Up to 2000 characters.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        description: Option<String>,
        /// The host alone sees it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        hidden: Option<bool>,
        /// The quota never takes it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        protected: Option<bool>,
    },
    /// Takes a show out of the library; its files go a week later.
    DeleteShow {
        /// Which.
        id: String,
        /// Its files go now, here and in the storage.
        #[serde(default)]
        #[ts(optional, as = "Option<bool>")]
        for_good: bool,
    },
    /// Brings a deleted show back.
    RestoreShow {
        /// Which.
        id: String,
    },
    /// Uploads a film to the storage, or lets its upload go on.
    UploadFilm {
        /// The film.
        #[ts(type = "number")]
        film: i64,
    },
    /// Lets an upload wait.
    PauseUpload {
        /// The film.
        #[ts(type = "number")]
        film: i64,
    },
    /// Gives an upload up; what is in the storage of it is taken away.
    CancelUpload {
        /// The film.
        #[ts(type = "number")]
        film: i64,
    },
    /// Keeps the keys of the storage; empty ones forget them.
    SetStorageKeys {
        /// The access key's identity. Goes in, never out.
        access: Secret,
        /// Its secret. Goes in, never out.
        secret: Secret,
    },
    /// Writes a small file into the storage, reads it and deletes it: says what is wrong with the storage.
    CheckStorage,
    /// Sets the title that viewers read.
    SetTitle {
        /// 1 to 100 characters.
        title: String,
    },
    /// Adds a destination.
    AddDestination {
        /// What it is.
        destination: NewDestination,
    },
    /// Changes a destination; an absent secret stays as it is.
    SetDestination {
        /// Which.
        id: String,
        /// What it is now.
        destination: NewDestination,
    },
    /// Deletes a destination, stopping it first.
    RemoveDestination {
        /// Which.
        id: String,
    },
    /// Chooses whether a destination goes live with the broadcast; on air it starts or stops at once.
    EnableDestination {
        /// Which.
        id: String,
        /// Goes live.
        enabled: bool,
    },
    /// Says something in a channel's chat as the host.
    Say {
        /// The channel.
        channel: String,
        /// 1 to 500 characters.
        text: String,
    },
    /// Keeps a channel's chat in order, as the host.
    Moderate {
        /// The channel.
        channel: String,
        /// What to do.
        moderation: Moderation,
    },
    /// Makes a channel private, open to those alone who have its passphrase or a link; or open again.
    /// Whoever watches and has no right to it is put out.
    SetPassphrase {
        /// The channel.
        channel: String,
        /// 4 to 128 characters; absent, the channel is open to all.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        passphrase: Option<Secret>,
    },
    /// Lets a publisher that is held go live; a guest is found by scenes alone.
    AdmitPublisher {
        /// The channel.
        channel: String,
    },
    /// Ends a publisher: one that is held is refused, one that is live is put out.
    EndPublisher {
        /// The channel.
        channel: String,
    },
    /// Makes a link.
    CreateLink {
        /// What it opens.
        link: NewAccessLink,
    },
    /// Takes a link back; whoever came through it is put out.
    RevokeLink {
        /// Which.
        id: String,
    },
    /// Gives a link a new secret; whoever came through the old one is put out.
    RegenerateLink {
        /// Which.
        id: String,
    },
    /// Sets a setting in the settings file. What can change at once does.
    SetSetting {
        /// Which.
        key: String,
        /// What it is to be.
        value: SettingValue,
    },
    /// Says whether a setting would be taken, and changes nothing.
    CheckSetting {
        /// Which.
        key: String,
        /// What it would be.
        value: SettingValue,
    },
    /// Takes a setting out of the settings file, which puts it back to its default.
    ResetSetting {
        /// Which.
        key: String,
    },
    /// Keeps the bearer token that a remote channel is fetched with; an empty one forgets it.
    SetSourceToken {
        /// The source.
        id: SourceId,
        /// The token. Goes in, never out.
        token: Secret,
    },
    /// Keeps which key does what.
    SetKeys {
        /// All that is otherwise than at first.
        keys: Keys,
    },
    /// Keeps how a filter is set; a preset of the same kind and name gives way.
    KeepFilterPreset {
        /// The preset.
        preset: FilterPreset,
    },
    /// Forgets a preset of a filter.
    ForgetFilterPreset {
        /// The kind of filter, as the document has it: `blur`.
        kind: String,
        /// What people call it.
        name: String,
    },
    /// Ends the first start: whatever it was asked is answered, or was left out.
    FinishFirstStart,
    /// Tries how large a picture this machine can make, beside the program. What it finds comes in
    /// snapshots.
    TestQuality,
    /// Reads the settings file again.
    ReloadSettings,
    /// Looks for devices again.
    RefreshDevices,
    /// Opens another scene collection file.
    OpenCollection {
        /// The file.
        path: String,
    },
    /// Makes an empty collection with the canvas of the one that is open, and opens it.
    NewCollection {
        /// 1 to 100 characters.
        name: String,
    },
    /// Copies the collection that is open, and opens the copy. Its media stay where they are.
    DuplicateCollection {
        /// The copy's name, 1 to 100 characters.
        name: String,
    },
    /// Takes a collection in as a file of its own, and opens it.
    ImportCollection {
        /// The collection, as it was exported.
        collection: Collection,
    },
    /// Writes the collection that is open to a file, with whole paths to its media.
    ExportCollection {
        /// The file.
        path: String,
    },
    /// Deletes one of the listed collections, never the one that is open. Its media stay.
    DeleteCollection {
        /// The file.
        path: String,
    },
}

/// A destination as a person enters it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct NewDestination {
    /// What people call it.
    pub name: String,
    /// Where it is.
    pub target: DestinationTarget,
    /// Stream key (RTMP) or bearer token (WHIP); the address itself where the platform keeps its key in
    /// there. Goes in, never out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub secret: Option<Secret>,
    /// The identity of the [`Platform`](crate::Platform) it is on; absent when it is on none that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub platform: Option<String>,
    /// It gets the broadcast so many seconds late, 0 to 300.
    #[serde(default)]
    #[ts(optional, as = "Option<u32>")]
    pub delay_seconds: u32,
    /// The platform takes it as a test and shows it to nobody; only where the platform can do that.
    #[serde(default)]
    #[ts(optional, as = "Option<bool>")]
    pub test: bool,
    /// A picture of its own; the program's when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub rendition: Option<Rendition>,
    /// When the way there carries less than the program, the program's picture has less, for everybody. Only over
    /// WHIP, and not with a delay or a picture of its own, which follows its way in any case.
    #[serde(default)]
    #[ts(optional, as = "Option<bool>")]
    pub follow: bool,
}

/// Where a destination is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
#[serde(tag = "protocol", rename_all = "snake_case")]
pub enum DestinationTarget {
    /// RTMP or RTMPS: `rtmp://host[:port]/app`; the key is the secret.
    Rtmp {
        /// The address.
        url: String,
    },
    /// WHIP (RFC 9725): `http(s)://…`; the bearer token is the secret.
    Whip {
        /// The address.
        url: String,
    },
}
