//! What holds whatever people do, in whatever order.

use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;

use crate::{
    Audio, Blend, Blur, Canvas, ChromaKey, Collection, ColorCorrection, Crop, CropPad, Edit, Fade,
    Filter, FilterId, FilterKind, FilterOwner, Fit, Fragment, GroupSize, History, Item, ItemId,
    ItemPatch, LumaWipe, Rect, Scene, SceneId, Shadow, SoundTracks, Source, SourceId, SourceKind,
    Transition, TransitionKind,
};

/// Few names, so that edits meet each other.
fn scene_id() -> impl Strategy<Value = SceneId> {
    prop_oneof![
        4 => Just("scene-1".to_owned()),
        6 => (0..4_u8).prop_map(|n| format!("s{n}")),
        2 => (0..3_u8).prop_map(|n| format!("g{n}")),
    ]
    .prop_map(SceneId::new)
}

fn item_id() -> impl Strategy<Value = ItemId> {
    (0..8_u8).prop_map(|n| ItemId::new(format!("i{n}")))
}

fn source_id() -> impl Strategy<Value = SourceId> {
    (0..6_u8).prop_map(|n| SourceId::new(format!("src{n}")))
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof![9 => "[A-Z][a-z]{0,6}", 1 => Just(" ".to_owned())]
}

fn rect() -> impl Strategy<Value = Rect> {
    (
        -2000.0..4000.0_f32,
        -2000.0..4000.0_f32,
        0.0..3000.0_f32,
        0.5..3000.0_f32,
    )
        .prop_map(|(x, y, width, height)| Rect {
            x,
            y,
            width,
            height,
        })
}

fn fit() -> impl Strategy<Value = Fit> {
    prop_oneof![Just(Fit::Contain), Just(Fit::Cover), Just(Fit::Stretch)]
}

fn crop() -> impl Strategy<Value = Crop> {
    (0..2_u32, 0..300_u32).prop_map(|(on, left)| Crop {
        left: on * left,
        ..Crop::default()
    })
}

fn blend() -> impl Strategy<Value = Blend> {
    prop_oneof![
        4 => Just(Blend::Normal),
        1 => Just(Blend::Screen),
        1 => Just(Blend::Subtract),
    ]
}

/// Now and then more than there can be.
fn opacity() -> impl Strategy<Value = f32> {
    prop_oneof![4 => Just(1.0_f32), 4 => 0.0..1.0_f32, 1 => Just(1.5_f32)]
}

fn filter_id() -> impl Strategy<Value = FilterId> {
    (0..3_u8).prop_map(|n| FilterId::new(format!("f{n}")))
}

/// Of colour and of form, some of them out of range.
fn filter_kind() -> impl Strategy<Value = FilterKind> {
    prop_oneof![
        2 => (0.0..230.0_f32).prop_map(|radius| FilterKind::Blur(Blur { radius })),
        1 => Just(FilterKind::ChromaKey(ChromaKey::default())),
        1 => (-1.0..1.0_f32).prop_map(|hue| FilterKind::ColorCorrection(ColorCorrection {
            hue: hue * 180.0,
            ..ColorCorrection::default()
        })),
        1 => (-50.0..50.0_f32).prop_map(|left| FilterKind::CropPad(CropPad {
            left,
            ..CropPad::default()
        })),
        1 => Just(FilterKind::Shadow(Shadow::default())),
    ]
}

fn filter() -> impl Strategy<Value = Filter> {
    (filter_id(), filter_kind(), any::<bool>()).prop_map(|(id, kind, enabled)| Filter {
        id,
        name: String::new(),
        enabled,
        kind,
    })
}

/// Most things have none.
fn filters() -> impl Strategy<Value = Vec<Filter>> {
    prop_oneof![4 => Just(Vec::new()), 1 => filter().prop_map(|one| vec![one])]
}

fn owner() -> impl Strategy<Value = FilterOwner> {
    prop_oneof![
        2 => (scene_id(), item_id()).prop_map(|(scene, id)| FilterOwner::Item { scene, id }),
        1 => source_id().prop_map(|id| FilterOwner::Source { id }),
        2 => scene_id().prop_map(|id| FilterOwner::Scene { id }),
    ]
}

