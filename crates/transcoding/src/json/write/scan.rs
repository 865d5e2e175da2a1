//! Finds the fields of a message in its records.

use super::Writer;
use crate::json::{
    WireError,
    kind::{Kind, Shape},
    schema::{Field, Message},
    wire::{Records, Value, WireType},
};

/// The records of one field.
#[derive(Clone, Copy, Default)]
pub(super) struct Slot<'w> {
    /// The position of the first record.
    pub(super) first: usize,
    pub(super) count: usize,
    /// The value of the last record.
    pub(super) last: Option<Value<'w>>,
}

impl<'s, 'w> Writer<'s, '_, 'w> {
    /// Pushes a slot for each field of `message`, and returns the index of the first one.
    pub(super) fn scan(&mut self, message: &'s Message, wire: &'w [u8]) -> Result<usize, WireError> {
        let base = self.slots.len();
        self.slots.resize(base + message.fields.len(), Slot::default());
        let slots = self.slots.get_mut(base..).unwrap_or_default();
        let mut records = Records::starting_at(wire, 0);
        loop {
            let start = records.position();
            let Some((number, value)) = records.next()? else { return Ok(base) };
            let Some(position) = message.position_of_number(number) else { continue };
            let (Some(field), Some(slot)) = (message.fields.get(position), slots.get_mut(position)) else {
                continue;
            };
            if !has_wire_type(field, value) {
                return Err(WireError("a field has the wrong wire type"));
            }
            let first = if slot.count == 0 { start } else { slot.first };
            *slot = Slot { first, count: slot.count + 1, last: Some(value) };
            if let Some(oneof) = field.oneof {
                clear_others(message, oneof, position, slots);
            }
        }
    }

    /// The slot of the field at that position of the message. `base` is the result of [`Self::scan`].
    pub(super) fn slot(&self, base: usize, position: usize) -> Slot<'w> {
        self.slots.get(base + position).copied().unwrap_or_default()
    }
}

/// Setting a member of a `oneof` unsets the others.
fn clear_others(message: &Message, oneof: usize, kept: usize, slots: &mut [Slot<'_>]) {
    for (position, (field, slot)) in message.fields.iter().zip(slots).enumerate() {
        if field.oneof == Some(oneof) && position != kept {
            *slot = Slot::default();
        }
    }
}

fn has_wire_type(field: &Field, value: Value<'_>) -> bool {
    let is_list = matches!(field.shape, Shape::Packed | Shape::Expanded);
    let expected = match &field.kind {
        Kind::Message(_) => WireType::Delimited,
        Kind::Leaf(leaf) => leaf.wire_type(),
    };
    match value {
        Value::Varint(_) => expected == WireType::Varint,
        Value::Fixed64(_) => expected == WireType::Fixed64,
        Value::Fixed32(_) => expected == WireType::Fixed32,
        // A list of numbers may be packed or not, whatever the contract says.
        Value::Delimited(_) => expected == WireType::Delimited || is_list,
        Value::Group => false,
    }
}
