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
use storage::{Clock, Database, Entropy, Timer};

pub use owners::ImagesBackend;
use owners::Owners;

/// What the service reaches the world through.
#[derive(Clone, Debug)]
pub struct Ports<D, I, C, E, T> {
    /// Where the boxes are.
    pub database: D,
    /// Who knows whom an image belongs to.
    pub images: I,
    /// What time it is.
    pub clock: C,
    /// Where ids get their randomness from.
    pub entropy: E,
    /// Lets time pass.
    pub timer: T,
}

/// Stores labelled boxes and lists them by image, for whoever the images belong to.
///
/// Behind an `identity::AuthLayer`: a request without a caller in its extensions is refused.
#[derive(Clone, Debug)]
pub struct AnnotationsService<D, I, C, E, T> {
    ports: Ports<D, I, C, E, T>,
    owners: Arc<Owners<I, C>>,
}

impl<D: Database, I: ImagesBackend, C: Clock, E: Entropy, T: Timer> AnnotationsService<D, I, C, E, T> {
    /// The service over these ports.
    pub fn new(ports: Ports<D, I, C, E, T>) -> Self {
        let owners = Arc::new(Owners::new(ports.images.clone(), ports.clock.clone()));
        Self { ports, owners }
    }

    /// The gRPC server, to be served by any host.
    pub fn into_server(self) -> AnnotationsServiceServer<Self> {
        AnnotationsServiceServer::new(self)
    }
}
