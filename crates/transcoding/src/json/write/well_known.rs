//! Writes the well-known types that have a special JSON form.

use super::{
    Writer,
    fields::occurrences,
    leaf::{put_string, text},
    scan::Slot,
};
use crate::json::{
    WireError, field_mask,
    schema::Message,
    time::{self, Span},
    wire::Value,
};

impl<'s, 'w> Writer<'s, '_, 'w> {
    pub(super) fn timestamp(&mut self, base: usize) -> Result<(), WireError> {
        let moment = time::format_timestamp(self.span(base));
        put_string(&moment.ok_or(WireError("a timestamp is out of range"))?, self.out);
        Ok(())
    }

    pub(super) fn duration(&mut self, base: usize) -> Result<(), WireError> {
        let duration = time::format_duration(self.span(base));
        put_string(&duration.ok_or(WireError("a duration is out of range"))?, self.out);
        Ok(())
    }

    #[expect(clippy::cast_possible_truncation, reason = "an int32 is the low half of its varint")]
    fn span(&self, base: usize) -> Span {
        let number = |slot: Slot<'_>| match slot.last {
            Some(Value::Varint(bits)) => bits.cast_signed(),
            _ => 0,
        };
        Span { seconds: number(self.slot(base, 0)), nanos: number(self.slot(base, 1)) as i32 }
    }

    pub(super) fn field_mask(
        &mut self,
        message: &'s Message,
        base: usize,
        wire: &'w [u8],
    ) -> Result<(), WireError> {
        let number = message.fields.first().map_or(0, |field| field.number);
        let mut paths = Vec::new();
        let mut records = occurrences(number, self.slot(base, 0), wire);
        while let Some(value) = records.next()? {
            if let Value::Delimited(path) = value {
                let path = field_mask::to_camel_case(text(path)?);
                paths.push(path.ok_or(WireError("a field mask has a path that is not in snake case"))?);
            }
        }
        put_string(&paths.join(","), self.out);
        Ok(())
    }

    pub(super) fn value(
        &mut self,
        message: &'s Message,
        base: usize,
        wire: &'w [u8],
    ) -> Result<(), WireError> {
        let slots = (0..).map(|position| self.slot(base, position));
        let set = message.fields.iter().zip(slots).find(|(_, slot)| slot.last.is_some());
        match set {
            Some((field, slot)) => self.one(field, slot, wire),
            None => {
                self.out.extend_from_slice(b"null");
                Ok(())
            }
        }
    }
}
