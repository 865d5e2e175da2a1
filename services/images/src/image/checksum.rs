//! The SHA-256 of the bytes of an image.

use aip::Violation;
use sha2::{Digest as _, Sha256};

/// The number of hex digits of a SHA-256.
const DIGITS: usize = 64;

/// A SHA-256 as 64 lower-case hex digits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Checksum(String);

impl Checksum {
    /// Decodes the checksum in `field`. Case-insensitive.
    pub(crate) fn parse(field: &str, text: &str) -> Result<Self, Violation> {
        if text.len() == DIGITS && text.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Ok(Self(text.to_ascii_lowercase()));
        }
        Err(Violation::new(field, format!("must be {DIGITS} hex digits")))
    }

    /// The checksum of the hashed bytes.
    pub(crate) fn of(hash: Sha256) -> Self {
        Self(format!("{:x}", hash.finalize()))
    }

    /// The digits.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<Checksum> for String {
    fn from(checksum: Checksum) -> Self {
        checksum.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OF_NOTHING: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[test]
    fn digits_of_either_case_are_the_same_checksum() {
        let of_nothing = Checksum::of(Sha256::new());
        assert_eq!(of_nothing.as_str(), OF_NOTHING);
        assert_eq!(Checksum::parse("sha256", &OF_NOTHING.to_uppercase()), Ok(of_nothing));
    }

    #[test]
    fn anything_but_64_hex_digits_is_rejected() {
        for text in ["", "e3", &OF_NOTHING[1..], &format!("{OF_NOTHING}0"), &OF_NOTHING.replace('e', "g")] {
            let rule = Checksum::parse("sha256", text).unwrap_err().description;
            assert_eq!(rule, "must be 64 hex digits", "{text}");
        }
    }
}
