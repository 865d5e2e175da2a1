//! The ports of the two services, and their limits.

use std::{
    net::SocketAddr,
    num::{NonZeroU32, NonZeroUsize},
};

use clap::Args;
use images::TransferLimits;
use listener::Descriptors;

use super::address;

/// The port of the images service, its public URL and its limits.
#[derive(Args, Clone, Debug)]
pub(crate) struct ImagesPort {
    /// The address on which the images service listens for gRPC and gRPC-web.
    #[arg(long, env = "RETICLE_IMAGES_LISTEN", default_value = "127.0.0.1:50051", value_name = "IP:PORT", value_parser = address)]
    pub(crate) images_listen: SocketAddr,

    /// The URL at which browsers reach the gateway; signed image URLs start with it. [default: the host of the request]
    #[arg(long, env = "RETICLE_PUBLIC_URL", value_name = "URL")]
    pub(crate) public_url: Option<String>,

    /// The maximum number of concurrent uploads and downloads.
    #[arg(
        long,
        env = "RETICLE_MAX_TRANSFERS",
        default_value_t = TransferLimits::DEFAULT_TOTAL,
        value_name = "COUNT"
    )]
    pub(crate) max_transfers: NonZeroUsize,

    /// The maximum number of concurrent uploads and downloads of one caller, or by signed URLs of one image or upload.
    #[arg(
        long,
        env = "RETICLE_MAX_TRANSFERS_PER_CALLER",
        default_value_t = TransferLimits::DEFAULT_PER_CALLER,
        value_name = "COUNT"
    )]
    pub(crate) max_transfers_per_caller: NonZeroUsize,
}

impl ImagesPort {
    /// The limits for the images service, lowered if there are too few file descriptors.
    pub(crate) fn transfers(&self, descriptors: Descriptors) -> TransferLimits {
        TransferLimits {
            total: descriptors.files(self.max_transfers),
            per_caller: self.max_transfers_per_caller,
        }
    }
}

/// The port of the annotations service, and its limits.
#[derive(Args, Clone, Debug)]
pub(crate) struct AnnotationsPort {
    /// The address on which the annotations service listens for gRPC and gRPC-web.
    #[arg(
        long,
        env = "RETICLE_ANNOTATIONS_LISTEN",
        default_value = "127.0.0.1:50052",
        value_name = "IP:PORT",
        value_parser = address
    )]
    pub(crate) annotations_listen: SocketAddr,

    /// The maximum number of concurrent watchers. Further watchers receive an error and may retry.
    #[arg(
        long,
        env = "RETICLE_MAX_WATCHERS",
        default_value_t = annotations::DEFAULT_MAX_WATCHERS,
        value_name = "COUNT"
    )]
    pub(crate) max_watchers: NonZeroUsize,

    /// The maximum number of concurrent ingest streams. Further producers receive an error and may retry.
    #[arg(
        long,
        env = "RETICLE_MAX_INGEST_STREAMS",
        default_value_t = annotations::DEFAULT_MAX_INGEST_STREAMS,
        value_name = "COUNT"
    )]
    pub(crate) max_ingest_streams: NonZeroUsize,

    /// The maximum number of bytes of annotations that all ingest streams together hold in memory. A producer whose batch
    /// does not fit receives an error and may retry.
    #[arg(
        long,
        env = "RETICLE_MAX_INGEST_BYTES",
        default_value_t = annotations::DEFAULT_MAX_INGEST_BYTES,
        value_name = "BYTES"
    )]
    pub(crate) max_ingest_bytes: NonZeroUsize,

    /// The maximum number of ingest stream names of one caller. A further name is rejected until one of them expires, 30 days
    /// after its last use.
    #[arg(
        long,
        env = "RETICLE_MAX_STREAM_NAMES",
        default_value_t = annotations::DEFAULT_MAX_STREAM_NAMES,
        value_name = "COUNT"
    )]
    pub(crate) max_stream_names: NonZeroU32,
}
