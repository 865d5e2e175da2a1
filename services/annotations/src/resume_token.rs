//! Decodes a resume token as `WatchAnnotations` does, without a service and a database: for fuzz targets.

use aip::{InvalidToken, SealedToken, Sealer};
use runtime::Id;

use crate::{
    annotation::ImageId,
    watch::{Cursor, WatchStart},
};

/// How a watch with a resume token begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resumption {
    /// With a snapshot: the token is empty.
    Snapshot,
    /// With a reset: the token is of another key or of an earlier release.
    Reset,
    /// After the position in the token. Holds the token that the service sends for this position.
    Resume(SealedToken),
}

/// Decodes a resume token of `image_id` as `WatchAnnotations` does, with the sealer that opens it.
///
/// # Errors
/// The text is not a token, or it is a token of another image.
pub fn inspect_resume_token(token: &str, image_id: Id, sealer: &Sealer) -> Result<Resumption, InvalidToken> {
    let image_id = ImageId(image_id);
    Ok(match WatchStart::from_token(token, image_id, sealer)? {
        WatchStart::Reset => Resumption::Reset,
        WatchStart::At(cursor) => resumption(&cursor, image_id, sealer),
    })
}

fn resumption(cursor: &Cursor, image_id: ImageId, sealer: &Sealer) -> Resumption {
    cursor.token(image_id, sealer).map_or(Resumption::Snapshot, Resumption::Resume)
}

#[cfg(test)]
mod tests {
    use aip::TokenKey;

    use super::*;

    #[test]
    fn a_decoded_token_is_encoded_to_the_same_text() {
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
