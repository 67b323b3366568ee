//! A machine without devices: nothing panics, nothing hangs, and the reasons are sentences.

use crate::common::{in_child, wait_for};
use klieg_capture::camera::{self, Camera};
use klieg_capture::microphone::{self, Microphone};
use klieg_capture::screen::{self, Screen};
use klieg_capture::{State, Status};
use media::Clock;

#[test]
fn devices_that_are_not_there_are_lost_with_a_reason() {
    let name = "nothing::devices_that_are_not_there_are_lost_with_a_reason";
    let none = "/nonexistent";
    if !in_child(
        name,
        &[
            ("DISPLAY", ""),
            ("HOME", none),
            ("XDG_RUNTIME_DIR", none),
            ("PULSE_SERVER", "unix:/nonexistent/native"),
        ],
    ) {
        return;
    }
    let clock = Clock::start();
    let reason = |status: Status| {
        println!("{status:?}");
        let message = status.message.expect("a reason");
        assert!(
            message.ends_with('.') && !message.contains('\n'),
            "{message}"
        );
        message
    };

    let camera = Camera::start(
        camera::Request {
            device: "/dev/video987".to_owned(),
            ..camera::Request::default()
        },
        clock,
    );
    let message = reason(wait_for(State::Lost, || camera.status()));
    assert!(
        message.contains("“/dev/video987” is not connected"),
        "{message}"
    );
    assert!(camera.latest().is_none());

    let mut microphone = Microphone::start(
        microphone::Request {
            device: "alsa:plughw:CARD=Nobody".to_owned(),
        },
        clock,
    );
    let message = reason(wait_for(State::Lost, || microphone.status()));
    assert!(
        message.contains("“alsa:plughw:CARD=Nobody” is not connected"),
        "{message}"
    );
    assert!(microphone.read().is_none());

    let screen = Screen::start(screen::Request::default(), clock);
    reason(wait_for(State::Lost, || screen.status()));
    assert!(screen.latest().is_none());
    assert!(screen::list().is_empty());

    // What is listed depends on the machine; that it returns does not.
    println!("{:?} {:?}", camera::list(), microphone::list());
}
