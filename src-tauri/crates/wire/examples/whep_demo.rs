//! Plays an H.264 file and a tone to browsers over WHEP, in a loop: the shortest way to see the
//! station's WebRTC work.
//!
//! ```sh
//! ffmpeg -f lavfi -i testsrc2=s=1280x720:r=30 -t 10 -c:v libx264 -profile:v baseline -g 60 -b:v 2500k film.h264
//! cargo run -p klieg-wire --example whep_demo -- film.h264 127.0.0.1:8080 127.0.0.1:8189
//! ```

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use bytes::{BufMut, Bytes, BytesMut};
use klieg_wire::webrtc::{Options, Station};
use media::{
    ChannelInfo, ChannelName, Clock, Config, Hub, Origin, Packet, Timestamp, Track, TrackId, Writer,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const VIDEO: TrackId = TrackId(0);
const AUDIO: TrackId = TrackId(1);
const FPS: u32 = 30;

const PAGE: &str = r#"<!doctype html><meta charset=utf-8><title>whep</title>
<video id=v autoplay playsinline muted controls></video><pre id=log></pre><script>
const v = document.getElementById('v');
async function watch() {
  const t0 = performance.now();
  const pc = window.pc = new RTCPeerConnection();
  const stream = new MediaStream();
  pc.addTransceiver('video', {direction: 'recvonly'});
  pc.addTransceiver('audio', {direction: 'recvonly'});
  pc.ontrack = e => { stream.addTrack(e.track); v.srcObject = stream; };
  pc.onconnectionstatechange = () => (window.states ??= []).push([pc.connectionState, performance.now()]);
  await pc.setLocalDescription();
  v.requestVideoFrameCallback(() => { window.firstShown = performance.now() - window.posted; });
  window.posted = performance.now();
  const r = await fetch('/program/whep', {method: 'POST', body: pc.localDescription.sdp,
    headers: {'content-type': 'application/sdp'}});
  window.status = r.status;
  const answer = await r.text();
  window.answered = performance.now() - window.posted;
  if (r.status != 201) { document.getElementById('log').textContent = answer; return; }
  window.answer = answer;
  await pc.setRemoteDescription({type: 'answer', sdp: answer});
}
window.report = async () => {
  const out = {};
  (await pc.getStats()).forEach(s => { if (s.type == 'inbound-rtp') out[s.kind] = s; });
  return out;
};
watch();
</script>"#;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let mut args = std::env::args().skip(1);
    let file = args.next().context("which .h264 file?")?;
    let http: SocketAddr = args.next().as_deref().unwrap_or("127.0.0.1:8080").parse()?;
    let udp: SocketAddr = args.next().as_deref().unwrap_or("127.0.0.1:8189").parse()?;
    let film = Film::read(&std::fs::read(&file).context(file)?)?;

    let clock = Clock::start();
    let hub = Hub::new(1);
    let info = ChannelInfo {
        origin: Origin::Program,
        title: "Demo".into(),
    };
    let writer = hub.publish(ChannelName::program(), info, clock.now())?;
    let channel = Arc::clone(writer.channel());
    std::thread::Builder::new()
        .name("player".into())
        .spawn(move || film.play(writer, clock))?;
    let options = Options {
        bind: udp,
        external: Vec::new(),
        clock,
    };
    let station = Arc::new(Station::start(options)?);
    let listener = TcpListener::bind(http).await?;
    println!(
        "http://{} media {}",
        listener.local_addr()?,
        station.local_addr()
    );
    loop {
        let (stream, _) = listener.accept().await?;
        let (station, channel) = (Arc::clone(&station), Arc::clone(&channel));
        tokio::spawn(async move {
            if let Err(error) = serve(stream, &station, channel).await {
                eprintln!("{error:#}");
            }
        });
    }
}

async fn serve(
    mut stream: TcpStream,
    station: &Station,
    channel: Arc<media::Channel>,
) -> Result<()> {
    let from = stream.peer_addr()?.ip();
    let mut request = Vec::new();
    let (head, body) = loop {
        if stream.read_buf(&mut request).await? == 0 {
            return Ok(());
        }
        let text = String::from_utf8_lossy(&request);
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let length = head.to_ascii_lowercase().lines().find_map(|line| {
            line.strip_prefix("content-length:")?
                .trim()
                .parse::<usize>()
                .ok()
        });
        if body.len() >= length.unwrap_or(0) {
            break (head.to_owned(), body.to_owned());
        }
    };
    let (status, kind, body) = if head.starts_with("POST /program/whep") {
        match station.whep(channel, &body, from).await {
            Ok(answer) => ("201 Created", "application/sdp", answer.sdp),
            Err(error) => ("400 Bad Request", "text/plain", error.to_string()),
        }
    } else if head.starts_with("GET /close") {
        let sessions = station.sessions();
        let closed = sessions
            .iter()
            .filter(|s| station.close(&s.session))
            .count();
        ("200 OK", "text/plain", format!("{closed} closed\n"))
    } else if head.starts_with("GET /sessions") {
        ("200 OK", "text/plain", format!("{:#?}", station.sessions()))
    } else {
        ("200 OK", "text/html", PAGE.to_owned())
    };
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(body.as_bytes()).await?;
    Ok(())
}

