mod allocation;

use std::io::Write;

use media::Hub;
use scene::{
    Audio, Collection, ColorCorrection, Edit, FilterOwner, ItemPatch, Scene, SceneId, Source,
    SourceKind,
};

use super::*;
use crate::encode::Of;
use crate::source::{Feeds, Ground, SwitchTo};
use crate::stage::{Desk as Wishes, Switch};

#[test]
fn the_next_tick_is_never_before_now() {
    for (nanos, fps, expect) in [
        (0, 30, 0),
        (1, 30, 1),
        (33_333_333, 30, 1),
        (33_333_334, 30, 2),
        (999_999_999, 30, 30),
        (1_000_000_000, 60, 60),
    ] {
        let now = Timestamp::from_nanos(nanos);
        assert_eq!(next_tick(now, fps), expect, "{nanos} ns at {fps}");
        let current = Timestamp::from_ticks(current_tick(now, fps), fps);
        let following = Timestamp::from_ticks(current_tick(now, fps) + 1, fps);
        assert!(current <= now && now < following, "{nanos} ns at {fps}");
    }
}

/// The program's loop with its ticks in hand: nothing happens but what a test asks for.
struct Loop {
    desk: Desk,
    stage: latest::Sender<Arc<Stage>>,
    preview: latest::Receiver<Option<Frame>>,
    hub: Hub,
    feeds: Arc<Feeds>,
    switch: SwitchTo,
    n: i64,
    // The last: its thread ends after all that asks it.
    _shelf: files::Shelf,
}

impl Loop {
    fn new(collection: Collection) -> Self {
        let (hub, clock) = (Hub::new(1), Clock::start());
        let (feeds, switch) = (Arc::default(), SwitchTo::default());
        let ground = Ground {
            folder: std::path::Path::new("."),
            hub: &hub,
            clock,
            feeds: &feeds,
            switch: &switch,
        };
        let first = Stage::set(
            None,
            Arc::new(collection),
            Wishes::default(),
            Switch::AtOnce,
            ground,
        );
        let (stage, staged) = latest::channel(Arc::new(first));
        let (preview_out, preview) = latest::channel(None);
        let (outlet, counters) = (Arc::<Outlet>::default(), Arc::<Counters>::default());
        let views = Views::new();
        let attention = Attention::new(
            Arc::clone(&outlet),
            Arc::clone(&views),
            preview_out.clone(),
            Duration::ZERO,
            clock.now(),
        );
        let config = crate::Settings::default().picture();
        let encoder = VideoEncoder::start(
            Of::Program,
            config,
            clock,
            Arc::clone(&outlet),
            Arc::clone(&counters),
        )
        .unwrap();
        let shelf = files::Shelf::start().unwrap();
        let desk = Desk {
            parts: Parts {
                clock,
                stage: staged,
                outlet,
                counters,
                encoder,
                attention: Arc::new(attention),
                preview: preview_out,
                views,
                files: shelf.reader(),
            },
            composing: Arc::default(),
            sizes: Arc::default(),
            sized: Sizes::new(),
            compositor: None,
            looked: None,
            frames: Frames::default(),
            shown: None,
            phase: Phase::default(),
            over: None,
        };
        Self {
            desk,
            stage,
            preview,
            hub,
            feeds,
            switch,
            n: 0,
            _shelf: shelf,
        }
    }

    /// What `Program::set_collection` does with what an edit made.
    fn edit(&self, edit: &Edit) {
        let before = Arc::clone(&self.stage.borrow());
        let after = Arc::new(edit.apply(&before.collection).unwrap());
        let ground = Ground {
            folder: std::path::Path::new("."),
            hub: &self.hub,
            clock: self.desk.parts.clock,
            feeds: &self.feeds,
            switch: &self.switch,
        };
        let wishes = before.desk.clone();
        let stage = Stage::set(Some(&before), after, wishes, Switch::Transition, ground);
        self.stage.send_replace(Arc::new(stage));
    }

