//! One scalar or enum value: from what JSON or a parameter gives to its bits on the wire.

use base64::{
    Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};

use super::{kind::Leaf, wire};

/// Both alphabets are read, padded or not (proto3 JSON).
const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);

/// A value as it was given.
#[derive(Clone, Copy, Debug)]
pub(super) enum Given<'a> {
    Bool(bool),
    Integer(i128),
    Real(f64),
    Text(&'a str),
}

/// The value is not one of the leaf's; [`rule`] says what would be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unfit;

/// Appends the value itself, without a tag.
pub(super) fn put(leaf: &Leaf, given: Given<'_>, out: &mut Vec<u8>) -> Result<(), Unfit> {
    match (leaf, given) {
        (Leaf::String, Given::Text(text)) => wire::put_delimited(out, text.as_bytes()),
        (Leaf::Bytes, Given::Text(text)) => {
            let open = wire::open(out);
            decode_base64(text, out)?;
            wire::close(out, &open);
        }
        _ => wire::put_bits(out, leaf.wire_type(), bits(leaf, given)?),
    }
    Ok(())
}

/// A number's, bool's or enum's bits on the wire.
fn bits(leaf: &Leaf, given: Given<'_>) -> Result<u64, Unfit> {
    match leaf {
        Leaf::Double => real(given).map(f64::to_bits),
        Leaf::Float => single(given).map(|value| u64::from(value.to_bits())),
        Leaf::Int32 => integer::<i32>(given).map(|value| i64::from(value).cast_unsigned()),
        Leaf::Int64 | Leaf::Sfixed64 => integer::<i64>(given).map(i64::cast_unsigned),
        Leaf::Uint32 | Leaf::Fixed32 => integer::<u32>(given).map(u64::from),
        Leaf::Uint64 | Leaf::Fixed64 => integer::<u64>(given),
        Leaf::Sint32 => integer::<i32>(given).map(|value| zigzag(i64::from(value))),
        Leaf::Sint64 => integer::<i64>(given).map(zigzag),
        Leaf::Sfixed32 => integer::<i32>(given).map(|value| u64::from(value.cast_unsigned())),
        Leaf::Bool => match given {
            Given::Bool(value) => Ok(u64::from(value)),
            Given::Integer(_) | Given::Real(_) | Given::Text(_) => Err(Unfit),
        },
        Leaf::Enum(of) => match given {
            Given::Text(name) => of.number_of(name).ok_or(Unfit),
            number => integer::<i32>(number),
        }
        .map(|number| i64::from(number).cast_unsigned()),
        Leaf::Null => match given {
            Given::Text("NULL_VALUE") | Given::Integer(0) => Ok(0),
            Given::Bool(_) | Given::Integer(_) | Given::Real(_) | Given::Text(_) => Err(Unfit),
        },
        Leaf::String | Leaf::Bytes => Err(Unfit),
    }
}

/// What the leaf's values are, as a phrase that continues a field's name.
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
            let names: Vec<_> = of.values().collect();
            format!("must be one of {}", names.join(", "))
        }
    }
}

const fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)).cast_unsigned()
}

fn integer<T: TryFrom<i128>>(given: Given<'_>) -> Result<T, Unfit> {
    let value = match given {
        Given::Integer(value) => value,
        Given::Real(value) => whole(value)?,
        Given::Text(text) => match number(text)? {
            Given::Integer(value) => value,
            Given::Real(value) => whole(value)?,
            Given::Bool(_) | Given::Text(_) => return Err(Unfit),
        },
        Given::Bool(_) => return Err(Unfit),
    };
    T::try_from(value).map_err(|_| Unfit)
}

/// `1.0` and `1e2` are whole numbers too.
#[expect(clippy::cast_possible_truncation, reason = "in range, and without a fraction")]
fn whole(value: f64) -> Result<i128, Unfit> {
    const BEYOND_64_BITS: f64 = 1e20;
    if value.abs() < BEYOND_64_BITS && value.fract() == 0.0 { Ok(value as i128) } else { Err(Unfit) }
}

#[expect(clippy::cast_precision_loss, reason = "the nearest double is what a JSON number means here")]
fn real(given: Given<'_>) -> Result<f64, Unfit> {
    match given {
        Given::Integer(value) => Ok(value as f64),
        Given::Real(value) => Ok(value),
        Given::Text("NaN") => Ok(f64::NAN),
        Given::Text("Infinity") => Ok(f64::INFINITY),
        Given::Text("-Infinity") => Ok(f64::NEG_INFINITY),
        Given::Text(text) => real(number(text)?),
        Given::Bool(_) => Err(Unfit),
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the nearest float, unless there is none")]
fn single(given: Given<'_>) -> Result<f32, Unfit> {
    let value = real(given)?;
    let nearest = value as f32;
    if nearest.is_infinite() && value.is_finite() { Err(Unfit) } else { Ok(nearest) }
}

/// A string that holds exactly one JSON number.
fn number(text: &str) -> Result<Given<'static>, Unfit> {
    let ends = (text.bytes().next(), text.bytes().next_back());
    let (Some(b'-' | b'0'..=b'9'), Some(b'0'..=b'9')) = ends else {
        return Err(Unfit);
    };
    let number: serde_json::Number = serde_json::from_str(text).map_err(|_| Unfit)?;
    if let Some(value) = number.as_i128() {
        return Ok(Given::Integer(value));
    }
    number.as_f64().map(Given::Real).ok_or(Unfit)
}

fn decode_base64(text: &str, out: &mut Vec<u8>) -> Result<(), Unfit> {
    let engine = if text.contains(['-', '_']) { &URL_SAFE } else { &STANDARD };
    engine.decode_vec(text, out).map_err(|_| Unfit)
}
