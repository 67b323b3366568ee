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
        "ingest.take_over=true",
        "ingest.jwt.audience=club",
        "station.idle_seconds=60",
    ];
    let settings = load(file, &environment, &sets).unwrap();
    assert_eq!(settings.server.http.port(), 4);
    assert_eq!(settings.server.media_udp.port(), 2);
    assert_eq!(settings.server.rtmp.get().map(|a| a.port()), Some(1935));
    assert_eq!(settings.server.https.get(), None);
    assert_eq!(settings.encoder.bitrate.get(), 1_000_000);
    assert_eq!(settings.encoder.keyframe_seconds.get(), 1.5);
    assert_eq!(settings.ingest.policy, Policy::Open);
    assert!(settings.ingest.take_over);
    assert_eq!(settings.ingest.jwt.audience, "club");
    assert_eq!(settings.station.idle_seconds.get(), 60);
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
            vec!["station.idle_seconds=9"],
            vec!["station.idle_seconds=9", "10 to 604800 seconds"],
        ),
        (
            "",
            vec![],
            vec!["ingest.take_over=perhaps"],
            vec!["boolean"],
        ),
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

#[test]
fn the_key_for_tokens_comes_from_the_settings_or_from_a_file() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("idp.key"), "k".repeat(32)).unwrap();
    let key = |key: Option<&str>, file: Option<&str>| Jwt {
        key: key.map(str::to_owned),
        key_file: file.map(PathBuf::from),
        ..Jwt::default()
    };
    let long = "k".repeat(32);
    for (jwt, expect) in [
        (key(None, None), Ok(false)),
        (key(Some(&long), None), Ok(true)),
        (key(None, Some("idp.key")), Ok(true)),
        (
            key(Some("short"), None),
            Err("ingest.jwt.key: a shared key"),
        ),
        (
            key(None, Some("nowhere.pem")),
            Err("nowhere.pem cannot be read"),
        ),
        (
            key(Some(&long), Some("idp.key")),
            Err("keep one of the two"),
        ),
    ] {
        match (jwt.checker(folder.path()), expect) {
            (Ok(checker), Ok(there)) => assert_eq!(checker.is_some(), there),
            (Err(error), Err(part)) => {
                let said = error.to_string();
                assert!(said.contains(part), "{said:?} should say {part:?}");
            }
            (got, _) => panic!("{jwt:?}: {got:?}"),
        }
    }
    let shown = format!("{:?}", key(Some(&long), None));
    assert!(!shown.contains(&long), "{shown}");
}
