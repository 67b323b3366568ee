//! Settings: the command line over the environment over one file over defaults.
//!
//! The file is `settings.toml` in the data folder. `KLIEG_SERVER__HTTP` in the environment and
//! `--set server.http=…` set the same key. Unknown keys and values out of range are refused with
//! the place they stand in; nothing is guessed.

mod file;
mod ice;
mod keys;
mod layers;
mod names;
mod recording;
mod storage;

pub use ice::IceServer;
pub use layers::Layers;
pub use names::{HostName, WebOrigin};
pub use recording::Recording;
pub(crate) use recording::plain;
pub use storage::{AfterRecording, Storage, WhenFull};

pub(crate) use file::{with, without, write};
pub(crate) use keys::{KEYS, Key, shown};
pub(crate) use layers::{Place, Read};

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use outputs::Roots;
use serde::Deserialize;
use toml::Value;

/// All settings.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// The station's addresses.
    pub server: Server,
    /// Who may publish.
    pub ingest: Ingest,
    /// How the program is encoded.
    pub encoder: Encoder,
    /// What destinations share.
    pub outputs: Outputs,
    /// How the station runs.
    pub station: StationSettings,
    /// What is recorded, and kept behind the live picture.
    pub recording: Recording,
    /// Where films are uploaded to.
    pub storage: Storage,
    /// What is logged.
    pub log: Log,
}

/// The station's addresses. Port 0 means any free one.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Server {
    /// Pages, API, WHEP, HLS and chat.
    pub http: SocketAddr,
    /// The same over TLS.
    pub https: Listen,
    /// RTMP ingest.
    pub rtmp: Listen,
    /// All WebRTC media.
    pub media_udp: SocketAddr,
    /// Further addresses under which viewers reach this machine (behind a router).
    pub external: Vec<IpAddr>,
    /// STUN and TURN servers that browsers are told of.
    pub ice_servers: Vec<IceServer>,
    /// Tells the network the station's name (`NAME.local`).
    pub mdns: bool,
    /// Further origins whose pages may use this station.
    pub allowed_origins: Vec<WebOrigin>,
    /// Further names that the station answers to.
    pub allowed_hosts: Vec<HostName>,
    /// The control token also works from other machines.
    pub remote_control: bool,
}

impl Default for Server {
    fn default() -> Self {
        let any = |port| SocketAddr::from((Ipv4Addr::UNSPECIFIED, port));
        Self {
            http: any(8080),
            https: Listen(Some(any(8443))),
            rtmp: Listen(Some(any(1935))),
            media_udp: any(8189),
            external: Vec::new(),
            ice_servers: Vec::new(),
            mdns: true,
            allowed_origins: Vec::new(),
            allowed_hosts: Vec::new(),
            remote_control: false,
        }
    }
}

/// An address to listen on, or `"off"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Listen(Option<SocketAddr>);

impl Listen {
    /// The address, unless it is off.
    pub fn get(self) -> Option<SocketAddr> {
        self.0
    }
}

impl TryFrom<String> for Listen {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        if text == "off" {
            return Ok(Self(None));
        }
        let address = text.parse().map_err(|_| {
            format!("\"{text}\" is no address; write it as 0.0.0.0:8443, or \"off\"")
        })?;
        Ok(Self(Some(address)))
    }
}

impl std::fmt::Display for Listen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            Some(address) => address.fmt(f),
            None => f.write_str("off"),
        }
    }
}

/// Who may publish to the station.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Ingest {
    /// The rule.
    pub policy: Policy,
    /// Whoever presents the key of a live channel takes it over.
    pub take_over: bool,
    /// Tokens of an identity provider.
    pub jwt: Jwt,
}

/// Tokens of an identity provider that may publish and watch; off without a key.
#[derive(Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Jwt {
    /// The key itself: a public one in PEM, or a shared one.
    pub key: Option<String>,
    /// The file that holds it, in place of the key.
    pub key_file: Option<PathBuf>,
    /// For whom tokens have to be made (`aud`).
    pub audience: String,
}

