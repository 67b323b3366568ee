use media::{Clock, Hub};
use scene::{
    Audio, Blend, Crop, Fade, Fit, Item, ItemId, Pattern, Rect, Stinger as Film, Transition,
    TransitionKind,
};

use super::*;
use crate::source::SwitchTo;

/// Two scenes, each with a test signal of its own, and a fade of a second between them.
fn collection(current: &str) -> Arc<Collection> {
    let mut doc = Collection::empty("Test");
    doc.scenes.clear();
    for name in ["a", "b", "c"] {
        doc.sources.push(scene::Source {
            id: SourceId::new(name),
            name: name.into(),
            kind: SourceKind::TestSignal {
                pattern: Pattern::Bars,
            },
            audio: Audio::default(),
            filters: Vec::new(),
        });
        let mut scene = Collection::empty("Test").scenes.remove(0);
        scene.id = SceneId::new(name);
        scene.name = name.into();
        scene.items.push(item(name));
        doc.scenes.push(scene);
    }
    doc.transition = Transition {
        kind: TransitionKind::Fade(Fade {}),
        duration_ms: 1000,
    };
    doc.current = SceneId::new(current);
    doc.validate().unwrap();
    Arc::new(doc)
}

fn item(source: &str) -> Item {
    Item {
        id: ItemId::new("item"),
        source: SourceId::new(source),
        rect: Rect {
            x: 0.0,
            y: 0.0,
            width: 8.0,
            height: 8.0,
        },
        fit: Fit::Contain,
        crop: Crop::default(),
        rotation: 0.0,
        opacity: 1.0,
        visible: true,
        locked: false,
        flip_h: false,
        flip_v: false,
        blend: Blend::Normal,
        filters: Vec::new(),
    }
}

struct World {
    clock: Clock,
    hub: Hub,
}

impl World {
    fn stage(&self, before: Option<&Stage>, current: &str, switch: Switch) -> Stage {
        let ground = Ground {
            folder: std::path::Path::new("."),
            hub: &self.hub,
            clock: self.clock,
            feeds: &Arc::default(),
            switch: &SwitchTo::default(),
        };
        Stage::set(before, collection(current), Desk::default(), switch, ground)
    }
}

fn world() -> World {
    World {
        clock: Clock::start(),
        hub: Hub::new(1),
    }
}

#[test]
fn a_switch_fades_picture_and_sound_and_ends() {
    let world = world();
    let first = world.stage(None, "a", Switch::Transition);
    assert!(first.passage.is_none());
    let stage = world.stage(Some(&first), "b", Switch::Transition);
    let (a, b) = (SourceId::new("a"), SourceId::new("b"));
    let began = world.clock.now();
    let half = began.offset(500_000_000);
    assert!(stage.running(began).is_some());
    let looking = Looking::default();
    assert!(stage.sees(&a, half, looking) && stage.sees(&b, half, looking));
    let (out, into) = (stage.loudness(&a, half), stage.loudness(&b, half));
    assert!((out * out + into * into - 1.0).abs() < 0.01, "{out} {into}");
    let after = began.offset(1_000_000_000);
    assert!(stage.running(after).is_none());
    assert!(!stage.sees(&a, after, looking) && stage.sees(&b, after, looking));
    assert_eq!(
        (stage.loudness(&a, after), stage.loudness(&b, after)),
        (0.0, 1.0)
    );
}

#[test]
fn back_goes_on_from_where_it_is_and_a_third_scene_begins_with_the_picture() {
    let world = world();
    let first = world.stage(None, "a", Switch::Transition);
    let there = world.stage(Some(&first), "b", Switch::Transition);
    let back = world.stage(Some(&there), "a", Switch::Transition);
    let passage = back.passage.as_ref().unwrap();
    assert_eq!(passage.from, From::Scene(SceneId::new("b")));
    // It had hardly begun, so nearly all of the way back lies behind it.
    assert!(passage.far(world.clock.now()) > 0.5);
    let third = world.stage(Some(&there), "c", Switch::Transition);
    assert_eq!(third.passage.as_ref().unwrap().from, From::Still(1));
    let same = world.stage(Some(&third), "c", Switch::Transition);
    assert_eq!(same.passage.as_ref().unwrap().from, From::Still(1));
}

