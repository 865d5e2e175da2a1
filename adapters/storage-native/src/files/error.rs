//! Maps every failure of the file system to an [`Error`].

use std::io::{self, ErrorKind};

use storage::{Error, Result};

/// Runs `work`, which waits for the disk, on a blocking thread.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result.map_err(classify),
        Err(lost) => Err(Error::unavailable(lost)),
    }
}

/// Maps a failure to its class.
pub(crate) fn classify(error: io::Error) -> Error {
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
            Error::Full(Box::new(error))
        }
        // Out of memory or of file descriptors, or a network file system that cannot be reached.
        ErrorKind::OutOfMemory
        | ErrorKind::ResourceBusy
        | ErrorKind::TimedOut
        | ErrorKind::StaleNetworkFileHandle => Error::unavailable(error),
        _ if matches!(error.raw_os_error(), Some(TOO_MANY_FILES_OF_PROCESS | TOO_MANY_FILES_OF_SYSTEM)) => {
            Error::unavailable(error)
        }
        _ => Error::broken(error),
    }
}

/// `EMFILE` and `ENFILE`, which have no [`ErrorKind`] yet.
const TOO_MANY_FILES_OF_PROCESS: i32 = 24;
const TOO_MANY_FILES_OF_SYSTEM: i32 = 23;
