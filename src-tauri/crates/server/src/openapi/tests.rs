use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::described;
use super::operation::{Guarded, Kind};
use super::operations;
use crate::testing::{Desk, TOKEN};

/// Whether a value is what a schema of the document says, or what is wrong with it.
fn check(document: &Value, schema: &Value, value: &Value) -> Result<(), String> {
    let mut whole = json!({ "$schema": "https://json-schema.org/draft/2020-12/schema", "components": document["components"] });
    let Value::Object(schema) = schema else {
        return Ok(());
    };
    for (name, part) in schema {
        whole[name] = part.clone();
    }
    let validator = jsonschema::validator_for(&whole).map_err(|e| e.to_string())?;
    validator
        .validate(value)
        .map_err(|e| format!("{} at {}", e, e.instance_path()))
}

/// An address with its parameters filled in.
fn filled(path: &str) -> String {
    path.replace("{name}", "program")
        .replace("{channel}", "stage")
        .replace("{key}", "ingest.policy")
        .replace("{id}", "link1")
        .replace("{session}", "none")
}

/// Every route of the router as its source has it.
fn routes() -> BTreeSet<String> {
    let sources = [
        include_str!("../app.rs"),
        include_str!("../doctor.rs"),
        include_str!("../rest.rs"),
        include_str!("../v3.rs"),
    ];
    let mut found = BTreeSet::new();
    for source in sources {
        for after in source.split(".route(").skip(1) {
            let path = after.trim_start().strip_prefix('"').unwrap();
            found.insert(path.split('"').next().unwrap().to_owned());
        }
    }
    found
}

#[test]
fn every_route_is_described_and_nothing_else_is() {
    let document = described();
    let described: BTreeSet<String> = document["paths"]
        .as_object()
        .unwrap()
        .keys()
        .cloned()
        .collect();
    let of_programs = |path: &&String| {
        path.starts_with("/api/")
            || path.starts_with("/v3/")
            || ["/healthz", "/metrics"].contains(&path.as_str())
    };
    let routes = routes();
    let expected: BTreeSet<String> = routes.iter().filter(of_programs).cloned().collect();
    assert!(expected.len() > 30, "{expected:?}");
    assert_eq!(described, expected);
}

#[tokio::test]
async fn every_described_method_is_there_and_no_other() {
    let desk = Desk::new();
    let bearer = format!("Bearer {TOKEN}");
    let document = described();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for method in ["get", "post", "put", "patch", "delete"] {
            let headers = [
                ("authorization", bearer.as_str()),
                ("content-type", "application/json"),
            ];
            let got = desk
                .ask(&method.to_uppercase(), &filled(path), &headers, "{}")
                .await;
            let there = methods.get(method).is_some();
            assert_eq!(got.status != 405, there, "{method} {path}: {}", got.status);
            if !there {
                assert!(!got.header("allow").is_empty(), "{method} {path}");
                assert!(
                    got.header("content-type").starts_with("application/json"),
                    "{method} {path}"
                );
                let words = if path.starts_with("/v3/") {
                    "error"
                } else {
                    "message"
                };
                assert!(
                    got.json()[words].is_string(),
                    "{method} {path}: {}",
                    got.text()
                );
            }
            assert_ne!(got.text(), "There is nothing at this address.");
        }
    }
}

#[tokio::test]
async fn what_is_guarded_asks_for_the_token() {
    let desk = Desk::new();
    for operation in operations::all() {
        let headers = [("content-type", "application/json")];
        let path = filled(operation.path);
        let got = desk
            .ask(&operation.method.to_uppercase(), &path, &headers, "{}")
            .await;
        let refused = got.status == 401;
        let guarded = !matches!(operation.guarded, Guarded::Open | Guarded::Here);
        // A WebSocket asks for an upgrade first.
        let socket = operation.answers.status == 101;
        assert!(
            refused == guarded || socket,
            "{} {path}: {}",
            operation.method,
            got.status
        );
        if refused {
            assert_eq!(got.header("www-authenticate"), "Bearer");
        }
    }
}

#[test]
fn examples_are_what_their_schemas_say() {
    let document = described();
    let mut seen = 0;
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let body = &operation["requestBody"]["content"]["application/json"];
            if let Some(example) = body.get("example") {
                seen += 1;
                let fits = check(&document, &body["schema"], example);
                assert_eq!(fits, Ok(()), "{method} {path}: {example}");
                let nonsense = check(&document, &body["schema"], &json!(["nonsense"]));
                assert!(nonsense.is_err(), "{method} {path} says too little");
            }
        }
    }
    assert!(seen >= 10, "{seen}");
}

#[tokio::test]
async fn answers_are_what_their_schemas_say() {
    let desk = Desk::new();
    let _stage = desk.live("stage", media::Origin::Whip);
    let bearer = format!("Bearer {TOKEN}");
    desk.control
        .settings
        .lock()
        .push(crate::testing::setting("ingest.policy"));
    let document = described();
    let mut seen = 0;
    for operation in operations::all() {
        let Kind::Is("application/json", Some(_)) = operation.answers.kind else {
            continue;
        };
        if operation.answers.status == 101 || operation.path == "/api/trust" {
            continue;
        }
        let path = filled(operation.path);
        let described = &document["paths"][operation.path][operation.method];
        let body = described["requestBody"]["content"]["application/json"]
            .get("example")
            .map_or_else(String::new, Value::to_string);
        let headers = [
            ("authorization", bearer.as_str()),
            ("content-type", "application/json"),
        ];
        let got = desk
            .ask(&operation.method.to_uppercase(), &path, &headers, body)
            .await;
        let response = &described["responses"][got.status.to_string()];
        // What depends on things that are not there is refused, in the words that are described.
        let response = match response.get("$ref").and_then(Value::as_str) {
            Some(words) => document.pointer(words.trim_start_matches('#')).unwrap(),
            None => response,
        };
        assert!(
            response.is_object(),
            "{} {path}: {} {}",
            operation.method,
            got.status,
            got.text()
        );
        let schema = &response["content"]["application/json"]["schema"];
        let fits = check(&document, schema, &got.json());
        assert_eq!(fits, Ok(()), "{} {path}: {}", operation.method, got.text());
        seen += usize::from(got.status < 300);
    }
    assert!(seen >= 20, "{seen}");
}

#[tokio::test]
async fn it_is_served_to_anyone_and_says_what_commands_mean() {
    let desk = Desk::new();
    let document = desk.get("/api/openapi.json").await.json();
    assert_eq!(document["openapi"], "3.1.0");
    let schemas = &document["components"]["schemas"];
    for name in ["Command", "Edit", "Event"] {
        let variants = schemas[name]["oneOf"].as_array().unwrap();
        assert!(variants.len() >= 5, "{name}");
        for variant in variants {
            let said = variant["description"].as_str().unwrap_or_default();
            assert!(said.ends_with('.'), "{name}: {variant}");
        }
    }
    let mut ids = BTreeSet::new();
    for operation in operations::all() {
        let id = document["paths"][operation.path][operation.method]["operationId"]
            .as_str()
            .unwrap();
        assert!(ids.insert(id.to_owned()), "{id} twice");
        assert!(
            operations::TAGS
                .iter()
                .any(|(tag, _)| *tag == operation.tag),
            "{}",
            operation.tag
        );
    }
    // Every reference leads somewhere.
    let text = document.to_string();
    for reference in text.split("\"$ref\":\"#").skip(1) {
        let pointer = reference.split('"').next().unwrap();
        assert!(document.pointer(pointer).is_some(), "{pointer}");
    }
}
