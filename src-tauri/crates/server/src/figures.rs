//! Figures for Prometheus: `GET /metrics`.
//!
//! What only grows as things happen (requests, messages) is counted in one recorder and in histograms
//! of atomics; what can be looked up is looked up when somebody asks, into a fresh recorder, so that a
//! channel that has ended leaves nothing behind. Neither is the process's global recorder: each station
//! has its own. Nothing that carries media waits for any of it.

mod look;
pub(crate) mod process;
mod text;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use api::Role;
use axum::extract::{Query, Request, State};
use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use media::Histogram;
use metrics::{Unit, counter, describe_counter, with_local_recorder};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusRecorder};

use crate::app::App;
use crate::control::Token;
use crate::problem::Refusal;

/// What is counted as it happens.
#[derive(Debug)]
pub(crate) struct Figures {
    counted: PrometheusRecorder,
    answers: [Answers; Class::ALL.len()],
}

/// Answers of a class.
#[derive(Debug, Default)]
struct Answers {
    took: Histogram,
    bytes: AtomicU64,
}

/// What a request is about, for figures of how long answers take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    /// Pages and their files.
    Page,
    /// The studio, who is live, and all else in JSON.
    Api,
    /// Files of HLS.
    Hls,
    /// WHIP and WHEP.
    Signalling,
    /// Chat.
    Chat,
}

impl Class {
    const ALL: [Self; 5] = [
        Self::Page,
        Self::Api,
        Self::Hls,
        Self::Signalling,
        Self::Chat,
    ];

    /// By the route as it is written.
    pub(crate) fn of(route: &str) -> Self {
        if route.starts_with("/hls/") {
            Self::Hls
        } else if route.contains("/whep") || route.contains("/whip") {
            Self::Signalling
        } else if route.starts_with("/socket.io") {
            Self::Chat
        } else if route.starts_with("/api/") || route.starts_with("/v3/") {
            Self::Api
        } else {
            Self::Page
        }
    }

    fn labels(self) -> &'static str {
        match self {
            Self::Page => "class=\"page\"",
            Self::Api => "class=\"api\"",
            Self::Hls => "class=\"hls\"",
            Self::Signalling => "class=\"signalling\"",
            Self::Chat => "class=\"chat\"",
        }
    }
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
            // There from the start, so that what is drawn of them begins at nothing.
            for role in ["host", "viewer"] {
                counter!("klieg_chat_messages_total", "role" => role).increment(0);
            }
            counter!("klieg_chat_refusals_total").increment(0);
        });
        Self {
            counted,
            answers: Default::default(),
        }
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

    /// An answer began after so long, with so many bytes if that is known.
    pub(crate) fn answer(&self, class: Class, took: Duration, bytes: Option<u64>) {
        let answers = &self.answers[class as usize];
        answers.took.add(took);
        answers
            .bytes
            .fetch_add(bytes.unwrap_or(0), Ordering::Relaxed);
    }

    /// Bytes of HLS that have been answered with.
    pub(crate) fn hls_bytes(&self) -> u64 {
        self.answers[Class::Hls as usize]
            .bytes
            .load(Ordering::Relaxed)
    }

    /// Something was said.
    pub(crate) fn said(&self, role: Role) {
        let role = match role {
            Role::Host => "host",
            Role::Moderator => "moderator",
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

    fn answers(&self, text: &mut String) {
        let took = Class::ALL.map(|class| {
            let counted = self.answers[class as usize].took.read();
            (class.labels(), counted)
        });
        text::histogram(
            text,
            "klieg_http_request_duration_seconds",
            "Time from a request to the beginning of its answer, by class of route.",
            &took,
        );
        let name = "klieg_http_response_bytes_total";
        text.push_str(&format!(
            "# HELP {name} Bytes of answers whose length is known beforehand, by class of route.\n\
             # TYPE {name} counter\n"
        ));
        for class in Class::ALL {
            let bytes = self.answers[class as usize].bytes.load(Ordering::Relaxed);
            text.push_str(&format!("{name}{{{}}} {bytes}\n", class.labels()));
        }
        text.push('\n');
    }
}

/// `GET /metrics`, on this machine, or with the right to control.
pub(crate) async fn metrics(
    State(app): State<Arc<App>>,
    Query(Token { token }): Query<Token>,
    request: Request,
) -> Result<Response, Refusal> {
    app.may_look(&request, token.as_deref())?;
    let looked_up = PrometheusBuilder::new().build_recorder();
    with_local_recorder(&looked_up, || look::look_up(&app));
    let mut text = app.figures.counted.handle().render();
    app.figures.answers(&mut text);
    text::histogram(
        &mut text,
        "klieg_station_latency_seconds",
        "Time from a WHIP publisher's datagram to the datagrams for its viewers.",
        &[("", app.peers.traffic().latency)],
    );
    text::histogram(
        &mut text,
        "klieg_program_latency_seconds",
        "Time from a picture's tick to its packet in the hub.",
        &[("", app.latencies.read())],
    );
    if let Some(seconds) = process::held().cpu {
        let help = "CPU time of the process since it began.";
        text::counter(&mut text, "process_cpu_seconds_total", help, seconds);
    }
    text.push_str(&looked_up.handle().render());
    let kind = (header::CONTENT_TYPE, "text/plain; version=0.0.4");
    Ok(([kind], text).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routes_have_their_class() {
        for (route, class) in [
            ("/", Class::Page),
            ("/assets", Class::Page),
            ("other", Class::Page),
            ("/api/channels/{name}", Class::Api),
            ("/hls/{channel}/{file}", Class::Hls),
            ("/webrtc/{channel}/whep", Class::Signalling),
            ("/{channel}/whip/{session}", Class::Signalling),
            ("/socket.io", Class::Chat),
        ] {
            assert_eq!(Class::of(route), class, "{route}");
        }
        for (at, class) in Class::ALL.iter().enumerate() {
            assert_eq!(*class as usize, at);
        }
    }
}
