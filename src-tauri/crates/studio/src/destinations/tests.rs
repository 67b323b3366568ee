use super::*;

/// What is kept of a new destination.
fn checked(id: String, new: &NewDestination) -> Result<api::Destination, Problem> {
    check::checked(id, new, None).map(|checked| checked.about)
}

fn new(platform: Option<&str>, target: DestinationTarget, secret: Option<&str>) -> NewDestination {
    NewDestination {
        name: "One".into(),
        target,
        secret: secret.map(Into::into),
        platform: platform.map(Into::into),
        delay_seconds: 0,
        test: false,
        rendition: None,
        follow: false,
    }
}

fn rtmp(url: &str) -> DestinationTarget {
    DestinationTarget::Rtmp { url: url.into() }
}

fn whip(url: &str) -> DestinationTarget {
    DestinationTarget::Whip { url: url.into() }
}

#[test]
fn what_cannot_be_a_destination_is_refused_in_words() {
    let fine = || new(Some("twitch"), rtmp("rtmp://live-fra.twitch.tv/app"), None);
    assert!(checked("a".into(), &fine()).is_ok());
    for (wrong, expect) in [
        (
            NewDestination {
                name: " ".into(),
                ..fine()
            },
            "1 to 100",
        ),
        (
            NewDestination {
                delay_seconds: 301,
                ..fine()
            },
            "300 seconds late at most",
        ),
        (
            NewDestination {
                platform: Some("nowhere".into()),
                ..fine()
            },
            "no platform \"nowhere\"",
        ),
        (
            NewDestination {
                platform: Some("klieg".into()),
                ..fine()
            },
            "/CHANNEL/whip",
        ),
        (
            NewDestination {
                platform: Some("youtube".into()),
                test: true,
                ..fine()
            },
            "Only Twitch",
        ),
        (
            NewDestination {
                platform: None,
                test: true,
                ..fine()
            },
            "Only Twitch",
        ),
        (
            NewDestination {
                rendition: Some(api::Rendition {
                    height: 8,
                    bitrate: 1_000_000,
                }),
                ..fine()
            },
            "16 to 3840 lines",
        ),
        (
            NewDestination {
                rendition: Some(api::Rendition {
                    height: 720,
                    bitrate: 1_000,
                }),
                ..fine()
            },
            "bits per second",
        ),
        (
            NewDestination {
                follow: true,
                ..fine()
            },
            "seen over WHIP alone",
        ),
        (new(None, rtmp("http://a/b"), None), "begins with http://"),
        (
            new(Some("cloudflare"), whip("https://a/"), Some("no address")),
            "does not work",
        ),
    ] {
        let said = checked("a".into(), &wrong).unwrap_err().message;
        assert!(said.contains(expect), "{said:?} should say {expect:?}");
    }
}

#[test]
fn an_address_that_holds_a_key_is_kept_as_one() {
    let whole = "https://customer-1.cloudflarestream.com/s3cret/webRTC/publish";
    let about = checked("a".into(), &new(Some("cloudflare"), whip(""), Some(whole))).unwrap();
    assert_eq!(
        about.target,
        whip("https://customer-1.cloudflarestream.com/")
    );
    let platform = Platform::find("cloudflare");
    assert_eq!(
        target(&about, platform, whole.into()),
        Target::Whip {
            url: whole.into(),
            bearer: String::new()
        }
    );
    // Changed without the key: the address that is shown stays as it is.
    let again = checked(
        "a".into(),
        &new(Some("cloudflare"), about.target.clone(), None),
    )
    .unwrap();
    assert_eq!(again.target, about.target);
}

#[test]
fn a_test_is_a_part_of_the_key() {
    for (key, expect) in [
        ("live_1", "live_1?bandwidthtest=true"),
        ("live_1?x=1", "live_1?x=1&bandwidthtest=true"),
        ("live_1?bandwidthtest=true", "live_1?bandwidthtest=true"),
    ] {
        assert_eq!(in_test(key, "?bandwidthtest=true"), expect);
    }
    let url = "rtmp://live-fra.twitch.tv/app";
    for test in [true, false] {
        let wanted = NewDestination {
            test,
            ..new(Some("twitch"), rtmp(url), None)
        };
        let about = checked("a".into(), &wanted).unwrap();
        let key = if test { "k?bandwidthtest=true" } else { "k" };
        let expect = Target::Rtmp {
            url: url.into(),
            key: key.into(),
        };
        assert_eq!(target(&about, Platform::find("twitch"), "k".into()), expect);
    }
}

