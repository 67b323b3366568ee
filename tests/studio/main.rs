//! The studio as its shells drive it: commands in, snapshots out, and what is left on disk.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "this is test code, only not inside of a #[test]"
)]

use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use api::{Command, DestinationTarget, Event, NewDestination, Snapshot, SourceState};
use scene::{Audio, Collection, Edit, ItemId, ItemPatch, Playing, SceneId, SourceId, SourceKind};
use studio::{Layers, Options, Studio};

fn options(folder: &Path, collection: Option<&Path>) -> Options {
    set(folder, collection, &[])
}

/// With settings of the command line, which stand over free ports.
fn set(folder: &Path, collection: Option<&Path>, more: &[String]) -> Options {
    let free = ["http", "https", "rtmp", "media_udp"].map(|s| format!("server.{s}=127.0.0.1:0"));
    // Tests leave nothing in the keychain of whoever runs them.
    let quiet = ["station.keychain=false".to_owned()];
    let sets = [&free[..], &quiet, more].concat();
    Options {
        data_dir: folder.join("data"),
        collection: collection.map(Path::to_owned),
        on_air: false,
        publish: Vec::new(),
        record: false,
        settings: Layers::new(&folder.join("data/settings.toml"), [], sets),
    }
}

/// Follows events until a snapshot is as wanted.
fn wait_for(studio: &Studio, what: &str, wanted: impl Fn(&Snapshot) -> bool) -> Snapshot {
    let mut events = studio.events();
    let now = studio.snapshot();
    if wanted(&now) {
        return now;
    }
    let waited = studio.runtime().block_on(async {
        tokio::time::timeout(Duration::from_secs(20), async {
            loop {
                let event = events.recv().await;
                if let Ok(Event::Snapshot { snapshot }) = event.as_deref()
                    && wanted(snapshot)
                {
                    return snapshot.as_ref().clone();
                }
            }
        })
        .await
    });
    waited.unwrap_or_else(|_| panic!("{what} never came: {:#?}", studio.snapshot().sources))
}

fn edit(edit: Edit) -> Command {
    Command::Edit { edit }
}

#[test]
fn what_a_person_made_is_there_again_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let demo = {
        let studio = Studio::start(options(folder.path(), None)).unwrap();
        let demo = studio.snapshot().collection;
        assert!(demo.scenes.len() >= 2, "the demo has scenes");
        let scene = demo.scenes[1].id.clone();
        let heard = demo.sources.iter().find(|s| s.kind.has_audio()).unwrap();
        for command in [
            edit(Edit::SwitchScene { id: scene.clone() }),
            edit(Edit::RenameScene {
                id: scene,
                name: "Renamed".into(),
            }),
            edit(Edit::SetAudio {
                id: heard.id.clone(),
                audio: Audio {
                    gain_db: -6.0,
                    muted: true,
                    pan: 0.5,
                    tracks: vec![2, 3].try_into().unwrap(),
                },
            }),
            Command::SetTitle {
                title: "Sunday Show".into(),
            },
            Command::AddDestination {
                destination: NewDestination {
                    name: "Elsewhere".into(),
                    target: DestinationTarget::Rtmp {
                        url: "rtmp://127.0.0.1/live".into(),
                    },
                    secret: Some("s3cret-key".into()),
                    platform: None,
                    delay_seconds: 0,
                    test: false,
                    rendition: None,
                    follow: false,
                },
            },
        ] {
            studio.apply(command).unwrap();
        }
        let text = serde_json::to_string(&studio.snapshot()).unwrap();
        assert!(!text.contains("s3cret-key"), "keys go in, never out");
        demo
    };
    let studio = Studio::start(options(folder.path(), None)).unwrap();
    let now = studio.snapshot();
    assert_eq!(now.collection.current, demo.scenes[1].id);
    assert_eq!(now.collection.scenes[1].name, "Renamed");
    let muted: Vec<_> = now
        .collection
        .sources
        .iter()
        .filter(|s| s.audio.muted)
        .collect();
    assert_eq!(muted.len(), 1);
    assert_eq!(muted[0].audio.gain_db, -6.0);
    assert_eq!(now.title, "Sunday Show");
    assert_eq!(now.destinations.len(), 1);
    assert!(now.destinations[0].has_secret);
    assert!(now.problems.is_empty(), "{:?}", now.problems);
}

