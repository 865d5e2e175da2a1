//! The API conventions that the services share. Most follow an AIP, an API design rule at <https://google.aip.dev>:
//! error statuses (193), paginated lists (158), field masks (134) and etags (154). The crate also has opaque tokens, timestamps
//! and limits.
//!
//! | module | what it holds |
//! |---|---|
//! | `status`, `violation` | gRPC error statuses, and the field violations in them |
//! | `page`, `scan` | paginated lists, also with a filter that no index supports |
//! | `mask` | the fields that an update changes |
//! | `token` | page tokens and resume tokens with a message authentication code |
//! | `etag`, `timestamp`, `text`, `limits` | record revisions, time conversion, plain text, message size |
//! | `health` | names of the health check |
//!
//! To extend: add a convention here if two services need it. A rule of one resource belongs to the crate of that resource.

mod etag;
mod health;
mod limits;
mod mask;
mod page;
mod scan;
mod status;
mod text;
mod timestamp;
mod token;
mod violation;

pub use etag::Etag;
pub use health::{HEALTH, NOT_READY_REASON};
pub use limits::MAX_MESSAGE_BYTES;
pub use mask::masked_fields;
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
