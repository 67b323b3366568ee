//! A transition on its way: state of the program, not of the document.

use std::sync::Arc;
use std::time::Duration;

use media::Timestamp;
use scene::{SceneId, Transition, TransitionKind};

use super::Cast;
use crate::source::Stinger;

/// A transition on its way.
#[derive(Clone)]
pub(crate) struct Passage {
    pub(crate) from: From,
    /// What was seen and heard before.
    pub(crate) leaving: Cast,
    pub(crate) transition: Transition,
    began: Timestamp,
    /// What plays over it.
    pub(crate) stinger: Option<Arc<Stinger>>,
}

/// From where a transition goes.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum From {
    /// A scene, as it goes on.
    Scene(SceneId),
    /// The picture at which another transition was cut short, and its number.
    Still(u64),
}

impl Passage {
    /// Begins one; a cut is none.
    pub(super) fn begin(
        from: From,
        leaving: Cast,
        transition: Transition,
        stinger: Option<Arc<Stinger>>,
        now: Timestamp,
    ) -> Option<Self> {
        if transition.is_cut() {
            return None;
        }
        Some(Self {
            from,
            leaving,
            transition,
            began: now,
            stinger,
        })
    }

    /// The way back from where it is. A stinger is not played backwards: it cuts.
    pub(super) fn back(&self, leaving: Cast, from: SceneId, now: Timestamp) -> Option<Self> {
        if self.stinger.is_some() {
            return None;
        }
        let left = self.length().mul_f32(1.0 - self.far(now));
        Some(Self {
            from: From::Scene(from),
            leaving,
            transition: self.transition.clone(),
            began: now.offset(-i64::try_from(left.as_nanos()).unwrap_or(0)),
            stinger: None,
        })
    }

    pub(crate) fn began(&self) -> Timestamp {
        self.began
    }

    fn length(&self) -> Duration {
        Duration::from_millis(self.transition.duration_ms.into())
    }

    /// Whether it is still to be seen.
    pub(crate) fn runs(&self, now: Timestamp) -> bool {
        now.since(self.began) < self.length()
    }

    /// How far it is, 0 to 1.
    pub(crate) fn far(&self, now: Timestamp) -> f32 {
        let gone = now.since(self.began).as_secs_f32();
        (gone / self.length().as_secs_f32().max(0.001)).clamp(0.0, 1.0)
    }

    /// How far the sound is. A stinger's scenes change at its cut.
    pub(super) fn heard(&self, now: Timestamp) -> f32 {
        match self.cut() {
            Some(_) if self.is_before_cut(now) => 0.0,
            Some(_) => 1.0,
            None => self.far(now),
        }
    }

    fn cut(&self) -> Option<Duration> {
        match &self.transition.kind {
            TransitionKind::Stinger(scene::Stinger { cut_ms, .. }) => {
                Some(Duration::from_secs_f32(cut_ms.max(0.0) / 1000.0))
            }
            _ => None,
        }
    }

    /// Whether a stinger still shows the scene before.
    pub(crate) fn is_before_cut(&self, now: Timestamp) -> bool {
        self.cut()
            .is_some_and(|cut| now.since(self.began) < cut.min(self.length()))
    }
}
