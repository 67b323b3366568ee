use std::fs;

use api::{Destination, DestinationState, DestinationTarget, LinkKind, Role};
use ring::digest;
use rusqlite::Connection;

use super::*;

fn texts(store: &Store, channel: &str, n: u32) -> Vec<String> {
    let messages = store.recent(channel, n).unwrap();
    messages.into_iter().map(|m| m.text).collect()
}

fn destination(id: &str, url: &str) -> Destination {
    Destination {
        id: id.into(),
        name: format!("To {id}"),
        target: DestinationTarget::Rtmp { url: url.into() },
        has_secret: true,
        enabled: false,
        platform: Some("twitch".into()),
        delay_seconds: 20,
        test: true,
        rendition: Some(api::Rendition {
            height: 480,
            bitrate: 900_000,
        }),
        encoded: None,
        follow: true,
        advice: Vec::new(),
        recent: Vec::new(),
        until: None,
        state: DestinationState::Retrying {
            attempt: 2,
            at: 5,
            reason: "gone".into(),
        },
    }
}

#[test]
fn everything_is_there_again_after_reopening() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("klieg.db");
    let said = {
        let store = Store::open(&path).unwrap();
        store.set_title("Sunday service").unwrap();
        store
            .put_destination(&destination("a", "rtmp://a/live"))
            .unwrap();
        store
            .say(
                "program",
                "Anna",
                Role::Viewer,
                "<b>ünï</b> 👋",
                1_700_000_000_123,
            )
            .unwrap()
    };
    let store = Store::open(&path).unwrap();
    assert!(store.set_aside().is_none());
    assert_eq!(
        store.recent("program", 100).unwrap().as_slice(),
        std::slice::from_ref(&said)
    );
    assert_eq!(store.title().unwrap().as_deref(), Some("Sunday service"));
    assert_eq!(store.destinations().unwrap().len(), 1);
    let next = store
        .say("program", "Host", Role::Host, "hello", 1)
        .unwrap();
    assert!(next.id > said.id, "numbers grow across restarts");
}

#[test]
fn the_newest_come_oldest_first_and_channels_are_apart() {
    let store = Store::in_memory().unwrap();
    for n in 0..150 {
        // The time of day may jump back; the order in which things were said does not.
        store
            .say("a", "x", Role::Viewer, &n.to_string(), 1000 - n)
            .unwrap();
        store.say("b", "x", Role::Viewer, "elsewhere", n).unwrap();
    }
    let newest = texts(&store, "a", 100);
    let expected: Vec<String> = (50..150).map(|n| n.to_string()).collect();
    assert_eq!(newest, expected);
    assert_eq!(texts(&store, "a", 1000).len(), 150);
    assert!(texts(&store, "c", 10).is_empty());
    assert!(store.has_messages("b").unwrap());
    assert!(!store.has_messages("c").unwrap());
}

#[test]
fn a_channel_forgets_its_oldest_messages_and_only_its_own() {
    let store = Store::in_memory().unwrap();
    store
        .say("quiet", "x", Role::Viewer, "still here", 0)
        .unwrap();
    let said = KEEP_MESSAGES + 200;
    for n in 0..said {
        store
            .say("busy", "x", Role::Viewer, &n.to_string(), 0)
            .unwrap();
    }
    let kept = texts(&store, "busy", u32::MAX);
    let few_more = u32::try_from(kept.len()).unwrap() - KEEP_MESSAGES;
    assert!(few_more < 64, "{few_more} above the bound");
    assert_eq!(kept.last().unwrap(), &(said - 1).to_string());
    assert_eq!(texts(&store, "quiet", 10), ["still here"]);
}

