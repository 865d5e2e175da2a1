//! Reads a JSON object as the fields of a message.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, Visitor};

use super::{
    Reader,
    node::{Found, Node, Target},
    path::{self, Segment},
};
use crate::json::schema::{Field, Message};

/// What the object has contained so far.
#[derive(Default)]
struct Seen<'s> {
    fields: Positions,
    /// The `oneof`s that were set, by index, with the name of the member.
    members: Vec<(usize, &'s str)>,
}

impl<'s> Reader<'s> {
    pub(super) fn fields<'de, A>(&mut self, message: &'s Message, mut object: A) -> Result<(), A::Error>
    where
        A: MapAccess<'de>,
    {
        let mut seen = Seen::default();
        while let Some(name) = object.next_key_seed(Name(message))? {
            match name {
                FieldName::Known(position, field) => {
                    self.path.push(Segment::Field(&field.name));
                    if seen.fields.insert(position) {
                        self.field(field, &mut seen, &mut object)?;
                    } else {
                        self.reject("must be given only once");
                        object.next_value::<IgnoredAny>()?;
                    }
                }
                FieldName::Unknown(name) => {
                    self.path.push(Segment::Key(name));
                    self.reject("is not a known field");
                    object.next_value::<IgnoredAny>()?;
                }
            }
            self.path.pop();
        }
        Ok(())
    }

    fn field<'de, A>(&mut self, field: &'s Field, seen: &mut Seen<'s>, object: &mut A) -> Result<(), A::Error>
    where
        A: MapAccess<'de>,
    {
        let present = self.present.len();
        let found = object.next_value_seed(Node { reader: self, target: Target::of(field) })?;
        // A sub-message is listed only if it lists none of its own fields.
        if self.collections == 0 && self.present.len() == present {
            self.present.push(path::render(&self.path));
        }
        if let (Found::Value, Some(oneof)) = (found, field.oneof) {
            match seen.members.iter().find(|(of, _)| *of == oneof) {
                Some((_, other)) => self.reject(format!("cannot be given together with {other}")),
                None => seen.members.push((oneof, &field.name)),
            }
        }
        Ok(())
    }
}

/// Reads an object's key as the name of one of a message's fields.
struct Name<'s>(&'s Message);

enum FieldName<'s> {
    Known(usize, &'s Field),
    Unknown(String),
}

impl<'de, 's> DeserializeSeed<'de> for Name<'s> {
    type Value = FieldName<'s>;

    fn deserialize<D: Deserializer<'de>>(self, input: D) -> Result<FieldName<'s>, D::Error> {
        input.deserialize_str(self)
    }
}

impl<'s> Visitor<'_> for Name<'s> {
    type Value = FieldName<'s>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a field's name")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<FieldName<'s>, E> {
        let known = self.0.position_of_name(name).and_then(|position| {
            let field = self.0.fields.get(position)?;
            Some(FieldName::Known(position, field))
        });
        Ok(known.unwrap_or_else(|| FieldName::Unknown(name.to_owned())))
    }
}

/// A set of small numbers. Numbers below 64 need no allocation.
#[derive(Default)]
struct Positions {
    first: u64,
    further: Vec<u64>,
}

impl Positions {
    /// Adds a position; false if the set already had it.
    fn insert(&mut self, position: usize) -> bool {
        let bit = 1 << (position % 64);
        let word = match (position / 64).checked_sub(1) {
            None => &mut self.first,
            Some(index) => {
                if self.further.len() <= index {
                    self.further.resize(index + 1, 0);
                }
                let Some(word) = self.further.get_mut(index) else { return false };
                word
            }
        };
        let is_new = *word & bit == 0;
        *word |= bit;
        is_new
    }
}

#[cfg(test)]
mod tests {
    use super::Positions;

    #[test]
    fn a_position_is_new_only_once() {
        let mut positions = Positions::default();
        for position in [0, 63, 64, 127, 128, 1000] {
            assert!(positions.insert(position), "{position}");
            assert!(!positions.insert(position), "{position}");
        }
    }
}
