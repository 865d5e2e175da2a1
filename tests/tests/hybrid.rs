//! Shape C: the three processes over a bucket and the D1 bridge.

use std::process::ExitCode;

use tests::{BRIDGE_SECRET, Bridge, Parts, Protocol, S3_CREDENTIALS, SeaweedFs, Target, run_cases};

/// All processes; stopped when dropped.
struct Hybrid {
    parts: Parts,
    _bridge: Bridge,
    _bucket: SeaweedFs,
}

impl AsRef<Target> for Hybrid {
    fn as_ref(&self) -> &Target {
        self.parts.target()
    }
}

impl Hybrid {
    async fn start() -> anyhow::Result<Self> {
        let (bucket, bridge) = (SeaweedFs::start().await?, Bridge::start().await?);
        let (objects_url, database_url) = (bucket.new_bucket("hybrid").await?, bridge.database_url());
        let [id, secret] = S3_CREDENTIALS;
        let variables = [
            ("RETICLE_OBJECTS_URL", objects_url.as_str()),
            ("RETICLE_DATABASE_URL", database_url.as_str()),
            ("RETICLE_BRIDGE_SECRET", BRIDGE_SECRET),
            id,
            secret,
        ];
        let parts = Parts::start_with(&variables, &["--allowed-origins", "https://app.example"]).await?;
        Ok(Self { parts, _bridge: bridge, _bucket: bucket })
    }
}

fn main() -> anyhow::Result<ExitCode> {
    run_cases(Protocol::Grpc, Hybrid::start)
}
