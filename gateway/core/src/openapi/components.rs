//! The schemas of messages and enums, each told once and referred to.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde_json::{Map, Value, json};

use super::{comments, set};
use crate::{
    contract::Rules,
    descriptor::{EnumDescriptor, FieldDescriptor, MessageDescriptor},
};

/// The name of the one schema that is the gateway's own.
const ERROR: &str = "Error";

/// Which way a message goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Side {
    Request,
    Answer,
}

/// What `components/schemas` will hold.
#[derive(Default)]
pub(super) struct Components {
    /// The messages and enums that have a short name, by it: the first come.
    names: HashMap<String, String>,
    answered: HashSet<String>,
    schemas: BTreeMap<String, Value>,
}

impl Components {
    pub(super) fn into_schemas(mut self) -> BTreeMap<String, Value> {
        self.schemas.insert(ERROR.to_owned(), error());
        self.schemas
    }

    /// A reference to the schema of `message`, which is made if it is not there yet.
    pub(super) fn message(&mut self, message: &MessageDescriptor, side: Side) -> Value {
        let mut name = self.name(message.name(), message.full_name());
        if side == Side::Answer {
            self.answered.insert(name.clone());
        } else if self.answered.contains(&name) {
            name.push_str("Input");
        }
        if !self.schemas.contains_key(&name) {
            // Entered ahead of its fields, for messages that hold themselves.
            self.schemas.insert(name.clone(), Value::Null);
            let schema = self.object(message, side, &[]);
            self.schemas.insert(name.clone(), schema);
        }
        reference(&name)
    }

    /// The schema of a request's body, which has no place for what the path says.
    pub(super) fn body(&mut self, message: &MessageDescriptor, in_path: &[&str]) -> Value {
        if in_path.is_empty() {
            return self.message(message, Side::Request);
        }
        self.object(message, Side::Request, in_path)
    }

    fn object(&mut self, message: &MessageDescriptor, side: Side, left_out: &[&str]) -> Value {
        let mut schema = Map::new();
        schema.insert("type".to_owned(), "object".into());
        let comment = comments::tidy(message.comment());
        if !comment.is_empty() {
            schema.insert("description".to_owned(), comment.into());
        }
        let taken = |field: &FieldDescriptor| {
            !left_out.contains(&field.name()) && (side == Side::Answer || !Rules::of(field).output_only)
        };
        let fields: Vec<_> = message.fields().filter(taken).collect();
        let always = fields.iter().filter(|field| match side {
            Side::Request => Rules::of(field).required,
            Side::Answer => !field.supports_presence(),
        });
        let always: Vec<_> = always.map(|field| field.name().to_owned()).collect();
        let fields = fields.iter().map(|field| (field.name().to_owned(), self.field(field, side)));
        let fields: Map<_, _> = fields.collect();
        schema.insert("properties".to_owned(), fields.into());
        if side == Side::Request {
            schema.insert("additionalProperties".to_owned(), false.into());
        }
        if !always.is_empty() {
            schema.insert("required".to_owned(), always.into());
        }
        schema.into()
    }

    pub(super) fn enumeration(&mut self, of: &EnumDescriptor) -> Value {
        let name = self.name(of.name(), of.full_name());
        let names: Vec<_> = of.values().collect();
        let comment = comments::tidy(of.comment());
        let mut schema = json!({"type": "string", "enum": names});
        if !comment.is_empty() {
            set(&mut schema, "description", comment);
        }
        self.schemas.insert(name.clone(), schema);
        reference(&name)
    }

    /// The short name, unless another has it.
    fn name(&mut self, short: &str, full: &str) -> String {
        let holder = self.names.entry(short.to_owned()).or_insert_with(|| full.to_owned());
        if holder == full && short != ERROR { short.to_owned() } else { full.to_owned() }
    }
}

fn reference(name: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{name}")})
}

fn error() -> Value {
    json!({
        "type": "object",
        "description": "What every error's body is.",
        "required": ["error", "code", "details", "request_id"],
        "properties": {
            "error": {"type": "string", "description": "A sentence for people."},
            "code": {"type": "string", "description": "The name of the gRPC code, as in `NOT_FOUND`."},
            "details": {
                "type": "array",
                "description": "For programs: the `google.rpc` error details, such as the fields of a BadRequest.",
                "items": {
                    "type": "object",
                    "required": ["@type"],
                    "properties": {"@type": {"type": "string"}},
                    "additionalProperties": true,
                },
            },
            "request_id": {"type": "string", "description": "What the request is called in the logs."},
        },
    })
}
