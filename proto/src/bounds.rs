//! How many elements the lists of a request may have, counted on the wire.
//!
//! An empty message in a list takes two bytes of a request, and 60 times as much once it is decoded. So the elements are
//! counted before anything is decoded.

use prost::encoding::{DecodeContext, WireType, decode_key, decode_varint, skip_field};
use tonic::Status;

/// The most elements that all lists and maps of one request message have together: twice what the longest list of the
/// contract (the annotations of an append) and the largest metadata (16 KiB of JSON) may have.
pub const MAX_ELEMENTS: usize = 10_000;

/// How deeply messages may be nested: prost decodes no deeper.
const MAX_DEPTH: u32 = 100;

/// A message that a codec decodes.
pub trait Bounded {
    /// Where its lists are; `None` if it is a response, which comes from a service of our own.
    const SHAPE: Option<&'static Shape>;
}

/// Where the lists of a message, and of the messages within it, are.
#[derive(Debug)]
pub struct Shape(pub(crate) &'static [Field]);

/// A field that is a list, or holds a message.
#[derive(Debug)]
pub(crate) struct Field {
    pub(crate) number: u32,
    pub(crate) is_repeated: bool,
    pub(crate) message: Option<&'static Shape>,
}

/// That a message has more elements than [`MAX_ELEMENTS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooMany;

impl From<TooMany> for Status {
    fn from(TooMany: TooMany) -> Self {
        Self::invalid_argument(format!(
            "The lists of the request have more than {MAX_ELEMENTS} elements. Send fewer at a time."
        ))
    }
}

/// Whether `message` has at most [`MAX_ELEMENTS`] elements, as far as it can be decoded at all.
pub(crate) fn check(message: &[u8], shape: &Shape) -> Result<(), TooMany> {
    let mut left = MAX_ELEMENTS;
    count(message, shape, &mut left, MAX_DEPTH)
}

/// Takes the elements of `message` away from `left`.
fn count(mut message: &[u8], shape: &Shape, left: &mut usize, depth: u32) -> Result<(), TooMany> {
    while !message.is_empty() {
        // Decoding stops with an error where counting does: what cannot be read is not decoded either.
        let Ok((number, wire_type)) = decode_key(&mut message) else { return Ok(()) };
        let field = shape.0.iter().find(|field| field.number == number);
        if field.is_some_and(|field| field.is_repeated) {
            *left = left.checked_sub(1).ok_or(TooMany)?;
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

/// The bytes of a field with a length, and those after it; the former are cut short if the message is.
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

    fn check_request<M: Bounded + prost::Message>(message: &M) -> Result<(), TooMany> {
        check(&message.encode_to_vec(), M::SHAPE.unwrap())
    }

    fn bulk(count: usize) -> annotations::BulkCreateAnnotationsRequest {
        annotations::BulkCreateAnnotationsRequest { annotations: vec![Default::default(); count] }
    }

    #[test]
    fn a_list_has_a_longest_length() {
        assert_eq!(check_request(&bulk(MAX_ELEMENTS)), Ok(()));
        assert_eq!(check_request(&bulk(MAX_ELEMENTS + 1)), Err(TooMany));
        let ids = |count| images::BatchGetImagesRequest { image_ids: vec![String::new(); count] };
        assert_eq!(check_request(&ids(MAX_ELEMENTS)), Ok(()));
        assert_eq!(check_request(&ids(MAX_ELEMENTS + 1)), Err(TooMany));
    }

    /// Metadata whose lists hold as many values, `width` to a list.
    fn metadata(count: usize, width: usize) -> images::UploadImageRequest {
        let list = |values| Value { kind: Some(Kind::ListValue(ListValue { values })) };
        let lists = (0..count / width).map(|_| list(vec![Value::default(); width])).collect();
        let fields = [("a".to_owned(), list(lists))].into();
        let info = images::UploadInfo { metadata: Some(Struct { fields }), ..Default::default() };
        images::UploadImageRequest { payload: Some(images::upload_image_request::Payload::Info(info)) }
    }

    #[test]
    fn nested_lists_count_together() {
        assert_eq!(check_request(&metadata(MAX_ELEMENTS / 2, 10)), Ok(()));
        assert_eq!(check_request(&metadata(MAX_ELEMENTS, 10)), Err(TooMany));
    }

    #[test]
    fn what_is_cut_off_or_unreadable_is_counted_as_far_as_it_goes() {
        let shape = annotations::BulkCreateAnnotationsRequest::SHAPE.unwrap();
        let mut bytes = bulk(MAX_ELEMENTS + 1).encode_to_vec();
        bytes.push(0x0b);
        assert_eq!(check(&bytes, shape), Err(TooMany));
        for unreadable in
            [&b"\x0b"[..], b"\x00\x01", b"\x08", b"\x0a\x7f", b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"]
        {
            assert_eq!(check(unreadable, shape), Ok(()), "{unreadable:?}");
        }
    }

    #[test]
    fn unknown_fields_are_skipped_and_what_follows_them_counts() {
        let shape = annotations::BulkCreateAnnotationsRequest::SHAPE.unwrap();
        // A group with a field in it, and a field of bytes.
        let bytes =
            [b"\xfb\x07\x08\x01\xfc\x07\xf2\x07\x01a".to_vec(), bulk(MAX_ELEMENTS + 1).encode_to_vec()]
                .concat();
        assert_eq!(check(&bytes, shape), Err(TooMany));
    }
}
