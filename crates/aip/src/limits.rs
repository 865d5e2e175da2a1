//! Limits that all services and the gateway share.

/// The largest message of a call, in bytes. Services reject a larger request, the gateway rejects a larger response.
///
/// It must hold the largest request that the contract allows, 5,000 annotations with the longest texts: 6.2 MiB. The crate
/// `annotations` computes that size from its own rules and does not compile if it exceeds this limit.
pub const MAX_MESSAGE_BYTES: usize = 7 * 1024 * 1024;
