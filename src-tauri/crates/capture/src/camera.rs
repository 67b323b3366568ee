//! Cameras, in the formats they have: NV12, YUYV and MJPEG pass through as such.

mod choose;
mod jpeg;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use media::{
    BufferPool, Clock, Color, Frame, FrameError, Matrix, PixelFormat, Plane, Range, Timestamp,
};
use nokhwa::Camera as Device;
use nokhwa::NokhwaError;
use nokhwa::utils::{
    CameraFormat, CameraIndex, FrameFormat, RequestedFormat, RequestedFormatType, Resolution,
};

use self::choose::{Mode, Wish, choose};
use crate::status::Board;
use crate::worker::{Stop, Worker, within};
use crate::{DeviceInfo, State, Status};

/// A camera that gives no picture for so long is said to be lost.
const SILENT: Duration = Duration::from_secs(3);

/// Formats that pass through.
const FORMATS: [FrameFormat; 3] = [FrameFormat::NV12, FrameFormat::YUYV, FrameFormat::MJPEG];

/// Which camera, and how.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// The device's identity; empty means the first one.
    pub device: String,
    /// Pixels across wished for; 0 leaves it open (1280×720 is preferred).
    pub width: u32,
    /// Pixels down wished for.
    pub height: u32,
    /// Pictures per second wished for; 0 leaves it open (30 is preferred).
    pub fps: u32,
}

/// A camera being captured.
#[derive(Debug)]
pub struct Camera {
    board: Arc<Board>,
    /// When the latest picture came, in nanoseconds since the epoch.
    heard: Arc<AtomicI64>,
    clock: Clock,
    _worker: Worker,
}

/// The cameras of this machine. Takes three seconds at most.
pub fn list() -> Vec<DeviceInfo> {
    within("camera-list", Duration::from_secs(3), || {
        find_all()
            .into_iter()
            .map(|found| DeviceInfo {
                id: found.id,
                name: found.name,
            })
            .collect()
    })
    .unwrap_or_default()
}

impl Camera {
    /// Starts capturing. Returns at once; how it does stands in [`Camera::status`].
    pub fn start(request: Request, clock: Clock) -> Self {
        let board = Arc::new(Board::new());
        let heard = Arc::new(AtomicI64::new(i64::MAX));
        let (shown, beat) = (board.clone(), heard.clone());
        let worker = Worker::supervise("camera", board.clone(), move |stop| {
            run(&request, clock, &shown, &beat, stop)
        });
        Self {
            board,
            heard,
            clock,
            _worker: worker,
        }
    }

    /// How it does.
    pub fn status(&self) -> Status {
        let status = self.board.status();
        // A driver waits for pictures without end, and so its thread cannot say that none come.
        let silent = status.state == State::Running
            && self
                .clock
                .now()
                .since(Timestamp::from_nanos(self.heard.load(Ordering::Relaxed)))
                > SILENT;
        if !silent {
            return status;
        }
        Status {
            state: State::Lost,
            detail: None,
            message: Some(
                "The camera gives no pictures. Unplug it and plug it in again; they come back \
                 by themselves."
                    .to_owned(),
            ),
        }
    }

    /// The latest picture, in the camera's own format; none while the camera is lost.
    pub fn latest(&self) -> Option<Frame> {
        self.board.frame()
    }
}

fn run(
    request: &Request,
    clock: Clock,
    board: &Board,
    heard: &AtomicI64,
    stop: &Stop,
) -> Result<(), String> {
    let found = find(&request.device)?;
    let named = |error: NokhwaError| say(&error, &found.name);
    let (mut device, mode) = open(&found, request)?;
    device.open_stream().map_err(named)?;
    let packer = Packer::new(mode, stride(&found, mode));
    let mut first = true;
    while !stop.is_set() {
        let data = device.frame_raw().map_err(named)?;
        let now = clock.now();
        // A picture that came damaged over the wire is passed over: the next one is due soon.
        let Some(frame) = packer.frame(&data, now) else {
            continue;
        };
        heard.store(now.nanos(), Ordering::Relaxed);
        board.show(frame);
        if first {
            first = false;
            board.running(detail(mode));
        }
    }
    Ok(())
}

/// A camera of this machine, and how the library calls it.
struct Found {
    id: String,
    name: String,
    index: CameraIndex,
}

#[cfg(target_os = "linux")]
fn find_all() -> Vec<Found> {
    crate::backend::v4l2::cameras()
        .into_iter()
        .map(|node| Found {
            id: node.id,
            name: node.name,
            index: CameraIndex::Index(node.index),
        })
        .collect()
}

#[cfg(not(target_os = "linux"))]
fn find_all() -> Vec<Found> {
    let cameras = nokhwa::query(nokhwa::utils::ApiBackend::Auto).unwrap_or_default();
    cameras
        .into_iter()
        .map(|camera| {
            // Both systems name the device here in a way that survives another socket.
            let id = match camera.misc() {
                misc if misc.is_empty() => camera.human_name(),
                misc => misc,
            };
            Found {
                id,
                name: camera.human_name(),
                index: camera.index().clone(),
            }
        })
        .collect()
}

fn find(id: &str) -> Result<Found, String> {
    find_all()
        .into_iter()
        .find(|camera| id.is_empty() || camera.id == id)
        .ok_or_else(|| {
            if id.is_empty() {
                "There is no camera. Connect one; it is looked for every second.".to_owned()
            } else {
                format!(
                    "The camera “{id}” is not connected. Connect it, or choose another in the \
                     source's settings; it is looked for every second."
                )
            }
        })
}

