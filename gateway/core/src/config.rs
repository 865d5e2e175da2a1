//! What an operator decides about the gateway, and its limits.

use std::time::Duration;

use aip::MAX_MESSAGE_BYTES;
use http::HeaderName;

use crate::AllowedOrigins;

/// The gateway's settings; [`Config::default`] is a gateway that no web page of another origin may call.
#[derive(Clone, Debug)]
pub struct Config {
    /// The web origins whose pages may call.
    pub allowed_origins: AllowedOrigins,
    /// The region that `/health` names.
    pub region: String,
    /// The largest JSON body, in bytes. The default fits a batch of 5,000 annotations with the longest texts.
    pub max_body_bytes: u64,
    /// The largest uploaded file, in bytes; the form around it comes on top.
    pub max_upload_bytes: u64,
    /// How long a call may take that names no `grpc-timeout`. Uploads have [`Config::upload_timeout`] instead, and
    /// downloads and other streams must begin within it.
    pub default_timeout: Duration,
    /// The longest `grpc-timeout` that a call with one answer gets; longer ones are cut to it.
    pub max_timeout: Duration,
    /// How long an upload may take in all.
    pub upload_timeout: Duration,
    /// How long a stream's sender may stand still, be it a client that uploads or a service that sends a file.
    pub idle_timeout: Duration,
    /// How much of a refused HTTP/1.1 request is read and thrown away, so that clients that write everything before they
    /// read still learn why; 0 for hosts that see to it themselves.
    pub max_discarded_bytes: u64,
    /// Request headers that reach the services, on top of the gateway's own list.
    pub forwarded_headers: Vec<HeaderName>,
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
            max_discarded_bytes: 64 * 1024 * 1024,
            forwarded_headers: Vec::new(),
        }
    }
}

/// The largest JSON body where the host does not say: twice the largest message, since a text with characters beyond ASCII
/// doubles when they are escaped.
const MAX_JSON_BYTES: u64 = 2 * MAX_MESSAGE_BYTES as u64;

/// The most bytes of a file in one message: small against what a message may have, large against a message's overhead.
pub(crate) const MAX_CHUNK_BYTES: usize = 64 * 1024;

/// The most bytes of a form ahead of its file, and as many behind it: the text parts, and every part's headers.
pub(crate) const MAX_FORM_BYTES: u64 = 256 * 1024;

/// The most parts of a form besides the file.
pub(crate) const MAX_FORM_PARTS: usize = 32;

/// How long a service may take to say whether it is ready.
pub(crate) const READY_TIMEOUT: Duration = Duration::from_secs(2);
