//! The size of the largest request that the rules of this crate allow: it must fit into one message, or a caller that keeps
//! every rule would be rejected by the transport.

use crate::{
    annotation::{MAX_LABEL, MAX_MODEL},
    ingest::{MAX_BATCH, MAX_STREAM_ID},
};

/// The bytes of a character, at most.
const CHAR: usize = 4;

/// The bytes of an image's id.
const IMAGE_ID: usize = 32;

/// A `double` with its tag.
const DOUBLE: usize = 1 + 8;

/// An `int64` with its tag, at most.
const INT64: usize = 1 + 10;

/// A text or a message of `length` bytes with its tag.
const fn delimited(length: usize) -> usize {
    let prefix = match length {
        0..0x80 => 1,
        0x80..0x4000 => 2,
        _ => 3,
    };
    1 + prefix + length
}

/// An annotation with the longest texts: a bounding box of four numbers, and a confidence.
const NEW_ANNOTATION: usize =
    delimited(IMAGE_ID) + delimited(MAX_LABEL * CHAR) + delimited(MAX_MODEL * CHAR) + 5 * DOUBLE;

/// As many of them as a message may have, with the stream that they belong to.
const LARGEST_REQUEST: usize = delimited(MAX_STREAM_ID) + INT64 + MAX_BATCH * delimited(NEW_ANNOTATION);

const _: () = assert!(LARGEST_REQUEST <= aip::MAX_MESSAGE_BYTES, "raise aip::MAX_MESSAGE_BYTES");

#[cfg(test)]
mod tests {
    use proto::annotations::v1 as pb;

    use super::*;

    #[test]
    fn the_largest_request_has_the_size_that_was_computed() {
        // Every field is named: one that is added must be added to the computation, too.
        let annotation = pb::NewAnnotation {
            image_id: "0".repeat(IMAGE_ID),
            label: "🚗".repeat(MAX_LABEL),
            x: 0.1,
            y: 0.1,
            width: 0.1,
            height: 0.1,
            confidence: Some(0.1),
            model: "🚗".repeat(MAX_MODEL),
        };
        let request = pb::IngestAnnotationsRequest {
            stream_id: "s".repeat(MAX_STREAM_ID),
            // A negative number takes the most bytes.
            offset: -1,
            annotations: vec![annotation; MAX_BATCH],
        };
        assert_eq!(prost::Message::encoded_len(&request), LARGEST_REQUEST);
    }
}
