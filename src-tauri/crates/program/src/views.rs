//! Pictures of what is not on the program, for the people who run it: made while somebody looks.

use std::sync::Arc;

use media::{Frame, latest};
use scene::{Canvas, Collection, Scene};

use crate::stage::Looking;

/// Pictures a second of the scene on the preview.
const PREVIEW_FPS: u32 = 15;

/// Pictures a second of all scenes.
pub const SCENES_FPS: u32 = 5;

/// The largest picture of the preview.
const WIDTH: u32 = 960;
const HEIGHT: u32 = 540;

/// Scenes that stand in one row.
const ONE_ROW: usize = 6;

/// The largest picture of a scene among all.
const BOX: (u32, u32) = (480, 270);

/// What can be looked at beside the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum View {
    /// The scene on the preview.
    Preview,
    /// All scenes of the list: up to six in one row; of more, rows about two and a half times as many across
    /// as down. As many rows as their square, five times, needs to reach twice the number of scenes.
    Scenes,
}

/// The way of these pictures out.
pub(crate) struct Views {
    preview: latest::Sender<Option<Frame>>,
    scenes: latest::Sender<Option<Frame>>,
}

impl Views {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            preview: latest::channel(None).0,
            scenes: latest::channel(None).0,
        })
    }

    fn of(&self, view: View) -> &latest::Sender<Option<Frame>> {
        match view {
            View::Preview => &self.preview,
            View::Scenes => &self.scenes,
        }
    }

    /// Begins to look; ends when it is dropped.
    pub(crate) fn look(&self, view: View) -> latest::Receiver<Option<Frame>> {
        self.of(view).subscribe()
    }

    /// Who looks.
    pub(crate) fn looking(&self) -> Looking {
        Looking {
            preview: self.preview.receiver_count() > 0,
            scenes: self.scenes.receiver_count() > 0,
        }
    }

    pub(crate) fn show(&self, view: View, frame: Frame) {
        self.of(view).send_replace(Some(frame));
    }
}

/// Whether one is made at the `n`th tick. The two are not made at the same one.
pub(crate) fn is_due(view: View, n: i64, fps: u32) -> bool {
    let (rate, offset) = match view {
        View::Preview => (PREVIEW_FPS, 0),
        View::Scenes => (SCENES_FPS, 1),
    };
    let every = i64::from((fps / rate).max(1));
    n.rem_euclid(every) == offset.min(every - 1)
}

/// The size of a picture of one scene.
pub(crate) fn preview_size(canvas: Canvas) -> (u32, u32) {
    let [_, _, width, height] = boxed(canvas, WIDTH, HEIGHT);
    (width, height)
}

/// A scene, and its box: left, top, width, height.
pub(crate) type Boxed<'a> = (&'a Scene, [u32; 4]);

/// A box for each scene of the list, and the size of the whole.
pub(crate) fn boxes(collection: &Collection) -> (Vec<Boxed<'_>>, (u32, u32)) {
    let scenes: Vec<&Scene> = collection.listed().collect();
    let mut rows = 1;
    while scenes.len() > ONE_ROW && 5 * rows * rows < 2 * scenes.len() {
        rows += 1;
    }
    let columns = scenes.len().div_ceil(rows).max(1) as u32;
    // About as many pixels in all, however many there are.
    let across = match rows {
        1 => 1920,
        2 => 1280,
        _ => 960,
    };
    let (most_width, most_height) = BOX;
    let width = (across / columns).min(most_width);
    let [_, _, width, height] = boxed(collection.canvas, width, most_height);
    let boxes = (0..).zip(scenes).map(|(at, scene)| {
        let (column, row) = (at % columns, at / columns);
        (scene, [column * width, row * height, width, height])
    });
    (boxes.collect(), (width * columns, height * rows as u32))
}

fn boxed(canvas: Canvas, width: u32, height: u32) -> [u32; 4] {
    let (across, down) = (canvas.width as f32, canvas.height as f32);
    let scale = (width as f32 / across).min(height as f32 / down).min(1.0);
    let even = |side: f32| ((side * scale / 2.0).round() as u32 * 2).max(2);
    [0, 0, even(across), even(down)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scenes_stand_in_rows_without_overlap() {
        for (scenes, columns, size) in [
            (1, 1, (480, 270)),
            (4, 4, (1920, 270)),
            (6, 6, (1920, 180)),
            (7, 4, (1280, 360)),
            (12, 4, (960, 408)),
            (50, 10, (960, 270)),
        ] {
            let mut doc = Collection::empty("Test");
            doc.scenes = vec![doc.scenes[0].clone(); scenes];
            let (boxes, whole) = boxes(&doc);
            assert_eq!((boxes.len(), whole), (scenes, size));
            let (wide, tall) = (boxes[0].1[2], boxes[0].1[3]);
            for (at, (_, [left, top, width, height])) in boxes.iter().enumerate() {
                let (column, row) = ((at % columns) as u32, (at / columns) as u32);
                assert_eq!(
                    (*left, *top),
                    (column * wide, row * tall),
                    "{at} of {scenes}"
                );
                assert!(left + width <= size.0 && top + height <= size.1);
            }
        }
    }

    #[test]
    fn each_is_made_at_its_rate() {
        for (view, fps, expect) in [
            (View::Preview, 30, 15),
            (View::Scenes, 30, 5),
            (View::Scenes, 60, 5),
            (View::Preview, 10, 10),
            (View::Scenes, 3, 3),
        ] {
            let made = (0..i64::from(fps))
                .filter(|n| is_due(view, *n, fps))
                .count();
            assert_eq!(made, expect, "{view:?} at {fps}");
        }
    }
}
