//! Reads a resume token as `WatchAnnotations` does, without a service and a database around it: for fuzz targets.

use aip::{InvalidToken, SealedToken, Sealer};
use storage::Id;

use crate::{
    annotation::ImageId,
    watch::{Begin, Cursor},
};

/// Where a watcher with a token begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resumption {
    /// With a snapshot: the token says nothing.
    Snapshot,
    /// With a reset: the token is of another key or an earlier release.
    Reset,
    /// Behind what the token says. Holds the token that the service sends to a watcher at this place.
    Resume(SealedToken),
}

/// Reads a resume token of `image_id` as `WatchAnnotations` does, with the sealer that opens it.
///
/// # Errors
/// It never was a token, or is one of another image.
pub fn inspect_resume_token(token: &str, image_id: Id, sealer: &Sealer) -> Result<Resumption, InvalidToken> {
    let image_id = ImageId(image_id);
    Ok(match Begin::by_token(token, image_id, sealer)? {
        Begin::Anew => Resumption::Reset,
        Begin::At(cursor) => again(&cursor, image_id, sealer),
    })
}

fn again(cursor: &Cursor, image_id: ImageId, sealer: &Sealer) -> Resumption {
    cursor.token(image_id, sealer).map_or(Resumption::Snapshot, Resumption::Resume)
}

#[cfg(test)]
mod tests {
    use aip::TokenKey;

    use super::*;

    #[test]
    fn a_token_of_this_key_is_written_as_it_was_read() {
        let sealer = TokenKey::new([7; 32]).sealer("watch");
        let image_id: Id = "0190a0b0c0d07abc8000000000000001".parse().unwrap();
        let inspect = |token: &str| inspect_resume_token(token, image_id, &sealer);
        // `image_id` and `seq` = 41.
        let sealed = sealer.seal(format!("\n\u{20}{image_id}\u{10}\u{29}").as_bytes(), "");
        assert_eq!(inspect(&String::from(sealed.clone())), Ok(Resumption::Resume(sealed)));
        assert_eq!(inspect(""), Ok(Resumption::Snapshot));
        assert_eq!(inspect(&"A".repeat(100)), Ok(Resumption::Reset));
        assert_eq!(inspect("nonsense"), Err(InvalidToken::Malformed));
    }
}
