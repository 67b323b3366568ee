//! Windows of other programs on a real X server, started here.

use std::process::Command;

use crate::common::{Server, has, in_child, wait, wait_for};
use klieg_capture::State;
use klieg_capture::screen::{self, Area, Request, Screen};
use media::{Clock, Frame};
use x11rb::connection::Connection as _;
use x11rb::protocol::xproto::{
    AtomEnum, ConfigureWindowAux, ConnectionExt as _, CreateWindowAux, PropMode, Window,
    WindowClass,
};
use x11rb::rust_connection::RustConnection;
use x11rb::wrapper::ConnectionExt as _;

const RED: [u8; 3] = [0xCC, 0x33, 0x33];
const GREEN: u32 = 0x33_CC33;

/// A window of one colour, as a program opens it: with a class and a title.
fn open(
    conn: &RustConnection,
    number: usize,
    (class, title): (&str, &str),
    (x, y, width, height): (i16, i16, u16, u16),
    colour: u32,
) -> Window {
    let root = conn.setup().roots[number].root;
    let window = conn.generate_id().expect("an id");
    let aux = CreateWindowAux::new().background_pixel(colour);
    conn.create_window(
        x11rb::COPY_DEPTH_FROM_PARENT,
        window,
        root,
        x,
        y,
        width,
        height,
        0,
        WindowClass::INPUT_OUTPUT,
        x11rb::COPY_FROM_PARENT,
        &aux,
    )
    .expect("sent");
    if !class.is_empty() {
        let both = format!("{}\0{class}\0", class.to_lowercase());
        let kind = AtomEnum::STRING;
        conn.change_property8(
            PropMode::REPLACE,
            window,
            AtomEnum::WM_CLASS,
            kind,
            both.as_bytes(),
        )
        .expect("sent");
    }
    name(conn, window, title);
    conn.map_window(window).expect("sent");
    conn.sync().expect("the server has done it");
    window
}

fn name(conn: &RustConnection, window: Window, title: &str) {
    let atom = |name: &[u8]| {
        let asked = conn.intern_atom(false, name).expect("sent");
        asked.reply().expect("an atom").atom
    };
    let (property, kind) = (atom(b"_NET_WM_NAME"), atom(b"UTF8_STRING"));
    conn.change_property8(PropMode::REPLACE, window, property, kind, title.as_bytes())
        .expect("sent");
    conn.sync().expect("the server has done it");
}

fn pixel(frame: &Frame, x: u32, y: u32) -> [u8; 3] {
    let plane = &frame.planes()[0];
    let at = y as usize * plane.stride + x as usize * 4;
    [plane.data[at + 2], plane.data[at + 1], plane.data[at]]
}

fn all(frame: &Frame, colour: [u8; 3]) -> bool {
    (0..frame.height()).all(|y| (0..frame.width()).all(|x| pixel(frame, x, y) == colour))
}

fn capture(window: &str, clock: Clock) -> Screen {
    let request = Request {
        window: Some(window.to_owned()),
        fps: 30,
        ..Request::default()
    };
    Screen::start(request, clock)
}

#[test]
fn a_window_is_followed_by_its_name_whatever_lies_over_it() {
    if !has("Xvfb") {
        return;
    }
    let display = format!(":{}", 21_000 + std::process::id() % 20_000);
    let test = "window::a_window_is_followed_by_its_name_whatever_lies_over_it";
    if !in_child(test, &[("DISPLAY", &display)]) {
        return;
    }
    let display = std::env::var("DISPLAY").expect("set by the parent");
    let server = Server::start_and_wait(
        Command::new("Xvfb")
            .args([&display, "-displayfd", "1", "-nolisten", "tcp"])
            .args(["-screen", "0", "640x480x24", "-noreset"]),
    );
    let clock = Clock::start();
    let (conn, number) = x11rb::connect(None).expect("the server answers");

    // One that is not open is waited for.
    let screen = capture("Tool|Levels ü", clock);
    let lost = wait_for(State::Lost, || screen.status()).message;
    assert!(lost.is_some_and(|m| m.contains("The window “Levels ü” is not open")));

    let red = 0xCC_3333;
    let tool = open(&conn, number, ("Tool", "Levels ü"), (50, 40, 200, 150), red);
    let running = wait_for(State::Running, || screen.status());
    assert_eq!(running.detail.as_deref(), Some("200×150, 30 fps"));
    let frame = wait("the window", || screen.latest().filter(|f| all(f, RED)));
    assert_eq!((frame.width(), frame.height()), (200, 150));
    let listed = screen::windows();
    let listed: Vec<_> = listed
        .iter()
        .map(|w| (w.id.as_str(), w.name.as_str()))
        .collect();
    assert_eq!(listed, [("Tool|Levels ü", "Tool: Levels ü")]);

    // What lies over it is not seen.
    open(
        &conn,
        number,
        ("Other", "Over it"),
        (60, 50, 180, 130),
        GREEN,
    );
    let covered = clock.now();
    let frame = wait("a later picture", || {
        screen.latest().filter(|f| f.timestamp() > covered)
    });
    assert!(all(&frame, RED));

    // It is followed when it grows, moves, and is called otherwise.
    let grown = ConfigureWindowAux::new().x(5).y(5).width(320).height(100);
    conn.configure_window(tool, &grown).expect("sent");
    name(&conn, tool, "Levels of another file");
    let frame = wait("the larger window", || {
        screen.latest().filter(|f| f.width() == 320 && all(f, RED))
    });
    assert_eq!(frame.height(), 100);
    // Whoever looks for it by the old title finds the same program.
    let again = capture("Tool|Levels ü", clock);
    wait("the window by its program", || {
        again.latest().filter(|f| f.width() == 320)
    });
    drop(again);

    // A part of it, with the pointer.
    let part = Screen::start(
        Request {
            window: Some("Tool|".into()),
            area: Some(Area {
                x: 100,
                y: 20,
                width: 60,
                height: 50,
            }),
            pointer: true,
            fps: 30,
            ..Request::default()
        },
        clock,
    );
    let root = conn.setup().roots[number].root;
    conn.warp_pointer(x11rb::NONE, root, 0, 0, 0, 0, 5 + 100 + 30, 5 + 20 + 20)
        .expect("sent");
    conn.sync().expect("the server has done it");
    let frame = wait("the pointer", || {
        part.latest()
            .filter(|f| pixel(f, 0, 0) == RED && !all(f, RED))
    });
    assert_eq!((frame.width(), frame.height()), (60, 50));
    drop(part);

    // Hidden, shown again, closed, and opened again.
    conn.unmap_window(tool).expect("sent");
    conn.sync().expect("the server has done it");
    let hidden = wait_for(State::Lost, || screen.status()).message;
    assert!(hidden.is_some_and(|m| m.contains("minimised") || m.contains("is not open")));
    conn.map_window(tool).expect("sent");
    conn.sync().expect("the server has done it");
    wait_for(State::Running, || screen.status());
    conn.destroy_window(tool).expect("sent");
    conn.sync().expect("the server has done it");
    wait_for(State::Lost, || screen.status());
    assert!(screen.latest().is_none(), "no stale picture");
    open(&conn, number, ("Tool", "Fresh"), (0, 0, 90, 70), red);
    wait("the new window", || {
        screen.latest().filter(|f| f.width() == 90 && all(f, RED))
    });
    drop(screen);
    server.kill();
}
