//! X11 screens against a real server, started here.

use std::process::Command;

use crate::common::{Server, has, in_child, wait, wait_for};
use klieg_capture::State;
use klieg_capture::screen::{self, Area, Request, Screen};
use media::{Clock, Frame, PixelFormat};
use x11rb::connection::Connection as _;
use x11rb::protocol::xproto::{
    ConnectionExt as _, CreateGCAux, CreateWindowAux, EventMask, WindowClass,
};
use x11rb::rust_connection::RustConnection;
use x11rb::wrapper::ConnectionExt as _;

fn display() -> String {
    std::env::var("DISPLAY").expect("set by the parent")
}

fn start_server() -> Server {
    Server::start_and_wait(
        Command::new("Xvfb")
            .args([&display(), "-displayfd", "1", "-nolisten", "tcp"])
            .args(["-screen", "0", "640x480x24", "-noreset"]),
    )
}

/// A window of one colour, with an arrow as its pointer; it lives as long as the connection.
fn paint(x: i16, y: i16, width: u16, height: u16, colour: u32) -> RustConnection {
    let (conn, number) = x11rb::connect(None).expect("the server answers");
    let root = conn.setup().roots[number].root;
    let font = conn.generate_id().expect("an id");
    conn.open_font(font, b"cursor").expect("sent");
    let cursor = conn.generate_id().expect("an id");
    let white = u16::MAX;
    // 68 is the arrow of the cursor font, 69 its mask.
    conn.create_glyph_cursor(cursor, font, font, 68, 69, 0, 0, 0, white, white, white)
        .expect("sent");
    let window = conn.generate_id().expect("an id");
    let aux = CreateWindowAux::new()
        .background_pixel(colour)
        .override_redirect(1)
        .cursor(cursor)
        .event_mask(EventMask::EXPOSURE);
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
    conn.map_window(window).expect("sent");
    let gc = conn.generate_id().expect("an id");
    conn.create_gc(gc, window, &CreateGCAux::new())
        .expect("sent");
    conn.sync().expect("the server has done it");
    conn
}

fn pixel(frame: &Frame, x: u32, y: u32) -> [u8; 3] {
    assert_eq!(frame.format(), PixelFormat::Bgrx);
    let plane = &frame.planes()[0];
    let at = y as usize * plane.stride + x as usize * 4;
    [plane.data[at + 2], plane.data[at + 1], plane.data[at]]
}

const BLUE: [u8; 3] = [0x33, 0x66, 0xCC];

fn request() -> Request {
    Request {
        fps: 30,
        ..Request::default()
    }
}

#[test]
fn a_display_is_captured_lost_and_captured_again() {
    if !has("Xvfb") {
        return;
    }
    // A number of our own: the process's, far above what people use.
    let number = format!(":{}", 1_000 + std::process::id() % 20_000);
    let name = "screen::a_display_is_captured_lost_and_captured_again";
    if !in_child(name, &[("DISPLAY", &number)]) {
        return;
    }
    let clock = Clock::start();

    // Before there is a server.
    let screen = Screen::start(request(), clock);
    let lost = wait_for(State::Lost, || screen.status());
    let message = lost.message.expect("a reason");
    assert!(
        message.contains(&format!("The display {} does not answer", display())),
        "{message}"
    );
    assert!(screen.latest().is_none());
    assert!(screen::list().is_empty());

    // It comes by itself when there is.
    let server = start_server();
    let running = wait_for(State::Running, || screen.status());
    assert_eq!(running.detail.as_deref(), Some("640×480, 30 fps"));
    let monitors = screen::list();
    assert_eq!(monitors.len(), 1, "{monitors:?}");
    assert!(monitors[0].name.ends_with("(640×480)"), "{monitors:?}");

    // What is painted is seen, and stamped as it is.
    let painted = paint(100, 80, 300, 200, 0x33_66CC);
    let before = clock.now();
    let frame = wait("the painted window", || {
        screen
            .latest()
            .filter(|f| pixel(f, 101, 81) == BLUE && f.timestamp() > before)
    });
    assert_eq!((frame.width(), frame.height()), (640, 480));
    assert!(frame.timestamp() <= clock.now());
    for (x, y, blue) in [
        (100, 80, true),
        (399, 279, true),
        (99, 80, false),
        (400, 279, false),
    ] {
        assert_eq!(pixel(&frame, x, y) == BLUE, blue, "{x}, {y}");
    }

    // A part of it; cut where the monitor ends.
    let part = |x, y, width, height| Request {
        area: Some(Area {
            x,
            y,
            width,
            height,
        }),
        ..request()
    };
    let inside = Screen::start(part(120, 100, 51, 40), clock);
    let frame = wait("a part", || inside.latest());
    assert_eq!((frame.width(), frame.height()), (51, 40));
    assert!((0..51).all(|x| (0..40).all(|y| pixel(&frame, x, y) == BLUE)));
    let edge = Screen::start(part(600, 440, 400, 400), clock);
    let frame = wait("a cut part", || edge.latest());
    assert_eq!((frame.width(), frame.height()), (40, 40));
    let outside = Screen::start(part(640, 0, 10, 10), clock);
    let message = wait_for(State::Lost, || outside.status()).message;
    assert!(message.is_some_and(|m| m.contains("outside this monitor, which is 640×480")));
    let missing = Screen::start(
        Request {
            device: "HDMI-7".to_owned(),
            ..request()
        },
        clock,
    );
    let message = wait_for(State::Lost, || missing.status()).message;
    assert!(message.is_some_and(|m| m.contains("“HDMI-7” is not connected")));
    drop((inside, edge, outside, missing));

    // The pointer, where it is, and only for those who want it.
    let pointed = Screen::start(
        Request {
            pointer: true,
            ..request()
        },
        clock,
    );
    let root = painted.setup().roots[0].root;
    painted
        .warp_pointer(x11rb::NONE, root, 0, 0, 0, 0, 200, 150)
        .expect("sent");
    painted.sync().expect("the server has done it");
    let frame = wait("the pointer", || {
        pointed.latest().filter(|f| pixel(f, 201, 154) != BLUE)
    });
    let marked = |frame: &Frame| {
        let mut marked = Vec::new();
        for y in 82..270 {
            for x in 102..390 {
                if pixel(frame, x, y) != BLUE {
                    marked.push((x, y));
                }
            }
        }
        marked
    };
    let there = marked(&frame);
    assert!(there.len() > 20, "an arrow has an area: {there:?}");
    assert!(
        there
            .iter()
            .all(|&(x, y)| (190..=220).contains(&x) && (140..=175).contains(&y)),
        "{there:?}"
    );
    let after = clock.now();
    let without = wait("a later picture", || {
        screen.latest().filter(|f| f.timestamp() > after)
    });
    assert_eq!(marked(&without), []);
    drop(pointed);

    // The server crashes, and comes back under the same number.
    drop(painted);
    server.kill();
    let lost = wait_for(State::Lost, || screen.status());
    assert!(
        lost.message
            .is_some_and(|m| m.contains("has gone away") || m.contains("does not answer"))
    );
    assert!(screen.latest().is_none(), "no stale picture");
    let server = start_server();
    wait_for(State::Running, || screen.status());
    wait("pictures again", || screen.latest());
    drop(screen);
    server.kill();
}
