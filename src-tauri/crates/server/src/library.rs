//! The library: shows that are over or going on, their files and what was said.
//!
//! Whoever may watch a channel may see its past shows; those that are hidden or deleted only the host does.

mod face;
mod picture;
mod remux;
mod visit;

use std::collections::BTreeSet;
use std::sync::Arc;

use api::{Code, Message, Show};
use axum::Json;
use axum::extract::{Path, Query, Request, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use media::ChannelName;
use serde::Deserialize;
use store::ShowQuery;
use tower::ServiceExt;
use tower_http::services::ServeFile;

use crate::app::App;
use crate::channels::channel_name;
use crate::privacy::Visitor;
use crate::problem::Refusal;

pub(crate) use face::{follow as follow_faces, picture as show_picture};
pub(crate) use picture::Stills;
pub use picture::keep_pictures;
use visit::Visit;

/// Shows on a page of the list.
const PAGE: u32 = 50;

/// Messages of a show that are replayed.
const MESSAGES: u32 = 10_000;

/// Which shows somebody asks for.
#[derive(Deserialize)]
pub(crate) struct Ask {
    channel: Option<String>,
    before: Option<i64>,
    limit: Option<u32>,
    token: Option<String>,
}

/// Which moment of a film.
#[derive(Deserialize)]
pub(crate) struct Moment {
    /// Milliseconds from its beginning.
    at: Option<u64>,
    /// As large as the film is shown.
    large: Option<String>,
    /// It is to be saved, not played.
    save: Option<String>,
    token: Option<String>,
}

/// `GET /api/library`: shows, the newest first; those that the visitor may see.
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    Query(ask): Query<Ask>,
    headers: HeaderMap,
    Visitor(shown): Visitor,
) -> Result<Json<Vec<Show>>, Refusal> {
    let visit = app.visit(&headers, ask.token.as_deref(), shown)?;
    let all = visit.host;
    let channel = ask.channel.map(|name| channel_name(&name)).transpose()?;
    let one = channel.is_some();
    let query = ShowQuery {
        before: ask.before,
        channel: channel.map(|name| name.to_string()),
        all,
        limit: ask.limit.unwrap_or(PAGE),
    };
    let mut shows = app
        .kept(move |store| {
            let mut shows = store.shows(&query)?;
            for show in shows.iter_mut().filter(|_| all) {
                look_for_files(store, show)?;
            }
            Ok(shows)
        })
        .await?;
    if !all {
        shows.iter_mut().for_each(without_places);
        let names: BTreeSet<&str> = shows.iter().map(|show| show.channel.as_str()).collect();
        let channels: Vec<ChannelName> = names.iter().filter_map(|n| n.parse().ok()).collect();
        let mut answers = app.opened_to(&visit, &channels);
        // Who asks for one channel is asked for its passphrase; of all of them the others are seen.
        if one && let Some(Err(_)) = answers.first() {
            answers.remove(0)?;
        }
        let open: BTreeSet<String> = channels
            .iter()
            .zip(&answers)
            .filter(|(_, answer)| answer.is_ok())
            .map(|(channel, _)| channel.to_string())
            .collect();
        shows.retain(|show| open.contains(&show.channel));
    }
    Ok(Json(shows))
}

/// `GET /api/library/{id}`
pub(crate) async fn one(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    Query(ask): Query<Ask>,
    headers: HeaderMap,
    Visitor(shown): Visitor,
) -> Result<Json<Show>, Refusal> {
    let visit = app.visit(&headers, ask.token.as_deref(), shown)?;
    app.show(id, &visit).await.map(Json)
}

/// `GET /api/library/{id}/chat`: what was said during a show, the oldest first.
pub(crate) async fn chat(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    Query(ask): Query<Ask>,
    headers: HeaderMap,
    Visitor(shown): Visitor,
) -> Result<Json<Vec<Message>>, Refusal> {
    let visit = app.visit(&headers, ask.token.as_deref(), shown)?;
    let show = app.show(id, &visit).await?;
    let end = show.ended.unwrap_or(i64::MAX);
    let said = app
        .kept(move |store| store.said_between(&show.channel, show.began, end, MESSAGES))
        .await?;
    Ok(Json(said))
}