fn open(found: &Found, request: &Request) -> Result<(Device, Mode), String> {
    let named = |error: NokhwaError| say(&error, &found.name);
    #[cfg(target_os = "linux")]
    if let CameraIndex::Index(index) = found.index {
        crate::backend::v4l2::make_rate_whole(index);
    }
    let any = RequestedFormat::with_formats(RequestedFormatType::None, &FORMATS);
    let mut device = Device::new(found.index.clone(), any).map_err(named)?;
    let modes: Vec<Mode> = device
        .compatible_camera_formats()
        .map_err(named)?
        .into_iter()
        .filter_map(mode_of)
        .collect();
    let wish = Wish {
        width: request.width,
        height: request.height,
        fps: request.fps,
    };
    let mode = choose(&modes, wish).ok_or_else(|| {
        format!(
            "The camera “{}” offers no format that can be used (NV12, YUYV or MJPEG at a whole \
             number of pictures per second). Choose another camera.",
            found.name
        )
    })?;
    let format = CameraFormat::new(
        Resolution::new(mode.width, mode.height),
        match mode.format {
            PixelFormat::Nv12 => FrameFormat::NV12,
            PixelFormat::Yuyv => FrameFormat::YUYV,
            _ => FrameFormat::MJPEG,
        },
        mode.fps,
    );
    let exact = RequestedFormat::with_formats(RequestedFormatType::Exact(format), &FORMATS);
    device.set_camera_requset(exact).map_err(named)?;
    // The driver may have chosen something near.
    let mode = mode_of(device.camera_format()).unwrap_or(mode);
    Ok((device, mode))
}

fn mode_of(format: CameraFormat) -> Option<Mode> {
    Some(Mode {
        format: match format.format() {
            FrameFormat::NV12 => PixelFormat::Nv12,
            FrameFormat::YUYV => PixelFormat::Yuyv,
            FrameFormat::MJPEG => PixelFormat::Mjpeg,
            _ => return None,
        },
        width: format.width(),
        height: format.height(),
        fps: format.frame_rate(),
    })
}

/// Bytes from one row to the next, where the system says.
fn stride(found: &Found, mode: Mode) -> usize {
    let (row, _) = mode.format.plane_size(0, mode.width, mode.height);
    #[cfg(target_os = "linux")]
    if let CameraIndex::Index(index) = found.index
        && let Some(stride) = crate::backend::v4l2::stride(index)
    {
        return stride.max(row);
    }
    #[cfg(not(target_os = "linux"))]
    drop(&found.index);
    row
}

/// Makes frames of what the driver hands out.
struct Packer {
    mode: Mode,
    stride: usize,
    pool: BufferPool,
}

impl Packer {
    fn new(mode: Mode, stride: usize) -> Self {
        Self {
            mode,
            stride,
            pool: BufferPool::new(4),
        }
    }

    /// None for a picture that is not whole.
    fn frame(&self, data: &[u8], now: Timestamp) -> Option<Frame> {
        let Mode {
            format,
            width,
            height,
            ..
        } = self.mode;
        let len = if format == PixelFormat::Mjpeg {
            jpeg::length(data)?
        } else {
            // Rows of all planes have one stride: NV12's UV rows are as long as its Y rows.
            let rows: usize = (0..format.planes())
                .map(|plane| format.plane_size(plane, width, height).1)
                .sum();
            let (row, _) = format.plane_size(0, width, height);
            self.stride * (rows - 1) + row
        };
        let mut buffer = self.pool.take(len);
        buffer.copy_from_slice(data.get(..len)?);
        self.planes(buffer.freeze(), now).ok()
    }

    fn planes(&self, data: bytes::Bytes, now: Timestamp) -> Result<Frame, FrameError> {
        let Mode {
            format,
            width,
            height,
            ..
        } = self.mode;
        let (color, stride) = if format == PixelFormat::Mjpeg {
            (Range::Full, 0)
        } else {
            (Range::Limited, self.stride)
        };
        let color = Color {
            matrix: Matrix::Bt601,
            range: color,
        };
        let second = (stride * height as usize).min(data.len());
        let planes = [
            Plane {
                data: data.clone(),
                stride,
            },
            Plane {
                data: data.slice(second..),
                stride,
            },
        ];
        Frame::new(
            format,
            width,
            height,
            color,
            now,
            planes.into_iter().take(format.planes()),
        )
    }
}

fn detail(mode: Mode) -> String {
    let format = match mode.format {
        PixelFormat::Nv12 => "NV12",
        PixelFormat::Yuyv => "YUYV",
        _ => "MJPEG",
    };
    format!("{}×{} {format}, {} fps", mode.width, mode.height, mode.fps)
}

fn say(error: &NokhwaError, name: &str) -> String {
    let why = error.to_string();
    let lower = why.to_lowercase();
    if lower.contains("busy") {
        format!(
            "The camera “{name}” is in use by another program. Close that program; it is tried \
             again every second."
        )
    } else if lower.contains("permission") || lower.contains("denied") {
        format!(
            "The camera “{name}” may not be used: the system denies it. Allow Klieg in the \
             system's privacy settings (on Linux, join the group “video”); it is tried again \
             every second."
        )
    } else if lower.contains("no such") || matches!(error, NokhwaError::ReadFrameError(_)) {
        format!(
            "The camera “{name}” was unplugged. Its pictures come back by themselves when it \
             does."
        )
    } else {
        format!(
            "The camera “{name}” does not open ({why}). Unplug it and plug it in again; it is \
             tried every second."
        )
    }
}

#[cfg(test)]
mod tests;
