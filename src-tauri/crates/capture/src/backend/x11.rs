//! X11 screens: pictures through shared memory (MIT-SHM 1.2), the pointer by XFixes, monitors by RandR 1.5.

use std::time::Duration;

use bytes::Bytes;
use media::{BufferPool, Clock, Color, Frame, PixelFormat, Timestamp};
use x11rb::connection::{Connection as _, RequestConnection as _};
use x11rb::protocol::randr::ConnectionExt as _;
use x11rb::protocol::xfixes::{self, ConnectionExt as _};
use x11rb::protocol::xproto::{
    ConnectionExt as _, Drawable, ImageFormat, ImageOrder, Screen as RootScreen,
};
use x11rb::protocol::{randr, shm};
use x11rb::rust_connection::RustConnection;

use self::segment::Segment;
use crate::DeviceInfo;
use crate::screen::{Area, Beat, Request, cut};
use crate::status::Board;
use crate::worker::Stop;

mod pointer;
mod segment;
mod window;

pub(crate) use window::list as windows;

/// How often the monitors are looked at again: they may be turned or resized.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// Whether this is a session of X11 (and not of Wayland, where X11 shows black).
pub(crate) fn is_there() -> bool {
    let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    set("DISPLAY") && !set("WAYLAND_DISPLAY")
}

pub(crate) fn list() -> Vec<DeviceInfo> {
    let Ok((conn, number)) = x11rb::connect(None) else {
        return Vec::new();
    };
    let Some(root) = conn.setup().roots.get(number) else {
        return Vec::new();
    };
    monitors(&conn, root)
        .unwrap_or_default()
        .into_iter()
        .map(|monitor| DeviceInfo {
            name: format!("{} ({}×{})", monitor.name, monitor.width, monitor.height),
            id: monitor.name,
        })
        .collect()
}

pub(crate) fn run(
    request: &Request,
    clock: Clock,
    board: &Board,
    stop: &Stop,
) -> Result<(), String> {
    if let Some(wanted) = &request.window {
        return window::run(wanted, request, clock, board, stop);
    }
    let mut beat = Beat::new(request.fps, clock);
    let mut grabber = Grabber::open(request)?;
    let say = |grabber: &Grabber, beat: &Beat| {
        let (width, height) = (grabber.place.width, grabber.place.height);
        board.running(format!("{width}×{height}, {} fps", beat.fps()));
    };
    let mut looked = clock.now();
    let mut first = true;
    while let Some(now) = beat.next(stop) {
        if now.since(looked) >= LOOK_AGAIN {
            looked = now;
            if grabber.look_again(request)? {
                say(&grabber, &beat);
            }
        }
        board.show(grabber.grab(now)?);
        if first {
            first = false;
            say(&grabber, &beat);
        }
    }
    Ok(())
}

/// A monitor's place on the root window.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Monitor {
    name: String,
    x: i16,
    y: i16,
    width: u16,
    height: u16,
}

/// What is captured, on the root window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    x: i16,
    y: i16,
    width: u16,
    height: u16,
}

struct Grabber {
    conn: RustConnection,
    root: RootScreen,
    place: Place,
    /// Absent on a display without shared memory (over a network).
    segment: Option<Segment>,
    pointer: bool,
    pool: BufferPool,
}

impl Grabber {
    fn open(request: &Request) -> Result<Self, String> {
        let (conn, root) = connect()?;
        check_format(&conn, &root)?;
        let pointer = request.pointer
            && conn
                .xfixes_query_version(4, 0)
                .is_ok_and(|cookie| cookie.reply().is_ok());
        let place = find(&conn, &root, request)?;
        let segment = segment_for(&conn, place);
        Ok(Self {
            conn,
            root,
            place,
            segment,
            pointer,
            pool: BufferPool::new(4),
        })
    }

    /// Follows its monitor; true when it has moved or changed its size.
    fn look_again(&mut self, request: &Request) -> Result<bool, String> {
        let place = find(&self.conn, &self.root, request)?;
        if place == self.place {
            return Ok(false);
        }
        let same_size = (place.width, place.height) == (self.place.width, self.place.height);
        self.place = place;
        if !same_size && let Some(old) = self.segment.take() {
            old.detach(&self.conn);
            self.segment = segment_for(&self.conn, place);
        }
        Ok(true)
    }

    fn grab(&self, now: Timestamp) -> Result<Frame, String> {
        let Place {
            x,
            y,
            width,
            height,
        } = self.place;
        let mut data = self.pool.take(self.place.bytes());
        let segment = self.segment.as_ref();
        read(&self.conn, self.root.root, self.place, segment, &mut data)?;
        if self.pointer {
            draw_pointer(&self.conn, &mut data, self.place, (x.into(), y.into()))?;
        }
        let data: Bytes = data.freeze();
        Frame::packed(
            PixelFormat::Bgrx,
            width.into(),
            height.into(),
            Color::default(),
            now,
            data,
        )
        .map_err(|error| format!("The screen gives no usable picture: {error}."))
    }
}

impl Place {
    fn bytes(self) -> usize {
        usize::from(self.width) * usize::from(self.height) * 4
    }
}

fn connect() -> Result<(RustConnection, RootScreen), String> {
    let (conn, number) = x11rb::connect(None).map_err(|error| {
        let display = std::env::var("DISPLAY").unwrap_or_default();
        format!(
            "The display {display} does not answer ({error}). Start it, or open Klieg in a \
             desktop session; it is tried again every second."
        )
    })?;
    let root = conn
        .setup()
        .roots
        .get(number)
        .cloned()
        .ok_or("The display has no screen.")?;
    Ok((conn, root))
}

