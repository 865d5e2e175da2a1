//! The API conventions that the services share, each by its number at <https://google.aip.dev>: errors (193), pages
//! (158), etags (154), opaque tokens, timestamps, and the size of messages.
//!
//! A rule that two services would otherwise each write down belongs here; a rule of one resource belongs to its crate.

mod etag;
mod limits;
mod page;
mod scan;
mod status;
mod text;
mod timestamp;
mod token;
mod violation;

pub use etag::Etag;
pub use limits::MAX_MESSAGE_BYTES;
pub use page::{Page, PageQuery, next_page_token};
pub use scan::{MAX_SCANNED, Scan};
pub use status::{
    already_exists, conflict, invalid_argument, not_found, not_found_in, storage_failure, too_many_requests,
    with_metadata, with_reason,
};
pub use text::plain_text;
pub use timestamp::{from_proto, to_proto};
pub use token::{InvalidToken, MAX_TOKEN_CHARACTERS, SealedToken, Sealer, TokenKey};
pub use violation::{Violation, Violations};
