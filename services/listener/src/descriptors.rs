//! The file descriptors of the process: a connection takes one, and so does a file on its way to or from a peer.

use std::num::NonZeroUsize;

use rustix::process::{Resource, getrlimit, setrlimit};

/// Descriptors for everything else: the database, the log, the files that are opened for a moment.
const KEPT: usize = 128;
/// The share of the others, one in so many, that files may take.
const FILES_SHARE: usize = 3;

/// How many descriptors the process may have.
#[derive(Clone, Copy, Debug)]
pub struct Descriptors {
    limit: usize,
}

impl Descriptors {
    /// Raises the limit as far as the system lets this process.
    #[must_use]
    pub fn raise() -> Self {
        let mut limit = getrlimit(Resource::Nofile);
        if limit.current != limit.maximum {
            let raised = rustix::process::Rlimit { current: limit.maximum, ..limit };
            match setrlimit(Resource::Nofile, raised) {
                Ok(()) => limit = raised,
                Err(error) => tracing::warn!(%error, "cannot raise the limit of file descriptors"),
            }
        }
        let limit = limit.current.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX));
        Self { limit }
    }

    /// As many of the `wanted` files at a time as there may be.
    #[must_use]
    pub fn files(self, wanted: NonZeroUsize) -> NonZeroUsize {
        self.at_most(wanted, self.free() / FILES_SHARE, "uploads and downloads")
    }

    /// As many of the `wanted` connections as there may be beside as many `files`.
    #[must_use]
    pub fn connections(self, wanted: NonZeroUsize, files: usize) -> NonZeroUsize {
        self.at_most(wanted, self.free().saturating_sub(files), "connections")
    }

    const fn free(self) -> usize {
        let kept = if self.limit / 2 < KEPT { self.limit / 2 } else { KEPT };
        self.limit - kept
    }

    fn at_most(self, wanted: NonZeroUsize, most: usize, what: &str) -> NonZeroUsize {
        let most = NonZeroUsize::new(most).unwrap_or(NonZeroUsize::MIN);
        if most < wanted {
            tracing::warn!(
                descriptors = self.limit,
                "the limit of file descriptors allows {most} {what} at a time instead of {wanted}: raise it \
                 (`ulimit -n`, `LimitNOFILE=`)"
            );
        }
        wanted.min(most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(count: usize) -> NonZeroUsize {
        NonZeroUsize::new(count).unwrap()
    }

    #[test]
    fn connections_files_and_all_else_fit_into_the_limit() {
        for limit in [16, 256, 1024, 4096, 1 << 20, usize::MAX] {
            let descriptors = Descriptors { limit };
            let files = descriptors.files(count(1_000)).get();
            let connections = descriptors.connections(count(10_000), files).get();
            assert!(files + connections < limit, "{limit}: {files} {connections}");
            assert!(connections >= limit.min(10_000) / 4, "{limit}: {connections}");
        }
    }

    #[test]
    fn what_fits_is_as_it_was_wanted() {
        let descriptors = Descriptors { limit: 1 << 20 };
        assert_eq!(descriptors.files(count(1_000)), count(1_000));
        assert_eq!(descriptors.connections(count(10_000), 1_000), count(10_000));
    }

    #[test]
    fn the_limit_is_the_hard_one() {
        let raised = Descriptors::raise().limit;
        let hard = getrlimit(Resource::Nofile).maximum;
        assert_eq!(hard.map_or(usize::MAX, |hard| usize::try_from(hard).unwrap()), raised);
    }
}
