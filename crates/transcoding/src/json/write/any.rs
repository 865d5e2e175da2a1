//! `google.protobuf.Any`, which mostly occurs in error details.

use super::{
    Writer,
    leaf::{put_bytes, put_string, text},
    scan::Slot,
};
use crate::json::{WireError, kind::Form, wire::Value};

impl<'w> Writer<'_, '_, 'w> {
    /// Writes the contained message with the name of its type. If its type is unknown or its bytes are malformed, writes
    /// the bytes in base64: an error must not be lost because of its details.
    pub(super) fn any(&mut self, base: usize) -> Result<(), WireError> {
        let bytes = |slot: Slot<'w>| match slot.last {
            Some(Value::Delimited(bytes)) => bytes,
            _ => &[],
        };
        let type_url = text(bytes(self.slot(base, 0)))?;
        let content = bytes(self.slot(base, 1));
        self.out.extend_from_slice(b"{\"@type\":");
        put_string(type_url, self.out);
        let start = self.out.len();
        let (slots, depth) = (self.slots.len(), self.depth);
        if self.content_of_known_type(type_url, content) != Some(Ok(())) {
            self.out.truncate(start);
            self.slots.truncate(slots);
            self.depth = depth;
            self.out.extend_from_slice(b",\"value\":");
            put_bytes(content, self.out);
        }
        self.out.push(b'}');
        Ok(())
    }

    /// Writes the members after `@type`, without the closing brace; `None` if the type is unknown.
    fn content_of_known_type(&mut self, type_url: &str, content: &'w [u8]) -> Option<Result<(), WireError>> {
        let full_name = type_url.rsplit('/').next()?;
        let message = self.tables.message(self.tables.find(full_name)?);
        if message.form != Form::Fields {
            self.out.extend_from_slice(b",\"value\":");
            return Some(self.message(message, content));
        }
        let start = self.out.len();
        if let Err(error) = self.message(message, content) {
            return Some(Err(error));
        }
        // Removes the braces of the inner object: its members follow `@type` in the outer one.
        self.out.pop();
        match self.out.get_mut(start..) {
            Some([brace, _, ..]) => *brace = b',',
            _ => self.out.truncate(start),
        }
        Some(Ok(()))
    }
}
