//! Encodes one field's value from plain text: a path segment, a query parameter, a header or a form part.

use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};

use super::{
    kind::{Form, Leaf},
    leaf::{self, Input},
    well_known,
    wire::{self, WireType},
};

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
    leaf::put(leaf, parse(leaf, text), out).map_err(|_| leaf::rule(leaf))
}

/// Plain text has no quotes, so the type of the leaf decides whether it is a bool, an enum's number or a string.
fn parse<'t>(leaf: &Leaf, text: &'t str) -> Input<'t> {
    match (leaf, text) {
        (Leaf::Bool, "true") => Input::Bool(true),
        (Leaf::Bool, "false") => Input::Bool(false),
        (Leaf::Enum(_), text) => {
            text.parse::<i32>().map_or(Input::Text(text), |number| Input::Integer(number.into()))
        }
        (_, text) => Input::Text(text),
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
