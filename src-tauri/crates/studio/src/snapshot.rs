//! The studio in one picture.

use api::{OnAir, Snapshot, SourceState, SourceStatus, Undo};
use media::ChannelName;
use program::{State, Status};
use scene::SourceId;

use crate::studio::Shared;

impl Shared {
    pub(crate) fn snapshot(&self) -> Snapshot {
        let sources = self.program.statuses().into_iter().map(status).collect();
        let composing = self.program.composing();
        let publishers = self.publishers();
        let station_problems = self.station_problems();
        let state = self.state.lock();
        let mut problems = state.problems.clone();
        problems.extend(self.saver.problem());
        problems.extend(station_problems);
        problems.extend(
            composing
                .problem
                .map(|text| api::Problem::new(api::Code::Unavailable, text).about("compositor")),
        );
        let history = &state.history;
        Snapshot {
            version: env!("CARGO_PKG_VERSION").into(),
            collection: history.now().as_ref().clone(),
            undo: Undo {
                undo: history.undo_label().map(str::to_owned),
                redo: history.redo_label().map(str::to_owned),
            },
            title: state.title.clone(),
            on_air: state.on_air.map(|at| OnAir {
                since: self.clock.unix_millis(at),
            }),
            sources,
            devices: state.devices.clone(),
            destinations: state.destinations.list(),
            links: state.links.clone(),
            access: state.access.clone(),
            publishers,
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

fn status((id, status): (SourceId, Status)) -> SourceStatus {
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
    }
}
