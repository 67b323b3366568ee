//! What can be looked up when somebody asks for the figures: it is named here, once, with what it
//! means, and set below.

use api::{ChannelSource, DestinationState};
use metrics::{Unit, counter, describe_counter as counts, describe_gauge as measures, gauge};

use super::process;
use crate::app::App;

/// Looks everything up.
pub(super) fn look_up(app: &App) {
    describe();
    channels(app);
    publishers(app);
    webrtc(app);
    studio(app);
    this_process(app);
}

fn channels(app: &App) {
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
    gauge!("klieg_chat_people").set(app.chat.people() as f64);
}

fn publishers(app: &App) {
    for publisher in app.peers.publishers() {
        let name = publisher.channel.to_string();
        for (figure, total) in [
            ("klieg_publisher_packets_total", publisher.packets),
            ("klieg_publisher_lost_packets_total", publisher.lost),
        ] {
            counter!(figure, "channel" => name.clone()).absolute(total);
        }
    }
    let all = app.ingests.list(&app.clock);
    for (source, name) in [(ChannelSource::Whip, "whip"), (ChannelSource::Rtmp, "rtmp")] {
        for (held, state) in [(false, "live"), (true, "waiting")] {
            let here = all.iter().filter(|p| p.source == source && p.held == held);
            gauge!("klieg_publishers", "source" => name, "state" => state).set(here.count() as f64);
        }
    }
}

fn webrtc(app: &App) {
    let traffic = app.peers.traffic();
    for (figure, total) in [
        ("klieg_webrtc_received_bytes_total", traffic.bytes_in),
        (
            "klieg_webrtc_received_datagrams_total",
            traffic.datagrams_in,
        ),
        ("klieg_webrtc_sent_bytes_total", traffic.bytes_out),
        ("klieg_webrtc_sent_datagrams_total", traffic.datagrams_out),
        ("klieg_webrtc_unsent_datagrams_total", traffic.unsent),
        ("klieg_viewer_bytes_total", traffic.viewers.bytes),
        ("klieg_viewer_packets_total", traffic.viewers.packets),
        ("klieg_viewer_lost_packets_total", traffic.viewers.lost),
        ("klieg_viewer_nacked_packets_total", traffic.viewers.missed),
        ("klieg_ingest_bytes_total", traffic.publishers.bytes),
        ("klieg_ingest_packets_total", traffic.publishers.packets),
        ("klieg_ingest_lost_packets_total", traffic.publishers.lost),
        ("klieg_keyframe_requests_total", traffic.keyframes_wanted),
    ] {
        counter!(figure).absolute(total);
    }
}

fn studio(app: &App) {
    let snapshot = app.control.snapshot();
    let stats = &snapshot.stats;
    for (figure, total) in [
        ("klieg_program_frames_total", stats.frames),
        ("klieg_program_lagged_frames_total", stats.lagged),
        ("klieg_program_skipped_frames_total", stats.skipped),
    ] {
        counter!(figure).absolute(total);
    }
    let on_air = if snapshot.on_air.is_some() { 1.0 } else { 0.0 };
    for (figure, value) in [
        ("klieg_program_on_air", on_air),
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
    ] {
        gauge!(figure).set(value);
    }
    for one in &snapshot.destinations {
        let state = match one.state {
            DestinationState::Off => "off",
            DestinationState::Delayed { .. } => "delayed",
            DestinationState::Connecting => "connecting",
            DestinationState::Live { .. } => "live",
            DestinationState::Retrying { .. } => "retrying",
            DestinationState::Refused { .. } => "refused",
        };
        let name = &one.name;
        for each in [
            "off",
            "delayed",
            "connecting",
            "live",
            "retrying",
            "refused",
        ] {
            let here = if each == state { 1.0 } else { 0.0 };
            gauge!("klieg_destination_state", "destination" => name.clone(), "state" => each)
                .set(here);
        }
        let (rate, taken, lost) = match one.state {
            DestinationState::Live {
                bitrate,
                bytes,
                dropped,
                ..
            } => (bitrate, bytes, dropped),
            _ => (0, 0, 0),
        };
        gauge!("klieg_destination_bitrate_bits_per_second", "destination" => name.clone())
            .set(rate as f64);
        counter!("klieg_destination_bytes_total", "destination" => name.clone()).absolute(taken);
        counter!("klieg_destination_dropped_packets_total", "destination" => name.clone())
            .absolute(lost);
    }
    let version = env!("CARGO_PKG_VERSION");
    gauge!("klieg_build_info", "version" => version).set(1.0);
}

fn this_process(app: &App) {
    let uptime = app.clock.now().seconds();
    gauge!("klieg_uptime_seconds").set(uptime);
    let began = app.clock.unix_millis(media::Timestamp::ZERO);
    gauge!("process_start_time_seconds").set(began as f64 / 1e3);
    let held = process::held();
    for (figure, value) in [
        ("process_resident_memory_bytes", held.memory),
        ("process_open_fds", held.descriptors),
        ("process_threads", held.threads),
    ] {
        if let Some(value) = value {
            gauge!(figure).set(value as f64);
        }
    }
}