/// Reads a part of a window or a pixmap into memory of its size.
fn read(
    conn: &RustConnection,
    drawable: Drawable,
    place: Place,
    segment: Option<&Segment>,
    data: &mut [u8],
) -> Result<(), String> {
    let Place {
        x,
        y,
        width,
        height,
    } = place;
    let format = ImageFormat::Z_PIXMAP;
    match segment {
        Some(segment) => {
            let kind = u8::from(format);
            let id = segment.id();
            shm::get_image(conn, drawable, x, y, width, height, !0, kind, id, 0)
                .map_err(gone)?
                .reply()
                .map_err(gone)?;
            segment.copy_to(data);
        }
        None => {
            let reply = conn
                .get_image(format, drawable, x, y, width, height, !0)
                .map_err(gone)?
                .reply()
                .map_err(gone)?;
            let count = data.len().min(reply.data.len());
            data[..count].copy_from_slice(&reply.data[..count]);
        }
    }
    Ok(())
}

/// Draws the pointer into a picture whose top left is at `origin` on the root window.
fn draw_pointer(
    conn: &RustConnection,
    data: &mut [u8],
    place: Place,
    origin: (i32, i32),
) -> Result<(), String> {
    let image = xfixes::get_cursor_image(conn)
        .map_err(gone)?
        .reply()
        .map_err(gone)?;
    let at = (
        i32::from(image.x) - i32::from(image.xhot) - origin.0,
        i32::from(image.y) - i32::from(image.yhot) - origin.1,
    );
    pointer::draw(
        data,
        (place.width.into(), place.height.into()),
        &image.cursor_image,
        (image.width.into(), image.height.into()),
        at,
    );
    Ok(())
}

fn segment_for(conn: &RustConnection, place: Place) -> Option<Segment> {
    Segment::new(conn, u32::try_from(place.bytes()).ok()?)
}

fn gone(error: impl std::fmt::Display) -> String {
    format!(
        "The display has gone away ({error}). Its pictures come back by themselves when it does."
    )
}

/// Pictures are taken as they are: 32 bits a pixel, blue first.
fn check_format(conn: &RustConnection, root: &RootScreen) -> Result<(), String> {
    let setup = conn.setup();
    let bits = setup
        .pixmap_formats
        .iter()
        .find(|format| format.depth == root.root_depth)
        .map(|format| format.bits_per_pixel);
    let red = root
        .allowed_depths
        .iter()
        .flat_map(|depth| &depth.visuals)
        .find(|visual| visual.visual_id == root.root_visual)
        .map(|visual| visual.red_mask);
    if bits == Some(32) && red == Some(0xFF_0000) && setup.image_byte_order == ImageOrder::LSB_FIRST
    {
        return Ok(());
    }
    Err(format!(
        "This display has {} bits a pixel in an unusual order and cannot be captured. Set it to 24 bits.",
        root.root_depth
    ))
}

/// The monitors, the main one first. A server without RandR 1.5 is one monitor.
fn monitors(conn: &RustConnection, root: &RootScreen) -> Result<Vec<Monitor>, String> {
    let whole = Monitor {
        name: "screen".to_owned(),
        x: 0,
        y: 0,
        width: root.width_in_pixels,
        height: root.height_in_pixels,
    };
    if conn
        .extension_information(randr::X11_EXTENSION_NAME)
        .map_err(gone)?
        .is_none()
    {
        return Ok(vec![whole]);
    }
    let version = conn.randr_query_version(1, 5).map_err(gone)?.reply();
    if !version.is_ok_and(|v| (v.major_version, v.minor_version) >= (1, 5)) {
        return Ok(vec![whole]);
    }
    let reply = conn
        .randr_get_monitors(root.root, true)
        .map_err(gone)?
        .reply()
        .map_err(gone)?;
    let mut found = Vec::new();
    for info in reply.monitors {
        let name = conn
            .get_atom_name(info.name)
            .map_err(gone)?
            .reply()
            .map_err(gone)?;
        let monitor = Monitor {
            name: String::from_utf8_lossy(&name.name).into_owned(),
            x: info.x,
            y: info.y,
            width: info.width,
            height: info.height,
        };
        if info.primary {
            found.insert(0, monitor);
        } else {
            found.push(monitor);
        }
    }
    if found.is_empty() {
        found.push(whole);
    }
    Ok(found)
}

fn find(conn: &RustConnection, root: &RootScreen, request: &Request) -> Result<Place, String> {
    let monitor = monitors(conn, root)?
        .into_iter()
        .find(|monitor| request.device.is_empty() || monitor.name == request.device)
        .ok_or_else(|| {
            format!(
                "The monitor “{}” is not connected. Connect it, or choose another in the source's \
                 settings; it is looked for every second.",
                request.device
            )
        })?;
    let Area {
        x,
        y,
        width,
        height,
    } = cut(request.area, monitor.width.into(), monitor.height.into())?;
    // Within the monitor, whose edges are 16 bits.
    Ok(Place {
        x: monitor
            .x
            .saturating_add(i16::try_from(x).unwrap_or(i16::MAX)),
        y: monitor
            .y
            .saturating_add(i16::try_from(y).unwrap_or(i16::MAX)),
        width: u16::try_from(width).unwrap_or(u16::MAX),
        height: u16::try_from(height).unwrap_or(u16::MAX),
    })
}
