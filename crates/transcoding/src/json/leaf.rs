//! Encodes one scalar or enum value from JSON or a parameter as wire bytes.

use base64::{
    Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};

use super::{kind::Leaf, wire};
use crate::descriptor::value_names;

/// Proto3 JSON accepts both alphabets, with or without padding.
const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);

/// A value from JSON or a parameter, before it is converted to the field's type.
#[derive(Clone, Copy, Debug)]
pub(super) enum Input<'a> {
    Bool(bool),
    Integer(i128),
    Real(f64),
    Text(&'a str),
}

/// The value is not valid for the leaf; [`rule`] says which values are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct InvalidValue;

/// Appends the value without a tag.
pub(super) fn put(leaf: &Leaf, input: Input<'_>, out: &mut Vec<u8>) -> Result<(), InvalidValue> {
    match (leaf, input) {
        (Leaf::String, Input::Text(text)) => wire::put_delimited(out, text.as_bytes()),
        (Leaf::Bytes, Input::Text(text)) => {
            let open = wire::open(out);
            decode_base64(text, out)?;
            wire::close(out, &open);
        }
        _ => wire::put_bits(out, leaf.wire_type(), bits(leaf, input)?),
    }
    Ok(())
}

/// The wire bits of a number, a bool or an enum value.
fn bits(leaf: &Leaf, input: Input<'_>) -> Result<u64, InvalidValue> {
    match leaf {
        Leaf::Double => real(input).map(f64::to_bits),
        Leaf::Float => single(input).map(|value| u64::from(value.to_bits())),
        Leaf::Int32 => integer::<i32>(input).map(|value| i64::from(value).cast_unsigned()),
        Leaf::Int64 | Leaf::Sfixed64 => integer::<i64>(input).map(i64::cast_unsigned),
        Leaf::Uint32 | Leaf::Fixed32 => integer::<u32>(input).map(u64::from),
        Leaf::Uint64 | Leaf::Fixed64 => integer::<u64>(input),
        Leaf::Sint32 => integer::<i32>(input).map(|value| zigzag(i64::from(value))),
        Leaf::Sint64 => integer::<i64>(input).map(zigzag),
        Leaf::Sfixed32 => integer::<i32>(input).map(|value| u64::from(value.cast_unsigned())),
        Leaf::Bool => match input {
            Input::Bool(value) => Ok(u64::from(value)),
            Input::Integer(_) | Input::Real(_) | Input::Text(_) => Err(InvalidValue),
        },
        Leaf::Enum(of) => match input {
            Input::Text(name) => of.get_value_by_name(name).map(|value| value.number()).ok_or(InvalidValue),
            number => integer::<i32>(number),
        }
        .map(|number| i64::from(number).cast_unsigned()),
        Leaf::Null => match input {
            Input::Text("NULL_VALUE") | Input::Integer(0) => Ok(0),
            Input::Bool(_) | Input::Integer(_) | Input::Real(_) | Input::Text(_) => Err(InvalidValue),
        },
        Leaf::String | Leaf::Bytes => Err(InvalidValue),
    }
}

/// Which values the leaf accepts, as a phrase that follows a field's name.
pub(super) fn rule(leaf: &Leaf) -> String {
    fn whole(least: impl std::fmt::Display, most: impl std::fmt::Display) -> String {
        format!("must be a whole number from {least} to {most}")
    }
    match leaf {
        Leaf::Double => "must be a number".to_owned(),
        Leaf::Float => "must be a number that fits into 32 bits".to_owned(),
        Leaf::Int32 | Leaf::Sint32 | Leaf::Sfixed32 => whole(i32::MIN, i32::MAX),
        Leaf::Int64 | Leaf::Sint64 | Leaf::Sfixed64 => whole(i64::MIN, i64::MAX),
        Leaf::Uint32 | Leaf::Fixed32 => whole(u32::MIN, u32::MAX),
        Leaf::Uint64 | Leaf::Fixed64 => whole(u64::MIN, u64::MAX),
        Leaf::Bool => "must be true or false".to_owned(),
        Leaf::String => "must be a string".to_owned(),
        Leaf::Bytes => "must be a string of base64".to_owned(),
        Leaf::Null => "must be null".to_owned(),
        Leaf::Enum(of) => {
            let names: Vec<_> = value_names(of).collect();
            format!("must be one of {}", names.join(", "))
        }
    }
}

const fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)).cast_unsigned()
}

fn integer<T: TryFrom<i128>>(input: Input<'_>) -> Result<T, InvalidValue> {
    let value = match input {
        Input::Integer(value) => value,
        Input::Real(value) => whole(value)?,
        Input::Text(text) => match number(text)? {
            Input::Integer(value) => value,
            Input::Real(value) => whole(value)?,
            Input::Bool(_) | Input::Text(_) => return Err(InvalidValue),
        },
        Input::Bool(_) => return Err(InvalidValue),
    };
    T::try_from(value).map_err(|_| InvalidValue)
}

/// Accepts `1.0` and `1e2` as whole numbers too.
#[expect(clippy::cast_possible_truncation, reason = "in range, and without a fraction")]
fn whole(value: f64) -> Result<i128, InvalidValue> {
    const BEYOND_64_BITS: f64 = 1e20;
    if value.abs() < BEYOND_64_BITS && value.fract() == 0.0 { Ok(value as i128) } else { Err(InvalidValue) }
}

#[expect(clippy::cast_precision_loss, reason = "the nearest double is what a JSON number means here")]
fn real(input: Input<'_>) -> Result<f64, InvalidValue> {
    match input {
        Input::Integer(value) => Ok(value as f64),
        Input::Real(value) => Ok(value),
        Input::Text("NaN") => Ok(f64::NAN),
        Input::Text("Infinity") => Ok(f64::INFINITY),
        Input::Text("-Infinity") => Ok(f64::NEG_INFINITY),
        Input::Text(text) => real(number(text)?),
        Input::Bool(_) => Err(InvalidValue),
    }
}

#[expect(clippy::cast_possible_truncation, reason = "rounds to the nearest float; the overflow is checked")]
fn single(input: Input<'_>) -> Result<f32, InvalidValue> {
    let value = real(input)?;
    let nearest = value as f32;
    if nearest.is_infinite() && value.is_finite() { Err(InvalidValue) } else { Ok(nearest) }
}

/// Reads a string that is exactly one JSON number.
fn number(text: &str) -> Result<Input<'static>, InvalidValue> {
    let ends = (text.bytes().next(), text.bytes().next_back());
    let (Some(b'-' | b'0'..=b'9'), Some(b'0'..=b'9')) = ends else {
        return Err(InvalidValue);
    };
    let number: serde_json::Number = serde_json::from_str(text).map_err(|_| InvalidValue)?;
    if let Some(value) = number.as_i128() {
        return Ok(Input::Integer(value));
    }
    number.as_f64().map(Input::Real).ok_or(InvalidValue)
}

fn decode_base64(text: &str, out: &mut Vec<u8>) -> Result<(), InvalidValue> {
    let engine = if text.contains(['-', '_']) { &URL_SAFE } else { &STANDARD };
    engine.decode_vec(text, out).map_err(|_| InvalidValue)
}
