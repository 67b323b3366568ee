//! HLS as FFmpeg sees it: a live channel followed by `wire::hls`, served over HTTP and written to
//! disk, read back and measured.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "this is test code, only not inside of a #[test]"
)]

#[path = "rtmp_measure.rs"]
mod measure;
#[path = "rtmp_source.rs"]
mod source;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use klieg_tests::need;
use media::Clock;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use wire::hls::{self, Live};

use source::{BOTH, FPS, Parts, SIZE, Signal};

/// How long anything may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(40);

/// A channel that is followed, and everything that keeps it going.
struct Station {
    live: Live,
    signal: Option<Signal>,
    follower: JoinHandle<()>,
}

impl Station {
    async fn start(parts: Parts) -> Self {
        let clock = Clock::start();
        let signal = Signal::start(clock, parts);
        let (live, work) = hls::follow(&signal.channel(), &clock);
        let station = Self {
            live,
            signal: Some(signal),
            follower: tokio::spawn(work),
        };
        assert!(
            timeout(PATIENCE, station.live.ready())
                .await
                .expect("a segment in time")
        );
        station
    }

    fn text(&self, name: &str) -> String {
        let file = self.live.file(name).unwrap_or_else(|| panic!("no {name}"));
        String::from_utf8(file.body.to_bytes().to_vec()).unwrap()
    }

    /// Waits until the media playlist fits.
    async fn until(&mut self, fits: impl Fn(&str) -> bool) -> String {
        let found = timeout(PATIENCE, async {
            loop {
                let text = self.text(hls::MEDIA);
                if fits(&text) {
                    return text;
                }
                assert!(self.live.changed().await, "the channel ended");
            }
        });
        found.await.expect("in time")
    }

    /// Ends the channel, and gives the playlist as it stays.
    async fn end(&mut self) -> String {
        self.signal = None;
        timeout(PATIENCE, &mut self.follower)
            .await
            .expect("in time")
            .unwrap();
        self.text(hls::MEDIA)
    }

    /// Writes everything that the last playlist names, and itself.
    fn save(&self, dir: &Path) -> PathBuf {
        for name in [hls::INDEX, hls::MEDIA] {
            std::fs::write(dir.join(name), self.text(name)).unwrap();
        }
        let text = self.text(hls::MEDIA);
        let maps = text
            .lines()
            .filter_map(|l| l.strip_prefix("#EXT-X-MAP:URI=\""));
        let maps = maps.map(|l| l.trim_end_matches('"'));
        let segments = text.lines().filter(|l| !l.starts_with('#'));
        for name in maps.chain(segments) {
            let file = self.live.file(name).unwrap_or_else(|| panic!("no {name}"));
            assert!(file.immutable);
            std::fs::write(dir.join(name), file.body.to_bytes()).unwrap();
        }
        dir.join(hls::INDEX)
    }
}

fn segments(playlist: &str) -> usize {
    playlist.lines().filter(|l| !l.starts_with('#')).count()
}

/// Answers `GET /name` from the live files, one request a connection.
async fn serve(live: Live) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(answer(stream, live.clone()));
        }
    });
    port
}

async fn answer(mut stream: TcpStream, live: Live) {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => request.push(byte),
            Err(_) => return,
        }
    }
    let text = String::from_utf8_lossy(&request);
    let name = text
        .split(' ')
        .nth(1)
        .unwrap_or("/")
        .trim_start_matches('/')
        .to_owned();
    let (head, body) = match live.file(&name) {
        Some(file) => {
            let (kind, len) = (file.content_type, file.body.len());
            let head = format!("HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {len}");
            (head, file.body.to_bytes())
        }
        None => (
            "HTTP/1.1 404 Not Found\r\nContent-Length: 0".to_owned(),
            Default::default(),
        ),
    };
    let head = format!("{head}\r\nConnection: close\r\n\r\n");
    // A player that leaves in the middle is as good.
    drop(stream.write_all(&[head.as_bytes(), &body].concat()).await);
}

fn tools(test: &str) -> bool {
    need(test, "ffmpeg").is_some() && need(test, "ffprobe").is_some()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_player_follows_the_live_playlist_over_http() {
    if !tools("a_player_follows_the_live_playlist_over_http") {
        return;
    }
    let station = Station::start(BOTH).await;
    let port = serve(station.live.clone()).await;
    let index = station.text(hls::INDEX);
    let resolution = format!("RESOLUTION={}x{}", SIZE.0, SIZE.1);
    assert!(index.contains(&resolution), "{index}");
    assert!(index.contains(&format!("FRAME-RATE={FPS}.000")), "{index}");
    assert!(index.contains("CODECS=\"avc1.42"), "{index}");
    assert!(index.contains(",mp4a.40.2\""), "{index}");
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("a.mkv");
    // Over several segments that did not exist when it began.
    measure::output(
        Command::new("ffmpeg")
            .args([
                "-v",
                "error",
                "-rw_timeout",
                "20000000",
                "-live_start_index",
                "0",
            ])
            .args(["-i", &format!("http://127.0.0.1:{port}/{}", hls::INDEX)])
            .args(["-t", "10", "-c", "copy"])
            .arg(&file)
            .stdin(Stdio::null()),
    );
    measure::check(&file, 10.0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_saved_playlist_is_whole_and_in_step() {
    if !tools("a_saved_playlist_is_whole_and_in_step") {
        return;
    }
    let mut station = Station::start(BOTH).await;
    station.until(|text| segments(text) >= 4).await;
    let playlist = station.end().await;
    assert!(playlist.ends_with("#EXT-X-ENDLIST\n"), "{playlist}");
    let listed: f64 = playlist
        .lines()
        .filter_map(|l| {
            l.strip_prefix("#EXTINF:")?
                .strip_suffix(',')?
                .parse::<f64>()
                .ok()
        })
        .sum();
    let dir = tempfile::tempdir().unwrap();
    let index = station.save(dir.path());
    let file = dir.path().join("b.mkv");
    measure::output(
        Command::new("ffmpeg")
            .args(["-v", "error", "-i"])
            .arg(&index)
            .args(["-c", "copy"])
            .arg(&file)
            .stdin(Stdio::null()),
    );
    measure::check(&file, listed);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sound_alone_and_picture_alone_can_be_played() {
    if !tools("sound_alone_and_picture_alone_can_be_played") {
        return;
    }
    for (parts, kind) in [
        (
            Parts {
                picture: false,
                ..BOTH
            },
            "audio",
        ),
        (
            Parts {
                sound: false,
                ..BOTH
            },
            "video",
        ),
    ] {
        let mut station = Station::start(parts).await;
        station.until(|text| segments(text) >= 2).await;
        station.end().await;
        let dir = tempfile::tempdir().unwrap();
        let index = station.save(dir.path());
        let streams = measure::streams(index.to_str().unwrap());
        assert_eq!(streams.len(), 1, "{streams:#?}");
        assert_eq!(streams[0]["codec_type"], kind);
    }
}
