//! A secret that two programs share; one sends it to the other in plain form.

use std::fmt;

use http::HeaderMap;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use crate::{MIN_SECRET_BYTES, TooShort, authenticator::bearer};

/// A secret of at least [`MIN_SECRET_BYTES`]. A client that sends it has full access.
#[derive(Clone)]
pub struct SharedSecret {
    digest: [u8; 32],
}

impl SharedSecret {
    /// A secret of these bytes.
    ///
    /// # Errors
    /// [`TooShort`] if there are fewer than [`MIN_SECRET_BYTES`].
    pub fn new(bytes: &[u8]) -> Result<Self, TooShort> {
        if bytes.len() < MIN_SECRET_BYTES { Err(TooShort) } else { Ok(Self { digest: digest(bytes) }) }
    }

    /// Whether `headers` contain it as `authorization: Bearer …`. The comparison takes constant time.
    #[must_use]
    pub fn is_sent_in(&self, headers: &HeaderMap) -> bool {
        let Ok(Some(secret)) = bearer(headers) else { return false };
        digest(secret.as_bytes()).ct_eq(&self.digest).into()
    }
}

impl fmt::Debug for SharedSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SharedSecret(…)")
    }
}

/// Digests have the same length for all inputs, so a comparison does not reveal the length of the secret.
fn digest(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

#[cfg(test)]
mod tests {
    use http::{HeaderValue, header::AUTHORIZATION};

    use super::*;

    const SECRET: &str = "0123456789abcdef0123456789abcdef";

    fn is_accepted(authorization: &str) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, HeaderValue::from_str(authorization).unwrap());
        SharedSecret::new(SECRET.as_bytes()).unwrap().is_sent_in(&headers)
    }

    #[test]
    fn only_the_complete_secret_is_accepted() {
        assert!(is_accepted(&format!("Bearer {SECRET}")));
        assert!(is_accepted(&format!("bearer {SECRET}")));
        for wrong in [
            String::new(),
            "Bearer ".to_owned(),
            SECRET.to_owned(),
            format!("Basic {SECRET}"),
            format!("Bearer {SECRET}0"),
            format!("Bearer {}", &SECRET[1..]),
            format!("Bearer {}", SECRET.to_uppercase()),
        ] {
            assert!(!is_accepted(&wrong), "{wrong}");
        }
        assert!(!SharedSecret::new(SECRET.as_bytes()).unwrap().is_sent_in(&HeaderMap::new()));
    }

    #[test]
    fn the_header_has_the_same_form_as_that_of_a_token() {
        assert!(is_accepted(&format!("Bearer  {SECRET} ")));
        let mut twice = HeaderMap::new();
        for _ in 0..2 {
            twice.append(AUTHORIZATION, HeaderValue::from_str(&format!("Bearer {SECRET}")).unwrap());
        }
        assert!(!SharedSecret::new(SECRET.as_bytes()).unwrap().is_sent_in(&twice));
    }

    #[test]
    fn a_shared_secret_has_at_least_32_bytes_and_is_never_printed() {
        assert_eq!(SharedSecret::new(&[b'x'; 31]).map(drop), Err(TooShort));
        assert_eq!(format!("{:?}", SharedSecret::new(&[b'x'; 32]).unwrap()), "SharedSecret(…)");
    }
}