#[test]
fn destinations_keep_their_place_and_never_their_state() {
    let store = Store::in_memory().unwrap();
    for id in ["c", "a", "b"] {
        store
            .put_destination(&destination(id, "rtmp://x/live"))
            .unwrap();
    }
    let whip = Destination {
        target: DestinationTarget::Whip {
            url: "https://x/whip".into(),
        },
        enabled: true,
        has_secret: false,
        ..destination("a", "")
    };
    store.put_destination(&whip).unwrap();
    assert!(store.remove_destination("c").unwrap());
    assert!(!store.remove_destination("c").unwrap());
    store
        .put_destination(&destination("c", "rtmp://y/live"))
        .unwrap();

    let all = store.destinations().unwrap();
    let ids: Vec<&str> = all.iter().map(|d| d.id.as_str()).collect();
    assert_eq!(ids, ["a", "b", "c"]);
    assert_eq!(
        all[0],
        Destination {
            state: DestinationState::Off,
            ..whip
        }
    );
    assert_eq!(store.destination("b").unwrap().unwrap().name, "To b");
    assert!(store.destination("nobody").unwrap().is_none());
}

#[test]
fn no_secret_finds_a_column() {
    let store = Store::in_memory().unwrap();
    let inner = store.inner.lock();
    let mut statement = inner
        .connection
        .prepare("SELECT sql FROM sqlite_master")
        .unwrap();
    let schema: Vec<Option<String>> = statement
        .query_map([], |row| row.get(0))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    let schema = schema
        .into_iter()
        .flatten()
        .collect::<String>()
        .to_lowercase();
    for word in ["secret ", "token", "key text not null", "bearer"] {
        assert!(!schema.replace("has_secret", "").contains(word), "{word}");
    }
}

fn hashed(secret: &str) -> [u8; 32] {
    let hash = digest::digest(&digest::SHA256, secret.as_bytes());
    hash.as_ref().try_into().unwrap()
}

fn link(id: &str, kind: LinkKind) -> KeptLink {
    KeptLink {
        id: id.into(),
        kind,
        name: format!("For {id}"),
        channel: (kind == LinkKind::Publish).then(|| "stage".into()),
        hash: hashed(&format!("secret of {id}")),
        turn: 0,
        created: 1_700_000_000_000,
        expires: (kind == LinkKind::Watch).then_some(1_800_000_000_000),
    }
}

#[test]
fn links_are_there_again_in_the_order_they_were_made() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("klieg.db");
    let mut kept: Vec<KeptLink> = [
        ("d", LinkKind::Watch),
        ("c", LinkKind::Publish),
        ("e", LinkKind::Guest),
        ("b", LinkKind::Moderate),
        ("a", LinkKind::Control),
    ]
    .into_iter()
    .map(|(id, kind)| link(id, kind))
    .collect();
    let store = Store::open(&path).unwrap();
    for link in &kept {
        store.put_link(link).unwrap();
    }
    kept[1].hash = hashed("another");
    kept[1].turn = 1;
    store.put_link(&kept[1]).unwrap();
    drop(store);
    let store = Store::open(&path).unwrap();
    assert_eq!(store.links().unwrap(), kept);
    assert!(store.remove_link("b").unwrap());
    assert!(!store.remove_link("b").unwrap());
    assert_eq!(store.links().unwrap().len(), 4);
}

#[test]
#[cfg(unix)]
fn the_file_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("klieg.db");
    // As an earlier version left it.
    fs::write(&path, "").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    let store = Store::open(&path).unwrap();
    store.put_link(&link("a", LinkKind::Control)).unwrap();
    for file in fs::read_dir(dir.path()).unwrap() {
        let file = file.unwrap();
        let mode = file.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{}", file.path().display());
    }
}

#[test]
fn a_database_from_before_the_links_is_brought_up_to_date() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("klieg.db");
    let connection = Connection::open(&path).unwrap();
    connection
        .execute_batch(include_str!("migrations/1.sql"))
        .unwrap();
    connection.pragma_update(None, "user_version", 1).unwrap();
    drop(connection);
    let store = Store::open(&path).unwrap();
    assert!(store.set_aside().is_none() && store.links().unwrap().is_empty());
}

