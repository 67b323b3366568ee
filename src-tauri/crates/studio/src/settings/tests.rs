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
fn servers_that_help_to_a_path_are_checked_where_they_stand() {
    let file = "[[server.ice_servers]]\nurls = \"stun:10.0.0.1\"\n\n[[server.ice_servers]]\n\
        urls = [\"turn:10.0.0.1:3478?transport=udp\"]\nusername = \"guest\"\ncredential = \"secret\"\n";
    let settings = load(file, &[], &[]).unwrap();
    assert_eq!(settings.server.ice_servers.len(), 2);
    assert!(!format!("{settings:?}").contains("secret"));
    let sets = ["server.ice_servers=[{ urls = \"stun:10.0.0.1\" }]"];
    assert_eq!(load("", &[], &sets).unwrap().server.ice_servers.len(), 1);
    let refused = load(&file.replace("turn:", "http:"), &[], &[]).unwrap_err();
    assert!(
        refused.contains("ice_servers") && refused.contains("http:10.0.0.1"),
        "{refused}"
    );
    let refused = load(&file.replace("username", "# username"), &[], &[]).unwrap_err();
    assert!(refused.contains("needs a username"), "{refused}");
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

#[test]
fn every_setting_is_described_with_its_default() {
    // What a section may hold is what it says when it is asked for something else.
    let names = |section: &str, wrong: &str| -> Vec<String> {
        let said = load(&format!("[{section}]\n{wrong} = 1\n"), &[], &[]).unwrap_err();
        let (_, expected) = said.split_once("expected").expect("it lists what there is");
        expected
            .split('`')
            .skip(1)
            .step_by(2)
            .map(|name| format!("{section}.{name}"))
            .collect()
    };
    let said = toml::from_str::<Settings>("wrong = 1").unwrap_err();
    let (_, sections) = said.message().split_once("expected").unwrap();
    let mut all: Vec<String> = sections
        .split('`')
        .skip(1)
        .step_by(2)
        .map(str::to_owned)
        .collect();
    let mut found = Vec::new();
    while let Some(section) = all.pop() {
        for name in names(&section, "wrong") {
            match name.as_str() {
                "ingest.jwt" => all.push(name),
                _ => found.push(name),
            }
        }
    }
    found.sort();
    let mut described: Vec<String> = KEYS.iter().map(|k| k.name.to_owned()).collect();
    described.sort();
    assert_eq!(described, found);
    let page = include_str!("../../../../../docs/settings.md");
    let read = Layers::default().read_over("").unwrap();
    for key in KEYS {
        assert!(
            page.contains(&format!("`{}`", key.name)),
            "docs/settings.md: {}",
            key.name
        );
        let shown = shown(key, &read.settings, &read);
        assert_eq!(shown.value, shown.default, "{}", key.name);
        assert_eq!(shown.origin, api::SettingOrigin::Default);
        assert!(key.meaning.ends_with('.'), "{}", key.meaning);
    }
}

#[test]
fn a_setting_says_who_set_it_and_where() {
    let layers = Layers::new(
        Path::new("settings.toml"),
        [
            ("KLIEG_SERVER__RTMP".to_owned(), "off".to_owned()),
            ("KLIEG_LOG".to_owned(), "debug".to_owned()),
        ],
        vec!["ingest.policy=open".into()],
    );
    let text = "# mine\n[server]\nhttp = \"127.0.0.1:1\"\nrtmp = \"127.0.0.1:2\"\n\n[ingest.jwt]\nkey = \"kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk\"\n";
    let read = layers.read_over(text).unwrap();
    let shown = |name: &str| shown(Key::find(name).unwrap(), &read.settings, &read);
    use api::{SettingOrigin as From, SettingValue as Value};
    for (name, origin, place, value) in [
        (
            "server.http",
            From::File,
            Some("line 3"),
            Some(Value::Text("127.0.0.1:1".into())),
        ),
        (
            "server.rtmp",
            From::Environment,
            Some("KLIEG_SERVER__RTMP"),
            Some(Value::Text("off".into())),
        ),
        (
            "ingest.policy",
            From::CommandLine,
            Some("--set ingest.policy=…"),
            Some(Value::Text("open".into())),
        ),
        (
            "ingest.take_over",
            From::Default,
            None,
            Some(Value::Flag(false)),
        ),
        // A secret goes in, never out.
        ("ingest.jwt.key", From::File, Some("line 7"), None),
    ] {
        let setting = shown(name);
        assert_eq!(
            (setting.origin, setting.place.as_deref()),
            (origin, place),
            "{name}"
        );
        assert_eq!(setting.value, value, "{name}");
    }
    let debug = format!("{layers:?}");
    assert!(!debug.contains("off"), "{debug}");
}

#[test]
fn servers_are_shown_without_what_they_ask() {
    let text = "[[server.ice_servers]]\nurls = [\"turn:turn.example:3478\"]\nusername = \"u\"\ncredential = \"hidden\"\n";
    let read = Layers::default().read_over(text).unwrap();
    let key = Key::find("server.ice_servers").unwrap();
    let setting = shown(key, &read.settings, &read);
    let urls = api::SettingValue::List(vec!["turn:turn.example:3478".into()]);
    assert_eq!(setting.value, Some(urls));
    assert_eq!(setting.origin, api::SettingOrigin::File);
    assert!(!format!("{setting:?}").contains("hidden"));
}

#[test]
fn what_waits_for_a_restart_says_so() {
    let layers = Layers::default();
    let before = layers.read_over("").unwrap();
    let text = "[server]\nmedia_udp = \"127.0.0.1:9\"\nrtmp = \"off\"\n";
    let after = layers.read_over(text).unwrap();
    let waits: Vec<_> = KEYS
        .iter()
        .filter(|key| shown(key, &before.settings, &after).waits)
        .map(|key| key.name)
        .collect();
    assert_eq!(waits, ["server.media_udp"]);
}

#[test]
fn the_file_keeps_what_a_person_wrote_around_a_setting() {
    use api::SettingValue as Value;
    let text = |s: &str| Value::Text(s.into());
    for (before, key, value, after) in [
        (
            "",
            "ingest.policy",
            text("open"),
            "[ingest]\npolicy = \"open\"\n",
        ),
        (
            "# mine\n\n[server] # here\n# the door\nhttp = \"127.0.0.1:1\" # why\nrtmp = 'off'\n",
            "server.http",
            text("127.0.0.1:2"),
            "# mine\n\n[server] # here\n# the door\nhttp = \"127.0.0.1:2\" # why\nrtmp = 'off'\n",
        ),
        (
            "[station]\nmax_channels = 5\n\n# last\n[ingest]\npolicy = \"open\"\n",
            "station.idle_seconds",
            Value::Whole(60),
            "[station]\nmax_channels = 5\nidle_seconds = 60\n\n# last\n[ingest]\npolicy = \"open\"\n",
        ),
        (
            "[ingest]\npolicy = \"open\"\n",
            "ingest.jwt.audience",
            text("club"),
            "[ingest]\npolicy = \"open\"\n\n[ingest.jwt]\naudience = \"club\"\n",
        ),
        (
            "server.http = \"127.0.0.1:1\"\n",
            "server.http",
            text("127.0.0.1:2"),
            "server.http = \"127.0.0.1:2\"\n",
        ),
        (
            "server = { http = \"127.0.0.1:1\", rtmp = \"off\" } # one line\n",
            "server.http",
            text("127.0.0.1:2"),
            "server = { http = \"127.0.0.1:2\", rtmp = \"off\" } # one line\n",
        ),
        (
            "[server]\nexternal = [\"203.0.113.7\"]\n",
            "server.external",
            Value::List(vec!["203.0.113.8".into(), "203.0.113.9".into()]),
            "[server]\nexternal = [\"203.0.113.8\", \"203.0.113.9\"]\n",
        ),
        (
            "",
            "encoder.keyframe_seconds",
            Value::Number(1.5),
            "[encoder]\nkeyframe_seconds = 1.5\n",
        ),
        (
            "",
            "ingest.take_over",
            Value::Flag(true),
            "[ingest]\ntake_over = true\n",
        ),
    ] {
        let got = with(before, key, &value).unwrap();
        assert_eq!(got, after, "{key} in {before:?}");
        let read = Layers::default().read_over(&got).unwrap();
        assert_eq!(Key::find(key).unwrap().read(&read.settings), Some(value));
    }
    assert!(
        with("server = 5\n", "server.http", &text("x"))
            .unwrap_err()
            .contains("no section")
    );
    assert!(with("[server\n", "server.http", &text("x")).is_err());
}

#[test]
fn a_setting_taken_out_of_the_file_becomes_a_comment() {
    for (before, key, after) in [
        (
            "[server]\n# the door\nhttp = \"127.0.0.1:1\" # why\nrtmp = \"off\"\n",
            "server.http",
            "[server]\n# the door\n# http = \"127.0.0.1:1\" # why\nrtmp = \"off\"\n",
        ),
        (
            "[server]\nexternal = [\n  \"203.0.113.7\",\n  \"203.0.113.8\",\n]\n",
            "server.external",
            "[server]\n# external = [\n#   \"203.0.113.7\",\n#   \"203.0.113.8\",\n# ]\n",
        ),
        (
            "server.http = \"127.0.0.1:1\"",
            "server.http",
            "# server.http = \"127.0.0.1:1\"",
        ),
        (
            "server = { http = \"127.0.0.1:1\", rtmp = \"off\" }\n",
            "server.http",
            "server = { rtmp = \"off\" }\n",
        ),
        ("[server]\n", "server.http", "[server]\n"),
    ] {
        let got = without(before, key).unwrap();
        assert_eq!(got.replace("{  ", "{ "), after, "{key} of {before:?}");
        let read = Layers::default().read_over(&got).unwrap();
        assert_eq!(read.place(key), None);
    }
}

#[test]
fn the_file_is_written_whole_for_those_who_could_read_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("settings.toml");
    write(&file, "[server]\n").unwrap();
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "[server]\n");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = |file: &Path| std::fs::metadata(file).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&file), 0o600, "keys may stand in it");
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
        let link = folder.path().join("link.toml");
        std::os::unix::fs::symlink(&file, &link).unwrap();
        write(&link, "[ingest]\n").unwrap();
        assert_eq!(mode(&file), 0o644);
        assert!(link.symlink_metadata().unwrap().is_symlink());
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "[ingest]\n");
    }
    let left = std::fs::read_dir(folder.path()).unwrap().count();
    assert!(left <= 2, "nothing temporary stays");
}

