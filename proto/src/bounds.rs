//! Limits the number of list elements of a request, which it counts in the encoded message.
//!
//! An empty message in a list has two bytes on the wire, and 60 times as many once it is decoded. So the elements are counted
//! before the message is decoded.

use prost::encoding::{DecodeContext, WireType, decode_key, decode_varint, skip_field};
use tonic::Status;

/// The limit for the elements of all lists and maps of one request message together. It is twice the longest list of the
/// contract, the 5,000 annotations of an append, and 1.2 times the 8,190 elements that the largest metadata may have: 16 KiB of
/// JSON, `{"":[0,0,…]}`.
pub const MAX_ELEMENTS: usize = 10_000;

/// The deepest nesting of messages that is counted: prost decodes no deeper.
const MAX_DEPTH: u32 = 100;

/// A message that [`BoundedCodec`](crate::BoundedCodec) decodes. `build.rs` implements it for each message of a method.
pub trait Bounded {
    /// Where its lists are; `None` for a response, which is not limited because it comes from one of our own services.
    const SHAPE: Option<&'static Shape>;
}

/// Which fields of a message, and of the messages within it, are lists.
#[derive(Debug)]
pub struct Shape(pub(crate) &'static [Field]);

/// A field that is a list or holds a message.
#[derive(Debug)]
pub(crate) struct Field {
    pub(crate) number: u32,
    pub(crate) is_repeated: bool,
    pub(crate) message: Option<&'static Shape>,
}

/// A message has more elements than [`MAX_ELEMENTS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooManyElements;

impl From<TooManyElements> for Status {
    fn from(TooManyElements: TooManyElements) -> Self {
        Self::invalid_argument(format!(
            "The lists of the request have more than {MAX_ELEMENTS} elements. Send fewer at a time."
        ))
    }
}

/// Checks that `message` has at most [`MAX_ELEMENTS`] elements, up to the first byte that cannot be decoded.
pub(crate) fn check(message: &[u8], shape: &Shape) -> Result<(), TooManyElements> {
    let mut left = MAX_ELEMENTS;
    count(message, shape, &mut left, MAX_DEPTH)
}

/// Subtracts the number of elements of `message` from `left`.
fn count(mut message: &[u8], shape: &Shape, left: &mut usize, depth: u32) -> Result<(), TooManyElements> {
    while !message.is_empty() {
        // Counting may stop at an error without rejecting the message: decoding fails at the same byte.
        let Ok((number, wire_type)) = decode_key(&mut message) else { return Ok(()) };
        let field = shape.0.iter().find(|field| field.number == number);
        if field.is_some_and(|field| field.is_repeated) {
            *left = left.checked_sub(1).ok_or(TooManyElements)?;
        }
        let inner = field.and_then(|field| field.message).filter(|_| wire_type == WireType::LengthDelimited);
        let Some(inner) = inner else {
            let skipped = skip_field(wire_type, number, &mut message, DecodeContext::default());
            if skipped.is_err() {
                return Ok(());
            }
            continue;
        };
        let Some((bytes, rest)) = split(message) else { return Ok(()) };
        message = rest;
        match depth.checked_sub(1) {
            Some(depth) => count(bytes, inner, left, depth)?,
            None => return Ok(()),
        }
    }
    Ok(())
}

/// Splits `message` into the bytes of a length-delimited field and those after it. In a truncated message the field is
/// shorter than its length.
fn split(mut message: &[u8]) -> Option<(&[u8], &[u8])> {
    let length = decode_varint(&mut message).ok()?;
    let length = usize::try_from(length).unwrap_or(usize::MAX).min(message.len());
    message.split_at_checked(length)
}

#[cfg(test)]
mod tests {
    use prost::Message as _;
    use prost_types::{ListValue, Struct, Value, value::Kind};

    use super::*;
    use crate::{annotations::v1 as annotations, images::v1 as images};

    fn check_request<M: Bounded + prost::Message>(message: &M) -> Result<(), TooManyElements> {
        check(&message.encode_to_vec(), M::SHAPE.unwrap())
    }

    fn bulk(count: usize) -> annotations::BulkCreateAnnotationsRequest {
        annotations::BulkCreateAnnotationsRequest { annotations: vec![Default::default(); count] }
    }

    #[test]
    fn a_list_with_more_than_the_maximum_of_elements_is_rejected() {
        assert_eq!(check_request(&bulk(MAX_ELEMENTS)), Ok(()));
        assert_eq!(check_request(&bulk(MAX_ELEMENTS + 1)), Err(TooManyElements));
        let ids = |count| images::BatchGetImagesRequest { image_ids: vec![String::new(); count] };
        assert_eq!(check_request(&ids(MAX_ELEMENTS)), Ok(()));
        assert_eq!(check_request(&ids(MAX_ELEMENTS + 1)), Err(TooManyElements));
    }

    /// Metadata with `count` values in lists of `width` values.
    fn metadata(count: usize, width: usize) -> images::UploadImageRequest {
        let list = |values| Value { kind: Some(Kind::ListValue(ListValue { values })) };
        let lists = (0..count / width).map(|_| list(vec![Value::default(); width])).collect();
        let fields = [("a".to_owned(), list(lists))].into();
        let info = images::UploadInfo { metadata: Some(Struct { fields }), ..Default::default() };
        images::UploadImageRequest { payload: Some(images::upload_image_request::Payload::Info(info)) }
    }

    #[test]
    fn the_elements_of_nested_lists_are_added() {
        assert_eq!(check_request(&metadata(MAX_ELEMENTS / 2, 10)), Ok(()));
        assert_eq!(check_request(&metadata(MAX_ELEMENTS, 10)), Err(TooManyElements));
    }

    #[test]
    fn the_largest_metadata_is_accepted() {
        let zeros = 8_189;
        let json = format!("{{\"\":[{}]}}", vec!["0"; zeros].join(","));
        assert_eq!(json.len(), 16 * 1024);
        let zero = Value { kind: Some(Kind::NumberValue(0.0)) };
        let list = Value { kind: Some(Kind::ListValue(ListValue { values: vec![zero; zeros] })) };
        let metadata = Some(Struct { fields: [(String::new(), list)].into() });
        let upload = images::CreateUploadRequest { metadata, ..Default::default() };
        assert_eq!(check_request(&upload), Ok(()));
    }

    #[test]
    fn a_truncated_or_malformed_message_is_counted_up_to_its_first_error() {
        let shape = annotations::BulkCreateAnnotationsRequest::SHAPE.unwrap();
        let mut bytes = bulk(MAX_ELEMENTS + 1).encode_to_vec();
        bytes.push(0x0b);
        assert_eq!(check(&bytes, shape), Err(TooManyElements));
        for malformed in
            [&b"\x0b"[..], b"\x00\x01", b"\x08", b"\x0a\x7f", b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"]
        {
            assert_eq!(check(malformed, shape), Ok(()), "{malformed:?}");
        }
    }

    #[test]
    fn unknown_fields_are_skipped_and_later_fields_are_counted() {
        let shape = annotations::BulkCreateAnnotationsRequest::SHAPE.unwrap();
        // An unknown group with a field in it, and an unknown bytes field.
        let bytes =
            [b"\xfb\x07\x08\x01\xfc\x07\xf2\x07\x01a".to_vec(), bulk(MAX_ELEMENTS + 1).encode_to_vec()]
                .concat();
        assert_eq!(check(&bytes, shape), Err(TooManyElements));
    }
}
