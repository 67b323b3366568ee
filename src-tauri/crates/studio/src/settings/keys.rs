//! Every setting there is: what it means, what it may be, and when a change takes effect.

use api::{SettingEffect, SettingKind, SettingValue};

use super::recording::{
    LeaveFree, Quota, ReplaySeconds, RewindMinutes, SplitMegabytes, SplitMinutes,
};
use super::{
    AfterRecording, AudioBitrate, IdleSeconds, KeyframeSeconds, MaxChannels, Policy, Settings,
    UplinkRate, VideoBitrate, WhenFull,
};

/// A setting.
pub(crate) struct Key {
    /// `section.name`.
    pub(crate) name: &'static str,
    /// What it does, in a sentence.
    pub(crate) meaning: &'static str,
    /// When a change takes effect.
    pub(crate) effect: SettingEffect,
    kind: fn() -> SettingKind,
    /// What it is set to; none for a secret.
    read: fn(&Settings) -> Option<SettingValue>,
}

impl Key {
    /// The setting of this name.
    pub(crate) fn find(name: &str) -> Option<&'static Self> {
        KEYS.iter().find(|key| key.name == name)
    }

    /// What it may be.
    pub(crate) fn kind(&self) -> SettingKind {
        (self.kind)()
    }

    /// What it is set to, as far as that may be seen.
    pub(crate) fn read(&self, settings: &Settings) -> Option<SettingValue> {
        (self.read)(settings)
    }
}