#[test]
fn origins_and_names_are_taken_as_browsers_write_them() {
    for (origin, expect) in [
        ("https://Club.Example", Some("https://club.example")),
        ("https://club.example:443/", Some("https://club.example")),
        ("http://127.0.0.1:5173", Some("http://127.0.0.1:5173")),
        ("https://club.example/page", None),
        ("https://user@club.example", None),
        ("https://club.example?x", None),
        ("club.example", None),
        ("file:///etc", None),
        ("null", None),
        ("*", None),
    ] {
        let got = WebOrigin::try_from(origin.to_owned()).map(|o| o.to_string());
        assert_eq!(got.as_deref().ok(), expect, "{origin}");
    }
    for (name, fine) in [
        ("studio.example", true),
        ("Studio", true),
        ("studio.example:8080", false),
        ("*.example", false),
        ("a..b", false),
        ("", false),
    ] {
        assert_eq!(HostName::try_from(name.to_owned()).is_ok(), fine, "{name}");
    }
}

#[test]
fn a_wrong_key_for_tokens_is_told_with_its_line() {
    let layers = Layers::new(Path::new("settings.toml"), [], Vec::new());
    let read = layers
        .read_over("[ingest.jwt]\n\nkey = \"short\"\n")
        .unwrap();
    let error = read
        .settings
        .ingest
        .jwt
        .checker(Path::new("."))
        .unwrap_err();
    let said = layers.placed(error, &read).to_string();
    assert!(
        said.starts_with("settings.toml, line 3: ingest.jwt.key: a shared key"),
        "{said}"
    );
}
