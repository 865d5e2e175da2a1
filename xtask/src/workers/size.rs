//! Checks the size of a Worker. Cloudflare limits the compressed size, and an isolate loads all of it before it responds.

use std::{fs, io::Write as _};

use anyhow::{Context as _, bail};
use flate2::{Compression, write::GzEncoder};

use super::Worker;

/// The limit for a Worker's wasm, compressed with gzip: 900 KiB (Cloudflare reports KiB). Cloudflare's free plan allows 3 MB.
const MAX_GZIPPED_BYTES: usize = 900 * 1024;

/// Prints the size of the wasm of `worker`, which must be built.
///
/// # Errors
/// The compressed size is more than [`MAX_GZIPPED_BYTES`].
pub(super) fn check(worker: Worker) -> anyhow::Result<()> {
    let path = worker.folder().join("build/index_bg.wasm");
    let wasm = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let gzipped = gzipped_bytes(&wasm)?;
    eprintln!("== size of {}: {:.1} KiB of wasm, {:.1} KiB gzipped", worker.0, kib(wasm.len()), kib(gzipped));
    check_limit(worker.0, gzipped)
}

fn check_limit(name: &str, gzipped: usize) -> anyhow::Result<()> {
    if gzipped > MAX_GZIPPED_BYTES {
        let limit = kib(MAX_GZIPPED_BYTES);
        bail!("{name} has {:.1} KiB gzipped; the limit is {limit:.0} KiB. Reduce its size.", kib(gzipped));
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
    fn a_worker_over_the_size_limit_is_rejected() {
        assert!(check_limit("gateway/worker", MAX_GZIPPED_BYTES).is_ok());
        let error = check_limit("gateway/worker", MAX_GZIPPED_BYTES + 1024).unwrap_err().to_string();
        assert_eq!(error, "gateway/worker has 901.0 KiB gzipped; the limit is 900 KiB. Reduce its size.");
        assert!(check_limit("gateway/worker", MAX_GZIPPED_BYTES + 1).is_err());
    }

    #[test]
    fn the_compressed_size_counts() {
        assert!(gzipped_bytes(&[0; 100_000]).unwrap() < 1000);
    }
}
