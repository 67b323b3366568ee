//! What a show is known by of which there is no film: the latest picture that its channel had while it was live, as
//! the list of channels shows it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use media::{ChannelName, Origin, Timestamp};

use super::Ask;
use crate::app::App;
use crate::privacy::Visitor;
use crate::problem::Refusal;
use api::Code;

/// How often it is looked for shows that have none yet.
const LOOK: Duration = Duration::from_secs(5);

/// How old a picture may become while the show goes on.
const FRESH: Duration = Duration::from_secs(60);

/// When the picture of each show that is on was taken last.
type Taken = HashMap<String, Timestamp>;

/// Takes pictures of shows that are on, until the station ends.
pub(crate) async fn follow(app: Arc<App>) {
    let mut taken = Taken::new();
    let mut tick = tokio::time::interval(LOOK);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = app.ends.stop.cancelled() => return,
            _ = tick.tick() => {}
        }
        if let Err(refusal) = app.take_faces(&mut taken, app.clock.now()).await {
            tracing::warn!(problem = %refusal.into_problem(), "no picture of a show is kept");
        }
    }
}

/// `GET /api/library/{id}/picture.jpg`
pub(crate) async fn picture(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    Query(ask): Query<Ask>,
    headers: HeaderMap,
    Visitor(shown): Visitor,
) -> Result<Response, Refusal> {
    let visit = app.visit(&headers, ask.token.as_deref(), shown)?;
    let show = app.show(id, &visit).await?;
    let found = app.kept(move |store| store.show_picture(&show.id)).await?;
    let jpeg = found.ok_or_else(|| {
        let text = "No picture of that show is kept; its films may have some.";
        Refusal::new(Code::NotFound, text)
    })?;
    let headers = [
        (header::CONTENT_TYPE, "image/jpeg"),
        // Who may see it, and what it shows, may change.
        (header::CACHE_CONTROL, "no-store"),
    ];
    Ok((headers, jpeg).into_response())
}

impl App {
    async fn take_faces(&self, taken: &mut Taken, now: Timestamp) -> Result<(), Refusal> {
        let shows = self.kept(store::Store::shows_on).await?;
        taken.retain(|known, _| shows.iter().any(|(show, _)| show == known));
        for (show, channel) in shows {
            if taken.get(&show).is_some_and(|at| now.since(*at) < FRESH) {
                continue;
            }
            let Ok(channel) = channel.parse() else {
                continue;
            };
            let Some(jpeg) = self.seen_of(&channel, now).await? else {
                continue;
            };
            let id = show.clone();
            self.kept(move |store| store.keep_show_picture(&id, &jpeg))
                .await?;
            taken.insert(show, now);
        }
        Ok(())
    }

    /// The picture of a channel that is live, if it has one.
    async fn seen_of(&self, name: &ChannelName, now: Timestamp) -> Result<Option<Bytes>, Refusal> {
        let Some(channel) = self.hub.channel(name) else {
            return Ok(None);
        };
        match channel.origin() {
            Origin::Program => self.thumbnail.get(&*self.control, now).await,
            Origin::Whip | Origin::Rtmp => self.pictures.get(&self.hub, &channel, now).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Desk, TOKEN, keyframe, mean_of_jpeg};

    /// Red and blue in BT.709 limited, and what JPEG makes of them.
    const RED: ([u8; 3], [u8; 3]) = ([63, 102, 240], [76, 85, 255]);
    const BLUE: ([u8; 3], [u8; 3]) = ([32, 240, 118], [29, 255, 107]);

    #[tokio::test]
    async fn a_show_that_nobody_records_is_known_by_the_latest_picture_of_its_channel() {
        let desk = Desk::new();
        let app = &desk.app;
        app.store
            .begin_show("a", "garden", "Garden", 1_000, true)
            .unwrap();
        let path = "/api/library/a/picture.jpg";
        let mut taken = Taken::new();
        let at = |seconds: u64| app.clock.now() + Duration::from_secs(seconds);
        let is = async |color: [u8; 3]| {
            let got = desk.get(path).await;
            assert_eq!(
                (got.status, got.header("content-type")),
                (200, "image/jpeg")
            );
            let apart = mean_of_jpeg(&got.body).into_iter().zip(color);
            let most = apart.map(|(a, b)| a.abs_diff(b)).max();
            assert!(most <= Some(4), "{:?}", mean_of_jpeg(&got.body));
        };
        app.take_faces(&mut taken, at(0)).await.unwrap();
        assert_eq!(desk.get(path).await.status, 404, "it is not live yet");

        let mut writer = desk.live("garden", Origin::Rtmp);
        let mut show = |color, now| {
            let (track, packet) = keyframe(color, now);
            writer.set_tracks(vec![track]);
            writer.write(packet);
        };
        show(RED.0, at(0));
        app.take_faces(&mut taken, at(0)).await.unwrap();
        is(RED.1).await;
        let listed = desk.get("/api/library").await;
        assert_eq!(listed.json()[0]["pictured"], true);

        // Another one comes when this one is a minute old, and the last one stays.
        show(BLUE.0, at(30));
        app.take_faces(&mut taken, at(30)).await.unwrap();
        is(RED.1).await;
        app.take_faces(&mut taken, at(90)).await.unwrap();
        is(BLUE.1).await;
        drop(writer);
        app.store.end_show("a", 2_000).unwrap();
        app.take_faces(&mut taken, at(180)).await.unwrap();
        assert!(taken.is_empty());
        is(BLUE.1).await;

        // What is hidden only the host sees.
        let hide = store::ShowChange {
            hidden: Some(true),
            ..store::ShowChange::default()
        };
        app.store.change_show("a", &hide).unwrap();
        assert_eq!(desk.get(path).await.status, 404);
        let host = format!("{path}?token={TOKEN}");
        assert_eq!(desk.get(&host).await.status, 200);
    }
}