#[test]
fn commands_that_make_no_sense_are_refused_and_change_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let studio = Studio::start(options(folder.path(), None)).unwrap();
    let before = studio.snapshot();
    let refused = |command: Command, expect: &str| {
        let said = studio.apply(command).unwrap_err().message;
        assert!(said.contains(expect), "{said:?} should say {expect:?}");
    };
    refused(Command::Undo, "nothing to undo");
    refused(
        edit(Edit::SwitchScene {
            id: SceneId::new("ghost"),
        }),
        "no scene \"ghost\"",
    );
    refused(
        Command::SetTitle { title: " ".into() },
        "1 to 100 characters",
    );
    refused(
        Command::AddDestination {
            destination: NewDestination {
                name: "x".into(),
                target: DestinationTarget::Whip {
                    url: "rtmp://a/b".into(),
                },
                secret: None,
                platform: None,
                delay_seconds: 0,
                test: false,
                rendition: None,
                follow: false,
            },
        },
        "begins with rtmp://",
    );
    refused(
        Command::RemoveDestination { id: "none".into() },
        "no destination \"none\"",
    );
    refused(
        Command::OpenCollection {
            path: "/nowhere/at/all.json".into(),
        },
        "no such file",
    );
    let after = studio.snapshot();
    assert_eq!(after.collection, before.collection);
    assert_eq!(after.destinations, before.destinations);
}

/// A page that has not heard of studio mode yet asks for a scene as before: it must not go on air.
#[test]
fn a_scene_that_is_asked_for_right_after_studio_mode_is_prepared_and_not_on_air() {
    let folder = tempfile::tempdir().unwrap();
    let studio = Studio::start(options(folder.path(), None)).unwrap();
    let shown = |studio: &Studio| {
        let now = studio.snapshot();
        (now.collection.current, now.studio_mode.map(|m| m.preview))
    };
    let (first, _) = shown(&studio);
    let scenes = studio.snapshot().collection.scenes;
    let [second, third] = [1, 2].map(|n| scenes[n].id.clone());
    let show = |scene: &SceneId| Command::Show {
        scene: scene.clone(),
    };
    assert!(first != second && first != third);

    studio.apply(show(&second)).unwrap();
    assert_eq!(shown(&studio), (second.clone(), None));
    let steps = studio.snapshot().undo;
    studio.apply(show(&second)).unwrap();
    assert_eq!(studio.snapshot().undo, steps, "there already: no step");

    studio.apply(Command::StudioMode { on: true }).unwrap();
    studio.apply(show(&third)).unwrap();
    assert_eq!(shown(&studio), (second.clone(), Some(third)));

    studio.apply(Command::StudioMode { on: false }).unwrap();
    studio.apply(show(&first)).unwrap();
    assert_eq!(shown(&studio), (first, None));
    let gone = SceneId::new("gone");
    assert!(studio.apply(show(&gone)).is_err());
}

#[test]
fn a_broken_collection_is_said_and_kept_until_something_is_changed() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("show.json");
    std::fs::write(&file, "{ \"version\": 7000 }").unwrap();
    let studio = Studio::start(options(folder.path(), Some(&file))).unwrap();
    let said = &studio.snapshot().problems[0].message;
    assert!(
        said.contains("show.json") && said.contains("version 7000"),
        "{said}"
    );
    studio
        .apply(edit(Edit::Rename {
            name: "Mine".into(),
        }))
        .unwrap();
    drop(studio);
    let kept = std::fs::read_to_string(folder.path().join("show.json.unreadable-1")).unwrap();
    assert_eq!(kept, "{ \"version\": 7000 }");
    let saved: Collection = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    assert_eq!(saved.name, "Mine");
}