#[test]
fn links_from_before_guests_are_kept_in_their_order() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("klieg.db");
    let connection = Connection::open(&path).unwrap();
    for step in [
        include_str!("migrations/1.sql"),
        include_str!("migrations/2.sql"),
        "INSERT INTO links VALUES ('z', 'publish', 'Ana', 'stage', 'in the open', 1, NULL);
         INSERT INTO links VALUES ('a', 'control', 'Ben', NULL, 'for all to see', 1, 9);
         PRAGMA user_version = 2;",
    ] {
        connection.execute_batch(step).unwrap();
    }
    drop(connection);
    let store = Store::open(&path).unwrap();
    store.put_link(&link("g", LinkKind::Guest)).unwrap();
    let links = store.links().unwrap();
    let seen: Vec<_> = links.iter().map(|l| (&*l.id, l.kind, l.hash)).collect();
    let expect = [
        ("z", LinkKind::Publish, hashed("in the open")),
        ("a", LinkKind::Control, hashed("for all to see")),
        ("g", LinkKind::Guest, hashed("secret of g")),
    ];
    assert_eq!(seen, expect);
    drop(store);
    // Nor does it stand anywhere else in the files any more.
    for file in fs::read_dir(dir.path()).unwrap() {
        let bytes = fs::read(file.unwrap().path()).unwrap();
        let found = |secret: &[u8]| bytes.windows(secret.len()).any(|w| w == secret);
        assert!(!found(b"in the open") && !found(b"for all to see"));
    }
}

#[test]
fn settings_are_replaced() {
    let store = Store::in_memory().unwrap();
    assert_eq!(store.get("k").unwrap(), None);
    store.set("k", "1").unwrap();
    store.set("k", "2").unwrap();
    assert_eq!(store.get("k").unwrap().as_deref(), Some("2"));
}

#[test]
fn a_damaged_database_is_moved_aside_and_a_new_one_begun() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("klieg.db");
    for (n, damage) in [
        b"this is no database at all, but it is long enough to be read as one".to_vec(),
        vec![0xA5; 8192],
        torn(&dir.path().join("good.db")),
    ]
    .into_iter()
    .enumerate()
    {
        fs::write(&path, &damage).unwrap();
        let store = Store::open(&path).unwrap();
        let aside = store
            .set_aside()
            .unwrap_or_else(|| panic!("case {n} was opened"));
        assert_eq!(
            aside.path,
            dir.path().join(format!("klieg.db.damaged-{}", n + 1))
        );
        assert!(aside.to_string().contains("damaged-"), "{aside}");
        assert_eq!(fs::read(&aside.path).unwrap(), damage, "nothing is lost");
        store.say("program", "x", Role::Viewer, "works", 0).unwrap();
        drop(store);
        assert!(Store::open(&path).unwrap().set_aside().is_none());
        fs::remove_file(&path).unwrap();
    }
}

/// A real database whose pages in the middle were overwritten.
fn torn(path: &Path) -> Vec<u8> {
    let store = Store::open(path).unwrap();
    for _ in 0..2000 {
        store
            .say(
                "program",
                "x",
                Role::Viewer,
                "some text to fill pages with",
                0,
            )
            .unwrap();
    }
    drop(store);
    let mut bytes = fs::read(path).unwrap();
    let len = bytes.len();
    assert!(len > 64 * 1024, "{len}");
    bytes[8192..len - 8192].fill(0x5A);
    bytes
}

#[test]
fn a_newer_database_is_refused_and_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("klieg.db");
    drop(Store::open(&path).unwrap());
    let connection = Connection::open(&path).unwrap();
    connection.pragma_update(None, "user_version", 999).unwrap();
    drop(connection);
    let error = Store::open(&path).unwrap_err();
    assert!(matches!(error, Error::Newer { .. }), "{error}");
    assert!(error.to_string().contains("newer Klieg"), "{error}");
    assert!(path.exists());
    assert_eq!(
        fs::read_dir(dir.path())
            .unwrap()
            .filter(|e| {
                e.as_ref()
                    .unwrap()
                    .file_name()
                    .to_string_lossy()
                    .contains("damaged")
            })
            .count(),
        0
    );
}

#[test]
fn a_folder_that_is_not_there_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("nowhere").join("klieg.db");
    let error = Store::open(&path).unwrap_err().to_string();
    assert!(error.contains("nowhere"), "{error}");
}

#[test]
fn many_threads_may_speak_at_once() {
    let store = Store::in_memory().unwrap();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let store = &store;
            scope.spawn(move || {
                for n in 0..50 {
                    store
                        .say("a", &thread.to_string(), Role::Viewer, &n.to_string(), 0)
                        .unwrap();
                }
            });
        }
    });
    let ids: Vec<i64> = store
        .recent("a", 1000)
        .unwrap()
        .iter()
        .map(|m| m.id)
        .collect();
    assert_eq!(ids.len(), 200);
    assert!(ids.is_sorted());
}

