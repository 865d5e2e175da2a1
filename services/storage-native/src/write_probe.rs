//! Whether a folder takes another file, found out by writing one.

use std::{
    io::{self, Write as _},
    path::PathBuf,
    sync::Arc,
};

use tokio::sync::Mutex;

/// What is written: enough to meet the end of a disk, too little to be felt.
const BYTES: &[u8] = &[0; 64 * 1024];

/// Writes a file without a name, one at a time. Clones share that.
#[derive(Clone, Debug, Default)]
pub(crate) struct WriteProbe {
    turn: Arc<Mutex<()>>,
}

impl WriteProbe {
    /// Writes into `folder` and removes what it wrote. It waits while another one writes: where the disk stands still, one
    /// thread hangs, and the callers can stop waiting.
    ///
    /// # Errors
    /// What the system says.
    pub(crate) async fn run(&self, folder: PathBuf) -> io::Result<()> {
        let turn = Arc::clone(&self.turn).lock_owned().await;
        let written = tokio::task::spawn_blocking(move || {
            // Held until the write ends, also where nobody waits for it any more.
            let _turn = turn;
            // The file is gone with its handle, however the process ends.
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
    async fn a_folder_that_takes_files_is_told_from_one_that_does_not_and_stays_empty() {
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
    async fn probes_at_once_all_succeed() {
        let (probe, folder) = (WriteProbe::default(), tempfile::tempdir().unwrap());
        let probes = (0..50).map(|_| probe.run(folder.path().to_owned()));
        assert!(futures_util::future::join_all(probes).await.iter().all(Result::is_ok));
    }

    #[tokio::test]
    async fn a_disk_that_stands_still_keeps_one_thread_and_its_callers_can_leave() {
        let (probe, folder) = (WriteProbe::default(), tempfile::tempdir().unwrap());
        let hanging = Arc::clone(&probe.turn).lock_owned().await;
        for _ in 0..3 {
            assert!(probe.run(folder.path().to_owned()).now_or_never().is_none());
        }
        drop(hanging);
        probe.run(folder.path().to_owned()).await.unwrap();
    }
}
