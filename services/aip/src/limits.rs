//! Limits that all parts have in common.

/// The largest message of a call, in bytes: services take no larger request, and the gateway no larger response.
///
/// It must hold the largest request that the contract allows, 5,000 annotations with the longest texts: 6.2 MiB. The crate
/// `annotations` computes that from its own rules, and does not compile if it no longer fits.
pub const MAX_MESSAGE_BYTES: usize = 7 * 1024 * 1024;