#[test]
fn messages_are_taken_away_and_their_numbers_not_given_again() {
    let store = Store::in_memory().unwrap();
    let say = |channel: &str, who: Option<&str>, at| {
        let author = Author {
            name: "Anna".into(),
            role: Role::Moderator,
            speaker: who.map(|identity| Speaker {
                identity: identity.into(),
                address: "192.168.1.9".into(),
            }),
        };
        store.say_as(channel, author, "hello", at).unwrap().id
    };
    let (a, b, c) = (
        say("a", Some("x"), 5),
        say("a", None, 6),
        say("a", Some("x"), 7),
    );
    let elsewhere = say("b", Some("x"), 8);
    let author = store.author("a", a).unwrap().unwrap();
    assert_eq!(author.role, Role::Moderator);
    assert_eq!(author.speaker.unwrap().address, "192.168.1.9");
    assert_eq!(store.author("a", b).unwrap().unwrap().speaker, None);
    assert_eq!(store.author("a", elsewhere).unwrap(), None);
    for (identity, at, expect) in [("x", 6, true), ("x", 5, false), ("y", 9, false)] {
        assert_eq!(store.spoke_before("a", identity, at).unwrap(), expect);
    }
    assert!(!store.remove_message("b", a).unwrap(), "another channel's");
    assert_eq!(store.remove_messages_of("a", "x").unwrap(), [a, c]);
    assert!(store.remove_message("a", b).unwrap());
    assert!(!store.remove_message("a", b).unwrap());
    assert!(say("a", None, 9) > elsewhere);
    store.clear_messages("a").unwrap();
    assert!(texts(&store, "a", 10).is_empty());
    assert_eq!(texts(&store, "b", 10).len(), 1);
}

#[test]
fn rules_bans_and_passphrases_are_kept() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("klieg.db");
    let rules = api::RoomRules {
        slow_seconds: 30,
        links: false,
        words: vec!["spam".into(), "buy now".into()],
    };
    let mut kept = KeptBan {
        channel: "program".into(),
        identity: Some("x".into()),
        ban: api::Ban {
            id: 0,
            name: "Troll".into(),
            address: None,
            by: "the host".into(),
            at: 5,
            until: Some(9),
        },
    };
    {
        let store = Store::open(&path).unwrap();
        store
            .put_room_rules("program", &api::RoomRules::default())
            .unwrap();
        store.put_room_rules("program", &rules).unwrap();
        kept.ban.id = store.add_ban(&kept).unwrap();
        store.put_passphrase("program", Some("old")).unwrap();
        store.put_passphrase("program", Some("hash")).unwrap();
        store.put_passphrase("stage", Some("hash")).unwrap();
        store.put_passphrase("stage", None).unwrap();
    }
    let store = Store::open(&path).unwrap();
    assert_eq!(store.room_rules().unwrap(), [("program".into(), rules)]);
    assert_eq!(store.bans().unwrap(), std::slice::from_ref(&kept));
    let passphrases = store.passphrases().unwrap();
    assert_eq!(passphrases, [("program".into(), "hash".into())]);
    assert!(store.remove_ban(kept.ban.id).unwrap());
    assert!(!store.remove_ban(kept.ban.id).unwrap());
}

#[test]
fn what_was_said_before_moderation_is_still_there() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("klieg.db");
    {
        let connection = Connection::open(&path).unwrap();
        for step in [
            include_str!("migrations/1.sql"),
            include_str!("migrations/2.sql"),
        ] {
            connection.execute_batch(step).unwrap();
        }
        connection
            .execute_batch(
                "INSERT INTO messages (id, channel, name, role, text, at)
                 VALUES (41, 'program', 'Anna', 'viewer', 'hello', 7);
                 PRAGMA user_version = 2;",
            )
            .unwrap();
    }
    let store = Store::open(&path).unwrap();
    assert_eq!(texts(&store, "program", 10), ["hello"]);
    let next = store.say("program", "x", Role::Viewer, "hi", 8).unwrap();
    assert_eq!(next.id, 42);
}
