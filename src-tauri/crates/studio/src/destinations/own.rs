//! The picture that a destination has of its own.

use program::{Program, Rendered};

/// A destination's own picture; without one it gets the program's, which is better than nothing.
pub(super) fn render(program: &Program, own: api::Rendition, name: &str) -> Option<Rendered> {
    let wanted = program::Rendition {
        lines: own.height,
        bitrate: own.bitrate,
    };
    let rendered = program.rendition(wanted);
    rendered.unwrap_or_else(|error| {
        tracing::error!(%error, name, "a destination gets the program's picture instead of its own");
        None
    })
}

/// How a destination's own picture is encoded, while it is.
pub(super) fn encoded(rendered: &Rendered) -> Option<api::Encoded> {
    let encoded = rendered.encoded();
    let (width, height) = encoded.size?;
    Some(api::Encoded {
        width,
        height,
        bitrate: encoded.bitrate,
        skipped: encoded.skipped,
    })
}
