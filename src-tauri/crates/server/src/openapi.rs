//! The interface for programs, described: `GET /api/openapi.json` (OpenAPI 3.1).
//!
//! Schemas come from the types that cross the wire, so they cannot say anything else than the code
//! does; addresses stand in [`operations`], and a test holds them against the routes.

mod operation;
mod operations;

use std::sync::OnceLock;

use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::{Map, Value, json};

use operation::{Guarded, Kind, Operation, Parameter};

/// `GET /api/openapi.json`
pub(crate) async fn document() -> Response {
    static TEXT: OnceLock<String> = OnceLock::new();
    let text = TEXT.get_or_init(|| described().to_string());
    let kind = (header::CONTENT_TYPE, "application/json");
    let mut response = ([kind], text.as_str()).into_response();
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}

/// The whole document.
pub(crate) fn described() -> Value {
    let mut settings = SchemaSettings::draft2020_12();
    settings.definitions_path = "/components/schemas".into();
    settings.meta_schema = None;
    let mut generator = settings.into_generator();
    let mut paths: Map<String, Value> = Map::new();
    for operation in operations::all() {
        let of_path = paths
            .entry(operation.path)
            .or_insert_with(|| Value::Object(Map::new()));
        if let Value::Object(of_path) = of_path {
            of_path.insert(operation.method.into(), operation.described(&mut generator));
        }
    }
    let refusals = json!({
        "Problem": {
            "description": "It was refused: what, why, and what to do next.",
            "content": content("application/json", reference::<api::Problem>(&mut generator), None),
        },
        "Failure": {
            "description": "It was refused.",
            "content": content("application/json", reference::<crate::v3::Failure>(&mut generator), None),
        },
    });
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Klieg",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": "A broadcasting studio and its station",
            "description": "All that the studio's own interface does, for programs. Whoever controls shows the \
                control token or the secret of a control link as `Authorization: Bearer`. Every refusal is a `Problem`; \
                those under `/v3` are shaped as MediaMTX shapes them. A body is 256 KiB at most and arrives within ten \
                seconds. After ten wrong tokens an address may try once in five seconds (429).",
            "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
        },
        "servers": [{ "url": "/" }],
        "tags": operations::TAGS.map(|(name, text)| json!({ "name": name, "description": text })),
        "paths": paths,
        "components": {
            "schemas": generator.take_definitions(true),
            "responses": refusals,
            "securitySchemes": {
                "control": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "The control token, which headless Klieg prints in its ready line, or the secret of a control link.",
                },
                "key": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "The key that a channel is published with: the secret of a publish link, or a token of an identity provider.",
                },
                "controlInQuery": {
                    "type": "apiKey",
                    "in": "query",
                    "name": "token",
                    "description": "The same where a page cannot set headers: WebSockets.",
                },
            },
        },
    })
}

/// A type's schema, by reference where it has a name.
fn reference<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}

fn content(kind: &str, schema: impl Into<Value>, example: Option<&Value>) -> Value {
    let mut of_kind = json!({ "schema": schema.into() });
    if let Some(example) = example {
        of_kind["example"] = example.clone();
    }
    json!({ kind: of_kind })
}

impl Operation {
    fn described(&self, generator: &mut SchemaGenerator) -> Value {
        let mut all = json!({
            "operationId": self.id(),
            "summary": self.summary,
            "tags": [self.tag],
            "responses": self.responses(generator),
        });
        if !self.details.is_empty() {
            all["description"] = self.details.into();
        }
        let parameters: Vec<Value> = self.parameters().iter().map(Parameter::described).collect();
        if !parameters.is_empty() {
            all["parameters"] = parameters.into();
        }
        if let Some(takes) = &self.takes {
            let schema = (takes.schema)(generator);
            all["requestBody"] = json!({
                "required": takes.needed,
                "content": content(takes.kind, schema, takes.example.as_ref()),
            });
        }
        all["security"] = match self.guarded {
            Guarded::Open => json!([]),
            Guarded::Control => json!([{ "control": [] }]),
            Guarded::Socket => json!([{ "control": [] }, { "controlInQuery": [] }]),
            Guarded::Key => json!([{ "key": [] }, {}]),
            Guarded::Here => json!([{ "control": [] }, {}]),
        };
        all
    }

    /// `getChannelsName` for `GET /api/channels/{name}`.
    fn id(&self) -> String {
        let words = self.path.split(['/', '{', '}', '.', '_', '-']);
        let capital = |word: &str| {
            let mut letters = word.chars();
            let first = letters.next().map(|c| c.to_uppercase().to_string());
            first.unwrap_or_default() + letters.as_str()
        };
        let named = words.filter(|word| !word.is_empty() && *word != "api");
        named.fold(self.method.to_owned(), |id, word| id + &capital(word))
    }

    fn responses(&self, generator: &mut SchemaGenerator) -> Value {
        let mut all = Map::new();
        let mut answer = json!({ "description": self.answers.text });
        if let Kind::Is(kind, schema) = &self.answers.kind {
            let schema =
                schema.map_or_else(|| Value::Bool(true), |schema| schema(generator).into());
            answer["content"] = content(kind, schema, None);
            if let Some(also) = self.also {
                answer["content"][also] = json!({ "schema": true });
            }
        }
        if self.answers.status == 201 {
            answer["headers"] = json!({
                "Location": { "description": "Where it is.", "schema": { "type": "string" } },
            });
        }
        all.insert(self.answers.status.to_string(), answer);
        let words = if self.path.starts_with("/v3/") {
            "Failure"
        } else {
            "Problem"
        };
        let refused = json!({ "$ref": format!("#/components/responses/{words}") });
        for status in self.refusals() {
            all.insert(status.to_string(), refused.clone());
        }
        all.insert("default".into(), refused);
        Value::Object(all)
    }
}

impl Parameter {
    fn described(&self) -> Value {
        json!({
            "name": self.name,
            "in": self.place,
            "required": self.needed,
            "description": self.text,
            "schema": self.schema,
        })
    }
}

#[cfg(test)]
mod tests;
