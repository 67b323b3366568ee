//! Going on air, and off it.

use api::{Code, Problem};
use media::{ChannelInfo, ChannelName, Origin};

use crate::destinations::Stopping;
use crate::kept::Ending;
use crate::studio::{Shared, State, sentence};

impl Shared {
    pub(crate) fn go_live(&self) -> Result<(), Problem> {
        // Settings are locked before the state, everywhere.
        let how = self.recording_settings();
        let mut state = self.state.lock();
        if state.on_air.is_some() {
            return Err(Problem::new(Code::Conflict, "The broadcast is on already."));
        }
        let now = self.clock.now();
        let name = ChannelName::program();
        let conflict = |e: &dyn std::fmt::Display| {
            Problem::new(Code::Conflict, format!("The broadcast cannot begin: {e}."))
        };
        // What is recorded already goes on air as it is.
        if !self.hub.promote(&name, now) {
            let info = ChannelInfo {
                origin: Origin::Program,
                title: state.title.clone(),
            };
            let writer = self.hub.publish(name.clone(), info, now);
            let writer = writer.map_err(|e| conflict(&e))?;
            self.program.go_live(writer).map_err(|e| conflict(&e))?;
        }
        state.on_air = Some(now);
        self.start_destinations(&mut state);
        if let Some(channel) = self.hub.channel(&name) {
            self.kept.lock().on_air(&channel, &state.title, &how);
            drop(state);
            if how.every_broadcast && !self.is_recorded(&name) {
                self.record(None)?;
            }
        }
        Ok(())
    }

    pub(crate) fn start_destinations(&self, state: &mut State) {
        if state.on_air.is_some()
            && let Some(channel) = self.hub.channel(&ChannelName::program())
        {
            self.finish_later(state.destinations.start(&channel, &self.program));
        }
    }

    /// Ends the broadcast; the destinations that ran are to be stopped by the caller, and files to be
    /// finished. A recording goes on, and destinations that are behind send what they hold first.
    pub(crate) fn end_broadcast(&self) -> (Stopping, Ending) {
        let mut state = self.state.lock();
        let was_on = state.on_air.take().is_some();
        let stopping = state.destinations.stop();
        let name = ChannelName::program();
        if self.is_recorded(&name) {
            if was_on {
                self.hub.withdraw(&name);
                self.kept.lock().off_air(&name);
            }
            return (stopping, Ending::default());
        }
        let ending = self.kept.lock().end(&name);
        drop(state);
        self.program.end();
        (stopping, ending)
    }

    pub(crate) fn finish_later(&self, stopping: Stopping) {
        self.runtime.spawn(stopping.finish());
    }

    pub(crate) fn set_title(&self, title: &str) -> Result<(), Problem> {
        let title = title.trim();
        if !(1..=100).contains(&title.chars().count()) || title.chars().any(char::is_control) {
            let text = "A title has 1 to 100 characters.";
            return Err(Problem::new(Code::Invalid, text).about("title"));
        }
        self.store
            .set_title(title)
            .map_err(|e| Problem::new(Code::Unavailable, sentence(&e.to_string())))?;
        self.state.lock().title = title.to_owned();
        self.program.set_title(title);
        if let Some(station) = self.station.read().as_ref() {
            station.announce(title);
        }
        Ok(())
    }
}