fn transition() -> impl Strategy<Value = Transition> {
    let kind = prop_oneof![
        1 => Just(TransitionKind::Fade(Fade {})),
        1 => (0.0..1.2_f32).prop_map(|softness| TransitionKind::LumaWipe(LumaWipe {
            softness,
            ..LumaWipe::default()
        })),
    ];
    (kind, 20..21_000_u32).prop_map(|(kind, duration_ms)| Transition { kind, duration_ms })
}

fn audio() -> impl Strategy<Value = Audio> {
    let tracks = prop::collection::vec(2..=SoundTracks::LAST, 0..3);
    let levels = (-65.0..22.0_f32, any::<bool>(), -1.1..1.1_f32);
    (levels, tracks).prop_map(|((gain_db, muted, pan), tracks)| Audio {
        gain_db,
        muted,
        pan,
        tracks: tracks.try_into().unwrap_or_default(),
    })
}

fn item() -> impl Strategy<Value = Item> {
    let place = (rect(), fit(), crop(), -400.0..400.0_f32);
    let look = (opacity(), blend(), filters(), any::<[bool; 4]>());
    (item_id(), source_id(), place, look).prop_map(
        |(id, source, (rect, fit, crop, rotation), (opacity, blend, filters, on))| {
            let [visible, locked, flip_h, flip_v] = on;
            Item {
                id,
                source,
                rect,
                fit,
                crop,
                rotation,
                opacity,
                visible,
                locked,
                flip_h,
                flip_v,
                blend,
                filters,
            }
        },
    )
}

fn kind() -> impl Strategy<Value = SourceKind> {
    prop_oneof![
        2 => Just(SourceKind::Color { color: "#112233".into() }),
        1 => Just(SourceKind::Microphone { device: String::new() }),
        3 => scene_id().prop_map(|scene| SourceKind::Scene { scene }),
    ]
}

fn source() -> impl Strategy<Value = Source> {
    (source_id(), name(), kind(), filters()).prop_map(|(id, name, kind, filters)| Source {
        id,
        name,
        kind,
        audio: Audio::default(),
        filters,
    })
}

fn patch() -> impl Strategy<Value = ItemPatch> {
    use proptest::option::of;
    let place = (of(rect()), of(fit()), of(crop()), of(-400.0..400.0_f32));
    let on = [(); 4].map(|()| of(any::<bool>()));
    (place, of(opacity()), of(blend()), on).prop_map(
        |((rect, fit, crop, rotation), opacity, blend, [visible, locked, flip_h, flip_v])| {
            ItemPatch {
                rect,
                fit,
                crop,
                rotation,
                opacity,
                visible,
                locked,
                flip_h,
                flip_v,
                blend,
            }
        },
    )
}

fn fragment() -> impl Strategy<Value = Fragment> {
    let scene = (
        scene_id(),
        name(),
        proptest::collection::vec(item(), 0..3),
        any::<bool>(),
    );
    let scene = scene.prop_map(|(id, name, items, group)| Scene {
        filters: Vec::new(),
        transition: None,
        id,
        name,
        items,
        group: group.then_some(GroupSize {
            width: 640,
            height: 360,
        }),
    });
    (
        proptest::collection::vec(item(), 0..3),
        proptest::collection::vec(source(), 0..3),
        proptest::collection::vec(scene, 0..2),
    )
        .prop_map(|(items, sources, scenes)| Fragment {
            items,
            sources,
            scenes,
        })
}

