//! Keeping a room in order: what the host and moderators do, and who hears of it.

use std::sync::Arc;

use api::{Ban, ChatRoom, Code, Moderation, Problem, Role};
use serde_json::{Value, json};
use store::{Author, Store};

use super::order::{Culprit, Order};
use super::{Chat, ChatNews};
use crate::AUDIT;
use crate::app::App;
use crate::problem::store_failed;

/// Who keeps order.
#[derive(Clone, Debug)]
pub(crate) struct Keeper {
    /// As it is written down: "the host", or the name of a link.
    pub(crate) name: String,
    /// The host, or a moderator.
    pub(crate) role: Role,
    /// From where; the studio itself when absent.
    pub(crate) address: Option<String>,
}

impl Keeper {
    /// The host at the studio.
    pub(crate) fn host() -> Self {
        Self {
            name: "the host".into(),
            role: Role::Host,
            address: None,
        }
    }
}

/// What has changed by an act.
#[derive(Debug, Default, PartialEq)]
struct Done {
    /// Messages that are gone; all when nothing is said of which.
    gone: Option<Option<Vec<i64>>>,
    /// Somebody who may not write now, or may again.
    person: Option<(String, Option<Ban>)>,
    /// The rules, or the list of bans.
    room: bool,
    /// Whom it was about, for the record.
    whom: Option<String>,
}

/// Does what a keeper wants in a room, and tells it there.
///
/// # Errors
/// [`Code::NotFound`] for what is not there, [`Code::Invalid`] for what cannot be,
/// [`Code::Conflict`] where a moderator would stop the host or another moderator,
/// [`Code::Internal`] when the store fails.
pub(super) async fn moderate(
    app: &Arc<App>,
    channel: String,
    keeper: Keeper,
    moderation: Moderation,
) -> Result<(), Problem> {
    let now = app.clock.unix_millis(app.clock.now());
    let working = Arc::clone(app);
    let (room, by, wish) = (channel.clone(), keeper.clone(), moderation.clone());
    let done = tokio::task::spawn_blocking(move || {
        let mut order = working.chat.order.lock();
        act(&working.store, &mut order, &room, &by, wish, now)
    })
    .await
    .map_err(|e| Problem::new(Code::Internal, e.to_string()))??;
    note(&channel, &keeper, &moderation, done.whom.as_deref());
    tell(app, channel, done, now).await;
    Ok(())
}

fn act(
    store: &Store,
    order: &mut Order,
    channel: &str,
    keeper: &Keeper,
    moderation: Moderation,
    now: i64,
) -> Result<Done, Problem> {
    match moderation {
        Moderation::Delete { message } => {
            let author = author(store, channel, message)?;
            store
                .remove_message(channel, message)
                .map_err(|e| store_failed(&e))?;
            Ok(Done {
                gone: Some(Some(vec![message])),
                whom: Some(author.name),
                ..Done::default()
            })
        }
        Moderation::TimeOut { message, seconds } => {
            let culprit = culprit(store, channel, message)?;
            stop(store, order, channel, keeper, culprit, Some(seconds), now)
        }
        Moderation::Ban { message, purge } => {
            let culprit = culprit(store, channel, message)?;
            let identity = culprit.identity.clone();
            let mut done = stop(store, order, channel, keeper, culprit, None, now)?;
            if let Some(identity) = identity.filter(|_| purge) {
                let gone = store
                    .remove_messages_of(channel, &identity)
                    .map_err(|e| store_failed(&e))?;
                done.gone = Some(Some(gone));
            }
            Ok(done)
        }
        Moderation::Lift { ban } => {
            let lifted = order.lift(store, channel, ban)?;
            Ok(Done {
                person: lifted.identity.map(|identity| (identity, None)),
                room: true,
                whom: Some(lifted.ban.name),
                ..Done::default()
            })
        }
        Moderation::SetRules { rules } => {
            order.set_rules(store, channel, rules)?;
            Ok(Done {
                room: true,
                ..Done::default()
            })
        }
        Moderation::Clear => {
            store
                .clear_messages(channel)
                .map_err(|e| store_failed(&e))?;
            Ok(Done {
                gone: Some(None),
                ..Done::default()
            })
        }
    }
}

