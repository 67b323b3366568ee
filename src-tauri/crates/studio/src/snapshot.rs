//! The studio in one picture.

use std::time::Duration;

use api::{OnAir, PictureSize, Playback, Snapshot, SourceState, SourceStatus, Undo};
use media::{ChannelName, Timestamp};
use program::{State, Status};
use scene::SourceId;

use crate::collections;
use crate::studio::Shared;

/// Steps of the history that are listed each way.
const STEPS: usize = 40;

impl Shared {
    pub(crate) fn snapshot(&self) -> Snapshot {
        let now = self.clock.now();
        let sizes = self.program.sizes();
        let statuses = self.program.statuses().into_iter();
        let mut sources: Vec<_> = statuses
            .map(|(id, how)| {
                let size = sizes.get(&id).map(|(width, height)| PictureSize {
                    width: *width,
                    height: *height,
                });
                SourceStatus {
                    size,
                    ..status((id, how), now)
                }
            })
            .collect();
        let composing = self.program.composing();
        let publishers = self.publishers();
        let (private, rooms) = self.rooms();
        let station_problems = self.station_problems();
        let (recordings, rewinds, kept_problems, cuts, room) = {
            let kept = self.kept.lock();
            let now = (kept.recordings(), kept.rewinds(), kept.problems());
            (now.0, now.1, now.2, kept.cuts(), kept.room())
        };
        let state = self.state.lock();
        for status in &mut sources {
            state.remotes.explain(status);
        }
        let mut problems = state.problems.clone();
        problems.extend(self.saver.problem());
        problems.extend(station_problems);
        problems.extend(kept_problems);
        problems.extend(
            composing
                .problem
                .map(|text| api::Problem::new(api::Code::Unavailable, text).about("compositor")),
        );
        problems.extend(
            self.program
                .file_problems()
                .into_iter()
                .map(|text| api::Problem::new(api::Code::NotFound, text).about("filters")),
        );
        let history = &state.history;
        Snapshot {
            version: env!("CARGO_PKG_VERSION").into(),
            collection: history.now().as_ref().clone(),
            undo: Undo {
                undo: history.undo_label().map(str::to_owned),
                redo: history.redo_label().map(str::to_owned),
                past: history.past().take(STEPS).map(str::to_owned).collect(),
                future: history.future().take(STEPS).map(str::to_owned).collect(),
            },
            studio_mode: self.studio_mode(),
            title: state.title.clone(),
            on_air: state.on_air.map(|at| OnAir {
                since: self.clock.unix_millis(at),
            }),
            recordings,
            rewinds,
            cuts,
            room,
            uploads: self.storage.uploads(),
            storage: self.storage.about(),
            sources,
            collections: collections::listed(&state),
            devices: state.devices.clone(),
            destinations: state.listed_destinations(),
            uplink: state.destinations.uplink(),
            key_store: state.destinations.keys(),
            links: state.links.clone(),
            access: state.access.clone(),
            publishers,
            private,
            rooms,
            settings: state.settings.clone(),
            keys: state.keys.clone(),
            filter_presets: state.presets.clone(),
            first_start: state.first_start,
            quality: state.quality.clone(),
            masks: state.masks.clone(),
            stats: self.stats.read().clone(),
            problems,
        }
    }

    /// Viewers of the program.
    pub(crate) fn viewers(&self) -> api::Viewers {
        let station = self.station.read();
        station.as_ref().map_or_else(api::Viewers::default, |s| {
            s.viewers(&ChannelName::program())
        })
    }
}

fn status((id, status): (SourceId, Status), now: Timestamp) -> SourceStatus {
    SourceStatus {
        id,
        state: match status.state {
            State::Idle => SourceState::Idle,
            State::Starting => SourceState::Starting,
            State::Running => SourceState::Running,
            State::Lost => SourceState::Lost,
            State::Failed => SourceState::Failed,
        },
        message: status.message,
        detail: status.detail,
        has_token: false,
        size: None,
        playback: status.playback.map(|playback| Playback {
            playing: playback.playing,
            position_ms: millis(playback.position_at(now)),
            speed: playback.speed,
            duration_ms: playback.duration.map(millis),
            entry: playback.entry,
            entries: playback.entries,
            title: playback.title,
        }),
    }
}

fn millis(of: Duration) -> u64 {
    u64::try_from(of.as_millis()).unwrap_or(u64::MAX)
}
