//! Running the station: who did what is recorded, the log is kept without its secrets, and the figures
//! are what Prometheus reads and the dashboard for Grafana draws. `klieg-headless` as a process.
#![allow(
    clippy::expect_used,
    reason = "this is test code, only not inside of a #[test]"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::time::Duration;

use klieg_tests::{Headless, eventually, http, root};
use serde_json::{Value, json};

/// The record, the oldest first: `who | what | detail`.
fn acts(studio: &Headless) -> Vec<String> {
    let mut acts: Vec<_> = record(studio)
        .iter()
        .map(|act| {
            let text = |key: &str| act[key].as_str().unwrap_or("-").to_owned();
            format!("{} | {} | {}", text("by"), text("what"), text("detail"))
        })
        .collect();
    acts.reverse();
    acts
}

fn record(studio: &Headless) -> Vec<Value> {
    let path = format!("/api/audit?limit=1000&token={}", studio.token());
    let found = studio.json(&path);
    found.as_array().expect("a list of acts").clone()
}

#[test]
fn who_did_what_is_recorded_and_is_there_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let studio = Headless::with().data_dir(dir.path()).start();
    let secret = "sk-live-0123456789";
    let destination = json!({
        "name": "Platform", "secret": secret,
        "target": { "protocol": "rtmp", "url": format!("rtmp://127.0.0.1:9/app/{secret}") },
    });
    let link = json!({ "kind": "publish", "name": "Camera two", "channel": "stage" });
    for command in [
        json!({ "command": "set_title", "title": "Evening" }),
        json!({ "command": "add_destination", "destination": destination }),
        json!({ "command": "create_link", "link": link }),
        json!({ "command": "go_live" }),
    ] {
        let answer = studio.apply(&command);
        assert!(answer.ok(), "{command}: {}", answer.text());
    }
    let made = studio.snapshot()["access"][0].clone();
    let key = made["secret"]
        .as_str()
        .expect("the link's secret")
        .to_owned();
    let ask = |path: &str, token: &str| {
        let bearer = format!("Bearer {token}");
        let headers = [
            ("authorization", bearer.as_str()),
            ("content-type", "application/sdp"),
        ];
        http::request("POST", &studio.url(path), &headers, b"v=0\r\n").status
    };
    assert_eq!(ask("/stage/whip", "a-wrong-key-for-the-stage"), 401);
    assert_eq!(ask("/api/commands", "a-wrong-key-for-the-studio"), 401);
    assert!(!studio.apply(&json!({ "command": "go_live" })).ok());
    let id = made["id"].as_str().expect("its identity");
    assert!(
        studio
            .apply(&json!({ "command": "revoke_link", "id": id }))
            .ok()
    );
    assert!(studio.apply(&json!({ "command": "end_broadcast" })).ok());

    let host = "the host, by the control token";
    let expect = [
        format!("{host} | set title | title=Evening"),
        format!("{host} | add destination | name=Platform, protocol=rtmp"),
        format!("{host} | link: made | name=Camera two, kind=publish"),
        format!("{host} | go live | -"),
        "- | a publisher brought a key that is wrong or for another channel | -".to_owned(),
        "- | a wrong key was brought to the studio | -".to_owned(),
        format!("{host} | go live | refused: The broadcast is on already."),
        format!("{host} | link: revoked | name=Camera two, kind=publish"),
        format!("{host} | end broadcast | -"),
    ];
    let all = eventually("every act is recorded", Duration::from_secs(20), || {
        let all = acts(&studio);
        (all.len() >= expect.len()).then_some(all)
    });
    assert_eq!(all, expect);
    let wrong = record(&studio);
    let wrong = wrong.iter().find(|act| {
        act["what"]
            .as_str()
            .expect("what")
            .starts_with("a publisher")
    });
    let wrong = wrong.expect("the wrong key");
    assert_eq!(
        (wrong["from"].as_str(), wrong["channel"].as_str()),
        (Some("127.0.0.1"), Some("stage"))
    );

    // A second one like it is counted, and all of it outlives the process.
    assert_eq!(ask("/stage/whip", "a-wrong-key-for-the-stage"), 401);
    let token = studio.token().to_owned();
    assert!(studio.stop().success());
    let studio = Headless::with().data_dir(dir.path()).start();
    let kept = record(&studio);
    assert_eq!(kept.len(), expect.len());
    assert!(kept.iter().any(|act| act["times"] == 2), "{kept:#?}");

    // The log has the lines, and nothing that opens anything.
    let log = fs::read_to_string(dir.path().join("logs/klieg.log")).expect("the log's file");
    assert!(log.contains("link: made name="), "{log}");
    assert!(log.contains("#token=…"), "{log}");
    let held = [
        ("the control token", token.as_str()),
        ("the new control token", studio.token()),
        ("the link's secret", &key),
        ("the destination's key", secret),
        ("a wrong key", "a-wrong-key-for"),
    ];
    let panel = studio
        .get(&format!("/api/logs?last=1000&token={}", studio.token()))
        .text();
    assert!(panel.contains("#token=…"), "{panel}");
    let record = kept.iter().map(Value::to_string).collect::<String>();
    // No terminal reads what stands on stderr here: it may be kept.
    let journal = studio.log();
    assert!(journal.contains("#token=…"), "{journal}");
    for (what, secret) in held {
        let places = [
            ("log", &log),
            ("panel", &panel),
            ("record", &record),
            ("journal", &journal),
        ];
        for (place, text) in places {
            assert!(!text.contains(secret), "{what} stands in the {place}");
        }
    }
    assert!(studio.stop().success());
}

