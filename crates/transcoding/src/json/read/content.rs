//! Reads a message's content: its fields, or the special JSON form of a well-known type.

use serde::de::{MapAccess, SeqAccess};

use super::{
    Reader,
    node::{Absence, Found, One, Target},
    skip_array, skip_object,
};
use crate::json::{
    kind::{Form, Kind},
    leaf::{self, Input},
    schema::Message,
    well_known,
};

/// The members of `google.protobuf.Value`.
mod value {
    pub(super) const NULL: u32 = 1;
    pub(super) const NUMBER: u32 = 2;
    pub(super) const STRING: u32 = 3;
    pub(super) const BOOL: u32 = 4;
    pub(super) const STRUCT: u32 = 5;
    pub(super) const LIST: u32 = 6;
}

impl<'s> Reader<'s> {
    pub(super) fn object_content<'de, A>(&mut self, message: &'s Message, object: A) -> Result<(), A::Error>
    where
        A: MapAccess<'de>,
    {
        match (message.form, message.fields.first()) {
            (Form::Fields, _) => self.fields(message, object),
            (Form::Struct, Some(fields)) => self.entries(fields, object),
            (Form::Value, _) => match member(message, value::STRUCT) {
                Some(target) => self.object(target, object),
                None => skip_object(object),
            },
            _ => {
                self.reject_content(message);
                skip_object(object)
            }
        }
    }

    pub(super) fn array_content<'de, A>(&mut self, message: &'s Message, array: A) -> Result<(), A::Error>
    where
        A: SeqAccess<'de>,
    {
        match (message.form, message.fields.first()) {
            (Form::ListValue, Some(values)) => self.list(values, array),
            (Form::Value, _) => match member(message, value::LIST) {
                Some(target) => self.array(target, array),
                None => skip_array(array),
            },
            _ => {
                self.reject_content(message);
                skip_array(array)
            }
        }
    }

    pub(super) fn null_content(&mut self, message: &'s Message) -> Found {
        self.value_member(message, value::NULL, Input::Integer(0))
    }

    pub(super) fn scalar_content(&mut self, message: &'s Message, input: Input<'_>) -> Found {
        match (message.form, input) {
            (Form::Value, Input::Bool(_)) => self.value_member(message, value::BOOL, input),
            (Form::Value, Input::Text(_)) => self.value_member(message, value::STRING, input),
            (Form::Value, Input::Integer(_) | Input::Real(_)) => {
                self.value_member(message, value::NUMBER, input)
            }
            (Form::Wrapper, _) => match message.fields.first() {
                Some(field) => self.scalar(Target::of(field), input),
                None => Found::Value,
            },
            (_, Input::Text(text)) if well_known::put(message.form, text, &mut self.wire) => Found::Value,
            _ => {
                self.reject_content(message);
                Found::Value
            }
        }
    }

    fn value_member(&mut self, message: &'s Message, number: u32, input: Input<'_>) -> Found {
        member(message, number).map_or(Found::Value, |target| self.scalar(target, input))
    }

    pub(super) fn reject_content(&mut self, message: &'s Message) {
        let wrapped = message.fields.first().map(|field| &field.kind);
        match (message.form, wrapped) {
            (Form::Wrapper, Some(Kind::Leaf(leaf))) => self.reject(leaf::rule(leaf)),
            (form, _) => self.reject(well_known::rule(form)),
        }
    }
}

/// A member of a `oneof`, which is written even if it has the default value.
fn member(message: &Message, number: u32) -> Option<Target<'_>> {
    let field = message.position_of_number(number).and_then(|position| message.fields.get(position))?;
    Some(Target::One(One { kind: &field.kind, number: Some(number), absence: Absence::Explicit }))
}
