//! The images service: stores images and serves them. It implements the contract `reticle.images.v1`.
//!
//! The bytes of each image are one object in an [`storage::ObjectStore`], and its record is a row in a [`storage::Database`]. An upload writes
//! the object before the record, so a live record always has its object. A crash can leave an object without a record, which
//! the daily [`cleanup()`] finds. The crate depends on no host and on no adapter of the ports.
//!
//! | module | what it holds |
//! |---|---|
//! | `rpc`, `error` | the RPC handlers, and the statuses of their errors |
//! | `service`, `call` | the operations on records, and the context of a request |
//! | `host` | the ports of the service |
//! | `image`, `format`, `view` | the domain types, and which images a caller can see |
//! | `upload`, `direct`, `download`, `signed_url`, `transfers` | how bytes are received and sent |
//! | `probe`, `inspect` | the size and orientation of an image, read from its headers |
//! | `repo` | all SQL |
//! | `binding`, `store_id`, `cleanup`, `readiness` | maintenance of the database and the object store |
//!
//! To add an RPC: declare it in the `.proto`; decode and encode in `rpc.rs`; act in `service.rs`; put its SQL into `repo.rs`.
//! To add an image format: add a variant to `Format`, detect its first bytes in `format.rs`, read its header in `probe/`.

mod binding;
mod call;
mod cleanup;
mod direct;
mod download;
mod error;
mod format;
mod host;
mod image;
mod inspect;
mod probe;
mod readiness;
mod repo;
mod rpc;
mod service;
mod signed_url;
mod store_id;
mod transfers;
mod upload;
mod view;

use aip::Sealer;
use identity::UrlSigner;
use proto::images::v1::images_service_server::ImagesServiceServer;

use crate::transfers::Transfers;

pub use self::readiness::needs;
pub use binding::{BindError, adopt, bind};
pub use cleanup::{
    CleanupError, CleanupReport, CleanupSettings, DEFAULT_MAX_MOVES, DEFAULT_MAX_SWEEP_PERCENT, SMALL_SWEEP,
    cleanup,
};
pub use host::{Host, Ports};
pub use inspect::{Inspection, inspect};
pub use store_id::StoreId;
pub use transfers::TransferLimits;

/// The default of [`Settings::max_upload_bytes`].
pub const DEFAULT_MAX_UPLOAD_BYTES: i32 = 10 * 1024 * 1024;

/// The settings of the service.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The most bytes of an image.
    pub max_upload_bytes: i32,
    /// The base of signed URLs, for example `https://reticle.example`. `None`: the URL by which the client called the gateway.
    pub public_url: Option<String>,
    /// How many uploads and downloads may run at a time; `None` if the host limits them itself.
    pub transfers: Option<TransferLimits>,
}

impl Default for Settings {
    fn default() -> Self {
        Self { max_upload_bytes: DEFAULT_MAX_UPLOAD_BYTES, public_url: None, transfers: None }
    }
}

/// The images service. It needs an [`identity::AuthLayer`] in front of it: without one, no request has a caller.
#[derive(Clone, Debug)]
pub struct ImagesService<H: Host> {
    ports: Ports<H>,
    signer: UrlSigner,
    /// Makes and verifies page tokens.
    pages: Sealer,
    settings: Settings,
    transfers: Transfers,
}

impl<H: Host> ImagesService<H> {
    /// Creates the service. All processes that share the same data need a `signer` with the same key.
    #[must_use]
    pub fn new(ports: Ports<H>, signer: UrlSigner, settings: Settings) -> Self {
        let transfers = Transfers::new(settings.transfers);
        let pages = signer.token_key().sealer("images: pages 1");
        Self { ports, signer, pages, settings, transfers }
    }

    /// The tower service that a host serves, with the limit on message size.
    #[must_use]
    pub fn into_server(self) -> ImagesServiceServer<Self> {
        ImagesServiceServer::new(self).max_decoding_message_size(aip::MAX_MESSAGE_BYTES)
    }
}
