//! Reads JSON arrays as repeated fields, and JSON objects as maps.

use std::collections::HashSet;

use serde::de::{IgnoredAny, MapAccess, SeqAccess};

use super::{
    Reader,
    node::{Absence, Node, One, Target},
    path::Segment,
};
use crate::json::{
    kind::{Kind, Leaf, Shape},
    leaf::{self, Input},
    schema::Field,
    wire::{self, WireType},
};

impl<'s> Reader<'s> {
    pub(super) fn list<'de, A>(&mut self, field: &'s Field, array: A) -> Result<(), A::Error>
    where
        A: SeqAccess<'de>,
    {
        self.collections += 1;
        if field.shape == Shape::Packed {
            let start = self.wire.len();
            wire::put_tag(&mut self.wire, field.number, WireType::Delimited);
            let open = wire::open(&mut self.wire);
            if self.elements(field, None, array)? == 0 {
                self.wire.truncate(start);
            } else {
                wire::close(&mut self.wire, &open);
            }
        } else {
            self.elements(field, Some(field.number), array)?;
        }
        self.collections -= 1;
        Ok(())
    }

    fn elements<'de, A>(
        &mut self,
        field: &'s Field,
        number: Option<u32>,
        mut array: A,
    ) -> Result<usize, A::Error>
    where
        A: SeqAccess<'de>,
    {
        let target = Target::One(One { kind: &field.kind, number, absence: Absence::Rejected });
        let mut count = 0;
        loop {
            self.path.push(Segment::Index(count));
            let found = array.next_element_seed(Node { reader: self, target })?;
            self.path.pop();
            if found.is_none() {
                return Ok(count);
            }
            count += 1;
        }
    }

    pub(super) fn entries<'de, A>(&mut self, field: &'s Field, mut object: A) -> Result<(), A::Error>
    where
        A: MapAccess<'de>,
    {
        let Kind::Message(entry) = &field.kind else { return super::skip_object(object) };
        let [key_field, value_field] = self.tables.message(*entry).fields.as_slice() else {
            return super::skip_object(object);
        };
        let value =
            One { kind: &value_field.kind, number: Some(value_field.number), absence: Absence::Rejected };
        let mut keys = HashSet::new();
        self.collections += 1;
        while let Some(key) = object.next_key::<String>()? {
            let is_double = keys.contains(&key);
            self.path.push(Segment::Key(key));
            if is_double {
                self.reject("must be given only once");
                object.next_value::<IgnoredAny>()?;
            } else if let Some(open) = self.open(field.number) {
                self.key(key_field);
                object.next_value_seed(Node { reader: self, target: Target::One(value) })?;
                self.close(&open);
            } else {
                object.next_value::<IgnoredAny>()?;
            }
            if let Some(Segment::Key(key)) = self.path.pop() {
                keys.insert(key);
            }
        }
        self.collections -= 1;
        Ok(())
    }

    /// Writes the key at the end of the path.
    fn key(&mut self, field: &'s Field) {
        let (Kind::Leaf(leaf), Some(Segment::Key(key))) = (&field.kind, self.path.last()) else { return };
        let input = match (leaf, key.as_str()) {
            (Leaf::Bool, "true") => Input::Bool(true),
            (Leaf::Bool, "false") => Input::Bool(false),
            (_, text) => Input::Text(text),
        };
        wire::put_tag(&mut self.wire, field.number, leaf.wire_type());
        if leaf::put(leaf, input, &mut self.wire).is_err() {
            self.reject(format!("is a key that {}", leaf::rule(leaf)));
        }
    }
}
