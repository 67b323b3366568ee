//! Windows of other programs: their own pictures by XComposite, whatever lies over them; what is seen of them
//! on the screen where there is no XComposite.

use media::{BufferPool, Clock, Color, Frame, PixelFormat, Timestamp};
use x11rb::connection::Connection as _;
use x11rb::protocol::composite::{self, ConnectionExt as _, Redirect};
use x11rb::protocol::xfixes::ConnectionExt as _;
use x11rb::protocol::xproto::{
    Atom, AtomEnum, ConnectionExt as _, GetGeometryReply, MapState, Pixmap, Screen as RootScreen,
    Window,
};
use x11rb::rust_connection::RustConnection;

use super::segment::Segment;
use super::{Place, check_format, connect, draw_pointer, gone, read, segment_for};
use crate::DeviceInfo;
use crate::screen::{Area, Beat, Request, called, cut, identity, window_of};
use crate::status::Board;
use crate::worker::Stop;

/// Most windows that are looked at.
const MOST: u32 = 1024;

/// The windows that can be captured, the one on top first.
pub(crate) fn list() -> Vec<DeviceInfo> {
    let Ok((conn, root)) = connect() else {
        return Vec::new();
    };
    let found = named(&conn, &root).unwrap_or_default();
    let mut listed: Vec<DeviceInfo> = Vec::new();
    for window in found.iter().rev() {
        let id = identity(&window.class, &window.title);
        if listed.iter().all(|known| known.id != id) {
            listed.push(DeviceInfo {
                name: match window.title.as_str() {
                    "" => window.class.clone(),
                    title => format!("{}: {title}", window.class),
                },
                id,
            });
        }
    }
    listed
}

pub(super) fn run(
    wanted: &str,
    request: &Request,
    clock: Clock,
    board: &Board,
    stop: &Stop,
) -> Result<(), String> {
    let mut grabber = Grabber::open(wanted, request)?;
    let mut beat = Beat::new(request.fps, clock);
    let mut size = (0, 0);
    while let Some(now) = beat.next(stop) {
        let frame = grabber.grab(request, now)?;
        if size != (frame.width(), frame.height()) {
            size = (frame.width(), frame.height());
            board.running(format!("{}×{}, {} fps", size.0, size.1, beat.fps()));
        }
        board.show(frame);
    }
    Ok(())
}

/// A window with a name.
struct Named {
    id: Window,
    class: String,
    title: String,
}

/// What windows are known by.
struct Atoms {
    client_list: Atom,
    name: Atom,
    utf8: Atom,
}

impl Atoms {
    fn new(conn: &RustConnection) -> Result<Self, String> {
        let ask = |name: &[u8]| conn.intern_atom(false, name).map_err(gone);
        let (list, name, utf8) = (
            ask(b"_NET_CLIENT_LIST_STACKING")?,
            ask(b"_NET_WM_NAME")?,
            ask(b"UTF8_STRING")?,
        );
        Ok(Self {
            client_list: list.reply().map_err(gone)?.atom,
            name: name.reply().map_err(gone)?.atom,
            utf8: utf8.reply().map_err(gone)?.atom,
        })
    }
}

/// The windows of programs, the lowest first: those that a window manager names, or else those that are on the
/// screen and have a name.
fn named(conn: &RustConnection, root: &RootScreen) -> Result<Vec<Named>, String> {
    let atoms = Atoms::new(conn)?;
    let listed = conn
        .get_property(
            false,
            root.root,
            atoms.client_list,
            AtomEnum::WINDOW,
            0,
            MOST,
        )
        .map_err(gone)?
        .reply()
        .map_err(gone)?;
    let listed: Option<Vec<Window>> = listed.value32().map(Iterator::collect);
    let managed = listed.as_ref().is_some_and(|all| !all.is_empty());
    let windows = match listed.filter(|all| !all.is_empty()) {
        Some(all) => all,
        None => {
            let tree = conn.query_tree(root.root).map_err(gone)?;
            let children = tree.reply().map_err(gone)?.children;
            children.into_iter().take(MOST as usize).collect()
        }
    };
    let mut found = Vec::new();
    for id in windows {
        // One may close while it is asked.
        let Some(window) = describe(conn, &atoms, id) else {
            continue;
        };
        if managed || is_seen(conn, id) {
            found.push(window);
        }
    }
    Ok(found)
}

