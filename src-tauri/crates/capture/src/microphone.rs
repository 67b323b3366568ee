//! Microphones, and every other audio input.

mod ring;
mod smooth;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use cpal::traits::{DeviceTrait, HostTrait, StreamTrait};
use cpal::{
    BufferSize, Data, ErrorKind, FromSample, InputCallbackInfo, SampleFormat, SizedSample,
    StreamConfig, SupportedBufferSize, SupportedStreamConfig,
};
use media::{Clock, Samples, Timestamp};
use parking_lot::Mutex;

use self::ring::{Inlet, Outlet, Pulse, ring};
use crate::status::Board;
use crate::worker::{Stop, Worker, within};
use crate::{DeviceInfo, Status};

/// How often the callback is looked after.
const LOOK: Duration = Duration::from_millis(250);
/// A device that calls back no more for so long is gone.
const SILENT: Duration = Duration::from_secs(2);

/// How long a driver may take to close a stream.
const PATIENCE: Duration = Duration::from_secs(1);

/// Which audio input.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// The device's identity; empty means the system's default.
    pub device: String,
}

/// An audio input being captured.
#[derive(Debug)]
pub struct Microphone {
    board: Arc<Board>,
    feed: Arc<Feed>,
    _worker: Worker,
}

/// The outlet of the stream that is open; the callback's end has no lock.
#[derive(Debug, Default)]
struct Feed(Mutex<Option<Outlet>>);

/// The audio inputs of this machine, the system's default one first; none without a sound card.
/// Takes three seconds at most.
pub fn list() -> Vec<DeviceInfo> {
    within("microphone-list", Duration::from_secs(3), find_all).unwrap_or_default()
}

impl Microphone {
    /// Starts capturing. Returns at once; how it does stands in [`Microphone::status`].
    pub fn start(request: Request, clock: Clock) -> Self {
        let board = Arc::new(Board::new());
        let feed = Arc::new(Feed::default());
        let (shown, fed) = (board.clone(), feed.clone());
        let worker = Worker::supervise("microphone", board.clone(), move |stop| {
            run(&request, clock, &shown, &fed, stop)
        });
        Self {
            board,
            feed,
            _worker: worker,
        }
    }

    /// How it does.
    pub fn status(&self) -> Status {
        self.board.status()
    }

    /// What has arrived since the last call: the device's own rate and channels, stamped with the time it was
    /// heard, smoothed. None when nothing has. Ends at a hole; what follows it comes with the next call.
    ///
    /// The ring holds four seconds; what is not read by then is dropped.
    pub fn read(&mut self) -> Option<Samples> {
        self.feed.0.lock().as_mut()?.read()
    }
}

fn run(
    request: &Request,
    clock: Clock,
    board: &Board,
    feed: &Feed,
    stop: &Stop,
) -> Result<(), String> {
    let device = find(&request.device)?;
    let config = device.default_input_config().map_err(|error| {
        if request.device.is_empty() {
            no_microphone()
        } else {
            say(&error, &request.device)
        }
    })?;
    let (rate, channels) = (config.sample_rate(), config.channels());
    // Left to itself, a sound server collects two seconds before it hands anything out. What does not take a
    // period of ours gets its own way.
    let period = period(&config);
    let (stream, outlet, pulse) = start(&device, config, period, clock, stop)
        .or_else(|_| start(&device, config, BufferSize::Default, clock, stop))
        .map_err(|error| say(&error, &request.device))?;
    *feed.0.lock() = Some(outlet);

    let result = attend(&pulse, clock, stop, || {
        board.running(detail(rate, channels));
    });
    *feed.0.lock() = None;
    if let Err(message) = &result {
        board.lost(message.clone());
    }
    close(stream);
    result
}

/// Opens a stream and sets it going.
fn start(
    device: &cpal::Device,
    config: SupportedStreamConfig,
    period: BufferSize,
    clock: Clock,
    stop: &Stop,
) -> Result<(cpal::Stream, Outlet, Arc<Pulse>), cpal::Error> {
    let pulse = Arc::new(Pulse::default());
    let (inlet, outlet) = ring(config.sample_rate(), config.channels(), pulse.clone());
    let (ended, waker) = (pulse.clone(), stop.clone());
    let on_error = move |error: cpal::Error| {
        if ends(error.kind()) {
            ended.ended.store(code(error.kind()), Ordering::Release);
            waker.wake();
        }
    };
    let stream = open(device, config, period, inlet, clock, on_error)?;
    stream.play()?;
    Ok((stream, outlet, pulse))
}