/// `GET /media/{film}.mp4`, in ranges; the same as `.mkv` or `.flv`, to be saved; and `GET /media/{film}.jpg?at=MILLISECONDS`.
pub(crate) async fn media(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    Query(moment): Query<Moment>,
    Visitor(shown): Visitor,
    request: Request,
) -> Result<Response, Refusal> {
    let visit = app.visit(request.headers(), moment.token.as_deref(), shown)?;
    let missing = || Refusal::new(Code::NotFound, "There is no such film in the library.");
    let (number, ending) = name.split_once('.').ok_or_else(missing)?;
    let number: i64 = number.parse().map_err(|_| missing())?;
    let found = app.kept(move |store| store.film(number)).await?;
    let (show, path, film) = found.ok_or_else(missing)?;
    let show = app.show(show, &visit).await?;
    if film.deleted.is_some() && !visit.host {
        return Err(missing());
    }
    let private =
        show.hidden || channel_name(&show.channel).is_ok_and(|name| app.privacy.is_private(&name));
    let caching = HeaderValue::from_static(if private {
        "private, no-store"
    } else {
        "no-cache"
    });
    let mut response = match ending {
        "mp4" => {
            let save = moment.save.is_some();
            // Signing costs some microseconds; whether it lies elsewhere stands in the row.
            let elsewhere = film.stored.as_ref().and_then(|_| {
                let save_as = save.then_some(film.file.as_str());
                app.control.film_link(number, save_as)
            });
            match elsewhere {
                Some(link) => return moved(&link),
                None if film.away => return Err(nowhere(&film.file)),
                None => file(request, &path, &film.file, save).await?,
            }
        }
        "jpg" => {
            let large = moment.large.is_some();
            let at = moment.at.unwrap_or(film.duration_ms.unwrap_or(0) / 3);
            let jpeg = app.stills.get(&film, &path, at, large).await?;
            ([(header::CONTENT_TYPE, "image/jpeg")], jpeg).into_response()
        }
        "mkv" | "flv" if film.away => return Err(elsewhere(&film.file)),
        "mkv" => remux::film(&path, &film.file, archive::Format::Mkv).await?,
        "flv" => remux::film(&path, &film.file, archive::Format::Flv).await?,
        _ => return Err(missing()),
    };
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, caching);
    Ok(response)
}

