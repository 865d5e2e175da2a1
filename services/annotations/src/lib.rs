//! The annotations service: labelled boxes on images, as `reticle.annotations.v1.AnnotationsService` describes it.
//! It knows no host: a database, the images service, a clock and randomness are given to it.
//!
//! A request goes through `rpc.rs` (decode, act, encode) and `service.rs` (the acts) to `repo.rs` (all SQL); `owners.rs`
//! knows whom an image belongs to, `ingest.rs` is what producers of many boxes call. To add a field, begin with the contract and a migration, then `annotation.rs` with
//! its rule, `changes.rs` if it can be changed, and `repo.rs`. To add an RPC, write its act in `service.rs`.

mod annotation;
mod call;
mod changes;
mod error;
mod ingest;
mod owners;
mod repo;
mod rpc;
mod service;

use std::sync::Arc;

use proto::annotations::v1::annotations_service_server::AnnotationsServiceServer;
use storage::{Clock, Database, Entropy};

pub use owners::ImagesBackend;
use owners::Owners;

/// Stores labelled boxes and lists them by image, for whoever the images belong to.
///
/// Behind an `identity::AuthLayer`: a request without a caller in its extensions is refused.
#[derive(Clone, Debug)]
pub struct AnnotationsService<D, I, C, E> {
    database: D,
    owners: Arc<Owners<I, C>>,
    clock: C,
    entropy: E,
}

impl<D: Database, I: ImagesBackend, C: Clock, E: Entropy> AnnotationsService<D, I, C, E> {
    /// A service on `database` that asks `images` whom an image belongs to.
    pub fn new(database: D, images: I, clock: C, entropy: E) -> Self {
        let owners = Arc::new(Owners::new(images, clock.clone()));
        Self { database, owners, clock, entropy }
    }

    /// The gRPC server, to be served by any host.
    pub fn into_server(self) -> AnnotationsServiceServer<Self> {
        AnnotationsServiceServer::new(self)
    }
}
