//! The stores of the tests.

use std::{fmt, path::Path};

use storage::ObjectStore as _;
use storage_native::{S3Location, S3Objects};
use tests::{SeaweedFs, Wrangler};

/// The kind of the store of a test.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    SeaweedFs,
    R2,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SeaweedFs => "seaweedfs",
            Self::R2 => "r2",
        })
    }
}

/// Both stores, running.
pub(crate) struct Stores {
    pub(crate) seaweed: SeaweedFs,
    r2: Wrangler,
    buckets: u32,
}

impl Stores {
    pub(crate) async fn start() -> anyhow::Result<Self> {
        let worker = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/worker/bucket/wrangler.jsonc");
        Ok(Self {
            seaweed: SeaweedFs::start().await?,
            r2: Wrangler::start(&[worker.canonicalize()?]).await?,
            buckets: 0,
        })
    }

    /// The location of a new bucket of SeaweedFS.
    pub(crate) async fn new_location(&mut self) -> anyhow::Result<String> {
        self.buckets += 1;
        self.seaweed.new_bucket(&format!("test-{}", self.buckets)).await
    }

    /// An empty store.
    pub(crate) async fn empty(&mut self, kind: Kind) -> anyhow::Result<S3Objects> {
        match kind {
            Kind::SeaweedFs => open(&self.new_location().await?).await,
            Kind::R2 => {
                let endpoint = self.r2.url().replace("localhost", "127.0.0.1");
                let store = open(&format!("s3://contract?endpoint={endpoint}/cdn-cgi/local/r2/s3")).await?;
                let left = store.list("", None, 1_000).await?;
                store.delete(left.objects.into_iter().map(|object| object.key).collect()).await?;
                Ok(store)
            }
        }
    }
}

pub(crate) async fn open(location: &str) -> anyhow::Result<S3Objects> {
    Ok(S3Objects::open(&S3Location::parse(location)?).await?)
}