#[expect(clippy::too_many_lines, reason = "one line for each figure")]
fn describe() {
    use Unit::{BitsPerSecond, Bytes, Count, Seconds};
    measures!("klieg_channels", Count, "Channels that are live.");
    measures!(
        "klieg_viewers",
        Count,
        "Who watches, by channel and way of watching."
    );
    counts!(
        "klieg_channel_bytes_total",
        Bytes,
        "Media written to a channel since it went live."
    );
    counts!(
        "klieg_channel_packets_total",
        Count,
        "Packets written to a channel since it went live."
    );
    counts!(
        "klieg_channel_dropped_packets_total",
        Count,
        "Packets that readers of a channel lost by falling behind."
    );
    measures!("klieg_chat_people", Count, "Connections to the chat.");
    measures!(
        "klieg_publishers",
        Count,
        "Who publishes, by way of publishing, and whether they wait for the host."
    );
    counts!(
        "klieg_publisher_packets_total",
        Count,
        "RTP packets that a WHIP publisher sent and that arrived."
    );
    counts!(
        "klieg_publisher_lost_packets_total",
        Count,
        "RTP packets of a WHIP publisher that were lost on the way, some of them repaired since."
    );
    counts!(
        "klieg_webrtc_received_bytes_total",
        Bytes,
        "Bytes that came to the media port."
    );
    counts!(
        "klieg_webrtc_received_datagrams_total",
        Count,
        "Datagrams that came to the media port."
    );
    counts!(
        "klieg_webrtc_sent_bytes_total",
        Bytes,
        "Bytes sent from the media port."
    );
    counts!(
        "klieg_webrtc_sent_datagrams_total",
        Count,
        "Datagrams sent from the media port."
    );
    counts!(
        "klieg_webrtc_unsent_datagrams_total",
        Count,
        "Datagrams that the system did not take: the network or its buffers are full."
    );
    counts!(
        "klieg_viewer_bytes_total",
        Bytes,
        "Media sent to viewers over WebRTC."
    );
    counts!(
        "klieg_viewer_packets_total",
        Count,
        "RTP packets sent to viewers, without retransmissions."
    );
    counts!(
        "klieg_viewer_lost_packets_total",
        Count,
        "RTP packets that viewers report as lost, some of them repaired since."
    );
    counts!(
        "klieg_viewer_nacked_packets_total",
        Count,
        "RTP packets that viewers asked for again (NACK)."
    );
    counts!(
        "klieg_ingest_bytes_total",
        Bytes,
        "Media that WHIP publishers sent."
    );
    counts!(
        "klieg_ingest_packets_total",
        Count,
        "RTP packets that WHIP publishers sent and that arrived."
    );
    counts!(
        "klieg_ingest_lost_packets_total",
        Count,
        "RTP packets of WHIP publishers that were lost on the way."
    );
    counts!(
        "klieg_keyframe_requests_total",
        Count,
        "Keyframes that viewers asked for (PLI and FIR)."
    );
    counts!(
        "klieg_program_frames_total",
        Count,
        "Pictures composed since start."
    );
    counts!(
        "klieg_program_lagged_frames_total",
        Count,
        "Ticks without a picture, because the one before took too long."
    );
    counts!(
        "klieg_program_skipped_frames_total",
        Count,
        "Pictures that the encoder was too busy to take."
    );
    measures!("klieg_program_on_air", "1 while the program is on air.");
    measures!(
        "klieg_program_render_seconds",
        Seconds,
        "Mean time to compose one picture over the last second."
    );
    measures!(
        "klieg_program_encode_seconds",
        Seconds,
        "Mean time to encode one picture over the last second."
    );
    measures!(
        "klieg_program_bitrate_bits_per_second",
        BitsPerSecond,
        "What the encoder makes."
    );
    measures!(
        "klieg_destination_state",
        "1 for the state that a destination is in, 0 for the others."
    );
    measures!(
        "klieg_destination_bitrate_bits_per_second",
        BitsPerSecond,
        "What a destination takes."
    );
    counts!(
        "klieg_destination_bytes_total",
        Bytes,
        "Media that a destination has taken since it was reached."
    );
    counts!(
        "klieg_destination_dropped_packets_total",
        Count,
        "Packets that a destination lost by taking them too slowly."
    );
    measures!("klieg_build_info", "1, with the version as a label.");
    measures!(
        "klieg_cpu_ratio",
        "CPU time of the process over the last second, 1 is one core."
    );
    measures!(
        "klieg_uptime_seconds",
        Seconds,
        "Time since the process began."
    );
    measures!(
        "process_start_time_seconds",
        Seconds,
        "When the process began, in seconds since 1970 UTC."
    );
    measures!(
        "process_resident_memory_bytes",
        Bytes,
        "Resident memory of the process."
    );
    measures!(
        "process_open_fds",
        Count,
        "Open file descriptors of the process."
    );
    measures!("process_threads", Count, "Threads of the process.");
}