fn is_seen(conn: &RustConnection, id: Window) -> bool {
    let attributes = conn.get_window_attributes(id).ok();
    let attributes = attributes.and_then(|asked| asked.reply().ok());
    attributes.is_some_and(|a| a.map_state == MapState::VIEWABLE)
}

fn describe(conn: &RustConnection, atoms: &Atoms, id: Window) -> Option<Named> {
    let text = |property: Atom, kind: Atom| {
        let asked = conn.get_property(false, id, property, kind, 0, 256).ok()?;
        let value = asked.reply().ok()?.value;
        (!value.is_empty()).then_some(value)
    };
    // "instance\0class\0"
    let class = text(AtomEnum::WM_CLASS.into(), AtomEnum::STRING.into());
    let class = class.and_then(|both| {
        let mut parts = both
            .split(|byte| *byte == 0)
            .filter(|part| !part.is_empty());
        parts.next_back().map(latin)
    });
    let title = match text(atoms.name, atoms.utf8) {
        Some(title) => Some(String::from_utf8_lossy(&title).into_owned()),
        None => text(AtomEnum::WM_NAME.into(), AtomEnum::STRING.into()).map(|t| latin(&t)),
    };
    let class = class.or_else(|| title.clone())?;
    Some(Named {
        id,
        class,
        title: title.unwrap_or_default(),
    })
}

/// ISO 8859-1, as old properties are written.
fn latin(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| char::from(*byte)).collect()
}

struct Grabber {
    conn: RustConnection,
    root: RootScreen,
    window: Window,
    called: String,
    /// Its own picture; absent without XComposite.
    pixmap: Option<Pixmap>,
    composite: bool,
    segment: Option<Segment>,
    /// For which size pixmap and segment were made.
    made_for: Option<(u16, u16, Place)>,
    pointer: bool,
    pool: BufferPool,
}

impl Grabber {
    fn open(wanted: &str, request: &Request) -> Result<Self, String> {
        let (conn, root) = connect()?;
        check_format(&conn, &root)?;
        let windows = named(&conn, &root)?;
        let names = windows.iter().map(|w| (w.class.as_str(), w.title.as_str()));
        let found = window_of(wanted, names).and_then(|at| windows.get(at));
        let called = called(wanted).to_owned();
        let Some(found) = found else {
            return Err(format!(
                "The window “{called}” is not open. Open it, or choose another in the source's settings; \
                 it is looked for every second."
            ));
        };
        let window = found.id;
        let version = conn.composite_query_version(0, 4).ok();
        let composite = version
            .and_then(|asked| asked.reply().ok())
            .is_some_and(|v| (v.major_version, v.minor_version) >= (0, 2));
        let redirected = composite
            && conn
                .composite_redirect_window(window, Redirect::AUTOMATIC)
                .is_ok_and(|asked| asked.check().is_ok());
        let pointer = request.pointer
            && conn
                .xfixes_query_version(4, 0)
                .is_ok_and(|cookie| cookie.reply().is_ok());
        Ok(Self {
            conn,
            root,
            window,
            called,
            pixmap: None,
            composite: redirected,
            segment: None,
            made_for: None,
            pointer,
            pool: BufferPool::new(4),
        })
    }

    fn grab(&mut self, request: &Request, now: Timestamp) -> Result<Frame, String> {
        let geometry = self.geometry()?;
        let (width, height) = (geometry.width, geometry.height);
        let Area {
            x,
            y,
            width: w,
            height: h,
        } = cut(request.area, width.into(), height.into())?;
        let side = |length: u32| u16::try_from(length).unwrap_or(u16::MAX);
        let edge = |from: u32| i16::try_from(from).unwrap_or(i16::MAX);
        let place = Place {
            x: edge(x),
            y: edge(y),
            width: side(w),
            height: side(h),
        };
        if self.made_for != Some((width, height, place)) {
            self.make(place)?;
            self.made_for = Some((width, height, place));
        }
        let origin = self.origin()?;
        let origin = (origin.0 + i32::from(place.x), origin.1 + i32::from(place.y));
        let mut data = self.pool.take(place.bytes());
        let segment = self.segment.as_ref();
        match self.pixmap {
            Some(pixmap) => {
                // The pixmap begins with the window's border.
                let border = i16::try_from(geometry.border_width).unwrap_or(0);
                let inside = Place {
                    x: place.x.saturating_add(border),
                    y: place.y.saturating_add(border),
                    ..place
                };
                read(&self.conn, pixmap, inside, segment, &mut data)?;
            }
            None => self.read_seen(place, origin, &mut data)?,
        }
        if self.pointer {
            draw_pointer(&self.conn, &mut data, place, origin)?;
        }
        Frame::packed(
            PixelFormat::Bgrx,
            place.width.into(),
            place.height.into(),
            Color::default(),
            now,
            data.freeze(),
        )
        .map_err(|error| format!("The window gives no usable picture: {error}."))
    }