fn one() -> impl Strategy<Value = Edit> {
    prop_oneof![
        1 => name().prop_map(|name| Edit::Rename { name }),
        1 => (60..80_u32).prop_map(|n| Edit::SetCanvas {
            canvas: Canvas { width: n * 16, height: 720, fps: 30 }
        }),
        1 => (scene_id(), name()).prop_map(|(id, name)| Edit::AddScene { id, name }),
        1 => (scene_id(), name()).prop_map(|(id, name)| Edit::RenameScene { id, name }),
        1 => (scene_id(), scene_id(), name())
            .prop_map(|(id, copy, name)| Edit::DuplicateScene { id, copy, name }),
        1 => (scene_id(), 0..6_usize).prop_map(|(id, index)| Edit::MoveScene { id, index }),
        1 => scene_id().prop_map(|id| Edit::RemoveScene { id }),
        1 => scene_id().prop_map(|id| Edit::SwitchScene { id }),
        4 => (scene_id(), source(), item()).prop_map(|(scene, source, mut item)| {
            item.source = source.id.clone();
            Edit::AddSource { scene, source, item }
        }),
        1 => (source_id(), name()).prop_map(|(id, name)| Edit::RenameSource { id, name }),
        1 => (source_id(), kind()).prop_map(|(id, source)| Edit::SetSource { id, source }),
        2 => (scene_id(), item()).prop_map(|(scene, item)| Edit::AddItem { scene, item }),
        3 => (scene_id(), item_id(), patch())
            .prop_map(|(scene, id, patch)| Edit::SetItem { scene, id, patch }),
        1 => (scene_id(), item_id(), 0..6_usize)
            .prop_map(|(scene, id, index)| Edit::MoveItem { scene, id, index }),
        1 => (scene_id(), item_id()).prop_map(|(scene, id)| Edit::RemoveItem { scene, id }),
        3 => (
            scene_id(),
            proptest::collection::vec(item_id(), 0..4),
            scene_id(),
            item_id(),
            source_id(),
            name()
        )
            .prop_map(|(scene, items, group, item, source, name)| Edit::Group {
                scene,
                items,
                group,
                item,
                source,
                name
            }),
        2 => (scene_id(), item_id()).prop_map(|(scene, item)| Edit::Ungroup { scene, item }),
        2 => scene_id().prop_map(|group| Edit::FitGroup { group }),
        1 => (scene_id(), fragment()).prop_map(|(scene, fragment)| Edit::Paste { scene, fragment }),
        3 => of_filters(),
        1 => (source_id(), audio()).prop_map(|(id, audio)| Edit::SetAudio { id, audio }),
        1 => (-65.0..22.0_f32).prop_map(|gain_db| Edit::SetMasterGain { gain_db }),
        1 => transition().prop_map(|transition| Edit::SetTransition { transition }),
        1 => (scene_id(), proptest::option::of(transition()))
            .prop_map(|(id, transition)| Edit::SetSceneTransition { id, transition }),
    ]
}

fn of_filters() -> impl Strategy<Value = Edit> {
    prop_oneof![
        4 => (owner(), filter()).prop_map(|(owner, filter)| Edit::AddFilter { owner, filter }),
        2 => (owner(), filter_id(), filter_kind())
            .prop_map(|(owner, id, filter)| Edit::SetFilter { owner, id, filter }),
        1 => (owner(), filter_id(), name())
            .prop_map(|(owner, id, name)| Edit::RenameFilter { owner, id, name }),
        1 => (owner(), filter_id(), any::<bool>())
            .prop_map(|(owner, id, enabled)| Edit::EnableFilter { owner, id, enabled }),
        1 => (owner(), filter_id(), 0..3_usize)
            .prop_map(|(owner, id, index)| Edit::MoveFilter { owner, id, index }),
        1 => (owner(), filter_id()).prop_map(|(owner, id)| Edit::RemoveFilter { owner, id }),
        1 => (owner(), proptest::collection::vec(filter(), 0..3))
            .prop_map(|(owner, filters)| Edit::PasteFilters { owner, filters }),
    ]
}

fn edit() -> impl Strategy<Value = Edit> {
    let many = (
        name(),
        proptest::collection::vec(one(), 0..4),
        proptest::option::of(Just("drag".to_owned())),
    );
    prop_oneof![
        8 => one(),
        1 => many.prop_map(|(label, edits, gesture)| Edit::Many { label, edits, gesture }),
    ]
}

