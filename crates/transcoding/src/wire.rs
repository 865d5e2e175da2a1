//! Reads and writes single fields in the protobuf wire format, without building messages.

use prost::encoding::{WireType, decode_key, decode_varint, encode_key, encode_varint};

/// The most bytes of a field's tag and length.
pub(crate) const MAX_PREFIX: usize = 15;

/// One field's value in the wire format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Value<'a> {
    Varint(u64),
    Bytes(&'a [u8]),
    /// A value of 32 or 64 bits. The gateway reads none, so the bits are skipped.
    Fixed,
}

impl<'a> Value<'a> {
    pub(crate) const fn bytes(self) -> Option<&'a [u8]> {
        match self {
            Self::Bytes(bytes) => Some(bytes),
            Self::Varint(_) | Self::Fixed => None,
        }
    }
}

/// Bytes that are not a protobuf message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the message is not valid protobuf")]
pub struct Malformed;

/// A message's fields in wire order; ends after the first error.
pub(crate) struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    pub(crate) const fn of(message: &'a [u8]) -> Self {
        Self(message)
    }

    fn read(&mut self) -> Result<(u32, Value<'a>), Malformed> {
        let (number, wire_type) = decode_key(&mut self.0).map_err(|_| Malformed)?;
        let value = match wire_type {
            WireType::Varint => Value::Varint(decode_varint(&mut self.0).map_err(|_| Malformed)?),
            WireType::LengthDelimited => {
                let length = decode_varint(&mut self.0).map_err(|_| Malformed)?;
                Value::Bytes(self.take(usize::try_from(length).map_err(|_| Malformed)?)?)
            }
            WireType::SixtyFourBit => self.take(8).map(|_| Value::Fixed)?,
            WireType::ThirtyTwoBit => self.take(4).map(|_| Value::Fixed)?,
            WireType::StartGroup | WireType::EndGroup => return Err(Malformed),
        };
        Ok((number, value))
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], Malformed> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or(Malformed)?;
        self.0 = rest;
        Ok(taken)
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<(u32, Value<'a>), Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let field = self.read();
        if field.is_err() {
            self.0 = &[];
        }
        Some(field)
    }
}

/// The values of one field, up to the first malformed field of the message.
pub(crate) fn values(message: &[u8], number: u32) -> impl Iterator<Item = Value<'_>> {
    Fields::of(message).map_while(Result::ok).filter_map(move |(n, value)| (n == number).then_some(value))
}

/// Appends a field of bytes, text or a message.
pub(crate) fn put_bytes(number: u32, payload: &[u8], out: &mut Vec<u8>) {
    put_prefix(number, payload.len(), out);
    out.extend_from_slice(payload);
}

/// Appends the tag and the length of a field whose bytes the caller appends itself.
pub(crate) fn put_prefix(number: u32, length: usize, out: &mut Vec<u8>) {
    encode_key(number, WireType::LengthDelimited, out);
    encode_varint(length as u64, out);
}

/// Appends an int32, int64, uint32, uint64 or bool field; negative numbers in two's complement.
pub(crate) fn put_varint(number: u32, value: u64, out: &mut Vec<u8>) {
    encode_key(number, WireType::Varint, out);
    encode_varint(value, out);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_read_in_order() {
        let mut message = Vec::new();
        put_varint(1, 300, &mut message);
        message.extend_from_slice(b"\x11\0\0\0\0\0\0\0\0\x1d\0\0\0\0");
        put_bytes(1000, b"text", &mut message);
        let fields: Result<Vec<_>, _> = Fields::of(&message).collect();
        let expected =
            [(1, Value::Varint(300)), (2, Value::Fixed), (3, Value::Fixed), (1000, Value::Bytes(b"text"))];
        assert_eq!(fields.unwrap(), expected);
    }

    #[test]
    fn malformed_bytes_are_an_error_that_ends_the_fields() {
        let cases: [&[u8]; 6] = [
            b"\x08",                                                 // no value
            b"\x0a\x05abc",                                          // shorter than its length
            b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",         // a length past any memory
            b"\x0b\x0c",                                             // a group
            b"\x00\x01",                                             // field number 0
            b"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", // a varint that never ends
        ];
        for message in cases {
            let fields: Vec<_> = Fields::of(message).collect();
            assert_eq!(fields, [Err(Malformed)], "{message:?}");
        }
    }

    #[test]
    fn a_prefix_is_never_longer_than_max_prefix() {
        let mut prefix = Vec::new();
        put_prefix((1 << 29) - 1, usize::MAX, &mut prefix);
        assert!(prefix.len() <= MAX_PREFIX, "{}", prefix.len());
    }
}
