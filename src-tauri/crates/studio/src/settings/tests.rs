use super::*;

fn load(text: &str, environment: &[(&str, &str)], sets: &[&str]) -> Result<Settings, String> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("settings.toml");
    if !text.is_empty() {
        std::fs::write(&file, text).unwrap();
    }
    let environment = environment
        .iter()
        .map(|(n, v)| ((*n).to_owned(), (*v).to_owned()));
    let sets: Vec<String> = sets.iter().map(|s| (*s).to_owned()).collect();
    let shown = folder.path().display().to_string();
    Settings::load(&file, environment, &sets).map_err(|e| e.to_string().replace(&shown, "DIR"))
}

#[test]
fn the_command_line_is_over_the_environment_over_the_file_over_defaults() {
    let file = "[server]\nhttp = \"127.0.0.1:1\"\nmedia_udp = \"127.0.0.1:2\"\n[encoder]\nbitrate = 1000000\n";
    let environment = [
        ("KLIEG_SERVER__HTTP", "127.0.0.1:3"),
        ("KLIEG_ENCODER__KEYFRAME_SECONDS", "1.5"),
        ("KLIEG_LOG", "debug"),
        ("HOME", "/x"),
    ];
    let sets = [
        "server.http=127.0.0.1:4",
        "ingest.policy=open",
        "server.https=off",
    ];
    let settings = load(file, &environment, &sets).unwrap();
    assert_eq!(settings.server.http.port(), 4);
    assert_eq!(settings.server.media_udp.port(), 2);
    assert_eq!(settings.server.rtmp.get().map(|a| a.port()), Some(1935));
    assert_eq!(settings.server.https.get(), None);
    assert_eq!(settings.encoder.bitrate.get(), 1_000_000);
    assert_eq!(settings.encoder.keyframe_seconds.get(), 1.5);
    assert_eq!(settings.ingest.policy, Policy::Open);
    assert_eq!(load("", &[], &[]).unwrap(), Settings::default());
}

#[test]
fn what_is_wrong_is_refused_with_its_place() {
    for (file, environment, sets, expect) in [
        (
            "[server]\n\nhtpp = \"x\"\n",
            vec![],
            vec![],
            vec!["DIR/settings.toml, line 3", "htpp"],
        ),
        (
            "[encoder]\nbitrate = 5\n",
            vec![],
            vec![],
            vec!["line 2", "bitrate", "100000 to 50000000 bits per second"],
        ),
        (
            "[encoder]\nbitrate = \"fast\"\n",
            vec![],
            vec![],
            vec!["line 2", "bitrate", "no number"],
        ),
        ("[server\n", vec![], vec![], vec!["line 1"]),
        (
            "",
            vec![("KLIEG_SERVER__HTTP", "nowhere")],
            vec![],
            vec!["KLIEG_SERVER__HTTP: ", "address"],
        ),
        (
            "",
            vec![],
            vec!["server.htpp=127.0.0.1:1"],
            vec!["--set server.htpp", "htpp"],
        ),
        ("", vec![], vec!["server.http"], vec!["key=value"]),
        (
            "",
            vec![],
            vec!["ingest.policy=closed"],
            vec!["--set ingest.policy=closed", "keyed", "approve"],
        ),
    ] {
        let said = load(file, &environment, &sets).unwrap_err();
        for part in expect {
            assert!(said.contains(part), "{said:?} should say {part:?}");
        }
    }
}
