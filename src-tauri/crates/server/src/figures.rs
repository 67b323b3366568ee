//! Figures for Prometheus: `GET /metrics`.
//!
//! What only grows as things happen (requests, messages) is counted in one recorder; what can be
//! looked up is looked up when somebody asks, into a fresh one, so that a channel that has ended
//! leaves nothing behind. Neither is the process's global recorder: each station has its own.

use std::sync::Arc;

use api::Role;
use axum::extract::State;
use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use metrics::{Unit, counter, describe_counter, describe_gauge, gauge, with_local_recorder};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusRecorder};

use crate::app::App;

/// What is counted as it happens.
#[derive(Debug)]
pub(crate) struct Figures {
    counted: PrometheusRecorder,
}

impl Figures {
    /// Nothing yet.
    pub(crate) fn new() -> Self {
        let counted = PrometheusBuilder::new().build_recorder();
        with_local_recorder(&counted, || {
            describe_counter!(
                "klieg_http_requests_total",
                Unit::Count,
                "Requests answered, by method, route and status."
            );
            describe_counter!(
                "klieg_chat_messages_total",
                Unit::Count,
                "Chat messages said, by who says them."
            );
            describe_counter!(
                "klieg_chat_refusals_total",
                Unit::Count,
                "Chat requests refused."
            );
        });
        Self { counted }
    }

    /// A request was answered.
    pub(crate) fn request(&self, method: &Method, route: &str, status: StatusCode) {
        let method = match *method {
            Method::GET
            | Method::HEAD
            | Method::POST
            | Method::PUT
            | Method::DELETE
            | Method::PATCH
            | Method::OPTIONS => method.to_string(),
            // Anybody can make up methods, and each would stay.
            _ => "other".to_owned(),
        };
        let route = route.to_owned();
        let status = status.as_str().to_owned();
        with_local_recorder(&self.counted, || {
            counter!("klieg_http_requests_total",
                "method" => method, "route" => route, "status" => status)
            .increment(1);
        });
    }

    /// Something was said.
    pub(crate) fn said(&self, role: Role) {
        let role = match role {
            Role::Host => "host",
            Role::Viewer => "viewer",
        };
        with_local_recorder(&self.counted, || {
            counter!("klieg_chat_messages_total", "role" => role).increment(1);
        });
    }

    /// Something was not said.
    pub(crate) fn unsaid(&self) {
        with_local_recorder(&self.counted, || {
            counter!("klieg_chat_refusals_total").increment(1);
        });
    }
}

/// `GET /metrics`
pub(crate) async fn metrics(State(app): State<Arc<App>>) -> Response {
    let looked_up = PrometheusBuilder::new().build_recorder();
    with_local_recorder(&looked_up, || look_up(&app));
    let mut text = app.figures.counted.handle().render();
    text.push_str(&looked_up.handle().render());
    let kind = (header::CONTENT_TYPE, "text/plain; version=0.0.4");
    ([kind], text).into_response()
}

fn look_up(app: &App) {
    describe();
    let channels = app.hub.channels();
    gauge!("klieg_channels").set(channels.len() as f64);
    for channel in channels {
        let name = channel.name().to_string();
        let viewers = app.viewers(channel.name());
        for (kind, count) in [("whep", viewers.whep), ("hls", viewers.hls)] {
            gauge!("klieg_viewers", "channel" => name.clone(), "kind" => kind)
                .set(f64::from(count));
        }
        let totals = channel.totals();
        for (figure, total) in [
            ("klieg_channel_bytes_total", totals.bytes),
            ("klieg_channel_packets_total", totals.packets),
            ("klieg_channel_dropped_packets_total", totals.dropped),
        ] {
            counter!(figure, "channel" => name.clone()).absolute(total);
        }
    }
    for publisher in app.peers.publishers() {
        let name = publisher.channel.to_string();
        for (figure, total) in [
            ("klieg_publisher_packets_total", publisher.packets),
            ("klieg_publisher_lost_packets_total", publisher.lost),
        ] {
            counter!(figure, "channel" => name.clone()).absolute(total);
        }
    }
    let stats = app.control.snapshot().stats;
    for (figure, total) in [
        ("klieg_program_frames_total", stats.frames),
        ("klieg_program_lagged_frames_total", stats.lagged),
        ("klieg_program_skipped_frames_total", stats.skipped),
    ] {
        counter!(figure).absolute(total);
    }
    for (figure, value) in [
        (
            "klieg_program_render_seconds",
            f64::from(stats.render_ms) / 1e3,
        ),
        (
            "klieg_program_encode_seconds",
            f64::from(stats.encode_ms) / 1e3,
        ),
        (
            "klieg_program_bitrate_bits_per_second",
            stats.bitrate as f64,
        ),
        ("klieg_cpu_ratio", f64::from(stats.cpu) / 100.0),
        ("klieg_uptime_seconds", app.clock.now().seconds()),
        ("klieg_chat_people", app.chat.people() as f64),
    ] {
        gauge!(figure).set(value);
    }
}

fn describe() {
    describe_gauge!("klieg_channels", Unit::Count, "Channels that are live.");
    describe_gauge!(
        "klieg_viewers",
        Unit::Count,
        "Who watches, by channel and way of watching."
    );
    describe_counter!(
        "klieg_channel_bytes_total",
        Unit::Bytes,
        "Media written to a channel since it went live."
    );
    describe_counter!(
        "klieg_channel_packets_total",
        Unit::Count,
        "Packets written to a channel since it went live."
    );
    describe_counter!(
        "klieg_channel_dropped_packets_total",
        Unit::Count,
        "Packets that readers of a channel lost by falling behind."
    );
    describe_counter!(
        "klieg_publisher_packets_total",
        Unit::Count,
        "RTP packets that a WHIP publisher sent and that arrived."
    );
    describe_counter!(
        "klieg_publisher_lost_packets_total",
        Unit::Count,
        "RTP packets of a WHIP publisher that were lost on the way, some of them repaired since."
    );
    describe_counter!(
        "klieg_program_frames_total",
        Unit::Count,
        "Pictures composed since start."
    );
    describe_counter!(
        "klieg_program_lagged_frames_total",
        Unit::Count,
        "Ticks without a picture, because the one before took too long."
    );
    describe_counter!(
        "klieg_program_skipped_frames_total",
        Unit::Count,
        "Pictures that the encoder was too busy to take."
    );
    describe_gauge!(
        "klieg_program_render_seconds",
        Unit::Seconds,
        "Mean time to compose one picture over the last second."
    );
    describe_gauge!(
        "klieg_program_encode_seconds",
        Unit::Seconds,
        "Mean time to encode one picture over the last second."
    );
    describe_gauge!(
        "klieg_program_bitrate_bits_per_second",
        Unit::BitsPerSecond,
        "What the encoder makes."
    );
    describe_gauge!(
        "klieg_cpu_ratio",
        "CPU time of the process over the last second, 1 is one core."
    );
    describe_gauge!(
        "klieg_uptime_seconds",
        Unit::Seconds,
        "Time since the process began."
    );
    describe_gauge!("klieg_chat_people", Unit::Count, "Connections to the chat.");
}
