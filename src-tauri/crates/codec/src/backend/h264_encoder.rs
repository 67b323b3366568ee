//! H.264 by openh264, whose defaults are for calls: everything is set here.

use std::time::Duration;

use bytes::Bytes;
use media::{Frame, Packet, PixelFormat, Timestamp, TrackId, h264};
use openh264::OpenH264API;
use openh264::encoder::{
    BitRate, Complexity, EncodedBitStream, EncoderConfig, FrameRate, FrameType, IntraFramePeriod,
    Profile, QpRange, RateControlMode, SpsPpsStrategy, UsageType, VuiConfig,
};
use openh264::formats::YUVSource;
use openh264_sys2::{
    ENCODER_OPTION, ENCODER_OPTION_BITRATE, ENCODER_OPTION_MAX_BITRATE, ENCODER_OPTION_TRACE_LEVEL,
    LAYER_NUM, SBitrateInfo, SPATIAL_LAYER_0, SPATIAL_LAYER_ALL, WELS_LOG_QUIET,
};

use crate::Error;
use crate::encode::video::{self, Config, check_bitrate};

pub(crate) struct Encoder {
    inner: openh264::encoder::Encoder,
    config: Config,
    track: TrackId,
    /// Set by the first picture: before it the library has no parameters to change.
    started: bool,
    keyframe_wanted: bool,
    last_keyframe: Option<Timestamp>,
    sets: Option<(Bytes, Bytes)>,
}

impl Encoder {
    pub(crate) fn open(config: Config, track: TrackId) -> Result<Self, Error> {
        Ok(Self {
            inner: library(&config)?,
            config,
            track,
            started: false,
            keyframe_wanted: false,
            last_keyframe: None,
            sets: None,
        })
    }

    /// Whether a keyframe is due at `now`. Half a picture early counts, so that an interval of whole
    /// pictures stays one although timestamps are rounded.
    fn keyframe_due(&self, now: Timestamp) -> bool {
        let half_picture = 500_000_000 / i64::from(self.config.fps.max(1));
        let interval = i64::try_from(self.config.keyframe_interval.as_nanos()).unwrap_or(i64::MAX);
        self.keyframe_wanted
            || self.last_keyframe.is_none_or(|last| {
                now.offset_from(last).saturating_add(half_picture) >= interval || now < last
            })
    }

    fn set_option(
        &mut self,
        option: ENCODER_OPTION,
        layer: LAYER_NUM,
        bitrate: u32,
    ) -> Result<(), Error> {
        let mut info = SBitrateInfo {
            iLayer: layer,
            iBitrate: i32::try_from(bitrate).unwrap_or(i32::MAX),
        };
        // SAFETY: both options take a pointer to SBitrateInfo, which is read during the call only, and
        // the encoder is initialised: `started` has been checked.
        let code = unsafe {
            self.inner
                .raw_api()
                .set_option(option, (&raw mut info).cast())
        };
        match code {
            0 => Ok(()),
            code => Err(Error::Library {
                codec: "H.264",
                message: format!("it refused {bitrate} bits per second (code {code})"),
            }),
        }
    }

    fn packet(
        track: TrackId,
        sets: &mut Option<(Bytes, Bytes)>,
        stream: &EncodedBitStream<'_>,
        pts: Timestamp,
    ) -> Option<Packet> {
        if matches!(stream.frame_type(), FrameType::Skip | FrameType::Invalid) {
            return None;
        }
        let size = usize::try_from(stream.raw_info().iFrameSizeInBytes).unwrap_or(0);
        let mut data = Vec::with_capacity(size);
        let mut keyframe = false;
        let (mut sps, mut pps) = (None, None);
        for layer in (0..stream.num_layers()).filter_map(|i| stream.layer(i)) {
            let units = (0..layer.nal_count()).filter_map(|i| layer.nal_unit(i));
            for nal in units.flat_map(h264::annex_b) {
                match h264::NalType::of(nal) {
                    h264::NalType::Sps => sps = Some(nal.to_vec()),
                    h264::NalType::Pps => pps = Some(nal.to_vec()),
                    kind if kind.is_picture() => {
                        keyframe |= kind == h264::NalType::Idr;
                        h264::push_avcc(&mut data, nal);
                    }
                    _ => {}
                }
            }
        }
        if let (Some(sps), Some(pps)) = (sps, pps) {
            // Sent before every keyframe; kept as they were while they are the same.
            let same = |(a, b): &(Bytes, Bytes)| a[..] == sps[..] && b[..] == pps[..];
            if !sets.as_ref().is_some_and(same) {
                *sets = Some((sps.into(), pps.into()));
            }
        }
        if data.is_empty() {
            return None;
        }
        Some(Packet {
            track,
            pts,
            dts: pts,
            keyframe,
            data: data.into(),
        })
    }
}

