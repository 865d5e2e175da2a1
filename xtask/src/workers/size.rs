//! What a Worker weighs: Cloudflare counts it compressed, and an isolate loads all of it before its first answer.

use std::{fs, io::Write as _};

use anyhow::{Context as _, bail};
use flate2::{Compression, write::GzEncoder};

use super::Worker;

/// The most that a Worker's wasm may have, compressed by gzip: 900 KiB, since Cloudflare reports KiB. Its free plan allows 3 MB.
const MAX_GZIPPED_BYTES: usize = 900 * 1024;

/// Prints the size of the wasm that `worker` was built to.
///
/// # Errors
/// If it is more than [`MAX_GZIPPED_BYTES`].
pub(super) fn check(worker: Worker) -> anyhow::Result<()> {
    let path = worker.folder().join("build/index_bg.wasm");
    let wasm = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let gzipped = gzipped_bytes(&wasm)?;
    eprintln!("== size of {}: {:.1} KiB of wasm, {:.1} KiB gzipped", worker.0, kib(wasm.len()), kib(gzipped));
    require_fit(worker.0, gzipped)
}

fn require_fit(name: &str, gzipped: usize) -> anyhow::Result<()> {
    if gzipped > MAX_GZIPPED_BYTES {
        let most = kib(MAX_GZIPPED_BYTES);
        bail!("{name} has {:.1} KiB gzipped and may have {most:.0}: find what grew it", kib(gzipped));
    }
    Ok(())
}

fn gzipped_bytes(wasm: &[u8]) -> anyhow::Result<usize> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(wasm)?;
    Ok(encoder.finish()?.len())
}

#[expect(clippy::cast_precision_loss, reason = "printed with one digit after the point")]
fn kib(bytes: usize) -> f64 {
    bytes as f64 / 1024.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worker_may_weigh_its_limit_and_no_more() {
        assert!(require_fit("gateway/worker", MAX_GZIPPED_BYTES).is_ok());
        let error = require_fit("gateway/worker", MAX_GZIPPED_BYTES + 1024).unwrap_err().to_string();
        assert_eq!(error, "gateway/worker has 901.0 KiB gzipped and may have 900: find what grew it");
        assert!(require_fit("gateway/worker", MAX_GZIPPED_BYTES + 1).is_err());
    }

    #[test]
    fn what_repeats_counts_compressed() {
        assert!(gzipped_bytes(&[0; 100_000]).unwrap() < 1000);
    }
}
