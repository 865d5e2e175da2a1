//! The settings that an operator chooses for a gateway, and its fixed limits.

use std::time::Duration;

use aip::MAX_MESSAGE_BYTES;

use crate::{AllowedOrigins, discard};

/// The gateway's settings. With [`Config::default`], no web page of another origin may call the gateway.
#[derive(Clone, Debug)]
pub struct Config {
    /// The web origins whose pages may call the gateway.
    pub allowed_origins: AllowedOrigins,
    /// The region that `/health` reports.
    pub region: String,
    /// The largest JSON body, in bytes. A batch of 5,000 annotations with the longest texts fits the default.
    pub max_body_bytes: u64,
    /// The largest uploaded file, in bytes. The form around the file does not count.
    pub max_upload_bytes: u64,
    /// The time limit of a unary call without `grpc-timeout`. A server stream without one must begin within this limit, and
    /// has no limit after it; so must every call of a service that the contract does not have. A stream in both directions
    /// has a limit only if its caller sets one.
    pub default_timeout: Duration,
    /// The longest `grpc-timeout` of a unary call; a longer one is reduced to it.
    pub max_timeout: Duration,
    /// The time limit of a whole upload: a client stream with one response. A longer `grpc-timeout` is reduced to it.
    pub upload_timeout: Duration,
    /// How long a stream may wait for its sender's next bytes. The sender is a client that uploads, or a service that
    /// sends a file.
    pub idle_timeout: Duration,
    /// How many unread bytes of a rejected HTTP/1.1 request the gateway reads and discards, for at most 30 s, so that a
    /// client that writes its whole request first can still read the error. 0 for hosts that do this themselves.
    pub max_discarded_bytes: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            allowed_origins: AllowedOrigins::None,
            region: "local".to_owned(),
            max_body_bytes: MAX_JSON_BYTES,
            max_upload_bytes: 10 * 1024 * 1024,
            default_timeout: Duration::from_secs(30),
            max_timeout: Duration::from_mins(5),
            upload_timeout: Duration::from_mins(15),
            idle_timeout: Duration::from_secs(30),
            max_discarded_bytes: discard::MAX_BYTES,
        }
    }
}

/// The default limit of a JSON body: three times the largest message, because many clients escape all characters beyond
/// ASCII. Then one of two bytes has six (`\u00e9`), and one of four bytes has twelve (`\ud83d\ude00`).
const MAX_JSON_BYTES: u64 = 3 * MAX_MESSAGE_BYTES as u64;

/// The most bytes of a file in one message: far below the limit of a message, far above the overhead of a message.
pub(crate) const MAX_CHUNK_BYTES: usize = 64 * 1024;

/// The most bytes of the names and texts of a form before its file, and again after it.
pub(crate) const MAX_FORM_BYTES: u64 = 256 * 1024;

/// The most bytes that may be read of a form before its file, and again after it: the texts, the headers of their parts, and
/// what the parser reads of the file before it finds the headers of the file.
pub(crate) const MAX_FORM_READ_BYTES: u64 = MAX_FORM_BYTES + 2 * MAX_CHUNK_BYTES as u64;

/// The most parts of a form besides the file.
pub(crate) const MAX_FORM_PARTS: usize = 32;

/// How long the gateway waits for a service's health response.
pub(crate) const READY_TIMEOUT: Duration = Duration::from_secs(2);
