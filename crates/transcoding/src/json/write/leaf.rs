//! Writes one scalar or enum value as JSON.

use base64::{Engine as _, engine::general_purpose::STANDARD};

use crate::{
    descriptor::value_name,
    json::{
        WireError,
        kind::{Kind, Leaf},
        wire::{Value, WireType},
    },
};

/// The default value in the wire format.
pub(super) const fn default(leaf: &Leaf) -> Value<'static> {
    match leaf.wire_type() {
        WireType::Varint => Value::Varint(0),
        WireType::Fixed64 => Value::Fixed64(0),
        WireType::Fixed32 => Value::Fixed32(0),
        WireType::Delimited => Value::Delimited(&[]),
    }
}

/// Appends the value.
pub(super) fn put(leaf: &Leaf, value: Value<'_>, out: &mut Vec<u8>) -> Result<(), WireError> {
    match value {
        Value::Varint(bits) | Value::Fixed64(bits) => put_number(leaf, bits, out),
        Value::Fixed32(bits) => put_number(leaf, bits.into(), out),
        Value::Delimited(bytes) if matches!(leaf, Leaf::String) => put_string(text(bytes)?, out),
        Value::Delimited(bytes) => put_bytes(bytes, out),
        Value::Group => {}
    }
    Ok(())
}

#[expect(clippy::cast_possible_truncation, reason = "32-bit types are the low half of their bits")]
fn put_number(leaf: &Leaf, bits: u64, out: &mut Vec<u8>) {
    match leaf {
        Leaf::Double => put_double(f64::from_bits(bits), out),
        Leaf::Float => put_float(f32::from_bits(bits as u32), out),
        Leaf::Int32 | Leaf::Sfixed32 => put_integer(bits as i32, out),
        Leaf::Sint32 => put_integer(unzigzag(bits) as i32, out),
        Leaf::Uint32 | Leaf::Fixed32 => put_integer(bits as u32, out),
        Leaf::Int64 | Leaf::Sfixed64 => put_quoted(bits.cast_signed(), out),
        Leaf::Sint64 => put_quoted(unzigzag(bits), out),
        Leaf::Uint64 | Leaf::Fixed64 => put_quoted(bits, out),
        Leaf::Bool => out.extend_from_slice(if bits == 0 { b"false" } else { b"true" }),
        Leaf::Null => out.extend_from_slice(b"null"),
        Leaf::Enum(of) => match value_name(of, bits as i32) {
            Some(name) => put_string(name, out),
            None => put_integer(bits as i32, out),
        },
        Leaf::String | Leaf::Bytes => {}
    }
}

const fn unzigzag(bits: u64) -> i64 {
    (bits >> 1).cast_signed() ^ -(bits & 1).cast_signed()
}

fn put_integer(value: impl itoa::Integer, out: &mut Vec<u8>) {
    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

/// JavaScript's numbers are exact up to 53 bits only, so 64-bit integers are strings.
fn put_quoted(value: impl itoa::Integer, out: &mut Vec<u8>) {
    out.push(b'"');
    put_integer(value, out);
    out.push(b'"');
}

fn put_double(value: f64, out: &mut Vec<u8>) {
    match not_finite(value) {
        Some(name) => out.extend_from_slice(name),
        None => out.extend_from_slice(zmij::Buffer::new().format_finite(value).as_bytes()),
    }
}

fn put_float(value: f32, out: &mut Vec<u8>) {
    match not_finite(value.into()) {
        Some(name) => out.extend_from_slice(name),
        None => out.extend_from_slice(zmij::Buffer::new().format_finite(value).as_bytes()),
    }
}

const fn not_finite(value: f64) -> Option<&'static [u8]> {
    if value.is_finite() {
        None
    } else if value.is_nan() {
        Some(b"\"NaN\"")
    } else if value.is_sign_negative() {
        Some(b"\"-Infinity\"")
    } else {
        Some(b"\"Infinity\"")
    }
}

pub(super) fn put_bytes(bytes: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    out.extend_from_slice(STANDARD.encode(bytes).as_bytes());
    out.push(b'"');
}

pub(super) fn text(bytes: &[u8]) -> Result<&str, WireError> {
    std::str::from_utf8(bytes).map_err(|_| WireError("a string is not UTF-8"))
}

/// Appends the text in quotes, and escapes the characters that need it.
pub(super) fn put_string(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    for part in text.as_bytes().split_inclusive(|byte| must_escape(*byte)) {
        match part.split_last() {
            Some((last, plain)) if must_escape(*last) => {
                out.extend_from_slice(plain);
                put_escaped(*last, out);
            }
            _ => out.extend_from_slice(part),
        }
    }
    out.push(b'"');
}

const fn must_escape(byte: u8) -> bool {
    byte < 0x20 || byte == b'"' || byte == b'\\'
}

fn put_escaped(byte: u8, out: &mut Vec<u8>) {
    let short = match byte {
        b'\n' => b'n',
        b'\r' => b'r',
        b'\t' => b't',
        b'"' | b'\\' => byte,
        control => {
            let hex = |digit: u8| if digit < 10 { b'0' + digit } else { b'a' + digit - 10 };
            out.extend_from_slice(&[b'\\', b'u', b'0', b'0', hex(control >> 4), hex(control & 15)]);
            return;
        }
    };
    out.extend_from_slice(&[b'\\', short]);
}

/// A map's key. Keys are written in its order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Key<'w> {
    Bool(bool),
    Signed(i64),
    Unsigned(u64),
    Text(&'w str),
}

impl<'w> Key<'w> {
    #[expect(clippy::cast_possible_truncation, reason = "32-bit types are the low half of their bits")]
    pub(super) fn of(kind: &Kind, value: Option<Value<'w>>) -> Result<Self, WireError> {
        let Kind::Leaf(leaf) = kind else { return Err(WireError("a map's key is a message")) };
        let bits = match value.unwrap_or(default(leaf)) {
            Value::Varint(bits) | Value::Fixed64(bits) => bits,
            Value::Fixed32(bits) => bits.into(),
            Value::Delimited(bytes) => return text(bytes).map(Self::Text),
            Value::Group => return Err(WireError("a map's key is a group")),
        };
        Ok(match leaf {
            Leaf::Bool => Self::Bool(bits != 0),
            Leaf::Int32 | Leaf::Sfixed32 => Self::Signed((bits as i32).into()),
            Leaf::Int64 | Leaf::Sfixed64 => Self::Signed(bits.cast_signed()),
            Leaf::Sint32 => Self::Signed((unzigzag(bits) as i32).into()),
            Leaf::Sint64 => Self::Signed(unzigzag(bits)),
            Leaf::Uint32 | Leaf::Fixed32 => Self::Unsigned((bits as u32).into()),
            _ => Self::Unsigned(bits),
        })
    }

    pub(super) fn put(self, out: &mut Vec<u8>) {
        match self {
            Self::Bool(value) => put_string(if value { "true" } else { "false" }, out),
            Self::Signed(value) => put_quoted(value, out),
            Self::Unsigned(value) => put_quoted(value, out),
            Self::Text(text) => put_string(text, out),
        }
    }
}