impl Default for Jwt {
    fn default() -> Self {
        Self {
            key: None,
            key_file: None,
            audience: "klieg".into(),
        }
    }
}

impl std::fmt::Debug for Jwt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Jwt")
            .field("key_file", &self.key_file)
            .field("audience", &self.audience)
            .finish_non_exhaustive()
    }
}

impl Jwt {
    /// What tokens are checked with, when there is a key. A file is looked for in `folder` when its
    /// path is relative.
    ///
    /// # Errors
    /// [`SettingsError::Override`] with what is wrong with the key.
    pub fn checker(&self, folder: &Path) -> Result<Option<server::JwtKey>, SettingsError> {
        let refused = |key: &str, message: String| SettingsError::Override {
            origin: format!("ingest.jwt.{key}"),
            message,
        };
        let (text, origin) = match (&self.key, &self.key_file) {
            (None, None) => return Ok(None),
            (Some(key), None) => (key.clone(), "key"),
            (None, Some(file)) => {
                let file = folder.join(file);
                let text = std::fs::read_to_string(&file).map_err(|e| {
                    refused(
                        "key_file",
                        format!("{} cannot be read: {e}", file.display()),
                    )
                })?;
                (text, "key_file")
            }
            (Some(_), Some(_)) => {
                let text = "key_file is set, too; keep one of the two";
                return Err(refused("key", text.into()));
            }
        };
        server::JwtKey::new(&text, &self.audience)
            .map(Some)
            .map_err(|e| refused(origin, e.to_string()))
    }
}

/// The rule for publishers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Policy {
    /// With a publish link or stream key.
    #[default]
    Keyed,
    /// Anyone on the network.
    Open,
    /// Anyone, once the host agrees.
    Approve,
}

impl Policy {
    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Keyed => "keyed",
            Self::Open => "open",
            Self::Approve => "approve",
        }
    }
}

impl From<Policy> for server::Policy {
    fn from(policy: Policy) -> Self {
        match policy {
            Policy::Keyed => Self::Keyed,
            Policy::Open => Self::Open,
            Policy::Approve => Self::Approve,
        }
    }
}

/// How the program is encoded.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Encoder {
    /// Video, bits per second.
    pub bitrate: VideoBitrate,
    /// The longest time between keyframes, in seconds.
    pub keyframe_seconds: KeyframeSeconds,
    /// Sound (Opus and AAC alike), bits per second.
    pub audio_bitrate: AudioBitrate,
}

/// What destinations share.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Outputs {
    /// What the connection carries outwards, bits per second; 0 when that is not known.
    pub uplink: UplinkRate,
    /// A file of certificates that destinations are trusted by, beside those that browsers trust.
    pub ca_file: Option<PathBuf>,
}

impl Outputs {
    /// The certificates of the file, which is looked for in `folder` when its path is relative.
    ///
    /// # Errors
    /// [`SettingsError::Override`] with what is wrong with the file.
    pub(crate) fn roots(&self, folder: &Path) -> Result<Roots, SettingsError> {
        let Some(file) = &self.ca_file else {
            return Ok(Roots::default());
        };
        let file = folder.join(file);
        let refused = |why: &dyn std::fmt::Display| SettingsError::Override {
            origin: "outputs.ca_file".into(),
            message: format!("{} is no use: {why}", file.display()),
        };
        let text = std::fs::read(&file).map_err(|e| refused(&e))?;
        Roots::from_pem(&text).map_err(|e| refused(&e))
    }
}

/// How the station runs.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StationSettings {
    /// The most channels at once.
    pub max_channels: MaxChannels,
    /// A publisher that sends nothing for so long is ended, in seconds.
    pub idle_seconds: IdleSeconds,
    /// Stream keys and tokens are kept in the system's keychain, where there is one.
    pub keychain: On,
}

