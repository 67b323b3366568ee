//! What the camera library does not do on Linux: names that last, nodes that are no cameras, fractional rates, strides.

use std::path::{Path, PathBuf};

use v4l::Device;
use v4l::capability::Flags;
use v4l::video::Capture;
use v4l::video::capture::Parameters;

/// A node that gives pictures.
pub(crate) struct Node {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) index: u32,
}

/// The nodes that give pictures, in the order of their numbers. A webcam has another one for its metadata.
pub(crate) fn cameras() -> Vec<Node> {
    let links = links();
    let mut nodes: Vec<Node> = entries("/sys/class/video4linux")
        .into_iter()
        .filter_map(|path| {
            let file = path.file_name()?.to_str()?.to_owned();
            let index: u32 = file.strip_prefix("video")?.parse().ok()?;
            let device = PathBuf::from(format!("/dev/{file}"));
            if !gives_pictures(&device) {
                return None;
            }
            let name = std::fs::read_to_string(path.join("name")).unwrap_or_default();
            let link = links.iter().find(|(_, target)| *target == device);
            let id = link.map_or(&device, |(link, _)| link);
            Some(Node {
                id: id.to_string_lossy().into_owned(),
                name: match name.trim() {
                    "" => file,
                    name => name.to_owned(),
                },
                index,
            })
        })
        .collect();
    nodes.sort_by_key(|node| node.index);
    nodes
}

/// Names that stay when numbers change, and what they stand for.
fn links() -> Vec<(PathBuf, PathBuf)> {
    entries("/dev/v4l/by-id")
        .into_iter()
        .filter_map(|link| {
            let target = link.canonicalize().ok()?;
            Some((link, target))
        })
        .collect()
}

fn entries(folder: &str) -> Vec<PathBuf> {
    // No folder: no cameras.
    std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()))
        .collect()
}

/// A camera that may not be opened is listed all the same: choosing it says why it does not work.
fn gives_pictures(device: &Path) -> bool {
    match Device::with_path(device) {
        Ok(node) => node
            .query_caps()
            .is_ok_and(|caps| caps.capabilities.contains(Flags::VIDEO_CAPTURE)),
        Err(error) => error.kind() == std::io::ErrorKind::PermissionDenied,
    }
}

/// The camera library refuses a camera that stands at a fractional rate (29.97 fps), even to change it.
pub(crate) fn make_rate_whole(index: u32) {
    let Ok(device) = Device::new(index as usize) else {
        return;
    };
    let Ok(parameters) = device.params() else {
        return;
    };
    let interval = parameters.interval;
    if interval.numerator == 1 {
        return;
    }
    let near = (f64::from(interval.denominator) / f64::from(interval.numerator.max(1))).round();
    for fps in [near as u32, 30, 25, 15, 10, 5, 1] {
        let whole = device
            .set_params(&Parameters::with_fps(fps.max(1)))
            .is_ok_and(|set| set.interval.numerator == 1);
        if whole {
            return;
        }
    }
}

/// Bytes from one row to the next, as the driver has set it.
pub(crate) fn stride(index: u32) -> Option<usize> {
    let format = Device::new(index as usize).ok()?.format().ok()?;
    usize::try_from(format.stride).ok()
}