#[test]
fn addresses_from_the_command_line_are_taken_apart() {
    for (address, target, secret) in [
        (
            "rtmp://a.example/live/key?x=1",
            rtmp("rtmp://a.example/live"),
            Some("key?x=1"),
        ),
        ("rtmp://a.example/live", rtmp("rtmp://a.example/live"), None),
        (
            "rtmps://a.example:443/app/instance/key",
            rtmp("rtmps://a.example:443/app/instance"),
            Some("key"),
        ),
        (
            "https://:s3cret@b.example/room/whip",
            whip("https://b.example/room/whip"),
            Some("s3cret"),
        ),
        (
            "http://127.0.0.1:8889/x/whip",
            whip("http://127.0.0.1:8889/x/whip"),
            None,
        ),
        (
            "http://127.0.0.1:8889/x/whip?key=s3cret",
            whip("http://127.0.0.1:8889/x/whip"),
            Some("s3cret"),
        ),
    ] {
        let taken = from_command_line("a".into(), address).unwrap();
        assert_eq!(taken.about.target, target, "{address}");
        assert_eq!(taken.secret.as_deref(), secret, "{address}");
    }
}

#[test]
fn wrong_addresses_are_refused_in_words() {
    for (address, expect) in [
        ("a.example/live", "relative URL"),
        ("ftp://a.example/live", "it begins with ftp://"),
        ("rtmp:///live/key", "host"),
        ("rtmp://me:pass@a.example/live/key", "enter the stream key"),
    ] {
        let said = from_command_line("a".into(), address).unwrap_err().message;
        assert!(!said.contains("pass@"), "{said}");
        assert!(said.contains(expect), "{said:?} should say {expect:?}");
    }
}