fn author(store: &Store, channel: &str, message: i64) -> Result<Author, Problem> {
    let found = store
        .author(channel, message)
        .map_err(|e| store_failed(&e))?;
    found.ok_or_else(|| {
        let text = "That message is gone already.";
        Problem::new(Code::NotFound, text).about("message")
    })
}

/// Whoever wrote a message, where they may be stopped.
fn culprit(store: &Store, channel: &str, message: i64) -> Result<Culprit, Problem> {
    let author = author(store, channel, message)?;
    let safe = match author.role {
        Role::Viewer => None,
        Role::Host => Some("That is the host's own message."),
        Role::Moderator => {
            Some("That is a moderator. Take their link back first, then they can be stopped.")
        }
    };
    if let Some(text) = safe {
        return Err(Problem::new(Code::Conflict, text).about("message"));
    }
    let speaker = author.speaker;
    Ok(Culprit {
        name: author.name,
        identity: speaker.as_ref().map(|s| s.identity.clone()),
        address: speaker.map(|s| s.address),
    })
}

fn stop(
    store: &Store,
    order: &mut Order,
    channel: &str,
    keeper: &Keeper,
    culprit: Culprit,
    seconds: Option<u32>,
    now: i64,
) -> Result<Done, Problem> {
    let identity = culprit.identity.clone();
    let ban = order.stop(store, channel, culprit, &keeper.name, seconds, now)?;
    Ok(Done {
        whom: Some(ban.name.clone()),
        person: identity.map(|identity| (identity, Some(ban))),
        room: true,
        ..Done::default()
    })
}

/// Tells everyone what concerns them.
async fn tell(app: &Arc<App>, channel: String, done: Done, now: i64) {
    if let Some(messages) = done.gone {
        let chat = &app.chat;
        chat.tell(&channel, "deleted", &json!({ "messages": messages }))
            .await;
        // Nobody may follow.
        drop(chat.news.send(ChatNews::Deleted {
            channel: channel.clone(),
            messages,
        }));
    }
    if let Some((identity, ban)) = done.person {
        let body = ban.as_ref().map_or(Value::Null, |ban| stopped(ban, now));
        let who = app.chat.rooms.lock().known_as(&channel, &identity);
        for socket in who {
            app.chat.tell_one(socket, "stopped", &body);
        }
    }
    if done.room {
        let room = app.chat.order.lock().room(&channel, now);
        app.chat.tell(&channel, "rules", &rules(&room)).await;
        let keepers = app.chat.rooms.lock().moderators(&channel);
        for socket in keepers {
            app.chat.tell_one(socket, "room", &room);
        }
    }
}

/// What everybody may know of a room's rules.
pub(super) fn rules(room: &ChatRoom) -> Value {
    json!({ "slow_seconds": room.rules.slow_seconds, "links": room.rules.links })
}

/// What somebody who may not write is told.
pub(super) fn stopped(ban: &Ban, now: i64) -> Value {
    let problem = super::order::refusal(ban, now);
    json!({ "until": ban.until, "message": problem.message })
}

/// A line for the record of who did what.
fn note(channel: &str, keeper: &Keeper, moderation: &Moderation, whom: Option<&str>) {
    let what = match moderation {
        Moderation::Delete { message } => format!("deleted message {message}"),
        Moderation::TimeOut { seconds, .. } => format!("timed somebody out for {seconds} s"),
        Moderation::Ban { purge: false, .. } => "banned somebody".into(),
        Moderation::Ban { purge: true, .. } => "banned somebody and deleted what they wrote".into(),
        Moderation::Lift { .. } => "lifted a ban".into(),
        Moderation::SetRules { rules } => format!(
            "set the rules: slow {} s, links {}, {} words",
            rules.slow_seconds,
            if rules.links { "on" } else { "off" },
            rules.words.len()
        ),
        Moderation::Clear => "deleted all messages".into(),
    };
    // Acts of the host stand in the name of whoever commands the studio.
    let by = (keeper.role != Role::Host).then_some(keeper.name.as_str());
    tracing::info!(
        target: AUDIT, channel, by, role = ?keeper.role, peer = keeper.address,
        whom, "chat: {what}"
    );
}

impl Chat {
    /// Rooms with rules or bans, at a time in milliseconds since 1970 UTC.
    pub(crate) fn kept_rooms(&self, now: i64) -> Vec<ChatRoom> {
        self.order.lock().rooms(now)
    }
}
