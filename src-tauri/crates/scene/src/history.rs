//! Undo and redo over the whole document.

use std::sync::Arc;
use std::time::Duration;

use crate::{Collection, Edit, EditError};

/// Steps kept for undo.
const DEPTH: usize = 200;

/// Changes of one value that follow each other within this time are one step: a fader that is
/// dragged, a word that is typed.
const GESTURE: Duration = Duration::from_millis(1000);

/// The document as it stands, and the way back and forth. Documents are shared, not copied.
#[derive(Clone, Debug)]
pub struct History {
    now: Arc<Collection>,
    past: Vec<Step>,
    future: Vec<Step>,
    /// The last edit and when it was made, while more of the same would belong to its step.
    gesture: Option<(Edit, Duration)>,
}

#[derive(Clone, Debug)]
struct Step {
    label: String,
    other: Arc<Collection>,
}

impl History {
    /// A history that begins with this document.
    pub fn new(collection: Collection) -> Self {
        Self {
            now: Arc::new(collection),
            past: Vec::new(),
            future: Vec::new(),
            gesture: None,
        }
    }

    /// The document as it stands.
    pub fn now(&self) -> &Arc<Collection> {
        &self.now
    }

    /// Makes an edit. What was undone before is forgotten. Switching scenes is saved, but is no
    /// step of its own: nobody wants undo to change what is on air.
    ///
    /// # Errors
    /// [`EditError`]; the document stays as it was.
    pub fn apply(&mut self, edit: &Edit) -> Result<(), EditError> {
        let after = Arc::new(edit.apply(&self.now)?);
        let before = std::mem::replace(&mut self.now, after);
        self.gesture = None;
        if edit.only_switches() {
            return Ok(());
        }
        if self.past.len() == DEPTH {
            self.past.remove(0);
        }
        self.past.push(Step {
            label: edit.label(&before),
            other: before,
        });
        self.future.clear();
        Ok(())
    }

    /// Makes an edit at `now` (any clock that only goes on). Like [`apply`](Self::apply), but what
    /// goes on changing the same value without a pause is one step, and undone as one; and so is all
    /// that carries the name of one drag.
    ///
    /// # Errors
    /// [`EditError`]; the document stays as it was.
    pub fn apply_at(&mut self, edit: &Edit, now: Duration) -> Result<(), EditError> {
        let goes_on = self.gesture.as_ref().is_some_and(|(last, at)| {
            edit.belongs_to(last) || (edit.goes_on(last) && now.saturating_sub(*at) <= GESTURE)
        });
        if goes_on {
            self.now = Arc::new(edit.apply(&self.now)?);
        } else {
            self.apply(edit)?;
        }
        // A group that was fitted does not end the drag within it.
        if !goes_on || !matches!(edit, Edit::FitGroup { .. }) {
            self.gesture = Some((edit.clone(), now));
        }
        Ok(())
    }

    /// The step that [`undo`](Self::undo) would take back.
    pub fn undo_label(&self) -> Option<&str> {
        self.past.last().map(|s| s.label.as_str())
    }

    /// The step that [`redo`](Self::redo) would make again.
    pub fn redo_label(&self) -> Option<&str> {
        self.future.last().map(|s| s.label.as_str())
    }

    /// The steps that undo would take back, the latest first.
    pub fn past(&self) -> impl Iterator<Item = &str> {
        self.past.iter().rev().map(|s| s.label.as_str())
    }

    /// The steps that redo would make again, the next one first.
    pub fn future(&self) -> impl Iterator<Item = &str> {
        self.future.iter().rev().map(|s| s.label.as_str())
    }

    /// Takes the last step back; false when there is none.
    pub fn undo(&mut self) -> bool {
        self.gesture = None;
        Self::travel(&mut self.now, &mut self.past, &mut self.future)
    }

    /// Makes the last undone step again; false when there is none.
    pub fn redo(&mut self) -> bool {
        self.gesture = None;
        Self::travel(&mut self.now, &mut self.future, &mut self.past)
    }

    fn travel(now: &mut Arc<Collection>, from: &mut Vec<Step>, to: &mut Vec<Step>) -> bool {
        let Some(Step { label, other }) = from.pop() else {
            return false;
        };
        // The scene on the program stays, as far as it exists there.
        let on_program = now.current.clone();
        let before = std::mem::replace(now, other);
        if now.current != on_program && now.scene(&on_program).is_some() {
            Arc::make_mut(now).current = on_program;
        }
        to.push(Step {
            label,
            other: before,
        });
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Audio, SceneId, Source, SourceId, SourceKind};

    #[test]
    fn undo_and_redo_travel_both_ways_and_leave_the_program_alone() {
        let mut history = History::new(Collection::empty("Test"));
        let two = SceneId::new("two");
        let add = Edit::AddScene {
            id: two.clone(),
            name: "Two".into(),
        };
        let name = Edit::Rename {
            name: "Show".into(),
        };
        history.apply(&add).unwrap();
        history.apply(&name).unwrap();
        history
            .apply(&Edit::SwitchScene { id: two.clone() })
            .unwrap();
        assert_eq!(history.undo_label(), Some("Rename collection"));
        assert!(history.undo());
        assert_eq!(history.now().name, "Test");
        assert_eq!(history.now().current, two, "undo changes no program");
        assert_eq!(history.redo_label(), Some("Rename collection"));
        assert!(history.redo());
        assert_eq!(history.now().name, "Show");
        assert!(history.undo() && history.undo());
        assert!(!history.undo(), "the beginning");
        assert_eq!(history.now().current, SceneId::new("scene-1"));
        history.apply(&name).unwrap();
        assert!(!history.redo(), "a new edit forgets what was undone");
    }

    fn level(gain_db: f32, muted: bool) -> Edit {
        Edit::SetAudio {
            id: SourceId::new("mic"),
            audio: Audio {
                gain_db,
                muted,
                ..Audio::default()
            },
        }
    }

    #[test]
    fn a_drag_is_one_step_and_the_next_one_another() {
        let mut collection = Collection::empty("Test");
        collection.sources.push(Source {
            id: SourceId::new("mic"),
            name: "Microphone".into(),
            kind: SourceKind::Microphone {
                device: String::new(),
            },
            audio: Audio::default(),
            filters: Vec::new(),
        });
        let mut history = History::new(collection);
        let gain = |history: &History| history.now().sources[0].audio.gain_db;
        let at = Duration::from_millis;
        for n in 0..50_u16 {
            let edit = level(-f32::from(n), false);
            history.apply_at(&edit, at(u64::from(n) * 30)).unwrap();
        }
        // A pause, and the same fader again.
        history.apply_at(&level(-6.0, false), at(5000)).unwrap();
        history.apply_at(&level(-3.0, false), at(5030)).unwrap();
        // Muting right after is a step of its own.
        history.apply_at(&level(-3.0, true), at(5060)).unwrap();
        assert!(history.undo());
        assert!(!history.now().sources[0].audio.muted);
        assert_eq!(gain(&history), -3.0);
        // After an undo, too, the same value begins a new step.
        history.apply_at(&level(-2.0, false), at(5090)).unwrap();
        for expect in [-3.0, -49.0, 0.0] {
            assert!(history.undo());
            assert_eq!(gain(&history), expect);
        }
        assert!(!history.undo(), "the beginning");
    }
}
