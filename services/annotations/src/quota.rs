//! The limited resources of this service, of which each caller has a share.

use identity::UserId;

/// The limits of a resource, and its use by each caller.
pub(crate) type Quota = runtime::Quota<UserId>;

/// An amount of a resource that one caller uses.
pub(crate) type Use = runtime::Use<UserId>;

/// A limited resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Resource {
    /// Calls of `WatchAnnotations`.
    Watches,
    /// Calls of `IngestAnnotations` and `AppendAnnotations`.
    IngestStreams,
    /// The bytes of annotations that these calls hold in memory.
    IngestBytes,
}
