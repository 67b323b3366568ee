use super::*;
use crate::Pattern;
use crate::{Crop, Fit, Rect};

fn collection() -> Collection {
    let mut doc = Collection::empty("Test");
    for edit in [
        Edit::AddSource {
            scene: SceneId::new("scene-1"),
            source: source_of("bars"),
            item: item_of("a", "bars"),
        },
        Edit::AddItem {
            scene: SceneId::new("scene-1"),
            item: item_of("b", "bars"),
        },
        Edit::AddScene {
            id: SceneId::new("two"),
            name: "Two".into(),
        },
    ] {
        doc = edit.apply(&doc).unwrap();
    }
    doc
}

fn source_of(id: &str) -> Source {
    Source {
        id: SourceId::new(id),
        name: id.into(),
        kind: SourceKind::TestSignal {
            pattern: Pattern::Bars,
        },
        audio: Audio::default(),
        filters: Vec::new(),
    }
}

fn item_of(id: &str, source: &str) -> Item {
    Item {
        id: ItemId::new(id),
        source: SourceId::new(source),
        rect: Rect {
            x: 0.0,
            y: 0.0,
            width: 100.0,
            height: 50.0,
        },
        fit: Fit::Contain,
        crop: Crop::default(),
        rotation: 0.0,
        opacity: 1.0,
        visible: true,
        locked: false,
        flip_h: false,
        flip_v: false,
        blend: crate::Blend::Normal,
        filters: Vec::new(),
    }
}

fn outline(doc: &Collection) -> String {
    let scenes: Vec<String> = doc
        .scenes
        .iter()
        .map(|s| {
            let items: Vec<&str> = s.items.iter().map(|i| i.id.as_str()).collect();
            let mark = if s.id == doc.current { "*" } else { "" };
            format!("{mark}{}[{}]", s.id.as_str(), items.join(" "))
        })
        .collect();
    format!("{} of {}", scenes.join(" "), doc.sources.len())
}

#[test]
fn edits_do_what_they_say() {
    let one = || SceneId::new("scene-1");
    let two = || SceneId::new("two");
    for (edits, expect) in [
        (vec![], "*scene-1[a b] two[] of 1"),
        (
            vec![Edit::MoveScene {
                id: one(),
                index: 9,
            }],
            "two[] *scene-1[a b] of 1",
        ),
        (
            vec![Edit::MoveItem {
                scene: one(),
                id: ItemId::new("a"),
                index: 1,
            }],
            "*scene-1[b a] two[] of 1",
        ),
        (
            vec![Edit::DuplicateScene {
                id: one(),
                copy: SceneId::new("c"),
                name: "Copy".into(),
            }],
            "*scene-1[a b] c[a b] two[] of 1",
        ),
        (vec![Edit::RemoveScene { id: one() }], "*two[] of 0"),
        (
            vec![
                Edit::RemoveItem {
                    scene: one(),
                    id: ItemId::new("a"),
                },
                Edit::SwitchScene { id: two() },
            ],
            "scene-1[b] *two[] of 1",
        ),
        (
            vec![
                Edit::RemoveItem {
                    scene: one(),
                    id: ItemId::new("a"),
                },
                Edit::RemoveItem {
                    scene: one(),
                    id: ItemId::new("b"),
                },
            ],
            "*scene-1[] two[] of 0",
        ),
    ] {
        let mut doc = collection();
        for edit in &edits {
            doc = edit.apply(&doc).unwrap();
        }
        assert_eq!(outline(&doc), expect, "{edits:?}");
    }
}

