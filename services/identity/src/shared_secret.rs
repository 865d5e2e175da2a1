//! A secret that two programs share, shown as it is by one to the other.

use std::fmt;

use http::{HeaderMap, header::AUTHORIZATION};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use crate::{MIN_SECRET_BYTES, TooShort};

/// A secret of at least [`MIN_SECRET_BYTES`] that opens everything to whoever shows it.
#[derive(Clone)]
pub struct SharedSecret {
    digest: [u8; 32],
}

impl SharedSecret {
    /// The secret that is these bytes.
    ///
    /// # Errors
    /// [`TooShort`] below [`MIN_SECRET_BYTES`].
    pub fn new(bytes: &[u8]) -> Result<Self, TooShort> {
        if bytes.len() < MIN_SECRET_BYTES { Err(TooShort) } else { Ok(Self { digest: digest(bytes) }) }
    }

    /// Whether `headers` show it, as in `authorization: Bearer …`. How long that takes says nothing about the secret.
    #[must_use]
    pub fn is_shown_in(&self, headers: &HeaderMap) -> bool {
        let shown = headers.get(AUTHORIZATION).map_or(&b""[..], |value| value.as_bytes());
        let Some((scheme, secret)) = shown.split_at_checked("Bearer ".len()) else { return false };
        scheme.eq_ignore_ascii_case(b"Bearer ") && bool::from(digest(secret).ct_eq(&self.digest))
    }
}

impl fmt::Debug for SharedSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SharedSecret(…)")
    }
}

/// Digests are of one length, whatever is compared.
fn digest(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    const SECRET: &str = "0123456789abcdef0123456789abcdef";

    fn shows(authorization: &str) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, HeaderValue::from_str(authorization).unwrap());
        SharedSecret::new(SECRET.as_bytes()).unwrap().is_shown_in(&headers)
    }

    #[test]
    fn only_the_whole_secret_opens() {
        assert!(shows(&format!("Bearer {SECRET}")));
        assert!(shows(&format!("bearer {SECRET}")));
        for wrong in [
            String::new(),
            "Bearer ".to_owned(),
            SECRET.to_owned(),
            format!("Basic {SECRET}"),
            format!("Bearer {SECRET}0"),
            format!("Bearer {}", &SECRET[1..]),
            format!("Bearer {}", SECRET.to_uppercase()),
        ] {
            assert!(!shows(&wrong), "{wrong}");
        }
        assert!(!SharedSecret::new(SECRET.as_bytes()).unwrap().is_shown_in(&HeaderMap::new()));
    }

    #[test]
    fn a_shared_secret_has_at_least_32_bytes_and_is_never_printed() {
        assert_eq!(SharedSecret::new(&[b'x'; 31]).map(drop), Err(TooShort));
        assert_eq!(format!("{:?}", SharedSecret::new(&[b'x'; 32]).unwrap()), "SharedSecret(…)");
    }
}