impl video::Encoder for Encoder {
    fn name(&self) -> &'static str {
        "openh264"
    }

    fn encode(&mut self, frame: &Frame) -> Result<Option<Packet>, Error> {
        let picture = Picture::of(frame, &self.config)?;
        let pts = frame.timestamp();
        let key = self.keyframe_due(pts);
        if key && self.started {
            self.inner.force_intra_frame();
        }
        let millis = u64::try_from(pts.millis()).unwrap_or(0);
        let stream = self
            .inner
            .encode_at(&picture, openh264::Timestamp::from_millis(millis))
            .map_err(library_error)?;
        let packet = Self::packet(self.track, &mut self.sets, &stream, pts);
        self.started = true;
        if packet.as_ref().is_some_and(|p| p.keyframe) {
            self.last_keyframe = Some(pts);
            self.keyframe_wanted = false;
        }
        Ok(packet)
    }

    fn config(&self) -> Option<media::Config> {
        let (sps, pps) = self.sets.as_ref()?;
        Some(media::Config::H264 {
            sps: sps.clone(),
            pps: pps.clone(),
            width: self.config.width,
            height: self.config.height,
            fps_millis: self.config.fps * 1000,
        })
    }

    fn request_keyframe(&mut self) {
        self.keyframe_wanted = true;
    }

    fn set_bitrate(&mut self, bitrate: u32) -> Result<(), Error> {
        check_bitrate(bitrate)?;
        if self.started {
            // The target may not pass the ceiling, whichever way both are going. The ceiling of all layers
            // is another number, which nothing compares with: it is the one layer's that counts.
            let ceiling = (ENCODER_OPTION_MAX_BITRATE, SPATIAL_LAYER_0);
            let target = (ENCODER_OPTION_BITRATE, SPATIAL_LAYER_ALL);
            let rising = bitrate > self.config.bitrate;
            for (option, layer) in if rising {
                [ceiling, target]
            } else {
                [target, ceiling]
            } {
                self.set_option(option, layer, bitrate)?;
            }
            self.config.bitrate = bitrate;
        } else {
            self.config.bitrate = bitrate;
            self.inner = library(&self.config)?;
        }
        Ok(())
    }

    fn set_keyframe_interval(&mut self, interval: Duration) {
        self.config.keyframe_interval = interval;
    }

    fn flush(&mut self) -> Result<Vec<Packet>, Error> {
        // One picture in, one packet out: nothing stays inside.
        Ok(Vec::new())
    }
}

fn library(config: &Config) -> Result<openh264::encoder::Encoder, Error> {
    let settings = EncoderConfig::new()
        .bitrate(BitRate::from_bps(config.bitrate))
        .max_frame_rate(FrameRate::from_hz(config.fps as f32))
        .rate_control_mode(RateControlMode::Bitrate)
        .skip_frames(false)
        .usage_type(UsageType::CameraVideoRealTime)
        .profile(Profile::Baseline)
        .complexity(Complexity::Low)
        .sps_pps_strategy(SpsPpsStrategy::ConstantId)
        // Keyframes are placed by time, not by count, and not by the library at every cut.
        .intra_frame_period(IntraFramePeriod::auto())
        .scene_change_detect(false)
        .adaptive_quantization(true)
        .background_detection(true)
        .long_term_reference(false)
        .num_threads(1)
        .qp(QpRange::new(10, 51))
        .vui(VuiConfig::bt709());
    let mut encoder =
        openh264::encoder::Encoder::with_api_config(OpenH264API::from_source(), settings)
            .map_err(library_error)?;
    let mut quiet = WELS_LOG_QUIET;
    // SAFETY: this option reads one int through the pointer, and may be set before initialisation, which
    // would otherwise write to stderr.
    let code = unsafe {
        encoder
            .raw_api()
            .set_option(ENCODER_OPTION_TRACE_LEVEL, (&raw mut quiet).cast())
    };
    match code {
        0 => Ok(encoder),
        code => Err(Error::Library {
            codec: "H.264",
            message: format!("code {code}"),
        }),
    }
}

fn library_error(error: openh264::Error) -> Error {
    Error::Library {
        codec: "H.264",
        message: format!("code {}", error.native_code()),
    }
}

/// A frame in the form the library reads.
struct Picture<'a> {
    frame: &'a Frame,
}

impl<'a> Picture<'a> {
    fn of(frame: &'a Frame, config: &Config) -> Result<Self, Error> {
        let fits = frame.format() == PixelFormat::I420
            && (frame.width(), frame.height()) == (config.width, config.height);
        if !fits {
            return Err(Error::Input {
                codec: "H.264",
                what: format!(
                    "a {}×{} {:?} frame; it takes {}×{} I420",
                    frame.width(),
                    frame.height(),
                    frame.format(),
                    config.width,
                    config.height
                ),
            });
        }
        if frame.planes()[1].stride != frame.planes()[2].stride {
            return Err(Error::Input {
                codec: "H.264",
                what: "chroma planes of different strides; it takes equal ones".into(),
            });
        }
        Ok(Self { frame })
    }
}

impl YUVSource for Picture<'_> {
    fn dimensions(&self) -> (usize, usize) {
        (self.frame.width() as usize, self.frame.height() as usize)
    }

    fn strides(&self) -> (usize, usize, usize) {
        let [y, u, v] = [0, 1, 2].map(|i| self.frame.planes()[i].stride);
        (y, u, v)
    }

    fn y(&self) -> &[u8] {
        &self.frame.planes()[0].data
    }

    fn u(&self) -> &[u8] {
        &self.frame.planes()[1].data
    }

    fn v(&self) -> &[u8] {
        &self.frame.planes()[2].data
    }
}