/// Closes a stream. A driver whose sound server has died may wait for it without end: better a thread left behind
/// than a microphone that never comes back.
fn close(stream: cpal::Stream) {
    if within("microphone-close", PATIENCE, move || drop(stream)).is_none() {
        tracing::warn!("the sound driver does not close a stream; its thread is left behind");
    }
}

/// 20 ms, where the device lets us choose.
fn period(config: &SupportedStreamConfig) -> BufferSize {
    match *config.buffer_size() {
        SupportedBufferSize::Range { min, max } if min <= max => {
            BufferSize::Fixed((config.sample_rate() / 50).clamp(min, max))
        }
        _ => BufferSize::Default,
    }
}

/// Looks after a stream until it ends or is told to.
fn attend(pulse: &Pulse, clock: Clock, stop: &Stop, mut first: impl FnMut()) -> Result<(), String> {
    let mut calls = 0;
    let mut alive = clock.now();
    loop {
        let done = stop.wait(LOOK);
        if done {
            return Ok(());
        }
        match pulse.ended.load(Ordering::Acquire) {
            0 => {}
            BUSY => return Err(busy("")),
            _ => return Err(taken_away()),
        }
        let now = clock.now();
        let called = pulse.calls.load(Ordering::Relaxed);
        if called != calls {
            if calls == 0 {
                first();
            }
            calls = called;
            alive = now;
        } else if now.since(alive) > SILENT {
            return Err(taken_away());
        }
    }
}

const BUSY: u32 = 1;
const GONE: u32 = 2;

fn code(kind: ErrorKind) -> u32 {
    if kind == ErrorKind::DeviceBusy {
        BUSY
    } else {
        GONE
    }
}

/// Whether a stream is over; the others are said in passing (a lost buffer, no real-time priority).
fn ends(kind: ErrorKind) -> bool {
    !matches!(
        kind,
        ErrorKind::Xrun | ErrorKind::RealtimeDenied | ErrorKind::DeviceChanged
    )
}

fn open(
    device: &cpal::Device,
    config: SupportedStreamConfig,
    period: BufferSize,
    inlet: Inlet,
    clock: Clock,
    on_error: impl FnMut(cpal::Error) + Send + 'static,
) -> Result<cpal::Stream, cpal::Error> {
    let stream = StreamConfig {
        buffer_size: period,
        ..config.config()
    };
    match config.sample_format() {
        SampleFormat::I8 => build::<i8>(device, stream, inlet, clock, on_error),
        SampleFormat::I16 => build::<i16>(device, stream, inlet, clock, on_error),
        SampleFormat::I24 => build::<cpal::I24>(device, stream, inlet, clock, on_error),
        SampleFormat::I32 => build::<i32>(device, stream, inlet, clock, on_error),
        SampleFormat::I64 => build::<i64>(device, stream, inlet, clock, on_error),
        SampleFormat::U8 => build::<u8>(device, stream, inlet, clock, on_error),
        SampleFormat::U16 => build::<u16>(device, stream, inlet, clock, on_error),
        SampleFormat::U24 => build::<cpal::U24>(device, stream, inlet, clock, on_error),
        SampleFormat::U32 => build::<u32>(device, stream, inlet, clock, on_error),
        SampleFormat::U64 => build::<u64>(device, stream, inlet, clock, on_error),
        SampleFormat::F32 => build::<f32>(device, stream, inlet, clock, on_error),
        SampleFormat::F64 => build::<f64>(device, stream, inlet, clock, on_error),
        _ => Err(ErrorKind::UnsupportedConfig.into()),
    }
}

fn build<T>(
    device: &cpal::Device,
    config: StreamConfig,
    mut inlet: Inlet,
    clock: Clock,
    on_error: impl FnMut(cpal::Error) + Send + 'static,
) -> Result<cpal::Stream, cpal::Error>
where
    T: SizedSample,
    f32: FromSample<T>,
{
    device.build_input_stream_raw(
        config,
        T::FORMAT,
        move |data: &Data, info: &InputCallbackInfo| {
            if let Some(values) = data.as_slice::<T>() {
                inlet.write(values, heard(info, clock.now()), f32::from_sample_);
            }
        },
        on_error,
        Some(SILENT),
    )
}

