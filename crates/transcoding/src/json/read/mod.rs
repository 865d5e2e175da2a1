//! Encodes JSON as wire bytes, directly from the events of the parser.
//!
//! A field that is not valid is recorded as a violation and the reader continues, so that the caller can correct all of
//! them at once. Only a syntax error, or a message that is too large, stops the reader.

mod content;
mod fields;
mod lists;
mod node;
mod path;
mod syntax;

use aip::{MAX_MESSAGE_BYTES, Violation, Violations};
use serde::de::{DeserializeSeed as _, IgnoredAny, MapAccess, SeqAccess};

use self::{
    node::{Node, Target},
    path::Segment,
};
use super::{
    Document, JsonError, Schema,
    schema::Tables,
    wire::{self, Open, WireType},
};

/// The deepest nesting of messages in the wire bytes: prost reads 100 levels, and up to two of them enclose the body.
/// The parser's own limit of 128 brackets applies as well.
pub(super) const MAX_DEPTH: usize = 98;

/// See [`super::to_wire`].
pub(super) fn to_wire(schema: &Schema, json: &[u8]) -> Result<Document, JsonError> {
    if json.trim_ascii().is_empty() {
        return Ok(Document::default());
    }
    let mut reader = Reader::new(schema.tables(), json.len());
    let mut input = serde_json::Deserializer::from_slice(json);
    Node { reader: &mut reader, target: Target::Root(schema.message()) }
        .deserialize(&mut input)
        .and_then(|_| input.end())
        .map_err(|error| match reader.is_too_large() {
            true => JsonError::TooLarge,
            false => JsonError::Syntax(syntax::reason(&error)),
        })?;
    if reader.is_too_large() {
        return Err(JsonError::TooLarge);
    }
    if reader.violations.is_empty() {
        Ok(Document { wire: reader.wire, present: reader.present })
    } else {
        Err(JsonError::Fields(reader.violations))
    }
}

/// The state of the reader.
struct Reader<'s> {
    tables: &'s Tables,
    wire: Vec<u8>,
    /// The current position in the body.
    path: Vec<Segment<'s>>,
    /// How many messages are open in `wire`.
    depth: usize,
    /// How many lists and maps enclose the current position: field masks name nothing inside them.
    collections: usize,
    present: Vec<String>,
    violations: Violations,
}

impl<'s> Reader<'s> {
    fn new(tables: &'s Tables, body_size: usize) -> Self {
        Self {
            tables,
            // Wire bytes are about half as long as their JSON.
            wire: Vec::with_capacity(body_size / 2 + 16),
            path: Vec::new(),
            depth: 0,
            collections: 0,
            present: Vec::new(),
            violations: Violations::default(),
        }
    }

    /// Records that the value at the current path violates `rule`.
    fn reject(&mut self, rule: impl Into<String>) {
        self.violations.push(Violation::new(path::render(&self.path), rule));
    }

    /// Whether the message is larger than the limit. The rest of the body is then not read.
    const fn is_too_large(&self) -> bool {
        self.wire.len() > MAX_MESSAGE_BYTES
    }

    /// Starts a message in the field with that number; `None`, and a violation, if it is nested too deeply.
    fn open(&mut self, number: u32) -> Option<Open> {
        if self.depth >= MAX_DEPTH {
            self.reject("is nested too deeply");
            return None;
        }
        self.depth += 1;
        wire::put_tag(&mut self.wire, number, WireType::Delimited);
        Some(wire::open(&mut self.wire))
    }

    fn close(&mut self, open: &Open) {
        wire::close(&mut self.wire, open);
        self.depth -= 1;
    }
}

/// Skips the rest of an array.
fn skip_array<'de, A: SeqAccess<'de>>(mut array: A) -> Result<(), A::Error> {
    while array.next_element::<IgnoredAny>()?.is_some() {}
    Ok(())
}

/// Skips the rest of an object.
fn skip_object<'de, A: MapAccess<'de>>(mut object: A) -> Result<(), A::Error> {
    while object.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
    Ok(())
}
