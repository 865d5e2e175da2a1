//! The secret that authorizes calls to a bridge.

use std::fmt;

use http::HeaderValue;

/// The least length of a bridge's secret.
pub const MIN_SECRET_BYTES: usize = 32;

/// The secret of a bridge, as the value of the `authorization` header.
#[derive(Clone)]
pub struct BridgeSecret(HeaderValue);

/// The text cannot be the secret of a bridge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSecret {
    /// It is shorter than [`MIN_SECRET_BYTES`].
    #[error("must have at least {MIN_SECRET_BYTES} bytes")]
    TooShort,
    /// It cannot be sent in a header.
    #[error("must be visible ASCII characters")]
    NotVisible,
}

impl BridgeSecret {
    /// A secret from its text.
    ///
    /// # Errors
    /// [`InvalidSecret`] if it is too short or cannot be sent.
    pub fn parse(text: &str) -> Result<Self, InvalidSecret> {
        if text.len() < MIN_SECRET_BYTES {
            return Err(InvalidSecret::TooShort);
        }
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(InvalidSecret::NotVisible);
        }
        let mut header =
            HeaderValue::from_str(&format!("Bearer {text}")).map_err(|_| InvalidSecret::NotVisible)?;
        header.set_sensitive(true);
        Ok(Self(header))
    }

    /// The value of the `authorization` header.
    pub(super) const fn header(&self) -> &HeaderValue {
        &self.0
    }
}

impl fmt::Debug for BridgeSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BridgeSecret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_has_at_least_32_visible_characters_and_is_never_printed() {
        let secret = BridgeSecret::parse(&"x".repeat(32)).unwrap();
        assert_eq!(format!("{secret:?} {:?}", secret.header()), "BridgeSecret(…) Sensitive");
        assert_eq!(BridgeSecret::parse(&"x".repeat(31)).map(drop), Err(InvalidSecret::TooShort));
        for wrong in ["ä".repeat(32), " ".repeat(32), format!("{}\n", "x".repeat(32))] {
            assert_eq!(BridgeSecret::parse(&wrong).map(drop), Err(InvalidSecret::NotVisible));
        }
    }
}
