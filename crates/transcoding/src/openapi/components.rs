//! The schemas of messages and enums. Each is described once, and used by reference.

use std::collections::{BTreeMap, HashMap, HashSet};

use prost_reflect::{DescriptorPool, EnumDescriptor, FieldDescriptor, MessageDescriptor};
use serde_json::{Map, Value, json};

use super::{comments::Comments, set};
use crate::{
    contract::Rules,
    descriptor::{declared_fields, value_names},
};

/// The name of the schema of errors, which belongs to the gateway and not to a service.
const ERROR: &str = "Error";

/// Whether a message is part of a request or of a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Side {
    Request,
    Response,
}

/// Collects the schemas for `components/schemas`.
pub(super) struct Components {
    pub(super) comments: Comments,
    /// The full name for each short name. The first message or enum with a short name gets it.
    names: HashMap<String, String>,
    /// The names of the schemas of responses.
    in_responses: HashSet<String>,
    schemas: BTreeMap<String, Value>,
}

impl Components {
    pub(super) fn new(pool: &DescriptorPool) -> Self {
        Self {
            comments: Comments::read(pool),
            names: HashMap::new(),
            in_responses: HashSet::new(),
            schemas: BTreeMap::new(),
        }
    }

    pub(super) fn into_schemas(mut self) -> BTreeMap<String, Value> {
        self.schemas.insert(ERROR.to_owned(), error());
        self.schemas
    }

    /// A reference to the schema of `message`, which is created if it does not exist yet.
    pub(super) fn message(&mut self, message: &MessageDescriptor, side: Side) -> Value {
        let mut name = self.name(message.name(), message.full_name());
        if side == Side::Response {
            self.in_responses.insert(name.clone());
        } else if self.in_responses.contains(&name) {
            name.push_str("Input");
        }
        if !self.schemas.contains_key(&name) {
            // Inserted before its fields are described, because a message can be recursive.
            self.schemas.insert(name.clone(), Value::Null);
            let schema = self.object(message, side, &[]);
            self.schemas.insert(name.clone(), schema);
        }
        reference(&name)
    }

    /// The schema of a request's body, without the fields that the path sets.
    pub(super) fn body(&mut self, message: &MessageDescriptor, in_path: &[&str]) -> Value {
        if in_path.is_empty() {
            return self.message(message, Side::Request);
        }
        self.object(message, Side::Request, in_path)
    }

    fn object(&mut self, message: &MessageDescriptor, side: Side, left_out: &[&str]) -> Value {
        let mut schema = Map::new();
        schema.insert("type".to_owned(), "object".into());
        let comment = self.comments.at(&message.parent_file(), message.path());
        if !comment.is_empty() {
            schema.insert("description".to_owned(), comment.into());
        }
        let is_included = |field: &FieldDescriptor| {
            !left_out.contains(&field.name()) && (side == Side::Response || !Rules::of(field).output_only)
        };
        let fields: Vec<_> = declared_fields(message).into_iter().filter(is_included).collect();
        let always = fields.iter().filter(|field| match side {
            Side::Request => Rules::of(field).required,
            Side::Response => !field.supports_presence(),
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
        let names: Vec<_> = value_names(of).collect();
        let comment = self.comments.at(&of.parent_file(), of.path());
        let mut schema = json!({"type": "string", "enum": names});
        if !comment.is_empty() {
            set(&mut schema, "description", comment);
        }
        self.schemas.insert(name.clone(), schema);
        reference(&name)
    }

    /// The short name, or the full name if another message or enum already has the short one.
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
        "description": "The body of every error response.",
        "required": ["error", "code", "details", "request_id"],
        "properties": {
            "error": {"type": "string", "description": "A message for people."},
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
            "request_id": {"type": "string", "description": "The id of the request in the logs."},
        },
    })
}
