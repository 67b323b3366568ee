//! Studio mode: a scene is prepared on the preview, and taken to the program.

use std::sync::Arc;

use api::{Code, Problem, StudioMode};
use scene::{Edit, SceneId};

use crate::studio::{Shared, State, sentence};

impl Shared {
    pub(crate) fn studio_mode(&self) -> Option<StudioMode> {
        Some(StudioMode {
            preview: self.program.preview_scene()?,
            far: self.program.hand().unwrap_or(0.0),
        })
    }

    /// Begins with the scene that is on the program.
    pub(crate) fn set_studio_mode(&self, on: bool) -> Result<(), Problem> {
        let state = self.state.lock();
        match (on, self.program.preview_scene()) {
            (true, None) => {
                let current = state.history.now().current.clone();
                self.program.set_preview(Some(current));
            }
            (false, Some(_)) => self.program.set_preview(None),
            _ => {}
        }
        Ok(())
    }

    /// To the preview in studio mode, else to the program. The studio decides, not the page: a key that
    /// follows the one for studio mode at once must not put a scene on air.
    pub(crate) fn show(&self, scene: &SceneId) -> Result<(), Problem> {
        let mut state = self.state.lock();
        if self.program.preview_scene().is_some() {
            return self.prepare(&state, scene);
        }
        if state.history.now().current == *scene {
            return Ok(());
        }
        self.switch_to(&mut state, scene.clone())
    }

    fn switch_to(&self, state: &mut State, id: SceneId) -> Result<(), Problem> {
        self.change_in(state, |history| {
            history
                .apply(&Edit::SwitchScene { id })
                .map_err(|e| Problem::new(Code::Invalid, sentence(&e.to_string())))
        })
    }

    pub(crate) fn set_preview(&self, scene: &SceneId) -> Result<(), Problem> {
        let state = self.state.lock();
        self.prepared()?;
        self.prepare(&state, scene)
    }

    fn prepare(&self, state: &State, scene: &SceneId) -> Result<(), Problem> {
        let listed = state.history.now().listed().any(|s| s.id == *scene);
        if !listed {
            let text = format!(
                "There is no scene \"{}\"; it may have been deleted.",
                scene.as_str()
            );
            return Err(Problem::new(Code::NotFound, text));
        }
        self.program.set_preview(Some(scene.clone()));
        Ok(())
    }

    pub(crate) fn take(&self) -> Result<(), Problem> {
        let mut state = self.state.lock();
        let preview = self.prepared()?;
        let was = state.history.now().current.clone();
        if preview == was {
            return Err(already());
        }
        // No hand holds it any more: the transition goes by itself.
        self.program.set_hand(None);
        self.switch_to(&mut state, preview)?;
        self.program.set_preview(Some(was));
        Ok(())
    }

    pub(crate) fn hold(&self, far: f32) -> Result<(), Problem> {
        if !(0.0..=1.0).contains(&far) {
            let text = format!("A transition is held between 0 and 1, not at {far}.");
            return Err(Problem::new(Code::Invalid, text));
        }
        let mut state = self.state.lock();
        let preview = self.prepared()?;
        let was = state.history.now().current.clone();
        if preview == was {
            return Err(already());
        }
        if far < 1.0 {
            self.program.set_hand((far > 0.0).then_some(far));
            return Ok(());
        }
        let edit = Edit::SwitchScene { id: preview };
        state
            .history
            .apply(&edit)
            .map_err(|e| Problem::new(Code::Invalid, sentence(&e.to_string())))?;
        let now = Arc::clone(state.history.now());
        self.saver.save(&state.path, Arc::clone(&now));
        self.program.take_by_hand(now, Some(was));
        Ok(())
    }

    fn prepared(&self) -> Result<SceneId, Problem> {
        self.program.preview_scene().ok_or_else(|| {
            let text = "Studio mode is off; switch it on to prepare a scene before it is seen.";
            Problem::new(Code::Conflict, text)
        })
    }
}

fn already() -> Problem {
    let text = "This scene is on the program already; put another one on the preview.";
    Problem::new(Code::Conflict, text)
}
