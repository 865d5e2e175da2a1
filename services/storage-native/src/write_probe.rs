//! Whether a folder takes another file, found out by writing one.

use std::{
    io::{self, Write as _},
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

/// What is written: enough to meet the end of a disk, too little to be felt.
const BYTES: &[u8] = &[0; 64 * 1024];

/// Writes a file without a name, at most one at a time. Clones share that.
#[derive(Clone, Debug, Default)]
pub(crate) struct WriteProbe {
    is_running: Arc<AtomicBool>,
}

impl WriteProbe {
    /// Writes into `folder` and removes what it wrote.
    ///
    /// # Errors
    /// What the system says; [`io::ErrorKind::TimedOut`] if the last probe has not ended, because the disk stands still: one
    /// thread that waits for it is enough.
    pub(crate) async fn run(&self, folder: PathBuf) -> io::Result<()> {
        if self.is_running.swap(true, Ordering::AcqRel) {
            return Err(io::Error::new(io::ErrorKind::TimedOut, "the last probe of the disk has not ended"));
        }
        let running = Running(Arc::clone(&self.is_running));
        let written = tokio::task::spawn_blocking(move || {
            let _running = running;
            // It is gone with its handle, however the process ends.
            tempfile::tempfile_in(folder)?.write_all(BYTES)
        });
        written.await.unwrap_or_else(|lost| Err(io::Error::other(lost)))
    }
}

struct Running(Arc<AtomicBool>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
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
}
