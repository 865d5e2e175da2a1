//! The annotations service: labelled boxes on images, as `reticle.annotations.v1.AnnotationsService` describes it.
//! It knows no host: a database, the images service, a clock and randomness are given to it.
//!
//! A request goes through `rpc.rs` (decode, act, encode) and `service.rs` (the acts) to `repo.rs` (all SQL); `owners.rs`
//! knows whom an image belongs to. `ingest.rs` is what producers of many boxes call, `watch.rs` what tells changes; both last,
//! until `drain.rs` ends them.
//!
//! To add a field, begin with the contract and a migration, then `annotation.rs` with its rule, `changes.rs` if it can be
//! changed, and `repo.rs`. To add an RPC, write its act in `service.rs`. A new way to write boxes records what it changes
//! (`repo/record.rs`) and notes it in the feed, or watchers never hear of it.

mod annotation;
mod call;
mod changes;
mod cleanup;
mod drain;
mod error;
mod ingest;
mod message_size;
mod owners;
mod quota;
mod readiness;
mod repo;
mod resume_token;
mod rpc;
mod service;
mod watch;

use std::{
    num::{NonZeroU32, NonZeroUsize},
    sync::Arc,
    time::Duration,
};

use aip::{Sealer, TokenKey};
use proto::annotations::v1::annotations_service_server::AnnotationsServiceServer;
use storage::{CallerShare, Clock, Database, Entropy, Timer};

pub use self::readiness::needs;
pub use cleanup::{CleanupReport, cleanup};
pub use drain::Drain;
use ingest::Budget;
pub use owners::ImagesBackend;
use owners::Owners;
use quota::{Quota, Resource};
pub use resume_token::{Resumption, inspect_resume_token};
use watch::Feed;

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

/// The most watchers at a time where the host does not say.
pub const DEFAULT_MAX_WATCHERS: NonZeroUsize = NonZeroUsize::new(10_000).unwrap();

/// The most streams of boxes that are open at a time where the host does not say.
pub const DEFAULT_MAX_INGEST_STREAMS: NonZeroUsize = NonZeroUsize::new(1_000).unwrap();

/// The most streams of one caller that are remembered, where the settings do not say.
pub const DEFAULT_MAX_STREAM_NAMES: NonZeroU32 = NonZeroU32::new(10_000).unwrap();

/// The most bytes that they hold where the host does not say: 256 MiB.
pub const DEFAULT_MAX_INGEST_BYTES: NonZeroUsize = NonZeroUsize::new(256 * 1024 * 1024).unwrap();

/// What a host may set.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How long a watcher's call may last before the watcher has to come back.
    pub longest_watch: Duration,
    /// The most watchers that there may be at a time.
    pub max_watchers: NonZeroUsize,
    /// The most streams of boxes that may be open at a time.
    pub max_ingest_streams: NonZeroUsize,
    /// The most bytes of boxes that all streams together may hold in memory.
    pub max_ingest_bytes: NonZeroUsize,
    /// The most streams of one caller that are remembered. Making one reads as many rows at most.
    pub max_stream_names: NonZeroU32,
    /// What one caller may use of watchers, open streams and their memory.
    pub caller_share: CallerShare,
    /// Whether watchers share what is read of the changes. Not in a Worker: there no request can wait for what another one
    /// asked for.
    pub shared_feed: bool,
}

impl Default for Settings {
    /// Half an hour, shared, and the defaults above.
    fn default() -> Self {
        Self {
            longest_watch: Duration::from_secs(30 * 60),
            max_watchers: DEFAULT_MAX_WATCHERS,
            max_ingest_streams: DEFAULT_MAX_INGEST_STREAMS,
            max_ingest_bytes: DEFAULT_MAX_INGEST_BYTES,
            max_stream_names: DEFAULT_MAX_STREAM_NAMES,
            caller_share: CallerShare::DEFAULT,
            shared_feed: true,
        }
    }
}

/// Stores labelled boxes and lists them by image, for whoever the images belong to.
///
/// Behind an `identity::AuthLayer`: a request without a caller in its extensions is refused.
#[derive(Clone, Debug)]
pub struct AnnotationsService<D, I, C, E, T> {
    ports: Ports<D, I, C, E, T>,
    settings: Settings,
    owners: Arc<Owners<I>>,
    feed: Arc<Feed<D, C, T>>,
    drain: Drain,
    budget: Arc<Budget>,
    watches: Arc<Quota>,
    tokens: Tokens,
}

/// Makes and reads what callers send back.
#[derive(Clone, Debug)]
struct Tokens {
    pages: Sealer,
    watch: Sealer,
}

impl<D: Database, I: ImagesBackend, C: Clock, E: Entropy, T: Timer> AnnotationsService<D, I, C, E, T> {
    /// The service over these ports; every process that shares their data needs the same `key`.
    pub fn new(ports: Ports<D, I, C, E, T>, key: &TokenKey, settings: Settings) -> Self {
        let owners = Arc::new(Owners::new(ports.images.clone()));
        let feed = new_feed(&ports);
        let Settings { max_watchers, max_ingest_streams, max_ingest_bytes, caller_share, .. } = settings;
        let budget = Arc::new(Budget::new(max_ingest_streams, max_ingest_bytes, caller_share));
        let watches = Arc::new(Quota::new(Resource::Watches, max_watchers, caller_share));
        let tokens =
            Tokens { pages: key.sealer("annotations pages 1"), watch: key.sealer("annotations watch 1") };
        Self { ports, settings, owners, feed, drain: Drain::default(), budget, watches, tokens }
    }

    /// What ends the streams of this service.
    pub fn drain(&self) -> Drain {
        self.drain.clone()
    }

    /// What a watcher learns changes from.
    fn feed(&self) -> Arc<Feed<D, C, T>> {
        if self.settings.shared_feed { self.feed.clone() } else { new_feed(&self.ports) }
    }

    /// The gRPC server, to be served by any host, with the limit of its messages.
    pub fn into_server(self) -> AnnotationsServiceServer<Self> {
        AnnotationsServiceServer::new(self).max_decoding_message_size(aip::MAX_MESSAGE_BYTES)
    }
}

fn new_feed<D: Database, I, C: Clock, E, T: Timer>(ports: &Ports<D, I, C, E, T>) -> Arc<Feed<D, C, T>> {
    let (database, clock, timer) = (ports.database.clone(), ports.clock.clone(), ports.timer.clone());
    Arc::new(Feed::new(database, clock, timer))
}
