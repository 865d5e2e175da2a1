//! Repeated fields as arrays, and maps as objects.

use std::collections::BTreeMap;

use super::{
    Writer,
    fields::occurrences,
    leaf::{self, Key},
    scan::Slot,
};
use crate::json::{
    WireError,
    kind::{Kind, Leaf},
    schema::Field,
    wire::{Records, Value, WireType},
};

impl<'s, 'w> Writer<'s, '_, 'w> {
    pub(super) fn list(&mut self, field: &'s Field, slot: Slot<'w>, wire: &'w [u8]) -> Result<(), WireError> {
        self.out.push(b'[');
        let start = self.out.len();
        let mut records = occurrences(field.number, slot, wire);
        while let Some(value) = records.next()? {
            match (&field.kind, value) {
                (Kind::Leaf(leaf), Value::Delimited(packed)) if leaf.wire_type() != WireType::Delimited => {
                    self.packed(leaf, packed, start)?;
                }
                (Kind::Leaf(leaf), value) => {
                    self.comma_after(start);
                    leaf::put(leaf, value, self.out)?;
                }
                (Kind::Message(id), Value::Delimited(content)) => {
                    self.comma_after(start);
                    self.message(self.tables.message(*id), content)?;
                }
                (Kind::Message(_), _) => {}
            }
        }
        self.out.push(b']');
        Ok(())
    }

    fn packed(&mut self, leaf: &Leaf, packed: &'w [u8], start: usize) -> Result<(), WireError> {
        let mut values = Records::starting_at(packed, 0);
        while let Some(value) = values.next_packed(leaf.wire_type())? {
            self.comma_after(start);
            leaf::put(leaf, value, self.out)?;
        }
        Ok(())
    }

    /// Writes the entries sorted by key, so that equal maps have equal texts. If a key occurs twice, its last entry counts.
    pub(super) fn map(&mut self, field: &'s Field, slot: Slot<'w>, wire: &'w [u8]) -> Result<(), WireError> {
        let Kind::Message(id) = &field.kind else { return Err(WireError("a map has no entries")) };
        let entry = self.tables.message(*id);
        let [key_field, value_field] = entry.fields.as_slice() else {
            return Err(WireError("a map's entry is not a key and a value"));
        };
        let mut entries = BTreeMap::new();
        let mut records = occurrences(field.number, slot, wire);
        while let Some(value) = records.next()? {
            if let Value::Delimited(content) = value {
                let base = self.scan(entry, content)?;
                entries.insert(Key::of(&key_field.kind, self.slot(base, 0).last)?, content);
                self.slots.truncate(base);
            }
        }
        self.out.push(b'{');
        let start = self.out.len();
        for (key, content) in entries {
            self.comma_after(start);
            key.put(self.out);
            self.out.push(b':');
            let base = self.scan(entry, content)?;
            self.one(value_field, self.slot(base, 1), content)?;
            self.slots.truncate(base);
        }
        self.out.push(b'}');
        Ok(())
    }

    /// Writes a comma, unless nothing was written since `start`.
    fn comma_after(&mut self, start: usize) {
        if self.out.len() > start {
            self.out.push(b',');
        }
    }
}