#[test]
fn refusals_name_the_thing() {
    let missing = SceneId::new("gone");
    let mut tilted = item_of("z", "bars");
    tilted.opacity = 1.5;
    for (edit, expect) in [
        (
            Edit::RenameScene {
                id: missing.clone(),
                name: "x".into(),
            },
            "there is no scene \"gone\"",
        ),
        (
            Edit::RenameScene {
                id: SceneId::new("two"),
                name: "  ".into(),
            },
            "1 to 100 characters",
        ),
        (
            Edit::AddItem {
                scene: SceneId::new("two"),
                item: item_of("x", "ghost"),
            },
            "shows a source \"ghost\"",
        ),
        (
            Edit::AddItem {
                scene: SceneId::new("scene-1"),
                item: item_of("a", "bars"),
            },
            "two items have the identity \"a\"",
        ),
        (
            Edit::AddItem {
                scene: SceneId::new("two"),
                item: tilted,
            },
            "opacity is 1.5; it goes from 0 to 1",
        ),
        (
            Edit::SetMasterGain { gain_db: f32::NAN },
            "master gain is NaN",
        ),
        (
            Edit::SetCanvas {
                canvas: Canvas {
                    width: 1281,
                    height: 720,
                    fps: 30,
                },
            },
            "1281×720",
        ),
        (
            channel_edit("program"),
            "a scene that shows it would show itself",
        ),
        (channel_edit(""), "source \"bars\" names no channel"),
        (channel_edit("my guest"), "1 to 64 letters"),
        (channel_edit(&"n".repeat(65)), "1 to 64 letters"),
    ] {
        let doc = collection();
        let said = edit.apply(&doc).unwrap_err().to_string();
        assert!(said.contains(expect), "{said:?} should say {expect:?}");
    }
    let alone = Collection::empty("Alone");
    let last = Edit::RemoveScene {
        id: SceneId::new("scene-1"),
    };
    assert_eq!(last.apply(&alone), Err(EditError::LastScene));
}

fn channel_edit(channel: &str) -> Edit {
    Edit::SetSource {
        id: SourceId::new("bars"),
        source: SourceKind::Channel {
            channel: channel.into(),
        },
    }
}

#[test]
fn a_channel_is_a_source_with_picture_and_sound() {
    let after = channel_edit("maria-2_b").apply(&collection()).unwrap();
    let kind = &after.sources[0].kind;
    assert!(kind.has_video() && kind.has_audio());
}

#[test]
fn a_patch_changes_only_what_it_names() {
    let doc = collection();
    let patch = ItemPatch {
        opacity: Some(0.5),
        visible: Some(false),
        ..ItemPatch::default()
    };
    let edit = Edit::SetItem {
        scene: SceneId::new("scene-1"),
        id: ItemId::new("a"),
        patch,
    };
    let after = edit.apply(&doc).unwrap();
    let expect = Item {
        opacity: 0.5,
        visible: false,
        ..item_of("a", "bars")
    };
    assert_eq!(after.scenes[0].items[0], expect);
    assert_eq!(after.scenes[0].items[1], doc.scenes[0].items[1]);
}

#[test]
fn a_step_of_the_history_names_what_it_is_about() {
    let doc = collection();
    let (scene, two) = (SceneId::new("scene-1"), SceneId::new("two"));
    let hide = |id: &str| Edit::SetItem {
        scene: scene.clone(),
        id: ItemId::new(id),
        patch: ItemPatch {
            visible: Some(false),
            ..ItemPatch::default()
        },
    };
    let add = |name: &str| Edit::AddScene {
        id: SceneId::new("three"),
        name: name.into(),
    };
    let level = Edit::SetAudio {
        id: SourceId::new("bars"),
        audio: Audio::default(),
    };
    for (edit, label) in [
        (
            Edit::RemoveScene { id: two },
            "Delete scene \u{201c}Two\u{201d}",
        ),
        (level, "Change level \u{201c}bars\u{201d}"),
        (hide("a"), "Hide item \u{201c}bars\u{201d}"),
        (hide("gone"), "Hide item"),
        (Edit::SetMasterGain { gain_db: 0.0 }, "Change master level"),
        (add("Three"), "Add scene \u{201c}Three\u{201d}"),
        (
            add("An afternoon with a great many guests"),
            "Add scene \u{201c}An afternoon with a great m\u{2026}\u{201d}",
        ),
    ] {
        assert_eq!(edit.label(&doc), label);
    }
}
