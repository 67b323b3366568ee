//! The same sound in the other codec: browsers take Opus over WebRTC and AAC over HLS, and publishers
//! send only one of them. The picture passes through untouched.
//!
//! The other codec's track is declared with the publisher's own. Its packets are made on a thread of
//! the channel's, and only while somebody reads them.

use std::sync::{Arc, LazyLock};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use codec::{decode, encode};
use media::{Config, Next, Packet, Timestamp, Track, TrackId, Twin, Want};
use mixer::{Mixer, Timing};

/// A twin's number is its publisher's track's and this.
const OFFSET: u8 = Twin::FIRST.0;

/// Bits per second of what is made here.
const BITRATE: u32 = encode::audio::BITRATE;

/// How much is mixed at once: 10 ms, so that neither codec waits for more than its own frame.
const STEP: usize = 480;
const STEP_NANOS: i64 = 10_000_000;

/// A sample rate converter gives what it took this much later.
const BEHIND_NANOS: i64 = 5_000_000;

/// Packets of sound that may wait for the thread: some five seconds.
const CAPACITY: usize = 256;

/// What the thread reads: the publisher's own. Reading what it makes would keep it at work for nobody.
const SOUND: Want = Want {
    h264: false,
    opus: true,
    aac: true,
    twins: false,
    beside: false,
};

/// A jump of the publisher's time by more than this is not filled with silence.
const LEAP: Duration = Duration::from_secs(2);

/// How long the thread sleeps at most; whatever there is to do wakes it.
const PATIENCE: Duration = Duration::from_secs(60);

/// The tracks to add to a publisher's: its sound in the codec it does not send.
pub(crate) fn derive(own: &[Track]) -> Vec<Track> {
    let has = |wanted: fn(&Config) -> bool| own.iter().find(|t| wanted(&t.config));
    let opus = has(|c| matches!(c, Config::Opus { .. }));
    let aac = has(|c| matches!(c, Config::Aac { .. }));
    let (from, config) = match (opus, aac) {
        (Some(from), None) => (from, &*AAC),
        (None, Some(from)) => (from, &*OPUS),
        _ => return Vec::new(),
    };
    let twin = config.clone().map(|config| Track {
        id: TrackId(from.id.0 + OFFSET),
        config,
        bitrate: BITRATE,
    });
    twin.into_iter().collect()
}

/// What the encoders here say of their streams; nothing where a build has no such encoder.
static OPUS: LazyLock<Option<Config>> = LazyLock::new(|| config(false));
static AAC: LazyLock<Option<Config>> = LazyLock::new(|| config(true));

fn config(aac: bool) -> Option<Config> {
    encoder(aac, TrackId(0)).ok().map(|e| e.config())
}

fn encoder(aac: bool, track: TrackId) -> Result<Box<dyn encode::audio::Encoder>, codec::Error> {
    if aac {
        encode::audio::aac(track, BITRATE)
    } else {
        encode::audio::opus(track, BITRATE)
    }
}

/// Makes the packets of a channel's twin until the channel ends.
pub(crate) fn start(mut twin: Twin) -> Option<JoinHandle<()>> {
    let channel = Arc::clone(twin.channel());
    let name = channel.name().to_string();
    let started = thread::Builder::new()
        .name("sound-twin".into())
        .spawn(move || {
            let mut reader = twin.read(SOUND, CAPACITY);
            let mut work = None;
            let mut more = true;
            while more {
                if let Some(next) = reader.next_blocking(PATIENCE) {
                    more = step(next, &mut work, &mut twin);
                }
            }
        });
    if let Err(error) = &started {
        tracing::error!(%error, channel = name, "its sound stays in one codec: the system gives no thread");
    }
    started.ok()
}

/// Takes what the channel gives; `false` at its end.
fn step(next: Next, work: &mut Option<Work>, twin: &mut Twin) -> bool {
    match (next, work) {
        (Next::Tracks(_), work) => *work = Work::of(&twin.channel().tracks()),
        (Next::Packet(packet), Some(work)) => work.take(&packet, twin),
        // Packets were lost, or nobody listens any more.
        (Next::Gap(_), Some(work)) => work.forget(),
        (Next::End, _) => return false,
        (Next::Packet(_) | Next::Gap(_), None) => {}
    }
    true
}

/// From one codec to the other.
struct Work {
    from: Track,
    to: Track,
    chain: Option<Chain>,
}

/// What is warm while somebody listens.
struct Chain {
    decoder: Box<dyn decode::audio::Decoder>,
    mixer: Mixer,
    encoder: Box<dyn encode::audio::Encoder>,
    /// Up to where is mixed.
    mixed: Option<Timestamp>,
}

/// The one strip of the mixer that does for a clock and a sample rate converter.
const STRIP: &str = "sound";

impl Work {
    fn of(tracks: &[Track]) -> Option<Self> {
        // The publisher's own stands first.
        let to = tracks.iter().find(|t| t.id.0 >= OFFSET)?.clone();
        let from = tracks.iter().find(|t| t.id.0 + OFFSET == to.id.0)?.clone();
        Some(Self {
            from,
            to,
            chain: None,
        })
    }

    fn forget(&mut self) {
        self.chain = None;
    }

    fn take(&mut self, packet: &Packet, twin: &mut Twin) {
        if packet.track != self.from.id {
            return;
        }
        if self.chain.is_none() {
            match Chain::open(&self.from, &self.to) {
                Ok(chain) => self.chain = Some(chain),
                Err(error) => {
                    tracing::debug!(%error, channel = %twin.channel().name(), "its sound is not carried in the other codec");
                    return;
                }
            }
        }
        let Some(chain) = &mut self.chain else { return };
        match chain.convert(packet) {
            Ok(packets) => {
                for packet in packets {
                    twin.write(packet);
                }
            }
            // A packet that is damaged is a short silence.
            Err(error) => tracing::debug!(%error, "a packet of sound was not understood"),
        }
    }
}

impl Chain {
    fn open(from: &Track, to: &Track) -> Result<Self, codec::Error> {
        let aac = matches!(to.config, Config::Aac { .. });
        let mut mixer = Mixer::new();
        mixer.set_strip(STRIP, mixer::Strip::default());
        mixer.set_timing(STRIP, Timing::Exact);
        Ok(Self {
            decoder: decode::audio::open(&from.config)?,
            mixer,
            encoder: encoder(aac, to.id)?,
            mixed: None,
        })
    }

    fn convert(&mut self, packet: &Packet) -> Result<Vec<Packet>, codec::Error> {
        let Some(samples) = self.decoder.decode(packet)? else {
            return Ok(Vec::new());
        };
        let (start, end) = (samples.timestamp, samples.end());
        let mut at = match self.mixed {
            Some(at) if start.since(at) < LEAP && at.since(start) < LEAP => at,
            // The first, or a publisher whose time has jumped: it is followed, not filled up.
            _ => start,
        };
        self.mixer.push(STRIP, samples);
        let mut out = Vec::new();
        let ready = end.offset(-BEHIND_NANOS);
        while at.offset(STEP_NANOS) <= ready {
            let mixed = self.mixer.mix(at, STEP);
            out.extend(self.encoder.encode(&mixed.samples)?);
            self.mixer.recycle(mixed.samples);
            at = at.offset(STEP_NANOS);
        }
        self.mixed = Some(at);
        Ok(out)
    }
}

#[cfg(test)]
mod tests;
