use crate::{
    Audio, Collection, Crop, Edit, Fit, Item, ItemId, Rect, SceneId, Source, SourceId, SourceKind,
};

/// Shows a scene or a colour in another scene, under the identity `id`.
fn show(scene: &str, id: &str, kind: SourceKind) -> Edit {
    Edit::AddSource {
        scene: SceneId::new(scene),
        source: Source {
            id: SourceId::new(id),
            name: id.into(),
            kind,
            audio: Audio::default(),
            filters: Vec::new(),
        },
        item: Item {
            id: ItemId::new(id),
            source: SourceId::new(id),
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
        },
    }
}

fn scene_kind(id: &str) -> SourceKind {
    SourceKind::Scene {
        scene: SceneId::new(id),
    }
}

fn color() -> SourceKind {
    SourceKind::Color {
        color: "#000000".into(),
    }
}

fn after(doc: &Collection, edits: &[Edit]) -> Collection {
    edits
        .iter()
        .fold(doc.clone(), |doc, edit| edit.apply(&doc).unwrap())
}

/// Scenes named by their identity, the first being `scene-1`.
fn scenes(ids: &[&str]) -> Collection {
    let add = |id: &&str| Edit::AddScene {
        id: SceneId::new(*id),
        name: id.to_uppercase(),
    };
    let edits: Vec<Edit> = ids.iter().map(add).collect();
    after(&Collection::empty("Test"), &edits)
}

#[test]
fn what_is_in_a_scene_in_a_scene_is_reached_while_it_is_visible() {
    let doc = after(
        &scenes(&["b", "c"]),
        &[
            show("scene-1", "own", color()),
            show("c", "deep", color()),
            show("b", "shows-c", scene_kind("c")),
            show("scene-1", "shows-b", scene_kind("b")),
        ],
    );
    let reached = |doc: &Collection| -> Vec<String> {
        let sources = doc.reached(&doc.current);
        sources.iter().map(|s| s.id.as_str().to_owned()).collect()
    };
    assert_eq!(reached(&doc), ["deep", "own", "shows-b", "shows-c"]);
    let hidden = Edit::SetItem {
        scene: SceneId::new("b"),
        id: ItemId::new("shows-c"),
        patch: crate::ItemPatch {
            visible: Some(false),
            ..Default::default()
        },
    };
    assert_eq!(reached(&after(&doc, &[hidden])), ["own", "shows-b"]);
}

#[test]
fn a_scene_never_stands_in_itself() {
    let doc = after(
        &scenes(&["b", "c"]),
        &[
            show("scene-1", "shows-b", scene_kind("b")),
            show("b", "shows-c", scene_kind("c")),
        ],
    );
    for (edit, expect) in [
        (
            show("c", "round", scene_kind("scene-1")),
            "scene \"Scene\" would show itself without end: Scene → B → C → Scene",
        ),
        (show("b", "self", scene_kind("b")), "B → B"),
        (
            Edit::SetSource {
                id: SourceId::new("shows-c"),
                source: scene_kind("scene-1"),
            },
            "Scene → B → Scene",
        ),
        (
            show("c", "lost", scene_kind("nowhere")),
            "source \"lost\" shows a scene that does not exist",
        ),
    ] {
        let said = edit.apply(&doc).unwrap_err().to_string();
        assert!(said.contains(expect), "{said:?} should say {expect:?}");
    }
}

#[test]
fn scenes_stand_in_each_other_up_to_a_depth() {
    let ids: Vec<String> = (0..=super::MAX_DEPTH).map(|n| format!("s{n}")).collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    let doc = scenes(&ids);
    let link = |from: usize| {
        let edit = show(
            ids[from],
            &format!("link-{from}"),
            scene_kind(ids[from + 1]),
        );
        move |doc: &Collection| edit.apply(doc)
    };
    let deepest = super::MAX_DEPTH - 1;
    // From the inside out, and from the outside in: the last link is the one too many.
    let mut inside_out = doc.clone();
    for from in (1..=deepest).rev() {
        inside_out = link(from)(&inside_out).unwrap();
    }
    let said = link(0)(&inside_out).unwrap_err().to_string();
    assert!(said.contains("in scene \"S0\" more than 16"), "{said}");
    let mut outside_in = doc;
    for from in 0..deepest {
        outside_in = link(from)(&outside_in).unwrap();
    }
    let said = link(deepest)(&outside_in).unwrap_err().to_string();
    assert!(said.contains("more than 16"), "{said}");
}