#[test]
fn missing_and_broken_files_are_named_while_the_rest_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("not.mp4"), b"this is no film").unwrap();
    let mut doc = Collection::empty("Holes");
    let kinds = [
        (
            "gone",
            SourceKind::Media {
                path: "gone.mp4".into(),
                looped: true,
                playing: Playing::default(),
            },
        ),
        (
            "broken",
            SourceKind::Media {
                path: "not.mp4".into(),
                looped: true,
                playing: Playing::default(),
            },
        ),
        (
            "picture",
            SourceKind::Image {
                path: "gone.png".into(),
            },
        ),
        (
            "camera",
            SourceKind::Camera {
                device: "no-such-camera".into(),
                width: 0,
                height: 0,
                fps: 0,
            },
        ),
        (
            "signal",
            SourceKind::TestSignal {
                pattern: scene::Pattern::Bars,
            },
        ),
    ];
    for (id, kind) in kinds {
        doc.sources.push(scene::Source {
            id: SourceId::new(id),
            name: id.into(),
            kind,
            audio: Audio::default(),
            filters: Vec::new(),
        });
        doc.scenes[0].items.push(scene::Item {
            id: ItemId::new(id),
            source: SourceId::new(id),
            rect: scene::Rect {
                x: 0.0,
                y: 0.0,
                width: 1280.0,
                height: 720.0,
            },
            fit: scene::Fit::Contain,
            crop: scene::Crop::default(),
            rotation: 0.0,
            opacity: 1.0,
            visible: true,
            locked: false,
            flip_h: false,
            flip_v: false,
            blend: scene::Blend::Normal,
            filters: Vec::new(),
        });
    }
    let file = folder.path().join("holes.json");
    let text = serde_json::to_string(&doc).unwrap();
    std::fs::write(&file, &text).unwrap();
    let studio = Studio::start(options(folder.path(), Some(&file))).unwrap();
    let state = |snapshot: &Snapshot, id: &str| {
        let found = snapshot
            .sources
            .iter()
            .find(|s| s.id.as_str() == id)
            .cloned();
        found.unwrap()
    };
    let seen = wait_for(&studio, "every state", |s| {
        ["gone", "picture", "camera"].map(|id| state(s, id).state) == [SourceState::Lost; 3]
            && state(s, "broken").state == SourceState::Failed
    });
    for (id, expect) in [
        ("gone", "gone.mp4"),
        ("broken", "not.mp4"),
        ("picture", "gone.png"),
    ] {
        let said = state(&seen, id).message.unwrap();
        assert!(said.contains(expect), "{said:?} should name {expect}");
    }
    assert_eq!(state(&seen, "signal").state, SourceState::Running);
    drop(studio);
    assert_eq!(
        std::fs::read_to_string(&file).unwrap(),
        text,
        "nobody changed anything"
    );
}

#[test]
fn a_port_that_is_taken_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let there = format!("server.http={}", taken.local_addr().unwrap());
    let said = match Studio::start(set(folder.path(), None, &[there])) {
        Ok(_) => panic!("started on a port that is taken"),
        Err(error) => error.to_string(),
    };
    assert!(said.contains(&port.to_string()), "{said}");
}

#[test]
fn followers_hear_of_changes_levels_and_figures() {
    let folder = tempfile::tempdir().unwrap();
    let studio = Arc::new(Studio::start(options(folder.path(), None)).unwrap());
    let mut events = studio.events();
    let item = {
        let now = studio.snapshot().collection;
        let scene = now.current_scene().unwrap();
        (scene.id.clone(), scene.items[0].id.clone())
    };
    studio
        .apply(edit(Edit::SetItem {
            scene: item.0,
            id: item.1,
            patch: ItemPatch {
                opacity: Some(0.25),
                ..ItemPatch::default()
            },
        }))
        .unwrap();
    studio.apply(Command::GoLive).unwrap();
    assert!(studio.apply(Command::GoLive).is_err(), "it is on already");
    let mut wanted = vec!["levels", "figures", "edit on air"];
    let heard = studio.runtime().block_on(async {
        tokio::time::timeout(Duration::from_secs(20), async {
            while !wanted.is_empty() {
                let Ok(event) = events.recv().await else {
                    continue;
                };
                let got = match event.as_ref() {
                    Event::Meters { meters } if meters.master.is_some() => "levels",
                    Event::Stats { stats } if stats.frames > 0 => "figures",
                    Event::Snapshot { snapshot } if snapshot.on_air.is_some() => {
                        let scene = snapshot.collection.current_scene().unwrap();
                        assert_eq!(scene.items[0].opacity, 0.25);
                        "edit on air"
                    }
                    _ => continue,
                };
                wanted.retain(|w| *w != got);
            }
        })
        .await
    });
    assert!(heard.is_ok(), "never came: {wanted:?}");
    studio.apply(Command::EndBroadcast).unwrap();
    wait_for(&studio, "the end", |s| s.on_air.is_none());
}
