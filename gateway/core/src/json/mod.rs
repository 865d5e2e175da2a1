//! Proto3 JSON to the protobuf wire and back, by descriptors, without a tree of either in between.
//!
//! Input is strict: both spellings of a name are read, anything unknown, doubled or of the wrong type is refused by
//! name. Output has the proto's own names, in the order of their declaration, with defaults.

mod civil;
mod error;
mod field_mask;
mod kind;
mod leaf;
mod read;
mod schema;
mod text;
mod time;
mod well_known;
mod wire;
mod write;

use crate::descriptor::FieldDescriptor;

pub(crate) use self::{
    error::{JsonError, WireError},
    schema::{Schema, Schemas},
};

/// A request body as the services read it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Document {
    /// The message on the wire.
    pub(crate) wire: Vec<u8>,
    /// The fields that the body has, as a field mask names them: `null` counts, plain sub-messages are entered.
    pub(crate) present: Vec<String>,
}

/// Reads a JSON body as the message of `schema`; an empty body is the empty message.
///
/// # Errors
/// What is wrong with the body: where it is not JSON, which fields break which rule, or that it is too large.
pub(crate) fn to_wire(schema: &Schema, json: &[u8]) -> Result<Document, JsonError> {
    read::to_wire(schema, json)
}

/// Appends the message in `wire` to `out` as JSON.
///
/// # Errors
/// The bytes are not such a message, or hold a value that JSON cannot say; `out` is then as before.
pub(crate) fn to_json(schema: &Schema, wire: &[u8], out: &mut Vec<u8>) -> Result<(), WireError> {
    write::to_json(schema, wire, out)
}

/// Appends one value of `field`, tag included, from the text of a path segment, query parameter, header or form part.
/// Defaults are written too, so that they win over what is on the wire already.
///
/// # Errors
/// The rule that the text breaks, as a phrase that continues the field's name.
pub(crate) fn scalar_to_wire(field: &FieldDescriptor, text: &str, out: &mut Vec<u8>) -> Result<(), String> {
    text::put(field, text, out)
}

#[cfg(test)]
mod tests;
