//! The ports of the two services, and the limits behind them.

use std::{
    net::SocketAddr,
    num::{NonZeroU32, NonZeroUsize},
};

use clap::Args;
use images::TransferLimits;
use listener::Descriptors;

use super::address;

/// The images service's own port, and the URLs it signs.
#[derive(Args, Clone, Debug)]
pub(crate) struct ImagesPort {
    /// Where the images service listens for gRPC and gRPC-web.
    #[arg(long, env = "RETICLE_IMAGES_LISTEN", default_value = "127.0.0.1:50051", value_name = "IP:PORT", value_parser = address)]
    pub(crate) images_listen: SocketAddr,

    /// The URL at which browsers reach the gateway; signed image URLs begin with it. [default: as the request says]
    #[arg(long, env = "RETICLE_PUBLIC_URL", value_name = "URL")]
    pub(crate) public_url: Option<String>,

    /// The most uploads and downloads at a time.
    #[arg(
        long,
        env = "RETICLE_MAX_TRANSFERS",
        default_value_t = TransferLimits::DEFAULT_TOTAL,
        value_name = "COUNT"
    )]
    pub(crate) max_transfers: NonZeroUsize,

    /// The most uploads and downloads of one caller at a time, or by signed URLs of one image or upload.
    #[arg(
        long,
        env = "RETICLE_MAX_TRANSFERS_PER_CALLER",
        default_value_t = TransferLimits::DEFAULT_PER_CALLER,
        value_name = "COUNT"
    )]
    pub(crate) max_transfers_per_caller: NonZeroUsize,
}

impl ImagesPort {
    /// As the images service takes them, as far as there are descriptors for the files.
    pub(crate) fn transfers(&self, descriptors: Descriptors) -> TransferLimits {
        TransferLimits {
            total: descriptors.files(self.max_transfers),
            per_caller: self.max_transfers_per_caller,
        }
    }
}

/// The annotations service's own port.
#[derive(Args, Clone, Debug)]
pub(crate) struct AnnotationsPort {
    /// Where the annotations service listens for gRPC and gRPC-web.
    #[arg(
        long,
        env = "RETICLE_ANNOTATIONS_LISTEN",
        default_value = "127.0.0.1:50052",
        value_name = "IP:PORT",
        value_parser = address
    )]
    pub(crate) annotations_listen: SocketAddr,

    /// The most watchers that there may be at a time; one more is asked to come back.
    #[arg(
        long,
        env = "RETICLE_MAX_WATCHERS",
        default_value_t = annotations::DEFAULT_MAX_WATCHERS,
        value_name = "COUNT"
    )]
    pub(crate) max_watchers: NonZeroUsize,

    /// The most streams of boxes that may be open at a time; a producer more is asked to come back.
    #[arg(
        long,
        env = "RETICLE_MAX_INGEST_STREAMS",
        default_value_t = annotations::DEFAULT_MAX_INGEST_STREAMS,
        value_name = "COUNT"
    )]
    pub(crate) max_ingest_streams: NonZeroUsize,

    /// The most bytes of boxes that all streams together hold in memory; what is more is asked to come back.
    #[arg(
        long,
        env = "RETICLE_MAX_INGEST_BYTES",
        default_value_t = annotations::DEFAULT_MAX_INGEST_BYTES,
        value_name = "BYTES"
    )]
    pub(crate) max_ingest_bytes: NonZeroUsize,

    /// The most streams of one caller that are remembered; one more is rejected until one of them is forgotten, which is 30
    /// days after its last use.
    #[arg(
        long,
        env = "RETICLE_MAX_STREAM_NAMES",
        default_value_t = annotations::DEFAULT_MAX_STREAM_NAMES,
        value_name = "COUNT"
    )]
    pub(crate) max_stream_names: NonZeroU32,
}