    fn geometry(&self) -> Result<GetGeometryReply, String> {
        let asked = self.conn.get_geometry(self.window).map_err(gone)?;
        let geometry = asked.reply().map_err(|_| self.closed())?;
        if !is_seen(&self.conn, self.window) {
            return Err(format!(
                "The window “{}” is minimised or on another desktop. Show it; it comes back by itself.",
                self.called
            ));
        }
        Ok(geometry)
    }

    fn closed(&self) -> String {
        format!(
            "The window “{}” was closed. Open it again; it is looked for every second.",
            self.called
        )
    }

    /// Its top left on the root window.
    fn origin(&self) -> Result<(i32, i32), String> {
        let asked = self
            .conn
            .translate_coordinates(self.window, self.root.root, 0, 0)
            .map_err(gone)?;
        let at = asked.reply().map_err(|_| self.closed())?;
        Ok((at.dst_x.into(), at.dst_y.into()))
    }

    /// Its picture is another one with each size.
    fn make(&mut self, place: Place) -> Result<(), String> {
        if let Some(old) = self.segment.take() {
            old.detach(&self.conn);
        }
        self.segment = segment_for(&self.conn, place);
        if let Some(old) = self.pixmap.take() {
            // Refused only by a server that has gone, which the next request notices.
            self.conn.free_pixmap(old).ok();
        }
        if self.composite {
            let pixmap = self.conn.generate_id().map_err(gone)?;
            let named = composite::name_window_pixmap(&self.conn, self.window, pixmap);
            // Without its own picture, what is seen of it.
            self.pixmap = named
                .is_ok_and(|asked| asked.check().is_ok())
                .then_some(pixmap);
        }
        Ok(())
    }

    /// What is seen of it on the screen; what lies outside of the screen is black.
    fn read_seen(&self, place: Place, at: (i32, i32), data: &mut [u8]) -> Result<(), String> {
        let (left, top) = (at.0.max(0), at.1.max(0));
        let right = (at.0 + i32::from(place.width)).min(self.root.width_in_pixels.into());
        let bottom = (at.1 + i32::from(place.height)).min(self.root.height_in_pixels.into());
        if right <= left || bottom <= top {
            return Err(format!(
                "The window “{}” lies outside of the screen. Move it back; it comes back by itself.",
                self.called
            ));
        }
        let seen = Place {
            x: i16::try_from(left).unwrap_or(i16::MAX),
            y: i16::try_from(top).unwrap_or(i16::MAX),
            width: u16::try_from(right - left).unwrap_or(u16::MAX),
            height: u16::try_from(bottom - top).unwrap_or(u16::MAX),
        };
        if (seen.width, seen.height) == (place.width, place.height) {
            return read(
                &self.conn,
                self.root.root,
                seen,
                self.segment.as_ref(),
                data,
            );
        }
        let mut part = self.pool.take(seen.bytes());
        read(&self.conn, self.root.root, seen, None, &mut part)?;
        data.fill(0);
        let stride = usize::from(place.width) * 4;
        let from = ((top - at.1) as usize * stride) + (left - at.0) as usize * 4;
        let rows = part.chunks_exact(usize::from(seen.width) * 4);
        for (row, to) in rows.zip(data[from..].chunks_mut(stride)) {
            let length = row.len().min(to.len());
            to[..length].copy_from_slice(&row[..length]);
        }
        Ok(())
    }
}
