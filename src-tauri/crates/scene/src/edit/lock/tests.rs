use crate::{
    Audio, Collection, Crop, Edit, EditError, Fit, Item, ItemId, ItemPatch, Rect, SceneId, Source,
    SourceId, SourceKind,
};

const BOX: Rect = Rect {
    x: 10.0,
    y: 20.0,
    width: 100.0,
    height: 50.0,
};

fn one() -> SceneId {
    SceneId::new("scene-1")
}

fn add(id: &str, locked: bool) -> Edit {
    Edit::AddSource {
        scene: one(),
        source: Source {
            id: SourceId::new(id),
            name: format!("The {id}"),
            kind: SourceKind::Color {
                color: "#ff0000".into(),
            },
            audio: Audio::default(),
            filters: Vec::new(),
        },
        item: Item {
            id: ItemId::new(id),
            source: SourceId::new(id),
            rect: BOX,
            fit: Fit::Contain,
            crop: Crop::default(),
            rotation: 0.0,
            opacity: 1.0,
            visible: true,
            locked,
            flip_h: false,
            flip_v: false,
            blend: crate::Blend::Normal,
            filters: Vec::new(),
        },
    }
}

fn group(items: &[&str], to: &str) -> Edit {
    Edit::Group {
        scene: one(),
        items: items.iter().map(|id| ItemId::new(*id)).collect(),
        group: SceneId::new(format!("{to}-scene")),
        item: ItemId::new(to),
        source: SourceId::new(to),
        name: format!("The {to}"),
    }
}

/// From the bottom: a logo that is locked, a camera that is not, and a group that is locked.
fn collection() -> Collection {
    let mut doc = Collection::empty("Test");
    let edits = [
        add("logo", true),
        add("camera", false),
        add("inner", false),
        group(&["inner"], "group"),
        patch("group", locked(true)),
        Edit::AddScene {
            id: SceneId::new("two"),
            name: "Two".into(),
        },
    ];
    for edit in edits {
        doc = edit.apply(&doc).unwrap();
    }
    doc
}

fn patch(id: &str, patch: ItemPatch) -> Edit {
    Edit::SetItem {
        scene: one(),
        id: ItemId::new(id),
        patch,
    }
}

fn locked(locked: bool) -> ItemPatch {
    ItemPatch {
        locked: Some(locked),
        ..ItemPatch::default()
    }
}

fn at(x: f32) -> ItemPatch {
    ItemPatch {
        rect: Some(Rect { x, ..BOX }),
        ..ItemPatch::default()
    }
}

fn remove(id: &str) -> Edit {
    Edit::RemoveItem {
        scene: one(),
        id: ItemId::new(id),
    }
}

fn order(id: &str, index: usize) -> Edit {
    Edit::MoveItem {
        scene: one(),
        id: ItemId::new(id),
        index,
    }
}

fn ungroup() -> Edit {
    Edit::Ungroup {
        scene: one(),
        item: ItemId::new("group"),
    }
}

fn many(edits: Vec<Edit>) -> Edit {
    Edit::Many {
        label: "Many".into(),
        edits,
        gesture: None,
    }
}

#[test]
fn what_is_locked_stays_where_it_is_and_says_its_name() {
    let none = ItemPatch::default;
    let other = Crop {
        left: 4,
        ..Crop::default()
    };
    for (edit, name) in [
        (patch("logo", at(11.0)), "The logo"),
        (
            patch(
                "logo",
                ItemPatch {
                    fit: Some(Fit::Cover),
                    ..none()
                },
            ),
            "The logo",
        ),
        (
            patch(
                "logo",
                ItemPatch {
                    crop: Some(other),
                    ..none()
                },
            ),
            "The logo",
        ),
        (
            patch(
                "logo",
                ItemPatch {
                    rotation: Some(5.0),
                    ..none()
                },
            ),
            "The logo",
        ),
        (
            patch(
                "logo",
                ItemPatch {
                    flip_h: Some(true),
                    ..none()
                },
            ),
            "The logo",
        ),
        (
            patch(
                "logo",
                ItemPatch {
                    flip_v: Some(true),
                    ..none()
                },
            ),
            "The logo",
        ),
        (order("logo", 2), "The logo"),
        (order("group", 0), "The group"),
        (remove("logo"), "The logo"),
        (remove("group"), "The group"),
        (group(&["camera", "logo"], "more"), "The logo"),
        (group(&["group"], "more"), "The group"),
        (ungroup(), "The group"),
        // All of them, or none.
        (many(vec![remove("camera"), remove("logo")]), "The logo"),
        (
            many(vec![
                patch("logo", locked(false)),
                remove("logo"),
                remove("group"),
            ]),
            "The group",
        ),
    ] {
        let doc = collection();
        let refused = edit.apply(&doc).unwrap_err();
        let expect = EditError::Locked { name: name.into() };
        assert_eq!(refused, expect, "{edit:?}");
        let said = refused.to_string();
        assert_eq!(said, format!("\"{name}\" is locked; unlock it first"));
    }
}

#[test]
fn a_lock_keeps_nothing_else() {
    let unlocked = |patch: ItemPatch| ItemPatch {
        locked: Some(false),
        ..patch
    };
    let faded = ItemPatch {
        opacity: Some(0.5),
        visible: Some(false),
        blend: Some(crate::Blend::Add),
        ..at(BOX.x)
    };
    for (edit, expect) in [
        // How it looks, and where it is already.
        (patch("logo", faded), "logo camera group"),
        (order("logo", 0), "logo camera group"),
        (order("group", 9), "logo camera group"),
        // The lock itself, and whoever names it.
        (patch("logo", locked(false)), "logo camera group"),
        (patch("logo", unlocked(at(11.0))), "logo camera group"),
        (
            patch(
                "logo",
                ItemPatch {
                    locked: Some(true),
                    ..at(11.0)
                },
            ),
            "logo camera group",
        ),
        (
            many(vec![patch("logo", locked(false)), remove("logo")]),
            "camera group",
        ),
        // The others, around it.
        (order("camera", 0), "camera logo group"),
        (remove("camera"), "logo group"),
        (group(&["camera"], "more"), "logo more group"),
    ] {
        let after = edit.apply(&collection()).unwrap();
        let items = after.scenes[0].items.iter();
        let ids: Vec<&str> = items.map(|item| item.id.as_str()).collect();
        assert_eq!(ids.join(" "), expect, "{edit:?}");
    }
    let scene = Edit::RemoveScene { id: one() };
    let after = scene.apply(&collection()).unwrap();
    assert_eq!(after.listed().count(), 1, "a scene goes with what is in it");
}
