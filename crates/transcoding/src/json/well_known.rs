//! The well-known types whose JSON form is a string.

use super::{
    field_mask,
    kind::Form,
    time::{self, Span},
    wire::{self, WireType},
};

/// Appends the content of a well-known type whose JSON form is a string; false if the text is not valid.
pub(super) fn put(form: Form, text: &str, out: &mut Vec<u8>) -> bool {
    match form {
        Form::Timestamp => time::parse_timestamp(text).map(|moment| put_span(moment, out)).is_some(),
        Form::Duration => time::parse_duration(text).map(|duration| put_span(duration, out)).is_some(),
        Form::FieldMask => {
            for path in text.split(',').filter(|_| !text.is_empty()) {
                wire::put_tag(out, 1, WireType::Delimited);
                wire::put_delimited(out, field_mask::to_snake_case(path).as_bytes());
            }
            true
        }
        Form::Fields | Form::Struct | Form::Value | Form::ListValue | Form::Wrapper | Form::Any => false,
    }
}

fn put_span(span: Span, out: &mut Vec<u8>) {
    for (number, part) in [(1, span.seconds), (2, i64::from(span.nanos))] {
        if part != 0 {
            wire::put_tag(out, number, WireType::Varint);
            wire::put_varint(out, part.cast_unsigned());
        }
    }
}

/// The JSON form of a message, as a phrase that follows a field's name.
pub(super) const fn rule(form: Form) -> &'static str {
    match form {
        Form::Fields | Form::Struct | Form::Wrapper => "must be an object",
        Form::Timestamp => "must be a time such as 2026-05-01T12:00:00Z, between the years 1 and 9999",
        Form::Duration => "must be a number of seconds such as 1.5s",
        Form::FieldMask => "must be a string of comma-separated field names",
        Form::ListValue => "must be an array",
        Form::Value => "must be a JSON value",
        Form::Any => "cannot be given as JSON",
    }
}