    /// One tick: how bright its picture is on the left and on the right, 16 to 235.
    fn tick(&mut self) -> [u8; 2] {
        self.n += 1;
        let tick = Timestamp::from_ticks(self.n, 30);
        self.desk.tick(tick, self.n);
        let frame = self.preview.borrow().clone().expect("a picture");
        assert_eq!(frame.timestamp(), tick);
        let luma = &frame.planes()[0];
        let row = luma.stride * frame.height() as usize / 2;
        let width = frame.width() as usize;
        [width / 4, width * 3 / 4].map(|x| luma.data[row + x])
    }
}

/// A scene with a white box on its left half, and an empty one; a cut between them.
fn collection() -> Collection {
    let mut doc = Collection::empty("Test");
    doc.canvas = Canvas {
        width: 320,
        height: 180,
        fps: 30,
    };
    doc.transition.kind = TransitionKind::Cut(scene::Cut {});
    doc.sources.push(Source {
        id: SourceId::new("box"),
        name: "Box".into(),
        kind: color("#ffffff"),
        audio: Audio::default(),
        filters: Vec::new(),
    });
    doc.scenes[0].items.push(Item {
        source: SourceId::new("box"),
        id: ItemId::new("box"),
        rect: LEFT,
        fit: Fit::Stretch,
        locked: false,
        ..over(&Stinger::default(), doc.canvas)
    });
    doc.scenes.push(Scene {
        id: SceneId::new("empty"),
        name: "Empty".into(),
        items: Vec::new(),
        ..doc.scenes[0].clone()
    });
    doc.validate().unwrap();
    doc
}

const LEFT: Rect = Rect {
    x: 0.0,
    y: 0.0,
    width: 160.0,
    height: 180.0,
};

fn color(color: &str) -> SourceKind {
    SourceKind::Color {
        color: color.into(),
    }
}

#[test]
fn an_edit_is_in_the_picture_of_the_very_next_tick() {
    let mut program = Loop::new(collection());
    let first = program.tick();
    if program.desk.compositor.is_none() {
        let problem = program.desk.composing.lock().problem.clone();
        let why = problem.unwrap_or_default();
        // Not `eprintln!`, which the test's harness swallows.
        drop(writeln!(
            std::io::stderr(),
            "SKIPPED program::an_edit_is_in_the_picture_of_the_very_next_tick: {why}"
        ));
        return;
    }
    assert_eq!(first, [235, 16]);
    let set = |patch| Edit::SetItem {
        scene: SceneId::new("scene-1"),
        id: ItemId::new("box"),
        patch,
    };
    let at = |rect| {
        set(ItemPatch {
            rect: Some(rect),
            ..ItemPatch::default()
        })
    };
    let visible = |visible| {
        set(ItemPatch {
            visible: Some(visible),
            ..ItemPatch::default()
        })
    };
    let source = |text| Edit::SetSource {
        id: SourceId::new("box"),
        source: color(text),
    };
    let switch = |id| Edit::SwitchScene {
        id: SceneId::new(id),
    };
    let right = Rect { x: 160.0, ..LEFT };
    let nothing = ColorCorrection {
        opacity: 0.0,
        ..ColorCorrection::default()
    };
    let filter = Edit::AddFilter {
        owner: FilterOwner::Item {
            scene: SceneId::new("scene-1"),
            id: ItemId::new("box"),
        },
        filter: Filter {
            id: FilterId::new("nothing"),
            name: String::new(),
            enabled: true,
            kind: FilterKind::ColorCorrection(nothing),
        },
    };
    for (what, edit, expect) in [
        ("moved", at(right), [16, 235]),
        ("hidden", visible(false), [16, 16]),
        ("shown", visible(true), [16, 235]),
        ("set to another colour", source("#000000"), [16, 16]),
        ("and back", source("#ffffff"), [16, 235]),
        ("switched away", switch("empty"), [16, 16]),
        ("and back", switch("scene-1"), [16, 235]),
        ("filtered", filter, [16, 16]),
    ] {
        program.edit(&edit);
        assert_eq!(program.tick(), expect, "{what}");
    }
}
