//! Encodes wire bytes as JSON. It scans the records of each message once, then writes the fields in the order of their
//! declaration, whatever the order of the records.

mod any;
mod fields;
mod leaf;
mod lists;
mod scan;
mod well_known;

use self::scan::Slot;
use super::{
    Schema, WireError,
    kind::Form,
    schema::{Message, Tables},
};

/// The deepest nesting of messages. It is deeper than any message that can be sent to a service.
const MAX_DEPTH: usize = 128;

/// See [`super::to_json`].
pub(super) fn to_json(schema: &Schema, wire: &[u8], out: &mut Vec<u8>) -> Result<(), WireError> {
    let start = out.len();
    let mut writer = Writer { tables: schema.tables(), out, slots: Vec::new(), depth: 0 };
    let written = writer.message(schema.message(), wire);
    written.inspect_err(|_| out.truncate(start))
}

/// The state of the encoder.
struct Writer<'s, 'o, 'w> {
    tables: &'s Tables,
    out: &'o mut Vec<u8>,
    /// A stack: the slots of the current message are on top of those of the enclosing messages.
    slots: Vec<Slot<'w>>,
    /// How many messages enclose the current position.
    depth: usize,
}

impl<'s, 'w> Writer<'s, '_, 'w> {
    fn message(&mut self, message: &'s Message, wire: &'w [u8]) -> Result<(), WireError> {
        if self.depth >= MAX_DEPTH {
            return Err(WireError("messages are nested too deeply"));
        }
        self.depth += 1;
        let base = self.scan(message, wire)?;
        match message.form {
            Form::Fields => self.fields(message, base, wire)?,
            Form::Any => self.any(base)?,
            Form::Timestamp => self.timestamp(base)?,
            Form::Duration => self.duration(base)?,
            Form::FieldMask => self.field_mask(message, base, wire)?,
            Form::Value => self.value(message, base, wire)?,
            Form::Struct | Form::ListValue | Form::Wrapper => self.only_field(message, base, wire)?,
        }
        self.slots.truncate(base);
        self.depth -= 1;
        Ok(())
    }

    /// Writes a message whose records were concatenated: protobuf merges several records of one message field.
    fn merged(&mut self, message: &'s Message, wire: &[u8]) -> Result<(), WireError> {
        Writer { tables: self.tables, out: self.out, slots: Vec::new(), depth: self.depth }
            .message(message, wire)
    }
}
