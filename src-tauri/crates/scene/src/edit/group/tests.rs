use crate::{
    Audio, Blur, Collection, ColorCorrection, Crop, Edit, EditError, Filter, FilterId, FilterKind,
    FilterOwner, Fit, GroupSize, Item, ItemId, ItemPatch, Rect, Scene, SceneId, Source, SourceId,
    SourceKind,
};

fn rect(x: f32, y: f32, width: f32, height: f32) -> Rect {
    Rect {
        x,
        y,
        width,
        height,
    }
}

fn item(id: &str, rect: Rect) -> Item {
    Item {
        blend: crate::Blend::Normal,
        filters: Vec::new(),
        id: ItemId::new(id),
        source: SourceId::new("red"),
        rect,
        fit: Fit::Contain,
        crop: Crop::default(),
        rotation: 0.0,
        opacity: 1.0,
        visible: true,
        locked: false,
        flip_h: false,
        flip_v: false,
    }
}

/// A scene of one colour, shown by each of these items.
fn doc(items: Vec<Item>) -> Collection {
    let mut doc = Collection::empty("Test");
    doc.sources.push(Source {
        filters: Vec::new(),
        id: SourceId::new("red"),
        name: "Red".into(),
        kind: SourceKind::Color {
            color: "#ff0000".into(),
        },
        audio: Audio::default(),
    });
    doc.scenes[0].items = items;
    doc
}

fn group(items: &[&str]) -> Edit {
    Edit::Group {
        scene: SceneId::new("scene-1"),
        items: items.iter().map(|id| ItemId::new(*id)).collect(),
        group: SceneId::new("group"),
        item: ItemId::new("g"),
        source: SourceId::new("group"),
        name: "Group".into(),
    }
}

fn ungroup() -> Edit {
    Edit::Ungroup {
        scene: SceneId::new("scene-1"),
        item: ItemId::new("g"),
    }
}

fn ids(scene: &Scene) -> Vec<&str> {
    scene.items.iter().map(|i| i.id.as_str()).collect()
}

/// What the item that shows the group is set to.
fn set(patch: ItemPatch) -> Edit {
    Edit::SetItem {
        scene: SceneId::new("scene-1"),
        id: ItemId::new("g"),
        patch,
    }
}

#[test]
fn a_group_stands_where_its_topmost_item_stood_and_takes_them_in() {
    let before = doc(vec![
        item("a", rect(100.0, 50.0, 100.0, 100.0)),
        item("b", rect(0.0, 0.0, 10.0, 10.0)),
        item("c", rect(300.0, 80.0, 50.5, 20.0)),
        item("d", rect(0.0, 0.0, 10.0, 10.0)),
    ]);
    let after = group(&["c", "a"]).apply(&before).unwrap();
    assert_eq!(ids(&after.scenes[0]), ["b", "g", "d"]);
    assert_eq!(ids(&after.scenes[1]), ["a", "c"], "in their order");
    let shell = &after.scenes[0].items[1];
    assert_eq!(shell.rect, rect(100.0, 50.0, 251.0, 100.0));
    let size = GroupSize {
        width: 251,
        height: 100,
    };
    assert_eq!(after.scenes[1].group, Some(size));
    assert_eq!(after.scenes[1].items[1].rect, rect(200.0, 30.0, 50.5, 20.0));
    assert_eq!(after.listed().count(), 1);
    assert_eq!(after.sources.len(), 2);
}

#[test]
fn what_is_grouped_and_ungrouped_is_as_it_was() {
    let mut turned = item("b", rect(40.0, 30.0, 80.0, 60.0));
    turned.rotation = 30.0;
    turned.flip_h = true;
    let before = doc(vec![item("a", rect(10.0, 20.0, 100.0, 50.0)), turned]);
    let grouped = group(&["a", "b"]).apply(&before).unwrap();
    let after = ungroup().apply(&grouped).unwrap();
    assert_eq!(after.scenes.len(), 1, "the group is gone");
    assert_eq!(after.sources.len(), 1);
    for (now, was) in after.scenes[0].items.iter().zip(&before.scenes[0].items) {
        assert_eq!((&now.id, now.flip_h), (&was.id, was.flip_h));
        assert!((now.rotation - was.rotation).abs() < 1e-3);
        assert!((now.rect.x - was.rect.x).abs() < 1e-3, "{now:?}");
        assert!((now.rect.width - was.rect.width).abs() < 1e-3, "{now:?}");
    }
}

#[test]
fn what_was_done_to_the_group_goes_on_to_what_was_in_it() {
    let two = || {
        vec![
            item("a", rect(0.0, 0.0, 100.0, 100.0)),
            item("b", rect(100.0, 0.0, 100.0, 100.0)),
        ]
    };
    let all = |patch: ItemPatch| -> Vec<Item> {
        let mut now = doc(two());
        for edit in [group(&["a", "b"]), set(patch), ungroup()] {
            now = edit.apply(&now).unwrap();
        }
        now.scenes[0].items.clone()
    };
    let doubled = all(ItemPatch {
        rect: Some(rect(50.0, 0.0, 400.0, 200.0)),
        opacity: Some(0.5),
        ..ItemPatch::default()
    });
    assert_eq!(doubled[1].rect, rect(250.0, 0.0, 200.0, 200.0));
    assert_eq!(doubled[1].opacity, 0.5);
    let stretched = all(ItemPatch {
        rect: Some(rect(0.0, 0.0, 200.0, 50.0)),
        ..ItemPatch::default()
    });
    assert_eq!(stretched[0].rect, rect(0.0, 0.0, 100.0, 50.0));
    let mirrored = all(ItemPatch {
        flip_h: Some(true),
        ..ItemPatch::default()
    });
    assert_eq!(mirrored[0].rect, rect(100.0, 0.0, 100.0, 100.0));
    assert!(mirrored[0].flip_h);
    let turned = all(ItemPatch {
        rotation: Some(90.0),
        ..ItemPatch::default()
    });
    assert_eq!(turned[0].rect, rect(50.0, -50.0, 100.0, 100.0));
    assert_eq!(turned[1].rect, rect(50.0, 50.0, 100.0, 100.0));
    assert_eq!(turned[1].rotation, 90.0);
    let hidden = all(ItemPatch {
        visible: Some(false),
        ..ItemPatch::default()
    });
    assert!(hidden.iter().all(|i| !i.visible));
}

