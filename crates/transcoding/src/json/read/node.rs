//! Reads one JSON value as what the contract expects at its place.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::{Reader, skip_array, skip_object};
use crate::json::{
    kind::{Form, Kind, Leaf, Shape},
    leaf::{self, Input},
    schema::{Field, Message},
    wire::{self},
};

/// What a JSON value is read as: the whole body, a list, a map or a single value.
#[derive(Clone, Copy)]
pub(super) enum Target<'s> {
    /// The message of the whole body.
    Root(&'s Message),
    /// A repeated field.
    List(&'s Field),
    /// A map field.
    Map(&'s Field),
    /// A single value.
    One(One<'s>),
}

/// A single value: of a field, or an element of a list or a map.
#[derive(Clone, Copy)]
pub(super) struct One<'s> {
    pub(super) kind: &'s Kind,
    /// The field number to write; `None` inside a packed list.
    pub(super) number: Option<u32>,
    pub(super) absence: Absence,
}

/// What `null` and a default value mean.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Absence {
    /// Both mean that the field is absent.
    Implicit,
    /// Only `null` means that the field is absent.
    Explicit,
    /// `null` is rejected: an element of a list or a map.
    Rejected,
}

/// Whether the JSON had a value; in most places `null` means that it has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    Null,
    Value,
}

/// Reads the next JSON value as `target`.
pub(super) struct Node<'r, 's> {
    pub(super) reader: &'r mut Reader<'s>,
    pub(super) target: Target<'s>,
}

impl<'s> Target<'s> {
    /// What the value of `field` is read as.
    pub(super) const fn of(field: &'s Field) -> Self {
        let absence = match field.shape {
            Shape::Map => return Self::Map(field),
            Shape::Packed | Shape::Expanded => return Self::List(field),
            Shape::Implicit => Absence::Implicit,
            Shape::Explicit => Absence::Explicit,
        };
        Self::One(One { kind: &field.kind, number: Some(field.number), absence })
    }
}

impl<'s> Reader<'s> {
    fn null(&mut self, target: Target<'s>) -> Found {
        match target {
            Target::One(one) => self.null_value(one),
            Target::Root(message) if message.form == Form::Value => self.null_content(message),
            Target::Root(_) => self.reject_target(target),
            Target::List(_) | Target::Map(_) => Found::Null,
        }
    }

    fn null_value(&mut self, one: One<'s>) -> Found {
        match one.kind {
            Kind::Leaf(leaf @ Leaf::Null) => self.leaf(one, leaf, Input::Integer(0)),
            Kind::Message(id) if self.tables.message(*id).form == Form::Value => {
                self.message(one, Self::null_content)
            }
            _ if one.absence == Absence::Rejected => {
                self.reject("must not be null");
                Found::Value
            }
            _ => Found::Null,
        }
    }

    pub(super) fn scalar(&mut self, target: Target<'s>, input: Input<'_>) -> Found {
        match target {
            Target::Root(message) => self.scalar_content(message, input),
            Target::One(one) => match one.kind {
                Kind::Leaf(leaf) => self.leaf(one, leaf, input),
                Kind::Message(_) => {
                    self.message(one, |reader, message| reader.scalar_content(message, input))
                }
            },
            Target::List(_) | Target::Map(_) => self.reject_target(target),
        }
    }

    fn message(&mut self, one: One<'s>, write: impl FnOnce(&mut Self, &'s Message) -> Found) -> Found {
        if let (Kind::Message(id), Some(open)) = (one.kind, one.number.and_then(|number| self.open(number))) {
            write(self, self.tables.message(*id));
            self.close(&open);
        }
        Found::Value
    }

    fn leaf(&mut self, one: One<'s>, leaf: &Leaf, input: Input<'_>) -> Found {
        let start = self.wire.len();
        if let Some(number) = one.number {
            wire::put_tag(&mut self.wire, number, leaf.wire_type());
        }
        let value = self.wire.len();
        if leaf::put(leaf, input, &mut self.wire).is_err() {
            self.reject(leaf::rule(leaf));
        }
        // A value is the default if and only if all of its wire bytes are zero.
        let is_default = || self.wire.get(value..).is_some_and(|bytes| bytes.iter().all(|byte| *byte == 0));
        if one.absence == Absence::Implicit && is_default() {
            self.wire.truncate(start);
        }
        Found::Value
    }

    pub(super) fn array<'de, A>(&mut self, target: Target<'s>, array: A) -> Result<(), A::Error>
    where
        A: SeqAccess<'de>,
    {
        match target {
            Target::List(field) => self.list(field, array),
            Target::Root(message) => self.array_content(message, array),
            Target::One(One { kind: Kind::Message(id), number: Some(number), .. }) => {
                let Some(open) = self.open(number) else { return skip_array(array) };
                self.array_content(self.tables.message(*id), array)?;
                self.close(&open);
                Ok(())
            }
            Target::One(_) | Target::Map(_) => {
                self.reject_target(target);
                skip_array(array)
            }
        }
    }

    pub(super) fn object<'de, A>(&mut self, target: Target<'s>, object: A) -> Result<(), A::Error>
    where
        A: MapAccess<'de>,
    {
        match target {
            Target::Map(field) => self.entries(field, object),
            Target::Root(message) => self.object_content(message, object),
            Target::One(One { kind: Kind::Message(id), number: Some(number), .. }) => {
                let Some(open) = self.open(number) else { return skip_object(object) };
                self.object_content(self.tables.message(*id), object)?;
                self.close(&open);
                Ok(())
            }
            Target::One(_) | Target::List(_) => {
                self.reject_target(target);
                skip_object(object)
            }
        }
    }

    fn reject_target(&mut self, target: Target<'s>) -> Found {
        match target {
            Target::Root(message) => self.reject_content(message),
            Target::One(One { kind: Kind::Message(id), .. }) => self.reject_content(self.tables.message(*id)),
            Target::One(One { kind: Kind::Leaf(leaf), .. }) => self.reject(leaf::rule(leaf)),
            Target::List(_) => self.reject("must be an array"),
            Target::Map(_) => self.reject("must be an object"),
        }
        Found::Value
    }
}

impl<'de> DeserializeSeed<'de> for Node<'_, '_> {
    type Value = Found;

    fn deserialize<D: Deserializer<'de>>(self, input: D) -> Result<Found, D::Error> {
        if self.reader.is_too_large() {
            return Err(D::Error::custom("too large"));
        }
        input.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Node<'_, '_> {
    type Value = Found;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<Found, E> {
        Ok(self.reader.null(self.target))
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Found, E> {
        Ok(self.reader.scalar(self.target, Input::Bool(value)))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Found, E> {
        Ok(self.reader.scalar(self.target, Input::Integer(value.into())))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Found, E> {
        Ok(self.reader.scalar(self.target, Input::Integer(value.into())))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Found, E> {
        Ok(self.reader.scalar(self.target, Input::Real(value)))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Found, E> {
        Ok(self.reader.scalar(self.target, Input::Text(value)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, array: A) -> Result<Found, A::Error> {
        self.reader.array(self.target, array).map(|()| Found::Value)
    }

    fn visit_map<A: MapAccess<'de>>(self, object: A) -> Result<Found, A::Error> {
        self.reader.object(self.target, object).map(|()| Found::Value)
    }
}
