//! What the station knows and scenes show, handed to the program: who watches, and what is said. And scenes
//! that a countdown wants.

use std::sync::{Arc, Weak};
use std::time::Duration;

use api::{Code, Command, Event, Message, Operation, Problem, Role};
use program::Line;
use scene::{Edit, SourceId};
use server::ChatNews;
use tokio::runtime::Handle;

use crate::studio::Shared;

/// How often viewers are counted, and new overlays given what was said before.
const LOOK: Duration = Duration::from_millis(250);

/// Messages that an overlay can show.
const PAST: u32 = 50;

/// Starts to hand in. Ends when the studio is gone.
pub(crate) fn start(shared: &Arc<Shared>, runtime: &Handle) {
    runtime.spawn(follow(Arc::downgrade(shared)));
    runtime.spawn(scenes(Arc::downgrade(shared)));
}

async fn follow(weak: Weak<Shared>) {
    loop {
        tokio::time::sleep(LOOK).await;
        let Some(shared) = weak.upgrade() else { return };
        shared.count_viewers();
        let feeds = Arc::clone(shared.program.feeds());
        for (channel, asked) in feeds.unfilled() {
            let store = Arc::clone(&shared.store);
            let of = channel.clone();
            let past = tokio::task::spawn_blocking(move || store.recent(&of, PAST)).await;
            match past {
                Ok(Ok(past)) => feeds.fill(&channel, asked, past.into_iter().map(line)),
                Ok(Err(error)) => tracing::warn!(%error, channel, "its chat is not read"),
                Err(error) => tracing::warn!(%error, channel, "its chat is not read"),
            }
        }
    }
}

async fn scenes(weak: Weak<Shared>) {
    let Some(mut wanted) = weak.upgrade().map(|s| s.program.wanted_scene()) else {
        return;
    };
    while wanted.changed().await.is_ok() {
        let scene = wanted.borrow_and_update().clone();
        let (Some((_, id)), Some(shared)) = (scene, weak.upgrade()) else {
            continue;
        };
        let edit = Edit::SwitchScene { id };
        let switch = move || {
            let done = server::done_by("a countdown", None, Command::Edit { edit }, |command| {
                shared.apply(command)
            });
            if let Err(problem) = done {
                shared.tell(Event::Problem { problem });
            }
        };
        if let Err(error) = tokio::task::spawn_blocking(switch).await {
            tracing::error!(%error, "a countdown did not change the scene");
        }
    }
}

impl Shared {
    fn count_viewers(&self) {
        let feeds = self.program.feeds();
        let watched = feeds.watched();
        if watched.is_empty() {
            return;
        }
        let station = self.station.read();
        let Some(station) = station.as_ref() else {
            return;
        };
        for channel in watched {
            if let Ok(name) = channel.parse() {
                let viewers = station.viewers(&name);
                feeds.set_viewers(&channel, u64::from(viewers.whep) + u64::from(viewers.hls));
            }
        }
    }

    /// Hands in what happened in a chat.
    pub(crate) fn hand_in(&self, news: &ChatNews) {
        let feeds = self.program.feeds();
        match news {
            ChatNews::Said { channel, message } => feeds.said(channel, line(message.clone())),
            ChatNews::Deleted { channel, messages } => {
                feeds.deleted(channel, messages.as_deref());
            }
        }
    }

    /// Plays, pauses or moves a source.
    pub(crate) fn operate(&self, id: &SourceId, operation: Operation) -> Result<(), Problem> {
        let state = self.state.lock();
        let Some(name) = state.history.now().source(id).map(|s| s.name.clone()) else {
            let said = "There is no such source; it may have been deleted.";
            return Err(Problem::new(Code::NotFound, said).about("source"));
        };
        drop(state);
        if self.program.operate(id, of_program(operation)) {
            return Ok(());
        }
        let said = format!("“{name}” is nothing that plays like this.");
        Err(Problem::new(Code::Conflict, said).about("source"))
    }
}

fn of_program(operation: Operation) -> program::Operation {
    match operation {
        Operation::Play => program::Operation::Play,
        Operation::Pause => program::Operation::Pause,
        Operation::Stop => program::Operation::Stop,
        Operation::Restart => program::Operation::Restart,
        Operation::Seek { position_ms } => program::Operation::Seek {
            to: Duration::from_millis(position_ms),
        },
        Operation::Next => program::Operation::Next,
        Operation::Previous => program::Operation::Previous,
    }
}

fn line(message: Message) -> Line {
    Line {
        id: message.id,
        of_house: message.role != Role::Viewer,
        name: message.name,
        text: message.text,
        at: message.at,
    }
}