/// A family of figures as Prometheus reads it.
#[derive(Debug, Default)]
struct Family {
    kind: String,
    help: String,
    samples: Vec<(String, BTreeMap<String, String>, f64)>,
}

/// Reads the text format (exposition format 0.0.4) as strictly as `promtool check metrics` does.
fn families(text: &str) -> BTreeMap<String, Family> {
    let mut families: BTreeMap<String, Family> = BTreeMap::new();
    for line in text.lines().filter(|line| !line.is_empty()) {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let (name, help) = rest.split_once(' ').expect("a name and its help");
            let family = families.entry(name.into()).or_default();
            assert!(family.help.is_empty(), "{name} is helped twice");
            family.help = help.into();
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').expect("a name and its type");
            let family = families.entry(name.into()).or_default();
            assert!(
                family.kind.is_empty() && family.samples.is_empty(),
                "{name} is typed twice"
            );
            assert!(
                ["counter", "gauge", "histogram", "summary"].contains(&kind),
                "{line}"
            );
            family.kind = kind.into();
        } else if !line.starts_with('#') {
            let (series, value) = line.rsplit_once(' ').expect("a series and its value");
            let value: f64 = value.parse().expect("a number");
            let (name, labels) = match series.split_once('{') {
                Some((name, rest)) => (name, labels(rest.strip_suffix('}').expect("a brace"))),
                None => (series, BTreeMap::new()),
            };
            let base = ["_bucket", "_sum", "_count"].iter().find_map(|suffix| {
                let base = name.strip_suffix(suffix)?;
                (families.get(base)?.kind == "histogram").then_some(base)
            });
            let family = families.get_mut(base.unwrap_or(name));
            let family = family.unwrap_or_else(|| panic!("no type before {line}"));
            family.samples.push((name.into(), labels, value));
        }
    }
    families
}

fn labels(text: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut rest = text;
    while let Some((name, after)) = rest.split_once("=\"") {
        let name = name.trim_start_matches(',');
        let end = after
            .char_indices()
            .find(|(at, c)| *c == '"' && !after[..*at].ends_with('\\'));
        let (end, _) = end.expect("the label's end");
        found.insert(name.to_owned(), after[..end].to_owned());
        rest = &after[end + 1..];
    }
    assert!(rest.is_empty(), "{text}");
    found
}

/// The names of figures in an expression of PromQL.
fn named(expression: &str) -> BTreeSet<String> {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
    let words = expression.split(|c: char| !word(c));
    let ours = |w: &&str| w.starts_with("klieg_") || w.starts_with("process_");
    words.filter(ours).map(str::to_owned).collect()
}

