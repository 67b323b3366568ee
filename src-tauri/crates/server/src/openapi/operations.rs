//! Every address of the interface, and what it takes and answers.

use api::scene::{Collection, Edit};
use api::{
    AccessLink, Act, Broadcast, Channel, ChatRoom, Command, Dashboard, Destination, Devices,
    DoctorFacts, DoctorReport, Enabled, Event, Health, IngestInfo, Level, LogLine, Message,
    Moderation, NewAccessLink, NewDestination, NewDoctorReport, NewMessage, NewPassphrase,
    NewSetting, NewToken, OpenCollection, OwnBroadcast, Platform, Publisher, Reloaded, Setting,
    Show, Snapshot, Stats, Title, Trust,
};
use schemars::{Schema, SchemaGenerator, json_schema};
use serde_json::{Value, json};

use super::operation::{Answers, Guarded, Kind, Operation, Takes, delete, get, post, put};
use crate::v3;

/// What operations are about.
pub(super) const TAGS: [(&str, &str); 12] = [
    (
        "studio",
        "The whole studio: its state, its commands, its events.",
    ),
    ("broadcast", "The broadcast and its title."),
    ("document", "Scenes and sources."),
    ("destinations", "Where the broadcast also goes."),
    (
        "station",
        "Channels of the station, who publishes them, and their chat.",
    ),
    ("library", "What was broadcast and recorded."),
    ("links", "Links that the host hands out."),
    ("settings", "Settings, changed while Klieg runs."),
    ("health", "How the station is."),
    ("record", "The log, and who did what."),
    ("doctor", "What a device's connection can do."),
    ("v3", "The addresses and shapes of MediaMTX's control API."),
];

/// All of them.
pub(super) fn all() -> Vec<Operation> {
    let mut all = studio();
    all.extend(document());
    all.extend(destinations());
    all.extend(station());
    all.extend(library());
    all.extend(links());
    all.extend(settings());
    all.extend(health());
    all.extend(record());
    all.extend(doctor());
    all.extend(like_mediamtx());
    all
}

fn studio() -> Vec<Operation> {
    vec![
        get("/api/snapshot", "Everything at this moment").gives::<Snapshot>("The studio."),
        post("/api/commands", "Does anything that the studio can do")
            .details("Each command is described by its schema. What it changes arrives as events, and in the snapshot.")
            .takes::<Command>(json!({ "command": "set_title", "title": "Sunday show" }))
            .conflicts(),
        Operation {
            guarded: Guarded::Socket,
            answers: Answers {
                status: 101,
                text: "A WebSocket: each of its text messages is an event, the first one a snapshot.",
                kind: Kind::Is("application/json", Some(super::reference::<Event>)),
            },
            ..get("/api/events", "What changes, as it changes")
        },
        Operation {
            guarded: Guarded::Socket,
            answers: Answers {
                status: 101,
                text: "A WebSocket of binary messages: a header of 16 bytes, and a picture as JPEG.",
                kind: Kind::Nothing,
            },
            ..get("/api/preview", "What the program shows, as pictures; with view=preview the scene on the preview, with view=scenes all scenes; with full=true up to 1920 × 1080")
        },
        get("/api/devices", "Devices of the studio's machine, as last looked for").gives::<Devices>("The devices."),
        post("/api/devices", "Looks for devices again").gives::<Devices>("The devices found."),
        get("/api/devices/picture.jpg", "A picture of a camera, a monitor or a window, taken now")
            .details("Takes some seconds where a camera must be opened first. 409 says why there is none.")
            .needs("kind", "What it is.", json!({ "type": "string", "enum": ["camera", "screen", "window"] }))
            .query("device", "Its identity; the first one when absent.", json!({ "type": "string" }))
            .gives_other("image/jpeg", "The picture.")
            .conflicts(),
        get("/api/fonts", "Font families that text can have").gives::<Vec<String>>("Their names."),
        get("/api/stats", "Figures of the program").gives::<Stats>("The figures."),
        get("/api/broadcast", "Whether the broadcast is on")
            .about("broadcast")
            .gives::<Broadcast>("The broadcast."),
        post("/api/broadcast", "Goes live on the network and to every enabled destination")
            .about("broadcast")
            .conflicts(),
        delete("/api/broadcast", "Ends the broadcast everywhere").about("broadcast"),
        get("/api/title", "The title that viewers read")
            .about("broadcast")
            .gives::<Title>("The title."),
        put("/api/title", "Sets the title that viewers read")
            .about("broadcast")
            .takes::<Title>(json!({ "title": "Sunday show" })),
    ]
}