#[test]
fn filters_of_colour_go_on_to_what_was_in_a_group_and_others_go_with_it() {
    let filter = |kind| Filter {
        id: FilterId::new("f"),
        name: String::new(),
        enabled: true,
        kind,
    };
    let grey = FilterKind::ColorCorrection(ColorCorrection {
        saturation: -1.0,
        ..ColorCorrection::default()
    });
    let mut own = item("a", rect(0.0, 0.0, 100.0, 100.0));
    own.filters.push(filter(grey.clone()));
    let add = |owner, kind| Edit::AddFilter {
        owner,
        filter: filter(kind),
    };
    let whole = FilterOwner::Scene {
        id: SceneId::new("group"),
    };
    let source = FilterOwner::Source {
        id: SourceId::new("group"),
    };
    let mut now = doc(vec![own, item("b", rect(100.0, 0.0, 100.0, 100.0))]);
    for edit in [
        group(&["a", "b"]),
        add(whole, grey.clone()),
        add(source, FilterKind::Blur(Blur::default())),
        ungroup(),
    ] {
        now = edit.apply(&now).unwrap();
    }
    now.validate().unwrap();
    let kinds = |at: usize| -> Vec<_> {
        let filters = now.scenes[0].items[at].filters.iter();
        filters.map(|f| (f.id.as_str(), &f.kind)).collect()
    };
    assert_eq!(kinds(0), [("f", &grey), ("group/f", &grey)]);
    assert_eq!(kinds(1), [("f", &grey)]);
}

#[test]
fn a_group_grows_with_what_is_in_it_and_nothing_moves() {
    let before = doc(vec![
        item("a", rect(100.0, 100.0, 100.0, 100.0)),
        item("b", rect(200.0, 100.0, 100.0, 100.0)),
    ]);
    let doubled = ItemPatch {
        rect: Some(rect(0.0, 0.0, 400.0, 200.0)),
        ..ItemPatch::default()
    };
    let moved = Edit::SetItem {
        scene: SceneId::new("group"),
        id: ItemId::new("a"),
        patch: ItemPatch {
            rect: Some(rect(-50.0, -10.0, 100.0, 100.0)),
            ..ItemPatch::default()
        },
    };
    let fit = Edit::FitGroup {
        group: SceneId::new("group"),
    };
    let mut now = before;
    for edit in [group(&["a", "b"]), set(doubled), moved, fit.clone()] {
        now = edit.apply(&now).unwrap();
    }
    assert_eq!(
        now.scenes[0].items[0].rect,
        rect(-100.0, -20.0, 500.0, 220.0)
    );
    assert_eq!(now.scenes[1].items[0].rect, rect(0.0, 0.0, 100.0, 100.0));
    assert_eq!(now.scenes[1].items[1].rect, rect(150.0, 10.0, 100.0, 100.0));
    assert_eq!(fit.apply(&now).unwrap(), now, "once is enough");
}

#[test]
fn an_empty_group_goes_and_a_copied_scene_has_its_own() {
    let before = doc(vec![item("a", rect(0.0, 0.0, 10.0, 10.0))]);
    let grouped = group(&["a"]).apply(&before).unwrap();
    let copy = Edit::DuplicateScene {
        id: SceneId::new("scene-1"),
        copy: SceneId::new("copy"),
        name: "Copy".into(),
    };
    let copied = copy.apply(&grouped).unwrap();
    let names: Vec<&str> = copied.scenes.iter().map(|s| s.id.as_str()).collect();
    assert_eq!(names, ["scene-1", "copy", "group", "copy/1"]);
    let emptied = Edit::RemoveItem {
        scene: SceneId::new("group"),
        id: ItemId::new("a"),
    };
    let after = emptied.apply(&copied).unwrap();
    let names: Vec<&str> = after.scenes.iter().map(|s| s.id.as_str()).collect();
    assert_eq!(names, ["scene-1", "copy", "copy/1"]);
    assert!(after.scenes[0].items.is_empty());
    assert_eq!(after.scenes[1].items.len(), 1);
}

#[test]
fn refusals_name_the_thing() {
    let before = doc(vec![item("g", rect(0.0, 0.0, 10.0, 10.0))]);
    assert_eq!(group(&[]).apply(&before), Err(EditError::NoItems));
    let said = ungroup().apply(&before).unwrap_err().to_string();
    assert_eq!(said, "\"Red\" is no group");
    let grouped = doc(vec![item("a", rect(0.0, 0.0, 10.0, 10.0))]);
    let grouped = group(&["a"]).apply(&grouped).unwrap();
    let switch = Edit::SwitchScene {
        id: SceneId::new("group"),
    };
    let said = switch.apply(&grouped).unwrap_err().to_string();
    assert!(said.starts_with("\"Group\" is a group"), "{said}");
}