/// A film in memory: access units of AVCC, and its parameter sets.
struct Film {
    sps: Bytes,
    pps: Bytes,
    units: Vec<(bool, Bytes)>,
}

impl Film {
    fn read(annex_b: &[u8]) -> Result<Self> {
        let (mut sps, mut pps) = (Bytes::new(), Bytes::new());
        let mut units: Vec<(bool, BytesMut)> = Vec::new();
        for nal in nal_units(annex_b) {
            match nal[0] & 0x1f {
                7 => sps = Bytes::copy_from_slice(nal),
                8 => pps = Bytes::copy_from_slice(nal),
                kind @ (1 | 5) => {
                    // `first_mb_in_slice` is 0, a single bit, where a picture begins.
                    if nal.get(1).is_some_and(|b| b & 0x80 != 0) {
                        units.push((kind == 5, BytesMut::new()));
                    }
                    if let Some((_, unit)) = units.last_mut() {
                        unit.put_u32(u32::try_from(nal.len())?);
                        unit.put_slice(nal);
                    }
                }
                _ => {}
            }
        }
        if sps.is_empty() || units.is_empty() {
            bail!("no H.264 pictures in there");
        }
        let units = units.into_iter().map(|(key, data)| (key, data.freeze()));
        Ok(Self {
            sps,
            pps,
            units: units.collect(),
        })
    }

    fn play(self, mut writer: Writer, clock: Clock) -> Result<()> {
        let mut opus =
            opus::Encoder::new(48_000, opus::Channels::Stereo, opus::Application::Audio)?;
        let track = |id, config| Track {
            id,
            config,
            bitrate: 0,
        };
        let video = Config::H264 {
            sps: self.sps.clone(),
            pps: self.pps.clone(),
            width: 1280,
            height: 720,
            fps_millis: FPS * 1000,
        };
        let audio = Config::Opus {
            channels: 2,
            pre_skip: 312,
        };
        writer.set_tracks(vec![track(VIDEO, video), track(AUDIO, audio)]);
        let start = clock.now();
        let (mut pictures, mut sounds, mut at) = (0_u32, 0_u32, 0);
        loop {
            let video_due = start + Duration::from_secs(1) * pictures / FPS;
            let audio_due = start + Duration::from_millis(20) * sounds;
            if video_due <= audio_due {
                clock.sleep_until(video_due);
                // A keyframe on request: the film jumps to its next one.
                if writer.signals(clock.now()).keyframe {
                    while !self.units[at].0 {
                        at = (at + 1) % self.units.len();
                    }
                }
                let (key, data) = self.units[at].clone();
                at = (at + 1) % self.units.len();
                pictures += 1;
                writer.write(packet(VIDEO, video_due, key, data));
            } else {
                clock.sleep_until(audio_due);
                let wave = |i: u32| ((sounds * 960 + i) as f32 * 0.0576).sin() * 0.2;
                let samples: Vec<f32> = (0..960).flat_map(|i| [wave(i); 2]).collect();
                let data = opus.encode_vec_float(&samples, 1_500)?;
                sounds += 1;
                writer.write(packet(AUDIO, audio_due, true, data.into()));
            }
        }
    }
}

fn packet(track: TrackId, pts: Timestamp, keyframe: bool, data: Bytes) -> Packet {
    Packet {
        track,
        pts,
        dts: pts,
        keyframe,
        data,
    }
}

/// The NAL units of an Annex B stream.
fn nal_units(data: &[u8]) -> Vec<&[u8]> {
    let starts: Vec<usize> = (0..data.len().saturating_sub(3))
        .filter(|&i| data[i..i + 3] == [0, 0, 1])
        .collect();
    let ends = starts.iter().skip(1).copied().chain([data.len()]);
    let nals = starts.iter().zip(ends).map(|(start, end)| {
        let nal = &data[start + 3..end];
        let zeros = nal.iter().rev().take_while(|b| **b == 0).count();
        &nal[..nal.len() - zeros]
    });
    nals.filter(|nal| !nal.is_empty()).collect()
}
