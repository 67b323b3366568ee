//! Which devices this machine has.

use api::{Device, Devices};

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
    }
}
