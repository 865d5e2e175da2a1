//! The JSON Schema of single values.

use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};
use serde_json::{Value, json};

use super::{
    components::{Components, Side},
    rules, set,
};
use crate::contract::Rules;

impl Components {
    /// The schema of a field's value, with the field's comment.
    pub(super) fn field(&mut self, field: &FieldDescriptor, side: Side) -> Value {
        let mut schema = if field.is_map() {
            json!({"type": "object", "additionalProperties": self.map_value(field, side)})
        } else if field.is_list() {
            json!({"type": "array", "items": self.value(&field.kind(), side)})
        } else {
            self.value(&field.kind(), side)
        };
        let mut rules = Rules::of(field);
        if side == Side::Response && !rules.output_only {
            // A stored value may be older than the pattern.
            rules.pattern = None;
        }
        rules::describe(&rules, &mut schema);
        let comment = self.comments.at(&field.parent_file(), field.path());
        if !comment.is_empty() {
            set(&mut schema, "description", comment);
        }
        schema
    }

    fn map_value(&mut self, field: &FieldDescriptor, side: Side) -> Value {
        let value = field.kind().as_message().and_then(|entry| entry.get_field(2));
        value.map_or_else(|| json!({}), |value| self.value(&value.kind(), side))
    }

    fn value(&mut self, kind: &Kind, side: Side) -> Value {
        match kind {
            Kind::Message(message) => well_known(message).unwrap_or_else(|| self.message(message, side)),
            Kind::Enum(of) if of.full_name() == "google.protobuf.NullValue" => json!({"type": "null"}),
            Kind::Enum(of) => self.enumeration(of),
            _ => scalar(kind),
        }
    }
}

fn scalar(kind: &Kind) -> Value {
    match kind {
        Kind::Double => json!({"type": "number", "format": "double"}),
        Kind::Float => json!({"type": "number", "format": "float"}),
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => {
            json!({"type": "integer", "format": "int32", "minimum": i32::MIN, "maximum": i32::MAX})
        }
        Kind::Uint32 | Kind::Fixed32 => {
            json!({"type": "integer", "format": "uint32", "minimum": 0, "maximum": u32::MAX})
        }
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => {
            json!({"type": "string", "format": "int64", "pattern": "^(0|-?[1-9][0-9]{0,17})$"})
        }
        Kind::Uint64 | Kind::Fixed64 => {
            json!({"type": "string", "format": "uint64", "pattern": "^(0|[1-9][0-9]{0,18})$"})
        }
        Kind::Bool => json!({"type": "boolean"}),
        Kind::Bytes => json!({"type": "string", "contentEncoding": "base64"}),
        Kind::String | Kind::Message(_) | Kind::Enum(_) => json!({"type": "string"}),
    }
}

/// The schema of a well-known type with a special JSON form.
pub(super) fn well_known(message: &MessageDescriptor) -> Option<Value> {
    Some(match message.full_name().strip_prefix("google.protobuf.")? {
        "Timestamp" => json!({"type": "string", "format": "date-time"}),
        "Duration" => json!({"type": "string", "pattern": r"^-?[0-9]+(\.[0-9]{1,9})?s$"}),
        "FieldMask" => json!({"type": "string"}),
        "Struct" => json!({"type": "object", "additionalProperties": true}),
        "Value" => json!({}),
        "ListValue" => json!({"type": "array", "items": {}}),
        "Any" => json!({
            "type": "object",
            "properties": {"@type": {"type": "string"}},
            "required": ["@type"],
            "additionalProperties": true,
        }),
        "DoubleValue" | "FloatValue" | "Int64Value" | "UInt64Value" | "Int32Value" | "UInt32Value"
        | "BoolValue" | "StringValue" | "BytesValue" => scalar(&message.get_field(1)?.kind()),
        _ => return None,
    })
}