/// The same documents, whatever is on the program.
fn same(a: &Collection, b: &Collection) -> bool {
    let mut b = b.clone();
    b.current.clone_from(&a.current);
    *a == b
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 192,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn every_way_there_is_undone_and_every_document_on_it_holds_together(
        edits in proptest::collection::vec(edit(), 1..60)
    ) {
        let mut history = History::new(Collection::empty("Test"));
        // The document before each step that undo takes back.
        let mut steps: Vec<Arc<Collection>> = Vec::new();
        for (n, edit) in edits.iter().enumerate() {
            let before = Arc::clone(history.now());
            let at = Duration::from_millis(n as u64 * 400);
            match history.apply_at(edit, at) {
                Ok(()) => {
                    match history.past().count() - steps.len() {
                        0 => {}
                        1 => steps.push(before),
                        more => prop_assert!(false, "{edit:?} made {more} steps"),
                    }
                    let valid = history.now().validate();
                    prop_assert!(valid.is_ok(), "{valid:?} after {edit:?}");
                    let hidden = history.now().scenes.iter().filter(|s| s.group.is_some());
                    for group in hidden {
                        let shown = history.now().sources.iter();
                        let shown = shown.filter(|s| history.now().nested(s) == Some(group));
                        prop_assert!(shown.count() > 0, "nobody shows {:?}", group.id);
                    }
                }
                Err(error) => {
                    prop_assert!(Arc::ptr_eq(&before, history.now()), "{error} changed it");
                    prop_assert!(!error.to_string().is_empty());
                }
            }
        }
        let last = Arc::clone(history.now());
        let text = serde_json::to_string(&*last).unwrap();
        prop_assert_eq!(&serde_json::from_str::<Collection>(&text).unwrap(), &*last);
        for before in steps.iter().rev() {
            let label = history.undo_label().unwrap_or_default().to_owned();
            prop_assert!(history.undo());
            prop_assert!(history.now().validate().is_ok());
            prop_assert!(same(history.now(), before), "{label} is not undone");
        }
        prop_assert!(!history.undo());
        let after = steps.iter().skip(1).chain([&last]);
        for after in after.take(steps.len()) {
            let label = history.redo_label().unwrap_or_default().to_owned();
            prop_assert!(history.redo());
            prop_assert!(same(history.now(), after), "{label} is not made again");
        }
        prop_assert!(!history.redo());
    }
}

/// A collection larger than people make them: 50 scenes, ten items in each, some in others.
#[test]
fn a_large_collection_is_changed_and_checked_in_no_time() {
    let mut doc = Collection::empty("Large");
    for scene in 0..50_usize {
        let id = SceneId::new(format!("s{scene}"));
        let sources: Vec<Source> = (0..10)
            .map(|n| Source {
                filters: Vec::new(),
                id: SourceId::new(format!("s{scene}-{n}")),
                name: format!("Source {n}"),
                kind: if n == 9 && scene % 10 != 0 {
                    SourceKind::Scene {
                        scene: SceneId::new(format!("s{}", scene - 1)),
                    }
                } else {
                    SourceKind::Color {
                        color: "#112233".into(),
                    }
                },
                audio: Audio::default(),
            })
            .collect();
        let item = |source: &Source| Item {
            blend: crate::Blend::Normal,
            filters: Vec::new(),
            id: ItemId::new(source.id.as_str()),
            source: source.id.clone(),
            rect: Rect {
                x: 0.0,
                y: 0.0,
                width: 100.0,
                height: 100.0,
            },
            fit: Fit::Contain,
            crop: Crop::default(),
            rotation: 0.0,
            opacity: 1.0,
            visible: true,
            locked: false,
            flip_h: false,
            flip_v: false,
        };
        doc.scenes.push(Scene {
            filters: Vec::new(),
            transition: None,
            id,
            name: format!("Scene {scene}"),
            items: sources.iter().map(item).collect(),
            group: None,
        });
        doc.sources.extend(sources);
    }
    let text = serde_json::to_string(&doc).unwrap();
    let opened: Collection = serde_json::from_str(&text).unwrap();
    assert_eq!(opened.validate(), Ok(()));
    // A scene at the end of a chain of ten reaches all of it, each source once.
    assert_eq!(opened.reached(&SceneId::new("s9")).len(), 100);
    let moved = Edit::RemoveScene {
        id: SceneId::new("s0"),
    };
    let after = moved.apply(&opened).unwrap();
    assert_eq!(after.reached(&SceneId::new("s9")).len(), 89);
}