#[test]
fn a_key_is_taken_out_of_the_address() {
    // Entered address and key → kept address, kept key.
    for (target, given, kept, secret) in [
        (rtmp("rtmp://a/app"), None, rtmp("rtmp://a/app"), None),
        (rtmp("rtmp://a/app/"), None, rtmp("rtmp://a/app/"), None),
        (
            rtmp("rtmp://a/app?x=1"),
            None,
            rtmp("rtmp://a/app?x=1"),
            None,
        ),
        (
            rtmp("rtmp://a/app/K"),
            None,
            rtmp("rtmp://a/app"),
            Some("K"),
        ),
        (
            rtmp(" rtmp://a/app/K/ "),
            None,
            rtmp("rtmp://a/app"),
            Some("K"),
        ),
        (
            rtmp("rtmp://a/app//K"),
            None,
            rtmp("rtmp://a/app"),
            Some("K"),
        ),
        (
            rtmp("rtmps://a:443/app/one/K"),
            None,
            rtmp("rtmps://a:443/app/one"),
            Some("K"),
        ),
        // What follows the key belongs to it, whatever it looks like.
        (
            rtmp("rtmp://a/app/K?key=x/y&z"),
            None,
            rtmp("rtmp://a/app"),
            Some("K?key=x/y&z"),
        ),
        (
            rtmp("rtmp://a/app/K#1"),
            None,
            rtmp("rtmp://a/app"),
            Some("K#1"),
        ),
        // With a key beside it, it is an instance; unless it is that key.
        (
            rtmp("rtmp://a/app/one"),
            Some("K"),
            rtmp("rtmp://a/app/one"),
            Some("K"),
        ),
        (
            rtmp("rtmp://a/app/K"),
            Some(" K "),
            rtmp("rtmp://a/app"),
            Some("K"),
        ),
        (
            rtmp("rtmp://a/app"),
            Some(""),
            rtmp("rtmp://a/app"),
            Some(""),
        ),
        (
            rtmp("rtmp://a/app/K"),
            Some(""),
            rtmp("rtmp://a/app"),
            Some("K"),
        ),
        (whip("https://a/whip"), None, whip("https://a/whip"), None),
        (
            whip("https://user:T@a/whip"),
            None,
            whip("https://a/whip"),
            Some("T"),
        ),
        (
            whip("https://:a+b=&c@a/whip"),
            None,
            whip("https://a/whip"),
            Some("a+b=&c"),
        ),
        (
            whip("https://T@a/whip"),
            None,
            whip("https://a/whip"),
            Some("T"),
        ),
        (
            whip("https://:T@a/whip"),
            Some("other"),
            whip("https://a/whip"),
            Some("other"),
        ),
        (
            whip("https://a/whip?key=T"),
            None,
            whip("https://a/whip"),
            Some("T"),
        ),
        (
            whip("https://a/whip?a=b%20c&key=x%2By+z%3D&d"),
            None,
            whip("https://a/whip?a=b%20c&d"),
            Some("x+y+z="),
        ),
        (
            whip("https://a/whip?k%65y=T#there"),
            None,
            whip("https://a/whip#there"),
            Some("T"),
        ),
        (
            whip("https://a/whip?key=&key=T"),
            None,
            whip("https://a/whip"),
            Some("T"),
        ),
        (
            whip("https://:T@a/whip?key=other"),
            None,
            whip("https://a/whip"),
            Some("T"),
        ),
        (
            whip("https://a/whip?key=T"),
            Some("other"),
            whip("https://a/whip"),
            Some("other"),
        ),
        (
            whip("https://a/whip?key="),
            None,
            whip("https://a/whip"),
            None,
        ),
        (
            whip("https://a/whip?keys=T&monkey=T"),
            None,
            whip("https://a/whip?keys=T&monkey=T"),
            None,
        ),
    ] {
        let entered = new(None, target, given);
        let taken = check::checked("a".into(), &entered, None).unwrap();
        assert_eq!(taken.about.target, kept, "{entered:?}");
        assert_eq!(taken.secret.as_deref(), secret, "{entered:?}");
        let has = secret.is_some_and(|secret| !secret.is_empty());
        assert_eq!(taken.about.has_secret, has, "{entered:?}");
    }
    let mediamtx = new(Some("mediamtx"), whip("http://me:T@a:8889/x/whip"), None);
    let taken = check::checked("a".into(), &mediamtx, None).unwrap();
    assert_eq!(taken.secret.as_deref(), Some("me:T"));
    let whole = "https://customer-1.cloudflarestream.com/s3cret/webRTC/publish";
    let hidden = new(Some("cloudflare"), whip(whole), None);
    let taken = check::checked("a".into(), &hidden, None).unwrap();
    let shown = "https://customer-1.cloudflarestream.com/";
    assert_eq!(taken.about.target, whip(shown));
    assert_eq!(taken.secret.as_deref(), Some(whole));
}

#[test]
fn the_servers_of_platforms_stay_as_they_are() {
    for platform in api::PLATFORMS {
        for server in platform.servers {
            let entered = new(Some(platform.id), rtmp(server.url), None);
            let taken = check::checked("a".into(), &entered, None).unwrap();
            assert_eq!(taken.about.target, entered.target);
            assert_eq!(taken.secret, None, "{}", server.url);
        }
    }
}

#[test]
fn a_key_that_is_kept_is_not_lost_by_a_change() {
    let change =
        |target, before| check::checked("a".into(), &new(None, target, None), Some(before));
    for (before, now) in [
        ("rtmp://a/app", rtmp("rtmp://a/app")),
        ("rtmp://a/app", rtmp("rtmp://b:1936/live")),
        ("rtmp://a/app/one", rtmp("rtmp://a/app/one")),
        ("rtmp://a/app/one", rtmp("rtmps://b/app/one")),
        ("https://a/whip", whip("https://a/other/whip")),
    ] {
        let taken = change(now.clone(), before).unwrap();
        assert_eq!(taken.about.target, now, "{before}");
        assert_eq!(taken.secret, None, "{before}");
        assert!(taken.about.has_secret);
    }
    // An instance or a new key: whoever entered it knows.
    for now in [
        "rtmp://a/app/new",
        "rtmp://a/app/one/new",
        "rtmp://a/app/one?k=new",
    ] {
        let refused = change(rtmp(now), "rtmp://a/app/one").unwrap_err();
        assert!(refused.message.contains("enter the stream key again"));
        assert!(!refused.message.contains("new"), "{}", refused.message);
    }
    let taken = change(whip("https://:T@a/whip"), "https://a/whip").unwrap();
    assert_eq!(taken.secret.as_deref(), Some("T"));
}

