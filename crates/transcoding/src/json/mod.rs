//! Converts between proto3 JSON and protobuf wire bytes, by descriptors and without an intermediate tree.
//!
//! Input is strict: both spellings of a name are accepted, and any field that is unknown, duplicate or of the wrong type is
//! rejected by name. Output has the names of the `.proto` file, in the order of their declaration, with default values.

mod error;
mod field_mask;
mod kind;
mod leaf;
mod read;
mod schema;
mod text;
mod time;
mod well_known;
mod write;

use prost_reflect::{FieldDescriptor, MessageDescriptor};

use crate::wire;
pub use crate::wire::WireError;

pub use self::{
    error::JsonError,
    schema::{Schema, Schemas},
};

/// A request body, converted for the service.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Document {
    /// The wire bytes of the message.
    pub wire: Vec<u8>,
    /// The fields that the body has, as paths of a field mask. A field with `null` is listed; a sub-message is listed by
    /// its fields.
    pub present: Vec<String>,
}

/// Reads a JSON body as the message of `schema`; an empty body is the empty message.
///
/// # Errors
/// If the body is not JSON, has invalid fields, or makes a message that is too large.
pub fn to_wire(schema: &Schema, json: &[u8]) -> Result<Document, JsonError> {
    read::to_wire(schema, json)
}

/// Appends the message in `wire` to `out` as JSON.
///
/// # Errors
/// If the bytes are not such a message, or have a value that JSON cannot express; `out` is then unchanged.
pub fn to_json(schema: &Schema, wire: &[u8], out: &mut Vec<u8>) -> Result<(), WireError> {
    write::to_json(schema, wire, out)
}

/// Whether JSON has the message as one scalar, so that [`scalar_to_wire`] can read it from a text.
pub(crate) fn is_scalar(message: &MessageDescriptor) -> bool {
    kind::Form::of(message.full_name()).is_scalar()
}

/// Appends one value of `field`, tag included, from the text of a path segment, query parameter, header or form part.
/// Default values are written too, so that they override earlier bytes of the same message.
///
/// # Errors
/// The rule that the text violates, as a phrase that follows the field's name.
pub(crate) fn scalar_to_wire(field: &FieldDescriptor, text: &str, out: &mut Vec<u8>) -> Result<(), String> {
    text::put(field, text, out)
}

#[cfg(test)]
mod tests;