fn document() -> Vec<Operation> {
    let all = vec![
        get("/api/collection", "The scene collection").gives::<Collection>("The whole document."),
        put("/api/collection", "Opens another scene collection")
            .takes::<OpenCollection>(json!({ "path": "/home/ana/show/collection.json" }))
            .details("404 when there is no such file."),
        post("/api/collection/edits", "Changes the document")
            .details("The change is saved a moment later, and can be undone.")
            .takes::<Edit>(json!({ "edit": "set_master_gain", "gain_db": -6.0 })),
        post("/api/collection/undo", "Takes the last edit back").conflicts(),
        post("/api/collection/redo", "Makes the last undone edit again").conflicts(),
    ];
    all.into_iter().map(|o| o.about("document")).collect()
}

fn destinations() -> Vec<Operation> {
    let example = || {
        json!({
            "name": "Second server",
            "target": { "protocol": "rtmp", "url": "rtmp://127.0.0.1:1/live" },
            "secret": "stream-key",
        })
    };
    let all = vec![
        get("/api/destinations", "Where the broadcast also goes")
            .gives::<Vec<Destination>>("The destinations."),
        post("/api/destinations", "Adds a destination")
            .takes::<NewDestination>(example())
            .makes::<Destination>("The destination."),
        get("/api/destinations/{id}", "One destination").gives::<Destination>("The destination."),
        put(
            "/api/destinations/{id}",
            "Changes a destination; without a secret the one it has stays",
        )
        .takes::<NewDestination>(example())
        .gives::<Destination>("The destination."),
        delete(
            "/api/destinations/{id}",
            "Deletes a destination, stopping it first",
        ),
        put(
            "/api/destinations/{id}/enabled",
            "Chooses whether a destination goes live with the broadcast",
        )
        .takes::<Enabled>(json!({ "enabled": true })),
        get(
            "/api/platforms",
            "The platforms that are known: servers, limits, where the key is",
        )
        .gives::<Vec<Platform>>("The platforms."),
    ];
    all.into_iter().map(|o| o.about("destinations")).collect()
}