const CANVAS: Canvas = Canvas {
    width: 1280,
    height: 720,
    fps: 30,
};

fn open(folder: &std::path::Path) -> Destinations {
    let store = Arc::new(Store::open(&folder.join("station.db")).unwrap());
    let secrets = Arc::new(Secrets::open(folder, false));
    let (clock, runtime) = (Clock::start(), Handle::current());
    Destinations::open(store, secrets, Terms::default(), clock, runtime).unwrap()
}

#[tokio::test]
async fn no_key_is_shown_or_written_in_the_clear() {
    const KEYS: [&str; 3] = ["live_77s3cret", "t0ken-of-whip", "live_88s3cret"];
    let folder = tempfile::tempdir().unwrap();
    let mut all = open(folder.path());
    let streamed = rtmp(&format!("rtmp://a.example/app/{}", KEYS[0]));
    let called = whip(&format!("https://user:{}@a.example/whip", KEYS[1]));
    all.add("one".into(), &new(None, streamed, None)).unwrap();
    all.add("two".into(), &new(None, called, None)).unwrap();
    all.add_transient("three".into(), &format!("rtmp://a.example/app/{}", KEYS[2]))
        .unwrap();
    let renamed = NewDestination {
        name: "Two".into(),
        ..new(None, whip("https://a.example/whip"), None)
    };
    drop(all.set("two", &renamed).unwrap());
    drop(all.enable("one", false).unwrap());
    let shown = serde_json::to_string(&all.list(CANVAS)).unwrap();
    assert!(shown.matches("\"has_secret\":true").count() == 3, "{shown}");
    let mut written = 0;
    for file in std::fs::read_dir(folder.path()).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        written += bytes.len();
        for key in KEYS {
            assert!(!shown.contains(key), "{shown}");
            let found = bytes.windows(key.len()).any(|part| part == key.as_bytes());
            assert!(!found, "{key}");
        }
    }
    assert!(written > 0);
    for (at, id) in ["one", "two"].into_iter().enumerate() {
        assert_eq!(all.secrets.get(id).as_deref(), Some(KEYS[at]));
    }
    assert_eq!(all.entries[2].transient.as_deref(), Some(KEYS[2]));
}

#[tokio::test]
async fn what_was_kept_with_its_key_in_the_address_is_tidied() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("station.db")).unwrap();
    let secrets = Secrets::open(folder.path(), false);
    secrets.set("beside", "K").unwrap();
    for (id, target) in [
        ("inside", rtmp("rtmp://a/app/K1")),
        ("beside", rtmp("rtmp://a/app/instance")),
        ("whip", whip("https://:K2@a/whip")),
        ("asked", whip("https://a/whip?key=K3")),
    ] {
        let mut about = checked(id.into(), &new(None, whip("https://a/"), None)).unwrap();
        about.target = target;
        store.put_destination(&about).unwrap();
    }
    drop((store, secrets));
    for _ in 0..2 {
        let all = open(folder.path());
        for (id, target, key) in [
            ("inside", rtmp("rtmp://a/app"), "K1"),
            ("beside", rtmp("rtmp://a/app/instance"), "K"),
            ("whip", whip("https://a/whip"), "K2"),
            ("asked", whip("https://a/whip"), "K3"),
        ] {
            let at = all.position(id).unwrap();
            assert_eq!(all.entries[at].about.target, target);
            assert_eq!(all.secrets.get(id).as_deref(), Some(key), "{id}");
            assert_eq!(all.store.destination(id).unwrap().unwrap().target, target);
        }
    }
}
