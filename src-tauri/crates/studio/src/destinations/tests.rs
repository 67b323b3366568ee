use super::*;

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
    let rtmp = |url: &str| DestinationTarget::Rtmp { url: url.into() };
    let whip = |url: &str| DestinationTarget::Whip { url: url.into() };
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
    ] {
        let taken = from_command_line(address).unwrap();
        assert_eq!(taken, (target, secret.map(str::to_owned)), "{address}");
    }
}

#[test]
fn wrong_addresses_are_refused_in_words() {
    for (address, expect) in [
        ("a.example/live", "relative URL"),
        ("ftp://a.example/live", "it begins with ftp://"),
        ("rtmp:///live/key", "host"),
    ] {
        let said = from_command_line(address).unwrap_err().message;
        assert!(said.contains(expect), "{said:?} should say {expect:?}");
    }
}
