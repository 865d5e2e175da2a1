//! The one place where a failure of the file system becomes an [`Error`].

use std::io::{self, ErrorKind};

use storage::{Error, Result};

/// Runs `work` where it may wait for the disk.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result.map_err(classify),
        Err(lost) => Err(Error::unavailable(lost)),
    }
}

/// The class of a failure.
pub(crate) fn classify(error: io::Error) -> Error {
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
            Error::Full(Box::new(error))
        }
        // Out of memory or of file descriptors, or a network file system that is away.
        ErrorKind::OutOfMemory
        | ErrorKind::ResourceBusy
        | ErrorKind::TimedOut
        | ErrorKind::StaleNetworkFileHandle => Error::unavailable(error),
        _ if matches!(error.raw_os_error(), Some(TOO_MANY_FILES_HERE | TOO_MANY_FILES_AT_ALL)) => {
            Error::unavailable(error)
        }
        _ => Error::broken(error),
    }
}

/// `EMFILE` and `ENFILE`, which have no [`ErrorKind`] yet.
const TOO_MANY_FILES_HERE: i32 = 24;
const TOO_MANY_FILES_AT_ALL: i32 = 23;
