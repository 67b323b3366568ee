//! One method of one address, described a word at a time.

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::{Value, json};

/// One method of one address.
pub(super) struct Operation {
    pub(super) method: &'static str,
    pub(super) path: &'static str,
    pub(super) summary: &'static str,
    pub(super) details: &'static str,
    pub(super) tag: &'static str,
    pub(super) guarded: Guarded,
    pub(super) takes: Option<Takes>,
    pub(super) answers: Answers,
    /// Another type that the answer comes as.
    pub(super) also: Option<&'static str>,
    pub(super) query: Vec<Parameter>,
    pub(super) conflicts: bool,
}

/// Who may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Guarded {
    /// Anyone.
    Open,
    /// Whoever shows the right to control.
    Control,
    /// The same, also in the query.
    Socket,
    /// Whoever shows the key of a channel.
    Key,
    /// Whoever is on this machine, or shows the right to control.
    Here,
}

/// A body that is sent.
pub(super) struct Takes {
    pub(super) kind: &'static str,
    pub(super) schema: fn(&mut SchemaGenerator) -> Schema,
    pub(super) example: Option<Value>,
    pub(super) needed: bool,
}

/// What comes when all is well.
pub(super) struct Answers {
    pub(super) status: u16,
    pub(super) text: &'static str,
    pub(super) kind: Kind,
}

/// The body of an answer.
pub(super) enum Kind {
    /// None.
    Nothing,
    /// Of this type, and of this schema where it is JSON.
    Is(&'static str, Option<fn(&mut SchemaGenerator) -> Schema>),
}

/// A part of an address.
pub(super) struct Parameter {
    pub(super) name: &'static str,
    pub(super) place: &'static str,
    pub(super) text: &'static str,
    pub(super) schema: Value,
    pub(super) needed: bool,
}

impl Operation {
    fn new(method: &'static str, path: &'static str, summary: &'static str) -> Self {
        Self {
            method,
            path,
            summary,
            details: "",
            tag: "studio",
            guarded: Guarded::Control,
            takes: None,
            answers: Answers {
                status: 204,
                text: "Done.",
                kind: Kind::Nothing,
            },
            also: None,
            query: Vec::new(),
            conflicts: false,
        }
    }

    pub(super) fn about(mut self, tag: &'static str) -> Self {
        self.tag = tag;
        self
    }

    pub(super) fn details(mut self, details: &'static str) -> Self {
        self.details = details;
        self
    }

    /// Anyone may.
    pub(super) fn open(mut self) -> Self {
        self.guarded = Guarded::Open;
        self
    }

    /// Anyone on this machine may, and whoever may control.
    pub(super) fn here(mut self) -> Self {
        self.guarded = Guarded::Here;
        self
    }

    /// It depends on the state of things.
    pub(super) fn conflicts(mut self) -> Self {
        self.conflicts = true;
        self
    }

    pub(super) fn takes<T: JsonSchema>(mut self, example: Value) -> Self {
        self.takes = Some(Takes {
            kind: "application/json",
            schema: super::reference::<T>,
            example: Some(example),
            needed: true,
        });
        self
    }

    pub(super) fn takes_as(
        mut self,
        schema: fn(&mut SchemaGenerator) -> Schema,
        example: Value,
    ) -> Self {
        self.takes = Some(Takes {
            kind: "application/json",
            schema,
            example: Some(example),
            needed: true,
        });
        self
    }

    pub(super) fn gives_as(mut self, schema: fn(&mut SchemaGenerator) -> Schema) -> Self {
        self.answers = Answers {
            status: 200,
            text: "So it is.",
            kind: Kind::Is("application/json", Some(schema)),
        };
        self
    }

    pub(super) fn gives<T: JsonSchema>(self, text: &'static str) -> Self {
        self.gives_with::<T>(200, text)
    }

    pub(super) fn makes<T: JsonSchema>(self, text: &'static str) -> Self {
        self.gives_with::<T>(201, text)
    }

    pub(super) fn gives_with<T: JsonSchema>(mut self, status: u16, text: &'static str) -> Self {
        self.answers = Answers {
            status,
            text,
            kind: Kind::Is("application/json", Some(super::reference::<T>)),
        };
        self
    }

    pub(super) fn gives_other(mut self, kind: &'static str, text: &'static str) -> Self {
        self.answers = Answers {
            status: 200,
            text,
            kind: Kind::Is(kind, None),
        };
        self
    }

    pub(super) fn query(mut self, name: &'static str, text: &'static str, schema: Value) -> Self {
        self.query.push(Parameter {
            name,
            place: "query",
            text,
            schema,
            needed: false,
        });
        self
    }

    /// The same, where it has to be there.
    pub(super) fn needs(self, name: &'static str, text: &'static str, schema: Value) -> Self {
        let mut all = self.query(name, text, schema);
        if let Some(parameter) = all.query.last_mut() {
            parameter.needed = true;
        }
        all
    }

    /// The same answer also comes as another type.
    pub(super) fn or(mut self, kind: &'static str) -> Self {
        self.also = Some(kind);
        self
    }

    /// All of its parameters: those of the path, and those of the query.
    pub(super) fn parameters(&self) -> Vec<Parameter> {
        let named = self.path.split(['{', '}']).skip(1).step_by(2);
        let of_path = named.map(|name| {
            let (text, schema) = match name {
                "name" | "channel" => (
                    "A channel's name.",
                    json!({ "type": "string", "pattern": "^[A-Za-z0-9_-]{1,64}$", "examples": ["program"] }),
                ),
                "key" => (
                    "A setting's key.",
                    json!({ "type": "string", "minLength": 1, "examples": ["ingest.policy"] }),
                ),
                _ => (
                    "An identity, as the list tells it.",
                    json!({ "type": "string", "minLength": 1 }),
                ),
            };
            Parameter {
                name,
                place: "path",
                text,
                schema,
                needed: true,
            }
        });
        let of_query = self.query.iter().map(|p| Parameter {
            schema: p.schema.clone(),
            ..*p
        });
        of_path.chain(of_query).collect()
    }

    /// Statuses of refusals that are to be expected.
    pub(super) fn refusals(&self) -> Vec<u16> {
        let mut all = Vec::new();
        if self.guarded != Guarded::Open {
            all.extend([401, 403, 429]);
        }
        if self.tag == "doctor" {
            all.push(429);
        }
        if self.takes.is_some() {
            all.extend([400, 408, 413, 415]);
        } else if !self.query.is_empty() {
            all.push(400);
        }
        if self.path.contains('{') {
            all.push(404);
        }
        if self.conflicts {
            all.push(409);
        }
        all
    }
}

pub(super) fn get(path: &'static str, summary: &'static str) -> Operation {
    Operation::new("get", path, summary)
}

pub(super) fn post(path: &'static str, summary: &'static str) -> Operation {
    Operation::new("post", path, summary)
}

pub(super) fn put(path: &'static str, summary: &'static str) -> Operation {
    Operation::new("put", path, summary)
}

pub(super) fn delete(path: &'static str, summary: &'static str) -> Operation {
    Operation::new("delete", path, summary)
}
