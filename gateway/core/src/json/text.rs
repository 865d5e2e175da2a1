//! One field's value from plain text: a path segment, a query parameter, a header or a form part.

use super::{
    kind::{Form, Leaf},
    leaf::{self, Given},
    well_known,
    wire::{self, WireType},
};
use crate::descriptor::{FieldDescriptor, Kind, MessageDescriptor};

/// See [`super::scalar_to_wire`].
pub(super) fn put(field: &FieldDescriptor, text: &str, out: &mut Vec<u8>) -> Result<(), String> {
    let start = out.len();
    let put = match field.kind() {
        Kind::Message(message) => put_message(field.number(), &message, text, out),
        kind => Leaf::of(&kind).map_or(Ok(()), |leaf| put_leaf(field.number(), &leaf, text, out)),
    };
    put.inspect_err(|_| out.truncate(start))
}

fn put_leaf(number: u32, leaf: &Leaf, text: &str, out: &mut Vec<u8>) -> Result<(), String> {
    wire::put_tag(out, number, leaf.wire_type());
    leaf::put(leaf, given(leaf, text), out).map_err(|_| leaf::rule(leaf))
}

/// Text says bools and the numbers of enum values without quotes of their own.
fn given<'t>(leaf: &Leaf, text: &'t str) -> Given<'t> {
    match (leaf, text) {
        (Leaf::Bool, "true") => Given::Bool(true),
        (Leaf::Bool, "false") => Given::Bool(false),
        (Leaf::Enum(_), text) => {
            text.parse::<i32>().map_or(Given::Text(text), |number| Given::Integer(number.into()))
        }
        (_, text) => Given::Text(text),
    }
}

fn put_message(
    number: u32,
    message: &MessageDescriptor,
    text: &str,
    out: &mut Vec<u8>,
) -> Result<(), String> {
    wire::put_tag(out, number, WireType::Delimited);
    let open = wire::open(out);
    let form = Form::of(message.full_name());
    match (form, message.get_field(1).and_then(|field| Leaf::of(&field.kind()))) {
        (Form::Wrapper, Some(leaf)) => put_leaf(1, &leaf, text, out)?,
        _ if well_known::put(form, text, out) => {}
        (Form::Timestamp | Form::Duration | Form::FieldMask, _) => {
            return Err(well_known::rule(form).to_owned());
        }
        _ => return Err("cannot be given as text".to_owned()),
    }
    wire::close(out, &open);
    Ok(())
}