fn station() -> Vec<Operation> {
    let limit = json!({ "type": "integer", "minimum": 1, "maximum": 1000, "default": 100 });
    let all = vec![
        get(
            "/api/channels",
            "Who is live, and the program also while it is not",
        )
        .open()
        .gives::<Vec<Channel>>("The channels."),
        get("/api/channels/{name}", "One channel")
            .open()
            .gives::<Channel>("The channel."),
        get(
            "/api/channels/{name}/picture.jpg",
            "What a channel shows, at most a second old",
        )
        .open()
        .gives_other("image/jpeg", "The picture."),
        get(
            "/api/channels/{name}/chat",
            "What was said in a channel's chat, oldest first",
        )
        .query("limit", "How many of the newest messages.", limit)
        .gives::<Vec<Message>>("The messages."),
        post("/api/channels/{name}/chat", "Says something as the host")
            .takes::<NewMessage>(json!({ "text": "Welcome!" })),
        post("/api/channels/{name}/chat/moderation", "Keeps a channel's chat in order: deletes, times out, bans, sets rules, clears")
            .takes::<Moderation>(json!({ "act": "delete", "message": 1 }))
            .conflicts(),
        get("/api/rooms", "Chat rooms with rules or bans of their own").gives::<Vec<ChatRoom>>("The rooms."),
        put("/api/channels/{name}/passphrase", "Makes a channel private: viewers are asked for a passphrase")
            .takes::<NewPassphrase>(json!({ "passphrase": "orange umbrella" })),
        put("/api/sources/{id}/token", "Keeps the bearer token that a source of another station is fetched with")
            .takes::<NewToken>(json!({ "token": "s3cret" })),
        delete("/api/sources/{id}/token", "Forgets that token"),
        delete("/api/channels/{name}/passphrase", "Opens a private channel to all"),
        post("/api/channels/{name}/entry", "The right to a private channel, for its passphrase or the secret of a link")
            .open()
            .details("401 for a wrong one. A cookie carries the right as well.")
            .takes_as(entry, json!({ "passphrase": "orange umbrella" }))
            .gives_as(|_| object())
            .conflicts(),
        get(
            "/api/publishers",
            "Who publishes to the station, those that wait first",
        )
        .gives::<Vec<Publisher>>("The publishers."),
        Operation {
            guarded: Guarded::Key,
            ..get("/api/publishers/{channel}", "How one's own broadcast stands")
                .gives::<OwnBroadcast>("How it stands.")
        }
        .details("With the key that the channel is published with, as bearer token; without one where none is needed.")
        .conflicts(),
        Operation {
            guarded: Guarded::Socket,
            answers: Answers {
                status: 101,
                text: "A WebSocket: pictures as JPEG in binary messages, levels as JSON in text messages.",
                kind: Kind::Is("application/json", Some(super::reference::<Level>)),
            },
            ..get("/api/publishers/{channel}/look", "The host's look at a publisher who waits")
        },
        delete(
            "/api/publishers/{channel}",
            "Ends a publisher: one that waits is refused, one that is live is put out",
        ),
        post(
            "/api/publishers/{channel}/admit",
            "Lets a publisher that waits go live",
        ),
        get("/api/ingest", "How the station takes publishers")
            .open()
            .gives::<IngestInfo>("The port of RTMP, and who may publish."),
        get(
            "/api/trust",
            "What a device needs to trust the station over HTTPS",
        )
        .open()
        .details("404 where HTTPS is off.")
        .gives::<Trust>("The certificate authority."),
    ];
    all.into_iter().map(|o| o.about("station")).collect()
}

/// A passphrase, or the secret of a link: one of the two.
fn entry(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "oneOf": [
            {
                "type": "object",
                "properties": { "passphrase": { "type": "string" } },
                "required": ["passphrase"],
                "additionalProperties": false,
            },
            {
                "type": "object",
                "properties": { "key": { "type": "string" } },
                "required": ["key"],
                "additionalProperties": false,
            },
        ],
    })
}

fn object() -> Schema {
    json_schema!({ "type": "object" })
}

fn library() -> Vec<Operation> {
    let all = vec![
        get("/api/library", "Shows that were broadcast or recorded, the newest first")
            .details("Those that the visitor may see; with the right to control also those that are hidden or deleted. 401 for a private channel that is asked for by name. They are changed by commands.")
            .open()
            .query("channel", "Only those of this channel.", json!({ "type": "string" }))
            .query(
                "before",
                "Only those that began before, in milliseconds since 1970 UTC.",
                json!({ "type": "integer", "format": "int64" }),
            )
            .query(
                "limit",
                "How many, 200 at most.",
                json!({ "type": "integer", "minimum": 0, "maximum": u32::MAX }),
            )
            .gives::<Vec<Show>>("The shows."),
        get("/api/library/{id}", "A show")
            .details("Its films are played from /media/{film}.mp4, in ranges; /media/{film}.jpg?at=MILLISECONDS is a picture of one.")
            .open()
            .gives::<Show>("The show."),
        get("/api/library/{id}/picture.jpg", "The picture of a show that is kept beside its films")
            .details("The latest one that its channel had while it was live. 404 where none is kept.")
            .open()
            .gives_other("image/jpeg", "The picture."),
        get("/api/channels/{name}/behind.jpg", "A picture of what is kept behind a channel's live picture")
            .details("The keyframe before that moment; the nearest that is kept. 404 where nothing is.")
            .needs("at", "The moment, in milliseconds since 1970 UTC.", json!({ "type": "integer", "format": "int64" }))
            .gives_other("image/jpeg", "The picture."),
        get("/api/library/{id}/chat", "What was said during a show, the oldest first")
            .open()
            .gives::<Vec<Message>>("The messages."),
    ];
    all.into_iter().map(|o| o.about("library")).collect()
}

