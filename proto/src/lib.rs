//! Reticle's API contract: the code generated from the `.proto` files beside this crate, and their descriptors.
//!
//! `bounds` and `codec` limit the list elements of a request. `facts` holds what `build.rs`
//! generates from the descriptors.
//!
//! To add an RPC, write it in `reticle/<service>/v1/<service>.proto` with its `google.api.http` option. The servers, the
//! clients, the gateway's routes and its OpenAPI description are derived from it.

mod bounds;
mod codec;
mod facts {
    //! Facts about the contract that tonic's and prost's code lacks. `build.rs` generates them from the descriptors.
    include!(concat!(env!("OUT_DIR"), "/facts.rs"));
}

/// Messages, clients and servers of `reticle.images.v1` and `reticle.annotations.v1`.
#[expect(
    missing_docs,
    clippy::allow_attributes,
    reason = "generated; the documentation is in the .proto files"
)]
mod generated {
    pub mod images {
        pub mod v1 {
            include!(concat!(env!("OUT_DIR"), "/reticle.images.v1.rs"));
        }
    }
    pub mod annotations {
        pub mod v1 {
            include!(concat!(env!("OUT_DIR"), "/reticle.annotations.v1.rs"));
        }
    }
}

pub use bounds::{Bounded, MAX_ELEMENTS, Shape};
pub use codec::BoundedCodec;
pub use facts::TOKEN_OPTIONAL;
pub use generated::{annotations, images};

/// The serialized `FileDescriptorSet` of the whole contract, with its imports, options and comments.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));

/// Whether the RPC at this path accepts a stream of request messages. All other RPCs accept exactly one.
#[must_use]
pub fn takes_stream(path: &str) -> bool {
    facts::STREAMED.contains(&path)
}

#[cfg(test)]
mod tests {
    use super::takes_stream;

    #[test]
    fn only_uploads_and_ingest_accept_streams() {
        for path in [
            "/reticle.images.v1.ImagesService/UploadImage",
            "/reticle.images.v1.ImagesService/PutUpload",
            "/reticle.annotations.v1.AnnotationsService/IngestAnnotations",
        ] {
            assert!(takes_stream(path), "{path}");
        }
        for path in ["/reticle.images.v1.ImagesService/GetImage", "/reticle.images.v1.ImagesService", ""] {
            assert!(!takes_stream(path), "{path}");
        }
    }
}