/// When the first sample of a callback was heard: the library knows how long before the callback.
fn heard(info: &InputCallbackInfo, now: Timestamp) -> Timestamp {
    let times = info.timestamp();
    let before = times.callback.saturating_duration_since(times.capture);
    // Drivers without times of their own report nonsense at the start.
    now - before.min(Duration::from_secs(1))
}

fn find(id: &str) -> Result<cpal::Device, String> {
    let host = cpal::default_host();
    if id.is_empty() {
        return host.default_input_device().ok_or_else(no_microphone);
    }
    id.parse()
        .ok()
        .and_then(|id| host.device_by_id(&id))
        .ok_or_else(|| not_connected(id))
}

fn find_all() -> Vec<DeviceInfo> {
    let host = cpal::default_host();
    let default = host.default_input_device();
    let Ok(devices) = host.input_devices() else {
        return Vec::new();
    };
    let mut found: Vec<DeviceInfo> = Vec::new();
    for device in default.into_iter().chain(devices) {
        let Ok(id) = device.id() else {
            continue;
        };
        if !for_people(id.id()) || device.default_input_config().is_err() {
            continue;
        }
        let info = DeviceInfo {
            name: device
                .description()
                .map_or_else(|_| id.id().to_owned(), |d| d.name().to_owned()),
            id: id.to_string(),
        };
        if !found.iter().any(|known| known.id == info.id) {
            found.push(info);
        }
    }
    found
}

/// ALSA lists each card a dozen times over, once for each way to reach it. People need the default, sound
/// servers, and each card once, with conversion.
fn for_people(id: &str) -> bool {
    if cfg!(not(target_os = "linux")) {
        return true;
    }
    match id.split_once(':') {
        Some((way, _)) => way == "plughw",
        None => !matches!(
            id,
            "null"
                | "upmix"
                | "vdownmix"
                | "lavrate"
                | "samplerate"
                | "speexrate"
                | "speex"
                | "usbstream"
                | "oss"
                | "jack"
        ),
    }
}

fn detail(rate: u32, channels: u16) -> String {
    let khz = f64::from(rate) / 1000.0;
    match channels {
        1 => format!("{khz} kHz mono"),
        2 => format!("{khz} kHz stereo"),
        _ => format!("{khz} kHz, {channels} channels"),
    }
}

fn say(error: &cpal::Error, device: &str) -> String {
    match error.kind() {
        ErrorKind::DeviceBusy => busy(device),
        ErrorKind::DeviceNotAvailable | ErrorKind::HostUnavailable if device.is_empty() => {
            no_microphone()
        }
        ErrorKind::DeviceNotAvailable | ErrorKind::HostUnavailable => not_connected(device),
        ErrorKind::PermissionDenied => {
            "The microphone may not be used: the system denies it. Allow Klieg in the system's \
             privacy settings; it is tried again every second."
                .to_owned()
        }
        ErrorKind::UnsupportedConfig => format!(
            "The microphone offers no format that can be used ({error}). Choose another one in \
             the source's settings."
        ),
        _ => format!(
            "The microphone does not open ({error}). Unplug it and plug it in again, or choose \
             another; it is tried every second."
        ),
    }
}

fn no_microphone() -> String {
    "There is no microphone. Connect one; it is looked for every second.".to_owned()
}

fn not_connected(device: &str) -> String {
    format!(
        "The audio input “{device}” is not connected. Connect it, or choose another in the \
         source's settings; it is looked for every second."
    )
}

fn busy(device: &str) -> String {
    let named = if device.is_empty() {
        "The microphone".to_owned()
    } else {
        format!("The audio input “{device}”")
    };
    format!(
        "{named} is in use by another program. Close that program, or choose another input; it \
         is tried again every second."
    )
}

fn taken_away() -> String {
    "The microphone was unplugged or its sound server stopped. Its sound comes back by itself \
     when it does."
        .to_owned()
}