fn links() -> Vec<Operation> {
    let all = vec![
        get("/api/links", "Links that the host hands out")
            .gives::<Vec<AccessLink>>("The links, with their secrets."),
        post("/api/links", "Makes a link")
            .takes::<NewAccessLink>(
                json!({ "kind": "publish", "name": "For Ana", "channel": "stage" }),
            )
            .makes::<AccessLink>("The link, with its secret."),
        get("/api/links/{id}", "One link").gives::<AccessLink>("The link."),
        delete(
            "/api/links/{id}",
            "Takes a link back; whoever came through it is put out",
        ),
        post(
            "/api/links/{id}/secret",
            "Gives a link a new secret; whoever came through the old one is put out",
        )
        .gives::<AccessLink>("The link, with its new secret."),
    ];
    all.into_iter().map(|o| o.about("links")).collect()
}

fn settings() -> Vec<Operation> {
    let all = vec![
        get("/api/settings", "All settings: what they mean, what they are set to, by whom")
            .gives::<Vec<Setting>>("The settings."),
        get("/api/settings/{key}", "One setting").gives::<Setting>("The setting."),
        put("/api/settings/{key}", "Sets a setting in the settings file, and puts it into effect where that can be")
            .details("409 when the environment or the command line sets it. `waits` says whether Klieg has to be started again.")
            .takes::<NewSetting>(json!({ "value": "approve" }))
            .gives::<Setting>("The setting.")
            .conflicts(),
        delete("/api/settings/{key}", "Takes a setting out of the settings file, which puts it back to its default")
            .gives::<Setting>("The setting.")
            .conflicts(),
        post("/api/settings/{key}/check", "Says whether a setting would be taken, and changes nothing")
            .takes::<NewSetting>(json!({ "value": "approve" }))
            .conflicts(),
        post("/api/settings/reload", "Reads the settings file again")
            .details("400 names the line that is wrong; the settings from before go on.")
            .gives::<Reloaded>("What has changed, and what waits for the next start."),
    ];
    all.into_iter().map(|o| o.about("settings")).collect()
}

fn health() -> Vec<Operation> {
    let all = vec![
        get("/healthz", "Whether the station is well")
            .open()
            .gives::<Health>("It is."),
        get("/metrics", "Figures for Prometheus")
            .here()
            .gives_other("text/plain", "The figures."),
        get("/api/dashboard", "The last hour in figures")
            .here()
            .query(
                "since",
                "Only what came after this time, in milliseconds since 1970 UTC.",
                json!({ "type": "integer", "format": "int64" }),
            )
            .gives::<Dashboard>("The figures."),
        get("/api/openapi.json", "This document")
            .open()
            .gives::<Value>("OpenAPI 3.1."),
    ];
    all.into_iter().map(|o| o.about("health")).collect()
}

fn record() -> Vec<Operation> {
    let all = vec![
        get("/api/logs", "The newest lines of the log, the oldest first")
            .query(
                "last",
                "How many.",
                json!({ "type": "integer", "minimum": 0 }),
            )
            .gives::<Vec<LogLine>>("The lines."),
        Operation {
            guarded: Guarded::Socket,
            answers: Answers {
                status: 101,
                text: "A WebSocket: each of its text messages holds lines, and how many were missed before them.",
                kind: Kind::Nothing,
            },
            ..get("/api/logs/follow", "The log as it is written")
        },
        get("/api/audit", "Who did what, the newest first")
            .query(
                "search",
                "Words that stand in it.",
                json!({ "type": "string" }),
            )
            .query(
                "since",
                "Only what was done after this time, in milliseconds since 1970 UTC.",
                json!({ "type": "integer", "format": "int64" }),
            )
            .query(
                "before",
                "Only acts before the one of this number.",
                json!({ "type": "integer", "format": "int64" }),
            )
            .query(
                "limit",
                "How many, 1000 at most.",
                json!({ "type": "integer", "minimum": 0, "maximum": u32::MAX }),
            )
            .query(
                "format",
                "A table in place of JSON.",
                json!({ "type": "string", "enum": ["json", "csv"] }),
            )
            .gives::<Vec<Act>>("The acts.")
            .or("text/csv"),
    ];
    all.into_iter().map(|o| o.about("record")).collect()
}