/// Yes, unless it is said otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct On(bool);

impl On {
    /// Whether.
    pub fn get(self) -> bool {
        self.0
    }
}

impl Default for On {
    fn default() -> Self {
        Self(true)
    }
}

/// What is logged.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Log {
    /// From which level on.
    pub level: Level,
}

/// A level, or levels by part of the program: `wire=trace,info`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Level(String);

impl Level {
    /// As it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for Level {
    fn default() -> Self {
        Self("info".into())
    }
}

impl TryFrom<String> for Level {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        crate::log::check_level(&text)?;
        Ok(Self(text))
    }
}

/// A type for numbers of a unit that are checked as they are read.
macro_rules! bounded {
    ($(#[$doc:meta])* $name:ident($inner:ty), $unit:literal, $min:literal..=$max:literal, $default:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
        #[serde(try_from = "Value")]
        pub struct $name($inner);

        impl $name {
            pub(crate) const MIN: $inner = $min;
            pub(crate) const MAX: $inner = $max;
            pub(crate) const UNIT: &str = $unit;

            /// The value.
            pub fn get(self) -> $inner {
                self.0
            }
        }

        impl Default for $name {
            fn default() -> Self {
                Self($default)
            }
        }

        impl TryFrom<Value> for $name {
            type Error = String;
            fn try_from(value: Value) -> Result<Self, String> {
                let number = match &value {
                    Value::Integer(n) => *n as f64,
                    Value::Float(x) => *x,
                    other => return Err(format!("{other} is no number of {}", $unit)),
                };
                let fine = ($min as f64..=$max as f64).contains(&number);
                if fine {
                    Ok(Self(number as $inner))
                } else {
                    Err(format!("{number} is out of range; it goes from {} to {} {}", $min, $max, $unit))
                }
            }
        }
    };
}

bounded!(
    /// Bits per second of video.
    VideoBitrate(u32), "bits per second", 100_000..=50_000_000, 2_500_000
);
bounded!(
    /// Bits per second of sound.
    AudioBitrate(u32), "bits per second", 32_000..=320_000, 128_000
);
bounded!(
    /// Seconds between keyframes.
    KeyframeSeconds(f64), "seconds", 0.5..=10.0, 2.0
);
bounded!(
    /// Bits per second outwards.
    UplinkRate(u32), "bits per second", 0..=2_000_000_000, 0
);
bounded!(
    /// Channels at once.
    MaxChannels(u32), "channels", 1..=1000, 100
);

bounded!(
    /// Seconds without anything from a publisher.
    IdleSeconds(u32), "seconds", 10..=604_800, 3600
);

impl KeyframeSeconds {
    /// As a duration.
    pub fn duration(self) -> Duration {
        Duration::from_secs_f64(self.0)
    }
}

pub(crate) use bounded;

/// Why settings are refused.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// The file is there and cannot be read.
    #[error("{} cannot be read: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// Something in the file is wrong.
    #[error("{}, line {line}: {message}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// From 1.
        line: usize,
        /// What is wrong, with the key.
        message: String,
    },
    /// A variable or argument is wrong.
    #[error("{origin}: {message}")]
    Override {
        /// The variable or argument.
        origin: String,
        /// What is wrong.
        message: String,
    },
}

impl Settings {
    /// Reads the settings: the file if there is one, then `environment` (name and value of every
    /// variable), then `sets` (`key=value`), the later over the earlier.
    ///
    /// # Errors
    /// [`SettingsError`] names the file and line, the variable, or the argument.
    pub fn load(
        file: &Path,
        environment: impl IntoIterator<Item = (String, String)>,
        sets: &[String],
    ) -> Result<Self, SettingsError> {
        let layers = Layers::new(file, environment, sets.to_vec());
        Ok(layers.read()?.settings)
    }
}

#[cfg(test)]
mod tests;