/// Where a film is played from. The address holds a right to it: nobody keeps it.
fn moved(link: &str) -> Result<Response, Refusal> {
    let location = HeaderValue::from_str(link)
        .map_err(|e| Refusal::new(Code::Internal, format!("The film's address: {e}.")))?;
    let headers = [
        (header::LOCATION, location),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    let status = axum::http::StatusCode::TEMPORARY_REDIRECT;
    Ok((status, headers).into_response())
}

fn elsewhere(name: &str) -> Refusal {
    let text = format!("{name} lies in the storage alone, and is had from there as it is, in MP4.");
    Refusal::new(Code::NotFound, text)
}

fn not_there(name: &str) -> Refusal {
    let text = format!(
        "The file {name} is not where it was recorded. Put it back, or delete it from the library."
    );
    Refusal::new(Code::NotFound, text)
}

fn nowhere(name: &str) -> Refusal {
    let text = format!(
        "{name} lies in a storage, and its keys are not kept here. Enter them in the settings, under Storage."
    );
    Refusal::new(Code::NotFound, text)
}

/// Says which films are not where they were recorded. Blocks for a look at each.
fn look_for_files(store: &store::Store, show: &mut Show) -> Result<(), store::Error> {
    let there = |path: &std::path::Path| {
        let look = path.symlink_metadata();
        !look.is_err_and(|e| e.kind() == std::io::ErrorKind::NotFound)
    };
    for (id, path) in store.films_of(&show.id)? {
        let film = show.films.iter_mut().find(|film| film.id == id);
        if let Some(film) = film.filter(|film| !film.away && film.duration_ms.is_some()) {
            film.missing = !there(&path);
        }
    }
    Ok(())
}

/// Where films lie is the host's alone, and so is what was deleted.
fn without_places(show: &mut Show) {
    show.destinations.clear();
    show.films.retain(|film| film.deleted.is_none());
    for film in &mut show.films {
        film.stored = None;
    }
}

/// A file in ranges, with the name that it is saved under.
///
/// # Errors
/// 404 when it is not there any more.
async fn file(
    request: Request,
    path: &std::path::Path,
    name: &str,
    save: bool,
) -> Result<Response, Refusal> {
    let served = ServeFile::new(path).oneshot(request).await;
    let mut response = served
        .map_err(|e| Refusal::new(Code::Internal, e.to_string()))?
        .into_response();
    if response.status() == axum::http::StatusCode::NOT_FOUND {
        return Err(not_there(name));
    }
    // The name may hold any letter: RFC 6266 with the form of RFC 8187.
    let encoded = crate::hls::encoded(name);
    let how = if save { "attachment" } else { "inline" };
    if let Ok(value) = HeaderValue::from_str(&format!("{how}; filename*=UTF-8''{encoded}")) {
        response
            .headers_mut()
            .insert(header::CONTENT_DISPOSITION, value);
    }
    Ok(response)
}

/// Some bytes of a file that is still written.
///
/// # Errors
/// 404 when it is gone already.
pub(crate) async fn part(
    bytes: std::ops::Range<u64>,
    path: std::path::PathBuf,
) -> Result<Response, Refusal> {
    let mut request = Request::new(axum::body::Body::empty());
    let range = format!("bytes={}-{}", bytes.start, bytes.end.saturating_sub(1));
    let range = HeaderValue::from_str(&range);
    let range = range.map_err(|e| Refusal::new(Code::Internal, e.to_string()))?;
    request.headers_mut().insert(header::RANGE, range);
    let served = ServeFile::new(path).oneshot(request).await;
    let response = served
        .map_err(|e| Refusal::new(Code::Internal, e.to_string()))?
        .into_response();
    if response.status() == axum::http::StatusCode::NOT_FOUND {
        return Err(Refusal::new(
            Code::NotFound,
            "That moment is not kept any more.",
        ));
    }
    Ok(response)
}

impl App {
    /// Asks the store, away from the threads that serve.
    async fn kept<T: Send + 'static>(
        &self,
        ask: impl FnOnce(&store::Store) -> Result<T, store::Error> + Send + 'static,
    ) -> Result<T, Refusal> {
        let store = Arc::clone(&self.store);
        let asked = tokio::task::spawn_blocking(move || ask(&store)).await;
        asked
            .map_err(|e| Refusal::new(Code::Internal, e.to_string()))?
            .map_err(|e| Refusal::new(Code::Unavailable, format!("The library: {e}.")))
    }

    /// A show that the visitor may see, or any for the host.
    async fn show(&self, id: String, visit: &Visit) -> Result<Show, Refusal> {
        let missing = || {
            let text = "There is no such show in the library; it may have been deleted.";
            Refusal::new(Code::NotFound, text)
        };
        let all = visit.host;
        let show = self
            .kept(move |store| {
                let mut show = store.show(&id)?;
                if let Some(show) = show.as_mut().filter(|_| all) {
                    look_for_files(store, show)?;
                }
                Ok(show)
            })
            .await?;
        let channel = match &show {
            Some(show) => Some(channel_name(&show.channel)?),
            None => None,
        };
        let opened = match all {
            true => Ok(()),
            // What is not there, and what is hidden, tells no more about a key than what is.
            false => self
                .opened_to(visit, channel.as_slice())
                .pop()
                .unwrap_or(Ok(())),
        };
        let mut show = show.ok_or_else(missing)?;
        if all {
            return Ok(show);
        }
        if show.hidden || show.deleted.is_some() {
            return Err(missing());
        }
        opened?;
        without_places(&mut show);
        Ok(show)
    }
}

#[cfg(test)]
mod tests;