#[test]
fn a_stinger_is_open_before_it_plays_and_stays_so() {
    let world = world();
    let ground = Ground {
        folder: std::path::Path::new("."),
        hub: &world.hub,
        clock: world.clock,
        feeds: &Arc::default(),
        switch: &SwitchTo::default(),
    };
    let doc = |current: &str| {
        let mut doc = Collection::clone(&collection(current));
        doc.transition = Transition {
            kind: TransitionKind::Stinger(Film {
                path: "wings.mp4".into(),
                ..Film::default()
            }),
            duration_ms: 1000,
        };
        Arc::new(doc)
    };
    let set =
        |before, current, switch| Stage::set(before, doc(current), Desk::default(), switch, ground);
    let first = set(None, "a", Switch::Transition);
    let open = Arc::clone(&first.stingers["wings.mp4"]);
    let second = set(Some(&first), "b", Switch::Transition);
    let playing = second.passage.as_ref().unwrap().stinger.as_ref().unwrap();
    assert!(Arc::ptr_eq(&open, playing));
    // Cut short by another of the same, it begins again.
    let third = set(Some(&second), "c", Switch::Transition);
    let again = third.passage.as_ref().unwrap().stinger.as_ref().unwrap();
    assert!(Arc::ptr_eq(&open, again));
    let other = Stage::set(
        Some(&third),
        collection("c"),
        Desk::default(),
        Switch::AtOnce,
        ground,
    );
    assert!(other.stingers.is_empty());
}

#[test]
fn who_is_only_looked_at_is_not_on_the_program() {
    let world = world();
    let ground = Ground {
        folder: std::path::Path::new("."),
        hub: &world.hub,
        clock: world.clock,
        feeds: &Arc::default(),
        switch: &SwitchTo::default(),
    };
    let now = world.clock.now();
    let nobody = Looking::default();
    let scenes = Looking {
        scenes: true,
        ..nobody
    };
    let preview = Looking {
        preview: true,
        ..nobody
    };
    let desk = |hand| Desk {
        preview: Some(SceneId::new("b")),
        hand,
    };
    let set = |hand| Stage::set(None, collection("a"), desk(hand), Switch::AtOnce, ground);
    let (stage, held) = (set(None), set(Some(0.5)));
    let (on, beside, hidden) = (Showing::Program, Showing::Beside, Showing::Hidden);
    for (stage, looking, expect) in [
        (&stage, nobody, [on, hidden, hidden]),
        (&stage, preview, [on, beside, hidden]),
        (&stage, scenes, [on, beside, beside]),
        (&held, nobody, [on, on, hidden]),
        (&held, scenes, [on, on, beside]),
    ] {
        let is = ["a", "b", "c"].map(|id| stage.showing(&SourceId::new(id), now, looking));
        assert_eq!(is, expect, "{looking:?}");
    }
}

#[test]
fn at_once_is_no_transition() {
    let world = world();
    let first = world.stage(None, "a", Switch::Transition);
    let there = world.stage(Some(&first), "b", Switch::AtOnce);
    assert!(there.passage.is_none());
}

#[test]
fn a_hand_holds_both_scenes() {
    let world = world();
    let ground = Ground {
        folder: std::path::Path::new("."),
        hub: &world.hub,
        clock: world.clock,
        feeds: &Arc::default(),
        switch: &SwitchTo::default(),
    };
    let desk = Desk {
        preview: Some(SceneId::new("b")),
        hand: Some(0.25),
    };
    let stage = Stage::set(None, collection("a"), desk, Switch::Transition, ground);
    let (scene, far) = stage.scene().unwrap();
    assert_eq!((scene.name.as_str(), far), ("b", Some(0.25)));
    let now = world.clock.now();
    let looking = Looking::default();
    assert!(stage.sees(&SourceId::new("a"), now, looking));
    assert!(stage.sees(&SourceId::new("b"), now, looking));
    assert!(stage.loudness(&SourceId::new("a"), now) > stage.loudness(&SourceId::new("b"), now));
}
