//! Divides the file descriptors of the process: each connection uses one, and so does each file that is uploaded or downloaded.

use std::num::NonZeroUsize;

use rustix::process::{Resource, getrlimit, setrlimit};

/// Descriptors reserved for everything else: the database, the log, files that are open briefly.
const RESERVED: usize = 128;
/// Files may use one in this many of the other descriptors.
const FILES_SHARE: usize = 3;

/// The number of file descriptors that the process may open.
#[derive(Clone, Copy, Debug)]
pub struct Descriptors {
    limit: usize,
}

impl Descriptors {
    /// Raises the limit of the process to the hard limit.
    #[must_use]
    pub fn raise() -> Self {
        let mut limit = getrlimit(Resource::Nofile);
        if limit.current != limit.maximum {
            let raised = rustix::process::Rlimit { current: limit.maximum, ..limit };
            match setrlimit(Resource::Nofile, raised) {
                Ok(()) => limit = raised,
                Err(error) => {
                    tracing::warn!(%error, "cannot raise the limit of file descriptors; it stays unchanged");
                }
            }
        }
        let limit = limit.current.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX));
        Self { limit }
    }

    /// The number of files that may be open at a time: `wanted`, or fewer if the limit is too low.
    #[must_use]
    pub fn files(self, wanted: NonZeroUsize) -> NonZeroUsize {
        self.clamp(wanted, self.free() / FILES_SHARE, "uploads and downloads")
    }

    /// The number of connections that may be open beside `files`: `wanted`, or fewer if the limit is too low.
    #[must_use]
    pub fn connections(self, wanted: NonZeroUsize, files: usize) -> NonZeroUsize {
        self.clamp(wanted, self.free().saturating_sub(files), "connections")
    }

    const fn free(self) -> usize {
        let reserved = if self.limit / 2 < RESERVED { self.limit / 2 } else { RESERVED };
        self.limit - reserved
    }

    fn clamp(self, wanted: NonZeroUsize, most: usize, what: &str) -> NonZeroUsize {
        let most = NonZeroUsize::new(most).unwrap_or(NonZeroUsize::MIN);
        if most < wanted {
            tracing::warn!(
                descriptors = self.limit,
                "the limit of file descriptors allows {most} concurrent {what} instead of {wanted}; raise it \
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
    fn connections_files_and_the_reserve_fit_into_the_limit() {
        for limit in [16, 256, 1024, 4096, 1 << 20, usize::MAX] {
            let descriptors = Descriptors { limit };
            let files = descriptors.files(count(1_000)).get();
            let connections = descriptors.connections(count(10_000), files).get();
            assert!(files + connections < limit, "{limit}: {files} {connections}");
            assert!(connections >= limit.min(10_000) / 4, "{limit}: {connections}");
        }
    }

    #[test]
    fn a_high_limit_allows_the_wanted_numbers() {
        let descriptors = Descriptors { limit: 1 << 20 };
        assert_eq!(descriptors.files(count(1_000)), count(1_000));
        assert_eq!(descriptors.connections(count(10_000), 1_000), count(10_000));
    }

    #[test]
    fn raise_returns_the_hard_limit() {
        let raised = Descriptors::raise().limit;
        let hard = getrlimit(Resource::Nofile).maximum;
        assert_eq!(hard.map_or(usize::MAX, |hard| usize::try_from(hard).unwrap()), raised);
    }
}