fn doctor() -> Vec<Operation> {
    let whole = json!({ "type": "integer", "minimum": 0, "maximum": crate::doctor::BYTES_MAX });
    let all = vec![
        get("/api/doctor", "What an examination needs to know")
            .open()
            .gives::<DoctorFacts>("Ports and rates."),
        get("/api/doctor/ping", "Nothing, quickly").open(),
        get("/api/doctor/bytes", "So many random bytes")
            .open()
            .needs("bytes", "How many.", whole)
            .gives_other("application/octet-stream", "The bytes."),
        Operation {
            takes: Some(Takes {
                kind: "application/octet-stream",
                schema: |_| json_schema!({ "type": "string", "format": "binary" }),
                needed: false,
                example: None,
            }),
            ..post("/api/doctor/bytes", "Takes bytes, and says how many came")
                .open()
                .gives::<usize>("How many came.")
        },
        Operation {
            answers: Answers {
                status: 101,
                text: "A WebSocket that gives back what comes, a few times.",
                kind: Kind::Nothing,
            },
            ..get("/api/doctor/echo", "An echo").open()
        },
        Operation {
            takes: Some(Takes {
                kind: "application/sdp",
                schema: |_| json_schema!({ "type": "string" }),
                needed: true,
                example: None,
            }),
            answers: Answers {
                status: 201,
                text: "A session as a viewer opens it, of a channel that carries nothing.",
                kind: Kind::Is("application/sdp", None),
            },
            ..post("/api/doctor/whep", "Tries the way of media")
                .open()
                .conflicts()
        },
        Operation {
            answers: Answers {
                status: 200,
                text: "It has ended.",
                kind: Kind::Nothing,
            },
            ..delete("/api/doctor/whep/{session}", "Ends such a session").open()
        },
        get(
            "/api/doctor/reports",
            "What devices found, the newest first",
        )
        .gives::<Vec<DoctorReport>>("The reports."),
        post("/api/doctor/reports", "Tells the host what a device found")
            .open()
            .takes::<NewDoctorReport>(json!({ "name": "Ana", "device": "A phone", "summary": "All is well.", "checks": [] })),
        delete("/api/doctor/reports", "Forgets all reports"),
    ];
    all.into_iter().map(|o| o.about("doctor")).collect()
}

fn like_mediamtx() -> Vec<Operation> {
    let number = |default: u32, minimum: u32| json!({ "type": "integer", "minimum": minimum, "maximum": i32::MAX, "default": default });
    let all = vec![
        get(
            "/v3/config/get",
            "The settings, as far as they have a counterpart in MediaMTX's",
        )
        .gives::<Value>("The settings."),
        get("/v3/config/global/get", "The same under its newer name")
            .gives::<Value>("The settings."),
        post("/v3/config/reload", "Reads the settings file again")
            .details("400 names the line that is wrong; the settings from before go on.")
            .gives::<v3::Done>("It was read."),
        get("/v3/paths/list", "The channels")
            .query("itemsPerPage", "How many on a page.", number(100, 1))
            .query("page", "Which page, from 0.", number(0, 0))
            .gives::<v3::PathList>("The channels of this page."),
        get("/v3/paths/get/{name}", "One channel").gives::<v3::PathItem>("The channel."),
    ];
    all.into_iter().map(|o| o.about("v3")).collect()
}
