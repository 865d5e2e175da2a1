//! The annotations service: labelled bounding boxes on images, as `reticle.annotations.v1.AnnotationsService` describes it.
//! It is independent of its host, which passes it a database, the images service, a clock, a timer and randomness.
//!
//! A request goes through `rpc.rs` (decode, act, encode) and `service.rs` (domain logic) to `repo.rs` (all SQL). `owners.rs`
//! caches the owner of each image. `ingest.rs` stores the annotations of producers, and `watch.rs` sends changes to watchers;
//! these calls stay open until `drain.rs` ends them at shutdown. `quota.rs` names what each caller has a share of.
//!
//! To add a field, start with the contract and a migration, then `annotation.rs` with its rule, `changes.rs` if it can be
//! changed, and `repo.rs`. To add an RPC, write its logic in `service.rs`. A new way to write annotations must record what it
//! changes (`repo/record.rs`) and notify the feed (`Feed::notify`). Otherwise watchers miss the change.

mod annotation;
mod call;
mod changes;
mod cleanup;
mod drain;
mod error;
mod host;
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
use runtime::CallerShare;

pub use self::readiness::needs;
pub use cleanup::{CleanupReport, cleanup};
pub use drain::Drain;
pub use host::{Host, Ports};
use ingest::Budget;
pub use owners::ImagesBackend;
use owners::Owners;
use quota::Quota;
pub use resume_token::{Resumption, inspect_resume_token};
use watch::Feed;

/// The default of [`Settings::max_watchers`].
pub const DEFAULT_MAX_WATCHERS: NonZeroUsize = NonZeroUsize::new(10_000).unwrap();

/// The default of [`Settings::max_ingest_streams`].
pub const DEFAULT_MAX_INGEST_STREAMS: NonZeroUsize = NonZeroUsize::new(1_000).unwrap();

/// The default of [`Settings::max_stream_names`].
pub const DEFAULT_MAX_STREAM_NAMES: NonZeroU32 = NonZeroU32::new(10_000).unwrap();

/// The default of [`Settings::max_ingest_bytes`]: 256 MiB.
pub const DEFAULT_MAX_INGEST_BYTES: NonZeroUsize = NonZeroUsize::new(256 * 1024 * 1024).unwrap();

/// The settings of a host.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How long a watch may last. Then the service ends the call, and the watcher reconnects.
    pub max_watch_duration: Duration,
    /// The maximum number of open watches.
    pub max_watchers: NonZeroUsize,
    /// The maximum number of open ingest streams.
    pub max_ingest_streams: NonZeroUsize,
    /// The maximum size of the annotations that all ingest streams together hold in memory, in bytes.
    pub max_ingest_bytes: NonZeroUsize,
    /// The maximum number of stored streams of one caller. Creating a stream reads at most that many rows.
    pub max_stream_names: NonZeroU32,
    /// The share of watches, open streams and their memory that one caller may use.
    pub caller_share: CallerShare,
    /// Whether watchers share one reader of the change log. It must be `false` in a Worker, where a request cannot wait for
    /// I/O that another request started.
    pub shared_feed: bool,
}

impl Default for Settings {
    /// Watches of 30 minutes, a shared feed, and the `DEFAULT_` constants of this crate.
    fn default() -> Self {
        Self {
            max_watch_duration: Duration::from_secs(30 * 60),
            max_watchers: DEFAULT_MAX_WATCHERS,
            max_ingest_streams: DEFAULT_MAX_INGEST_STREAMS,
            max_ingest_bytes: DEFAULT_MAX_INGEST_BYTES,
            max_stream_names: DEFAULT_MAX_STREAM_NAMES,
            caller_share: CallerShare::DEFAULT,
            shared_feed: true,
        }
    }
}

/// Stores annotations and lists them by image, for the owners of the images.
///
/// It must run behind an `identity::AuthLayer`: it rejects a request that has no caller in its extensions.
#[derive(Clone, Debug)]
pub struct AnnotationsService<H: Host> {
    ports: Ports<H>,
    settings: Settings,
    owners: Arc<Owners<H::Images>>,
    feed: Arc<Feed<H::Database, H::Clock, H::Timer>>,
    drain: Drain,
    budget: Arc<Budget>,
    watches: Arc<Quota>,
    tokens: Tokens,
}

/// The sealers of the tokens that callers send back.
#[derive(Clone, Debug)]
struct Tokens {
    pages: Sealer,
    watch: Sealer,
}

impl<H: Host> AnnotationsService<H> {
    /// Creates the service. All processes that share the data of these ports need the same `key`.
    pub fn new(ports: Ports<H>, key: &TokenKey, settings: Settings) -> Self {
        let owners = Arc::new(Owners::new(ports.images.clone()));
        let feed = new_feed(&ports);
        let Settings { max_watchers, max_ingest_streams, max_ingest_bytes, caller_share, .. } = settings;
        let budget = Arc::new(Budget::new(max_ingest_streams, max_ingest_bytes, caller_share));
        let watches = Arc::new(Quota::new(max_watchers, caller_share.of(max_watchers)));
        let tokens =
            Tokens { pages: key.sealer("annotations pages 1"), watch: key.sealer("annotations watch 1") };
        Self { ports, settings, owners, feed, drain: Drain::default(), budget, watches, tokens }
    }

    /// The handle that ends the open streams of this service at shutdown.
    pub fn drain(&self) -> Drain {
        self.drain.clone()
    }

    /// The feed for a new watcher: the shared one, or one of its own.
    fn feed(&self) -> Arc<Feed<H::Database, H::Clock, H::Timer>> {
        if self.settings.shared_feed { self.feed.clone() } else { new_feed(&self.ports) }
    }

    /// The gRPC server for a host, with the limit for the size of its messages.
    pub fn into_server(self) -> AnnotationsServiceServer<Self> {
        AnnotationsServiceServer::new(self).max_decoding_message_size(aip::MAX_MESSAGE_BYTES)
    }
}

fn new_feed<H: Host>(ports: &Ports<H>) -> Arc<Feed<H::Database, H::Clock, H::Timer>> {
    let (database, clock, timer) = (ports.database.clone(), ports.clock.clone(), ports.timer.clone());
    Arc::new(Feed::new(database, clock, timer))
}
