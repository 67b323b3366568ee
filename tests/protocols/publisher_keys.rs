//! Tokens of an identity provider as the keys of publishers: FFmpeg over RTMP, and a recorder over the WebSocket, which aiohttp
//! speaks. What makes the tokens is Python's own library.

use std::io::Read;
use std::process::{Command, Stdio};

use klieg_tests::{Headless, Process, eventually, need};
use serde_json::{Value, json};

use crate::live;
use crate::peers::{Script, is};
use crate::viewer::PATIENCE;

/// What station and provider share. Of these tests and of nothing else.
const SHARED: &str = "shared-by-the-station-and-its-provider";

/// Signs the claims of its second argument (RFC 7519, HS256); `exp` counts from now.
const SIGN: &str = r#"
import base64, hashlib, hmac, json, sys, time
part = lambda data: base64.urlsafe_b64encode(data).rstrip(b"=")
claims = json.loads(sys.argv[2])
claims["exp"] += int(time.time())
text = b".".join(part(json.dumps(one).encode()) for one in ({"alg": "HS256", "typ": "JWT"}, claims))
print((text + b"." + part(hmac.new(sys.argv[1].encode(), text, hashlib.sha256).digest())).decode())
"#;

fn token(claims: &Value) -> String {
    let signed = Command::new("python3")
        .args(["-c", SIGN, SHARED, &claims.to_string()])
        .output()
        .unwrap();
    assert!(signed.status.success(), "{signed:?}");
    String::from_utf8(signed.stdout).unwrap().trim().to_owned()
}

/// Good for a minute; then with one claim changed each, and the word by which the refusal tells it.
fn claims() -> (Value, [(Value, &'static str); 4]) {
    let good = json!({ "aud": "klieg", "sub": "stage", "scope": "publish", "exp": 60 });
    let with = |name: &str, value: Value| {
        let mut claims = good.clone();
        claims[name] = value;
        claims
    };
    let wrong = [
        (with("exp", json!(-3600)), "expired"),
        (with("aud", json!("other")), "audience"),
        (with("scope", json!("watch")), "scope"),
        (with("sub", json!("garden")), "another channel"),
    ];
    (good, wrong)
}

fn station() -> Headless {
    Headless::with()
        .set("ingest.policy=keyed")
        .set(format!("ingest.jwt.key={SHARED}"))
        .start()
}

/// FFmpeg's test picture and a tone, in step with the clock.
fn source(command: &mut Command) -> &mut Command {
    command
        .args([
            "-v",
            "error",
            "-re",
            "-f",
            "lavfi",
            "-i",
            "testsrc2=s=320x180:r=30",
        ])
        .args(["-f", "lavfi", "-i", "sine=1000:r=48000", "-t", "300"])
        .args([
            "-c:v",
            "libx264",
            "-preset",
            "ultrafast",
            "-tune",
            "zerolatency",
        ])
        .args(["-profile:v", "baseline", "-pix_fmt", "yuv420p", "-g", "30"])
        .args(["-c:a", "aac", "-ac", "2"])
        .stdin(Stdio::null())
}

fn on_air(station: &Headless, by: &str) {
    eventually("stage is live", PATIENCE, || {
        let channel = live(station, "stage")?;
        let whole = channel["tracks"].as_array()?.len() > 1 && channel["state"] == "live";
        whole.then_some(())
    });
    let snapshot = station.snapshot();
    assert_eq!(
        snapshot["publishers"][0]["by"], by,
        "{}",
        snapshot["publishers"]
    );
}

fn gone(station: &Headless) {
    eventually("stage is gone", PATIENCE, || {
        live(station, "stage").is_none().then_some(())
    });
}

#[test]
fn ffmpeg_publishes_by_a_token_in_its_stream_key() {
    let test = "ffmpeg_publishes_by_a_token_in_its_stream_key";
    let (Some(ffmpeg), Some(_)) = (need(test, "ffmpeg"), need(test, "python3")) else {
        return;
    };
    let station = station();
    let rtmp = station.ready()["rtmp"].as_str().unwrap();
    let publish = |name: &str, claims: &Value| {
        let url = format!("{rtmp}/stage?{name}={}", token(claims));
        let mut command = Command::new(&ffmpeg);
        Process::start(
            source(&mut command)
                .args(["-f", "flv", &url])
                .stderr(Stdio::piped()),
        )
    };
    let (good, wrong) = claims();
    for (claims, why) in wrong {
        let mut publisher = publish("token", &claims);
        let left = eventually("it is sent away", PATIENCE, || {
            publisher.child().try_wait().expect("its status")
        });
        let mut said = String::new();
        let mut stderr = publisher.child().stderr.take().expect("piped");
        stderr.read_to_string(&mut said).expect("text");
        assert!(
            !left.success() && said.contains("Server error: "),
            "{claims}: {said}"
        );
        assert!(said.contains(why), "{claims}: {said}");
        assert_eq!(live(&station, "stage"), None);
    }
    for name in ["key", "token"] {
        let publisher = publish(name, &good);
        on_air(&station, "stage");
        drop(publisher);
        gone(&station);
    }
    assert!(station.stop().success());
}

#[test]
fn a_recorder_publishes_by_a_token_over_the_websocket() {
    let test = "a_recorder_publishes_by_a_token_over_the_websocket";
    let (Some(ffmpeg), Some(_)) = (need(test, "ffmpeg"), need(test, "python3")) else {
        return;
    };
    let station = station();
    let ffmpeg = ffmpeg.to_string_lossy();
    let address = |claims: &Value| format!("/ws?streamKey=stage&token={}", token(claims));
    let (good, wrong) = claims();
    for (claims, why) in wrong {
        let path = address(&claims);
        let Some(recorder) =
            Script::start(test, "ws_publisher.py", &[&station.url(&path), &ffmpeg])
        else {
            return;
        };
        let refused = recorder.hear("a refusal", PATIENCE, is("refused"));
        assert_eq!(refused["status"], 401, "{claims}");
        // A page is not told why a WebSocket failed, and asks.
        let plain = station.get(&path);
        assert!(
            plain.status == 401 && plain.text().contains(why),
            "{}",
            plain.text()
        );
    }
    let url = station.url(&address(&good));
    let mut recorder = Script::start(test, "ws_publisher.py", &[&url, &ffmpeg]).expect("as before");
    recorder.hear("a connection", PATIENCE, is("open"));
    on_air(&station, "stage");
    recorder.tell("close");
    recorder.hear("its end", PATIENCE, is("closed"));
    gone(&station);
    assert!(station.stop().success());
}