#[test]
fn figures_are_what_prometheus_reads_and_grafana_draws() {
    let studio = Headless::with()
        .arg("--on-air")
        .args(["--publish", "rtmp://127.0.0.1:9/app/key"])
        .start();
    eventually("the program is in the hub", Duration::from_secs(30), || {
        studio
            .get("/metrics")
            .text()
            .contains("klieg_channel_bytes_total{channel=\"program\"}")
            .then_some(())
    });
    // Each class of answer once.
    studio.get("/");
    studio.get("/hls/program/nothing.m3u8");
    let text = studio.get("/metrics").text();
    let families = families(&text);
    for (name, family) in &families {
        assert!(
            !family.help.is_empty() && !family.kind.is_empty(),
            "{name} without help or type"
        );
        assert!(!family.samples.is_empty(), "{name} has no sample");
        assert!(
            name.starts_with("klieg_") || name.starts_with("process_"),
            "{name}"
        );
        assert_eq!(
            family.kind == "counter",
            name.ends_with("_total"),
            "{name} is a {}",
            family.kind
        );
        assert!(
            !name.contains("_ms") && !name.contains("percent"),
            "{name}: seconds and ratios"
        );
        if family.kind == "histogram" {
            check_histogram(name, family);
        }
    }
    let drawn =
        fs::read_to_string(root().join("assets/grafana/klieg.json")).expect("the dashboard");
    let drawn: Value = serde_json::from_str(&drawn).expect("the dashboard is JSON");
    let there: BTreeSet<&str> = families
        .values()
        .flat_map(|family| family.samples.iter().map(|(name, ..)| name.as_str()))
        .collect();
    let mut seen = 0;
    for panel in drawn["panels"].as_array().expect("panels") {
        for target in panel["targets"].as_array().into_iter().flatten() {
            let expression = target["expr"].as_str().expect("an expression");
            let names = named(expression);
            assert!(!names.is_empty(), "{expression} draws nothing of ours");
            for name in names {
                assert!(
                    there.contains(name.as_str()),
                    "{}: there is no {name}",
                    panel["title"]
                );
                seen += 1;
            }
        }
    }
    assert!(seen > 30, "{seen} figures are drawn");

    // Somebody elsewhere, or behind a proxy, needs the right to control.
    let passed_on = [("x-forwarded-for", "192.168.1.9")];
    for path in ["/metrics", "/api/dashboard"] {
        assert!(studio.get(path).ok(), "{path}");
        let far = http::request("GET", &studio.url(path), &passed_on, b"");
        assert_eq!(far.status, 401, "{path}");
        let keyed = format!("{path}?token={}", studio.token());
        let far = http::request("GET", &studio.url(&keyed), &passed_on, b"");
        assert_eq!(far.status, 200, "{path}");
    }
    let points = eventually("two points of history", Duration::from_secs(30), || {
        let hour = studio.json("/api/dashboard");
        (hour["at"].as_array().expect("times").len() >= 2).then_some(hour)
    });
    assert_eq!(points["channels"][0]["name"], "program");
    assert!(points["memory"][1].as_u64() > Some(1 << 20), "{points}");
    assert!(points["fps"][1].as_f64() > Some(1.0), "{points}");
    assert!(studio.stop().success());
}

/// Buckets grow, the last one is all, and there is a sum.
fn check_histogram(name: &str, family: &Family) {
    let mut before = BTreeMap::new();
    for (sample, labels, value) in &family.samples {
        let mut series = labels.clone();
        let bound = series.remove("le");
        if sample.ends_with("_bucket") {
            let bound = bound.expect("a bound");
            assert!(
                bound == "+Inf" || bound.parse::<f64>().is_ok(),
                "{name}: {bound}"
            );
            let last = before.insert(series, *value).unwrap_or(0.0);
            assert!(*value >= last, "{name}: {value} after {last}");
        } else if sample.ends_with("_count") {
            assert_eq!(before.get(&series), Some(value), "{name}: +Inf is all");
        }
    }
    let sums = family
        .samples
        .iter()
        .filter(|(sample, ..)| sample.ends_with("_sum"));
    assert_eq!(sums.count(), before.len(), "{name}");
}
