//! Checks at compile time that the largest valid request fits into one gRPC message. Otherwise the transport would reject a
//! valid request.

use crate::{
    annotation::{MAX_LABEL, MAX_MODEL, MAX_STREAM_ID},
    ingest::MAX_BATCH,
};

/// The maximum size of a character in bytes.
const CHAR: usize = 4;

/// The size of an image id in bytes.
const IMAGE_ID: usize = 32;

/// The size of a `double` with its tag.
const DOUBLE: usize = 1 + 8;

/// The maximum size of an `int64` with its tag.
const INT64: usize = 1 + 10;

/// The size of a text or a message of `length` bytes, with its tag and its length prefix.
const fn delimited(length: usize) -> usize {
    let prefix = match length {
        0..0x80 => 1,
        0x80..0x4000 => 2,
        _ => 3,
    };
    1 + prefix + length
}

/// The size of an annotation with the longest texts: a bounding box of four numbers, and a confidence.
const NEW_ANNOTATION: usize =
    delimited(IMAGE_ID) + delimited(MAX_LABEL * CHAR) + delimited(MAX_MODEL * CHAR) + 5 * DOUBLE;

/// The size of the largest request: `MAX_BATCH` such annotations, with a stream id and an offset.
const LARGEST_REQUEST: usize = delimited(MAX_STREAM_ID) + INT64 + MAX_BATCH * delimited(NEW_ANNOTATION);

const _: () = assert!(LARGEST_REQUEST <= aip::MAX_MESSAGE_BYTES, "raise aip::MAX_MESSAGE_BYTES");

#[cfg(test)]
mod tests {
    use proto::annotations::v1 as pb;

    use super::*;

    #[test]
    fn the_largest_request_has_the_size_that_was_computed() {
        // Every field is named, so that a new field fails to compile here. Add it to the computation too.
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
