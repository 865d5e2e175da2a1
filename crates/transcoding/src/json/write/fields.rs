//! Writes the fields of a message.

use super::{Writer, leaf, scan::Slot};
use crate::json::{
    WireError,
    kind::{Kind, Shape},
    schema::{Field, Message},
    wire::{Records, Value},
};

impl<'s, 'w> Writer<'s, '_, 'w> {
    /// Writes an object: fields without presence always, others only if they are set.
    pub(super) fn fields(
        &mut self,
        message: &'s Message,
        base: usize,
        wire: &'w [u8],
    ) -> Result<(), WireError> {
        let mut before = b'{';
        for (position, field) in message.fields.iter().enumerate() {
            let slot = self.slot(base, position);
            if slot.last.is_none() && field.shape == Shape::Explicit {
                continue;
            }
            self.out.push(before);
            self.out.extend_from_slice(&field.json_key);
            self.field(field, slot, wire)?;
            before = b',';
        }
        if before == b'{' {
            self.out.push(b'{');
        }
        self.out.push(b'}');
        Ok(())
    }

    /// Writes the value of the first field without an object around it, for messages with one field only.
    pub(super) fn only_field(
        &mut self,
        message: &'s Message,
        base: usize,
        wire: &'w [u8],
    ) -> Result<(), WireError> {
        let Some(field) = message.fields.first() else {
            return Err(WireError("a well-known type has no field"));
        };
        self.field(field, self.slot(base, 0), wire)
    }

    fn field(&mut self, field: &'s Field, slot: Slot<'w>, wire: &'w [u8]) -> Result<(), WireError> {
        match field.shape {
            Shape::Implicit | Shape::Explicit => self.one(field, slot, wire),
            Shape::Packed | Shape::Expanded => self.list(field, slot, wire),
            Shape::Map => self.map(field, slot, wire),
        }
    }

    /// Writes a single value, or its default.
    pub(super) fn one(&mut self, field: &'s Field, slot: Slot<'w>, wire: &'w [u8]) -> Result<(), WireError> {
        match (&field.kind, slot.last) {
            (Kind::Leaf(leaf), value) => leaf::put(leaf, value.unwrap_or(leaf::default(leaf)), self.out),
            (Kind::Message(id), Some(Value::Delimited(content))) if slot.count == 1 => {
                self.message(self.tables.message(*id), content)
            }
            (Kind::Message(id), _) => {
                let whole = concatenate(field.number, slot, wire)?;
                self.merged(self.tables.message(*id), &whole)
            }
        }
    }
}

fn concatenate(number: u32, slot: Slot<'_>, wire: &[u8]) -> Result<Vec<u8>, WireError> {
    let mut whole = Vec::new();
    let mut records = occurrences(number, slot, wire);
    while let Some(value) = records.next()? {
        if let Value::Delimited(part) = value {
            whole.extend_from_slice(part);
        }
    }
    Ok(whole)
}

/// The values of one field, from all of its records.
pub(super) fn occurrences<'w>(number: u32, slot: Slot<'_>, wire: &'w [u8]) -> Occurrences<'w> {
    Occurrences { records: Records::starting_at(wire, slot.first), number, left: slot.count }
}

/// See [`occurrences`].
pub(super) struct Occurrences<'w> {
    records: Records<'w>,
    number: u32,
    left: usize,
}

impl<'w> Occurrences<'w> {
    pub(super) fn next(&mut self) -> Result<Option<Value<'w>>, WireError> {
        while self.left > 0 {
            let Some((number, value)) = self.records.next()? else { break };
            if number == self.number {
                self.left -= 1;
                return Ok(Some(value));
            }
        }
        Ok(None)
    }
}
