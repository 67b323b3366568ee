//! Which devices this machine has.

use std::time::Duration;

use api::{Code, Device, DeviceKind, Devices, Problem};
use capture::camera::Camera;
use capture::screen::Screen;
use media::{Clock, Frame};
use parking_lot::Mutex;

/// Looks for devices. Takes as long as the system's drivers take: not for a thread that must not wait.
pub(crate) fn look() -> Devices {
    let named = |found: Vec<capture::DeviceInfo>| {
        found
            .into_iter()
            .map(|d| Device {
                id: d.id,
                name: d.name,
            })
            .collect()
    };
    Devices {
        cameras: named(capture::camera::list()),
        microphones: named(capture::microphone::list()),
        screens: named(capture::screen::list()),
        windows: named(capture::screen::windows()),
    }
}

/// How long a device may take to give a picture: cameras adjust themselves first.
const PATIENCE: Duration = Duration::from_secs(5);

/// How often it is asked.
const LOOK: Duration = Duration::from_millis(20);

/// A picture of a device that nothing else shows. Blocks until there is one, five seconds at most; one at a time.
///
/// # Errors
/// What the device says, for people.
pub(crate) fn still(kind: DeviceKind, device: &str, clock: Clock) -> Result<Frame, Problem> {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _turn = ONE_AT_A_TIME.lock();
    let device = device.to_owned();
    let screen = |device, window| {
        let request = capture::screen::Request {
            device,
            window,
            pointer: false,
            fps: 10,
            area: None,
        };
        let screen = Screen::start(request, clock);
        wait(clock, || (screen.latest(), screen.status()))
    };
    match kind {
        DeviceKind::Screen => screen(device, None),
        DeviceKind::Window => screen(String::new(), Some(device)),
        DeviceKind::Camera => {
            let request = capture::camera::Request {
                device,
                ..capture::camera::Request::default()
            };
            let camera = Camera::start(request, clock);
            wait(clock, || (camera.latest(), camera.status()))
        }
    }
}

fn wait(
    clock: Clock,
    look: impl Fn() -> (Option<Frame>, capture::Status),
) -> Result<Frame, Problem> {
    let until = clock.now() + PATIENCE;
    loop {
        let (frame, status) = look();
        if let Some(frame) = frame {
            return Ok(frame);
        }
        let late = clock.now() > until;
        if status.state == capture::State::Lost || late {
            let said = status.message.unwrap_or_else(|| {
                "The device gives no picture. Unplug it and plug it in again.".to_owned()
            });
            return Err(Problem::new(Code::Conflict, said));
        }
        clock.sleep_until(clock.now() + LOOK);
    }
}