/// All settings, in the order in which people read them.
pub(crate) const KEYS: &[Key] = &[
    Key {
        name: "server.http",
        meaning: "Where pages, the interface for programs, WHEP, HLS and chat are served. Port 0 is any free one.",
        effect: SettingEffect::Live,
        kind: || SettingKind::Address { off: false },
        read: |s| text(s.server.http),
    },
    Key {
        name: "server.https",
        meaning: "Where the same is served over TLS, which phones need for their camera; \"off\" for nowhere.",
        effect: SettingEffect::Live,
        kind: || SettingKind::Address { off: true },
        read: |s| text(s.server.https),
    },
    Key {
        name: "server.rtmp",
        meaning: "Where encoders publish over RTMP; \"off\" for nowhere.",
        effect: SettingEffect::Live,
        kind: || SettingKind::Address { off: true },
        read: |s| text(s.server.rtmp),
    },
    Key {
        name: "server.media_udp",
        meaning: "Where all WebRTC media goes, to viewers and from publishers.",
        effect: SettingEffect::Restart,
        kind: || SettingKind::Address { off: false },
        read: |s| text(s.server.media_udp),
    },
    Key {
        name: "server.external",
        meaning: "Further addresses under which viewers reach this machine, behind a router.",
        effect: SettingEffect::Next,
        kind: || list("203.0.113.7"),
        read: |s| texts(&s.server.external),
    },
    Key {
        name: "server.ice_servers",
        meaning: "STUN and TURN servers that browsers are told of. They have names and passwords of their own, and are written in the file.",
        effect: SettingEffect::Next,
        kind: || SettingKind::File,
        read: |s| {
            let urls = s.server.ice_servers.iter().flat_map(super::IceServer::urls);
            Some(SettingValue::List(urls.cloned().collect()))
        },
    },
    Key {
        name: "server.mdns",
        meaning: "Tells the network the station's name, NAME.local, and its title; not while it listens on this machine alone.",
        effect: SettingEffect::Live,
        kind: || SettingKind::Flag,
        read: |s| Some(SettingValue::Flag(s.server.mdns)),
    },
    Key {
        name: "server.allowed_origins",
        meaning: "Sites whose pages may watch, chat and, with a token, control here.",
        effect: SettingEffect::Live,
        kind: || list("https://club.example"),
        read: |s| texts(&s.server.allowed_origins),
    },
    Key {
        name: "server.allowed_hosts",
        meaning: "Further names this station answers to, beyond its addresses, its own name and .local names.",
        effect: SettingEffect::Live,
        kind: || list("studio.example"),
        read: |s| texts(&s.server.allowed_hosts),
    },
    Key {
        name: "server.remote_control",
        meaning: "The control token, which Klieg prints when it starts, also works from other machines. Control links do in any case.",
        effect: SettingEffect::Live,
        kind: || SettingKind::Flag,
        read: |s| Some(SettingValue::Flag(s.server.remote_control)),
    },
    Key {
        name: "encoder.bitrate",
        meaning: "The picture of your program.",
        effect: SettingEffect::Live,
        kind: || whole(VideoBitrate::MIN, VideoBitrate::MAX, VideoBitrate::UNIT),
        read: |s| Some(SettingValue::Whole(s.encoder.bitrate.get().into())),
    },
    Key {
        name: "encoder.keyframe_seconds",
        meaning: "The longest time between two keyframes of your program. Platforms ask for 2.",
        effect: SettingEffect::Live,
        kind: || SettingKind::Number {
            min: KeyframeSeconds::MIN,
            max: KeyframeSeconds::MAX,
            unit: KeyframeSeconds::UNIT.into(),
        },
        read: |s| Some(SettingValue::Number(s.encoder.keyframe_seconds.get())),
    },
    Key {
        name: "encoder.audio_bitrate",
        meaning: "The sound of your program, in each of its codecs.",
        effect: SettingEffect::Next,
        kind: || whole(AudioBitrate::MIN, AudioBitrate::MAX, AudioBitrate::UNIT),
        read: |s| Some(SettingValue::Whole(s.encoder.audio_bitrate.get().into())),
    },
    Key {
        name: "outputs.uplink",
        meaning: "What your internet connection carries outwards, for the budget of destinations; 0 when you do not know.",
        effect: SettingEffect::Live,
        kind: || whole(UplinkRate::MIN, UplinkRate::MAX, UplinkRate::UNIT),
        read: |s| Some(SettingValue::Whole(s.outputs.uplink.get().into())),
    },
    Key {
        name: "outputs.ca_file",
        meaning: "A file of certificates (PEM) of an authority of your own, by which destinations are trusted as well.",
        effect: SettingEffect::Next,
        kind: || SettingKind::Text,
        read: |s| {
            let file = s.outputs.ca_file.as_ref()?;
            text(file.display())
        },
    },
    Key {
        name: "station.max_channels",
        meaning: "Channels at once, those that wait for you among them.",
        effect: SettingEffect::Live,
        kind: || whole(MaxChannels::MIN, MaxChannels::MAX, MaxChannels::UNIT),
        read: |s| Some(SettingValue::Whole(s.station.max_channels.get().into())),
    },
    Key {
        name: "station.idle_seconds",
        meaning: "A publisher that sends nothing for so long is ended.",
        effect: SettingEffect::Live,
        kind: || whole(IdleSeconds::MIN, IdleSeconds::MAX, IdleSeconds::UNIT),
        read: |s| Some(SettingValue::Whole(s.station.idle_seconds.get().into())),
    },
    Key {
        name: "station.keychain",
        meaning: "Stream keys and tokens are kept in the system's keychain, where there is one; else in an encrypted file.",
        effect: SettingEffect::Restart,
        kind: || SettingKind::Flag,
        read: |s| Some(SettingValue::Flag(s.station.keychain.get())),
    },
    Key {
        name: "ingest.policy",
        meaning: "Who may publish: those with a key, anyone, or anyone once you agree.",
        effect: SettingEffect::Live,
        kind: || {
            let all = [Policy::Keyed, Policy::Open, Policy::Approve];
            SettingKind::Choice {
                options: all.map(|p| p.as_str().to_owned()).to_vec(),
            }
        },
        read: |s| text(s.ingest.policy.as_str()),
    },
    Key {
        name: "ingest.take_over",
        meaning: "Whoever comes with the key of a channel that is live takes it over, in place of being refused.",
        effect: SettingEffect::Live,
        kind: || SettingKind::Flag,
        read: |s| Some(SettingValue::Flag(s.ingest.take_over)),
    },
    Key {
        name: "ingest.jwt.key",
        meaning: "The key that tokens of your identity provider are checked with: a public one in PEM, or a shared one.",
        effect: SettingEffect::Live,
        kind: || SettingKind::Secret,
        read: |_| None,
    },
    Key {
        name: "ingest.jwt.key_file",
        meaning: "The file that holds that key, in place of the key itself; read when it is set and when settings are read again.",
        effect: SettingEffect::Live,
        kind: || SettingKind::Text,
        read: |s| {
            let file = s.ingest.jwt.key_file.as_ref()?;
            text(file.display())
        },
    },
    Key {
        name: "ingest.jwt.audience",
        meaning: "For whom such tokens have to be made (aud).",
        effect: SettingEffect::Live,
        kind: || SettingKind::Text,
        read: |s| text(&s.ingest.jwt.audience),
    },
    Key {
        name: "recording.folder",
        meaning: "Where recordings and clips go; without it, the folder recordings beside these settings.",
        effect: SettingEffect::Next,
        kind: || SettingKind::Text,
        read: |s| text(s.recording.folder.as_ref()?.display()),
    },
    Key {
        name: "recording.name",
        meaning: "How files are called: {title}, {channel}, {date} and {time} stand for what they say.",
        effect: SettingEffect::Next,
        kind: || SettingKind::Text,
        read: |s| text(s.recording.name.as_str()),
    },
    Key {
        name: "recording.every_broadcast",
        meaning: "Each broadcast is recorded from its beginning on.",
        effect: SettingEffect::Next,
        kind: || SettingKind::Flag,
        read: |s| Some(SettingValue::Flag(s.recording.every_broadcast)),
    },
    Key {
        name: "recording.split_minutes",
        meaning: "A recording goes on in another file after so long; 0 for never. No picture is lost between.",
        effect: SettingEffect::Next,
        kind: || whole(SplitMinutes::MIN, SplitMinutes::MAX, SplitMinutes::UNIT),
        read: |s| Some(SettingValue::Whole(s.recording.split_minutes.get().into())),
    },
    Key {
        name: "recording.split_megabytes",
        meaning: "A recording goes on in another file after so many megabytes; 0 for never.",
        effect: SettingEffect::Next,
        kind: || {
            whole(
                SplitMegabytes::MIN,
                SplitMegabytes::MAX,
                SplitMegabytes::UNIT,
            )
        },
        read: |s| {
            Some(SettingValue::Whole(
                s.recording.split_megabytes.get().into(),
            ))
        },
    },
    Key {
        name: "recording.leave_free_megabytes",
        meaning: "Megabytes of the disk that are left free: a recording ends before it takes them, and the show goes on.",
        effect: SettingEffect::Live,
        kind: || whole(LeaveFree::MIN, LeaveFree::MAX, LeaveFree::UNIT),
        read: |s| {
            Some(SettingValue::Whole(
                s.recording.leave_free_megabytes.get().into(),
            ))
        },
    },
    Key {
        name: "recording.quota_gigabytes",
        meaning: "How much room the library may take on this machine, in gigabytes; 0 for as much as there is. You are warned before it is used up.",
        effect: SettingEffect::Live,
        kind: || whole(Quota::MIN, Quota::MAX, Quota::UNIT),
        read: |s| {
            Some(SettingValue::Whole(
                s.recording.quota_gigabytes.get().into(),
            ))
        },
    },
    Key {
        name: "recording.when_full",
        meaning: "When that room is used up, recordings end; or the oldest shows that are not protected are deleted for good, so that they go on.",
        effect: SettingEffect::Live,
        kind: || {
            let all = [WhenFull::StopRecording, WhenFull::DeleteOldest];
            SettingKind::Choice {
                options: all.map(|w| w.as_str().to_owned()).to_vec(),
            }
        },
        read: |s| text(s.recording.when_full.as_str()),
    },
    Key {
        name: "recording.rewind_minutes",
        meaning: "How far viewers can go back in what is live, in minutes; 0 for not at all.",
        effect: SettingEffect::Live,
        kind: || whole(RewindMinutes::MIN, RewindMinutes::MAX, RewindMinutes::UNIT),
        read: |s| Some(SettingValue::Whole(s.recording.rewind_minutes.get().into())),
    },
    Key {
        name: "recording.rewind_publishers",
        meaning: "They can go back in publishers' channels, too: what comes is written to the disk for as long. Else in your program alone.",
        effect: SettingEffect::Live,
        kind: || SettingKind::Flag,
        read: |s| Some(SettingValue::Flag(s.recording.rewind_publishers.get())),
    },
    Key {
        name: "recording.replay_seconds",
        meaning: "How much the replay button saves, in seconds.",
        effect: SettingEffect::Live,
        kind: || whole(ReplaySeconds::MIN, ReplaySeconds::MAX, ReplaySeconds::UNIT),
        read: |s| Some(SettingValue::Whole(s.recording.replay_seconds.get().into())),
    },
    Key {
        name: "storage.endpoint",
        meaning: "The address of a storage that speaks S3, which films are uploaded to: https://s3.example.org. Its keys are entered beside, and kept like stream keys.",
        effect: SettingEffect::Live,
        kind: || SettingKind::Text,
        read: |s| text(s.storage.endpoint.as_ref()?.as_str()),
    },
    Key {
        name: "storage.bucket",
        meaning: "The bucket in it.",
        effect: SettingEffect::Live,
        kind: || SettingKind::Text,
        read: |s| text(s.storage.bucket.as_ref()?),
    },
    Key {
        name: "storage.region",
        meaning: "The bucket's region, as the service calls it; most services of one's own take any.",
        effect: SettingEffect::Live,
        kind: || SettingKind::Text,
        read: |s| text(s.storage.region.as_str()),
    },
    Key {
        name: "storage.path_style",
        meaning: "The bucket stands behind the address (host/bucket), which every service knows; else before it (bucket.host), which some clouds ask for.",
        effect: SettingEffect::Live,
        kind: || SettingKind::Flag,
        read: |s| Some(SettingValue::Flag(s.storage.path_style.get())),
    },
    Key {
        name: "storage.prefix",
        meaning: "The folder in the bucket that films go to.",
        effect: SettingEffect::Live,
        kind: || SettingKind::Text,
        read: |s| text(s.storage.prefix.as_str()),
    },
    Key {
        name: "storage.after_recording",
        meaning: "Recordings are uploaded when you say so, or by themselves as they end.",
        effect: SettingEffect::Live,
        kind: || {
            let all = [AfterRecording::ByHand, AfterRecording::AtOnce];
            SettingKind::Choice {
                options: all.map(|a| a.as_str().to_owned()).to_vec(),
            }
        },
        read: |s| text(s.storage.after_recording.as_str()),
    },
    Key {
        name: "storage.keep_local",
        meaning: "The file stays on this machine once it lies in the storage. Without it, it is removed when the storage has proved that it has the same.",
        effect: SettingEffect::Live,
        kind: || SettingKind::Flag,
        read: |s| Some(SettingValue::Flag(s.storage.keep_local.get())),
    },
    Key {
        name: "storage.while_on_air",
        meaning: "Uploads go on while you are on air. Without it they wait, so that the broadcast has the line for itself.",
        effect: SettingEffect::Live,
        kind: || SettingKind::Flag,
        read: |s| Some(SettingValue::Flag(s.storage.while_on_air)),
    },
    Key {
        name: "log.level",
        meaning: "What is logged: error, warn, info, debug, trace, or levels by part (wire=debug,info). The variable KLIEG_LOG goes over it.",
        effect: SettingEffect::Live,
        kind: || SettingKind::Text,
        read: |s| text(s.log.level.as_str()),
    },
];

fn text(value: impl ToString) -> Option<SettingValue> {
    Some(SettingValue::Text(value.to_string()))
}

fn texts<T: ToString>(values: &[T]) -> Option<SettingValue> {
    let texts = values.iter().map(ToString::to_string).collect();
    Some(SettingValue::List(texts))
}

fn list(example: &str) -> SettingKind {
    SettingKind::List {
        example: example.into(),
    }
}

fn whole(min: u32, max: u32, unit: &str) -> SettingKind {
    SettingKind::Whole {
        min: min.into(),
        max: max.into(),
        unit: unit.into(),
    }
}

/// A setting as people see it. `running` is what was started with, `read` what stands in the settings
/// now.
pub(crate) fn shown(key: &Key, running: &Settings, read: &super::Read) -> api::Setting {
    let place = read.place(key.name);
    let value = key.read(&read.settings);
    api::Setting {
        key: key.name.into(),
        meaning: key.meaning.into(),
        kind: key.kind(),
        waits: key.effect == SettingEffect::Restart && value != key.read(running),
        value,
        default: key.read(&Settings::default()),
        origin: place.map(super::Place::origin).unwrap_or_default(),
        place: place.map(ToString::to_string),
        effect: key.effect,
    }
}
