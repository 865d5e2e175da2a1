//! The images service: stores pictures and serves them, by the contract of `reticle.images.v1`.
//!
//! The bytes are in an [`ObjectStore`], one object each, written first and deleted last; the records are in a
//! [`Database`]. The crate knows neither the host it runs on nor the adapters it is given.
//!
//! To add an RPC: say it in the `.proto`, decode, act and encode in a file of `rpc/`, and put its SQL into `repo.rs`.
//! To add a picture format: a variant of `Format`, its first bytes in `format.rs`, its header in a file of `probe/`.

mod binding;
mod cleanup;
mod direct;
mod download;
mod error;
mod format;
mod image;
mod inspect;
mod probe;
mod readiness;
mod repo;
mod rpc;
mod signed_url;
mod store_id;
mod transfers;
mod upload;
mod view;

use aip::Sealer;
use identity::UrlSigner;
use proto::images::v1::images_service_server::ImagesServiceServer;
use storage::{Background, Clock, Database, Entropy, ObjectStore};

use crate::transfers::Transfers;

pub use self::readiness::needs;
pub use binding::{BindError, adopt, bind};
pub use cleanup::{
    CleanupError, CleanupReport, CleanupSettings, DEFAULT_MAX_MOVES, DEFAULT_MAX_SWEEP_PERCENT,
    PLAUSIBLE_SWEEP, cleanup,
};
pub use inspect::{Inspection, inspect};
pub use store_id::StoreId;
pub use transfers::TransferLimits;

/// The most bytes that a picture may have where the settings do not say.
pub const DEFAULT_MAX_UPLOAD_BYTES: i32 = 10 * 1024 * 1024;

/// What the service reaches the world through.
#[derive(Clone, Debug)]
pub struct Ports<D, O, C, E, B> {
    /// Where the records are.
    pub database: D,
    /// Where the bytes are.
    pub objects: O,
    /// What time it is.
    pub clock: C,
    /// Where ids get their randomness from.
    pub entropy: E,
    /// Runs what an answer need not wait for.
    pub background: B,
}

/// What a host may set.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The most bytes that a picture may have.
    pub max_upload_bytes: i32,
    /// The most pixels (width × height) that a picture may have; `None` is no limit, because none is ever decoded here.
    pub max_pixels: Option<u64>,
    /// What signed URLs begin with, as in `https://reticle.example`. `None`: what the gateway was called by.
    pub public_url: Option<String>,
    /// How many uploads and downloads there may be at a time; `None` where the host itself bounds them.
    pub transfers: Option<TransferLimits>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            max_upload_bytes: DEFAULT_MAX_UPLOAD_BYTES,
            max_pixels: None,
            public_url: None,
            transfers: None,
        }
    }
}

/// The service. It needs an [`identity::AuthLayer`] in front of it: without one, nobody has a token.
#[derive(Clone, Debug)]
pub struct ImagesService<D, O, C, E, B> {
    ports: Ports<D, O, C, E, B>,
    signer: UrlSigner,
    /// Makes and reads page tokens.
    pages: Sealer,
    settings: Settings,
    transfers: Transfers,
}

impl<D, O, C, E, B> ImagesService<D, O, C, E, B>
where
    D: Database,
    O: ObjectStore,
    C: Clock,
    E: Entropy,
    B: Background,
{
    /// The service over these ports; every process that shares their data needs a `signer` with the same key.
    #[must_use]
    pub fn new(ports: Ports<D, O, C, E, B>, signer: UrlSigner, settings: Settings) -> Self {
        let transfers = Transfers::new(settings.transfers);
        let pages = signer.token_key().sealer("images: pages 1");
        Self { ports, signer, pages, settings, transfers }
    }

    /// The tower service that a host serves, with the limits of its messages.
    #[must_use]
    pub fn into_server(self) -> ImagesServiceServer<Self> {
        ImagesServiceServer::new(self).max_decoding_message_size(aip::MAX_MESSAGE_BYTES)
    }
}
