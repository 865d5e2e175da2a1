//! Checks whether a folder can store another file, by writing one.

use std::{
    io::{self, Write as _},
    path::PathBuf,
    sync::Arc,
};

use tokio::sync::Mutex;

/// The bytes to write: enough to detect a full disk, too few to cost much.
const BYTES: &[u8] = &[0; 64 * 1024];

/// Writes a file without a name, one at a time. Clones share the limit.
#[derive(Clone, Debug, Default)]
pub(crate) struct WriteProbe {
    turn: Arc<Mutex<()>>,
}

impl WriteProbe {
    /// Writes a file into `folder` and removes it. It waits while another probe writes: if the disk hangs, only one thread
    /// hangs with it, and the callers can stop waiting.
    ///
    /// # Errors
    /// The system's error.
    pub(crate) async fn run(&self, folder: PathBuf) -> io::Result<()> {
        let turn = Arc::clone(&self.turn).lock_owned().await;
        let written = tokio::task::spawn_blocking(move || {
            // Held until the write ends, even if its caller has stopped waiting.
            let _turn = turn;
            // The system removes the file with its handle, also if the process crashes.
            tempfile::tempfile_in(folder)?.write_all(BYTES)
        });
        written.await.unwrap_or_else(|lost| Err(io::Error::other(lost)))
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[tokio::test]
    async fn a_probe_succeeds_in_a_writable_folder_and_leaves_it_empty() {
        let (probe, folder) = (WriteProbe::default(), tempfile::tempdir().unwrap());
        for _ in 0..3 {
            probe.run(folder.path().to_owned()).await.unwrap();
        }
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        let missing = probe.run(folder.path().join("missing")).await.unwrap_err();
        assert_eq!(missing.kind(), io::ErrorKind::NotFound);
    }
    /// Two services of a process probe the same disk.
    #[tokio::test]
    async fn concurrent_probes_all_succeed() {
        let (probe, folder) = (WriteProbe::default(), tempfile::tempdir().unwrap());
        let probes = (0..50).map(|_| probe.run(folder.path().to_owned()));
        assert!(futures_util::future::join_all(probes).await.iter().all(Result::is_ok));
    }

    #[tokio::test]
    async fn a_hanging_disk_blocks_one_thread_and_callers_can_stop_waiting() {
        let (probe, folder) = (WriteProbe::default(), tempfile::tempdir().unwrap());
        let hanging = Arc::clone(&probe.turn).lock_owned().await;
        for _ in 0..3 {
            assert!(probe.run(folder.path().to_owned()).now_or_never().is_none());
        }
        drop(hanging);
        probe.run(folder.path().to_owned()).await.unwrap();
    }
}
