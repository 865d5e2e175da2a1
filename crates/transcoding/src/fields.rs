//! Reads and writes single fields of messages, without building the messages.

use crate::wire::{self, Records, Value, WireType, put_delimited, put_tag};

/// The most bytes of a field's tag and length.
pub(crate) const MAX_PREFIX: usize = 15;

/// Bytes that are not a protobuf message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the message is not valid protobuf")]
pub struct Malformed;

/// A message's fields in wire order; ends after the first error.
pub(crate) struct Fields<'a>(Option<Records<'a>>);

impl<'a> Fields<'a> {
    pub(crate) const fn of(message: &'a [u8]) -> Self {
        Self(Some(Records::starting_at(message, 0)))
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<(u32, Value<'a>), Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        let field = self.0.as_mut()?.next();
        if field.is_err() {
            self.0 = None;
        }
        field.map_err(|_| Malformed).transpose()
    }
}

/// The values of one field, up to the first malformed field of the message.
pub(crate) fn values(message: &[u8], number: u32) -> impl Iterator<Item = Value<'_>> {
    Fields::of(message).map_while(Result::ok).filter_map(move |(n, value)| (n == number).then_some(value))
}

/// Appends a field of bytes, text or a message.
pub(crate) fn put_bytes(number: u32, payload: &[u8], out: &mut Vec<u8>) {
    put_tag(out, number, WireType::Delimited);
    put_delimited(out, payload);
}

/// Appends the tag and the length of a field whose bytes the caller appends itself.
pub(crate) fn put_prefix(number: u32, length: usize, out: &mut Vec<u8>) {
    put_tag(out, number, WireType::Delimited);
    wire::put_varint(out, length as u64);
}

/// Appends an int32, int64, uint32, uint64 or bool field; negative numbers in two's complement.
pub(crate) fn put_varint(number: u32, value: u64, out: &mut Vec<u8>) {
    put_tag(out, number, WireType::Varint);
    wire::put_varint(out, value);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_read_in_order() {
        let mut message = Vec::new();
        put_varint(1, 300, &mut message);
        message.extend_from_slice(b"\x11\0\0\0\0\0\0\0\0\x1d\0\0\0\0");
        message.extend_from_slice(b"\x23\x08\x01\x24");
        put_bytes(1000, b"text", &mut message);
        let fields: Result<Vec<_>, _> = Fields::of(&message).collect();
        let expected = [
            (1, Value::Varint(300)),
            (2, Value::Fixed64(0)),
            (3, Value::Fixed32(0)),
            (4, Value::Group),
            (1000, Value::Delimited(b"text")),
        ];
        assert_eq!(fields.unwrap(), expected);
    }

    #[test]
    fn malformed_bytes_are_an_error_that_ends_the_fields() {
        let cases: [&[u8]; 6] = [
            b"\x08",                                                 // no value
            b"\x0a\x05abc",                                          // shorter than its length
            b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",         // a length past any memory
            b"\x0b\x08\x01",                                         // a group without an end
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
