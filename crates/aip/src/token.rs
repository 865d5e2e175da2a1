//! Opaque tokens that a caller receives and sends back later, such as page tokens (AIP-158) and resume tokens.
//!
//! A token holds state of the server, but any client can send a forged one. So it carries a message authentication code:
//! [`Sealer::open`] returns only content that was sealed with the same server key, for the same purpose and the same
//! request. A token is not encrypted.
//!
//! To add a kind of token, make a [`Sealer`] with a new purpose. A service makes it once, from the [`TokenKey`] that its host
//! passes. There is no other way to make or read tokens.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{
    Hmac, Mac as _,
    digest::{Key, Output},
};
use sha2::Sha256;

/// The longest token that is decoded. No release has made one of more than 1,300 characters.
pub const MAX_TOKEN_CHARACTERS: usize = 1_536;

/// The length of an authentication code: HMAC-SHA256 truncated to half, as RFC 2104 section 5 allows.
const CODE_BYTES: usize = 16;

/// The length of the shortest token of any release: a shorter text is malformed.
const MIN_BYTES: usize = 13;

/// The key for all tokens of a server. Processes that serve the same callers need the same key.
#[derive(Clone)]
pub struct TokenKey(Hmac<Sha256>);

/// Makes and reads the tokens of one purpose.
#[derive(Clone)]
pub struct Sealer(Hmac<Sha256>);

/// A token made by a [`Sealer`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedToken(String);

/// Why a token cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidToken {
    /// The text is not a token of any release: it is not base64url, or is too short or too long.
    #[error("is not a token")]
    Malformed,
    /// Its authentication code does not match: it was sealed with another key, for another purpose or request, or by an
    /// earlier release, or it was forged or damaged.
    #[error("is not a token of this server for this request")]
    Foreign,
}

impl TokenKey {
    /// A key from these bytes, which must be secret, random, and not used for anything else.
    #[must_use]
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(keyed(bytes))
    }

    /// A sealer for the tokens of `purpose`. Each purpose has its own key: other sealers reject its tokens.
    #[must_use]
    pub fn sealer(&self, purpose: &str) -> Sealer {
        Sealer(keyed(self.0.clone().chain_update(purpose).finalize().into_bytes().into()))
    }
}

impl Sealer {
    /// Makes a token that holds `content` and is valid only for `request`. The token does not contain `request`.
    #[must_use]
    pub fn seal(&self, content: &[u8], request: &str) -> SealedToken {
        let code = self.code(content, request);
        let bytes: Vec<u8> = code.iter().take(CODE_BYTES).chain(content).copied().collect();
        SealedToken(URL_SAFE_NO_PAD.encode(bytes))
    }

    /// Verifies a token that [`Self::seal`] made for `request`, and returns its content. The comparison takes constant time.
    ///
    /// # Errors
    /// [`InvalidToken`]. A text longer than [`MAX_TOKEN_CHARACTERS`] is not decoded.
    pub fn open(&self, token: &str, request: &str) -> Result<Vec<u8>, InvalidToken> {
        if token.len() > MAX_TOKEN_CHARACTERS {
            return Err(InvalidToken::Malformed);
        }
        let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|_| InvalidToken::Malformed)?;
        if bytes.len() < MIN_BYTES {
            return Err(InvalidToken::Malformed);
        }
        let (code, content) = bytes.split_at_checked(CODE_BYTES).ok_or(InvalidToken::Foreign)?;
        self.mac(content, request).verify_truncated_left(code).map_err(|_| InvalidToken::Foreign)?;
        Ok(content.to_vec())
    }

    fn code(&self, content: &[u8], request: &str) -> Output<Hmac<Sha256>> {
        self.mac(content, request).finalize().into_bytes()
    }

    fn mac(&self, content: &[u8], request: &str) -> Hmac<Sha256> {
        // The length distinguishes ("a", "bc") from ("ab", "c").
        let length = (request.len() as u64).to_be_bytes();
        self.0.clone().chain_update(length).chain_update(request).chain_update(content)
    }
}

impl From<SealedToken> for String {
    fn from(token: SealedToken) -> Self {
        token.0
    }
}

impl fmt::Debug for TokenKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenKey(…)")
    }
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sealer(…)")
    }
}

/// HMAC-SHA256 with a key shorter than its block, which is therefore padded with zeros (RFC 2104 section 2).
fn keyed(key: [u8; 32]) -> Hmac<Sha256> {
    let mut block = Key::<Hmac<Sha256>>::default();
    block.iter_mut().zip(key).for_each(|(to, from)| *to = from);
    Hmac::new(&block)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealer(byte: u8, purpose: &str) -> Sealer {
        TokenKey::new([byte; 32]).sealer(purpose)
    }

    fn token(content: &[u8], request: &str) -> String {
        sealer(1, "pages").seal(content, request).into()
    }

    #[test]
    fn a_token_is_valid_only_with_its_own_key_purpose_and_request() {
        let token = token(b"content", "query");
        assert_eq!(sealer(1, "pages").open(&token, "query").as_deref(), Ok(&b"content"[..]));
        for (sealer, request) in
            [(sealer(2, "pages"), "query"), (sealer(1, "watch"), "query"), (sealer(1, "pages"), "queryc")]
        {
            assert_eq!(sealer.open(&token, request), Err(InvalidToken::Foreign));
        }
    }

    #[test]
    fn a_token_with_one_bit_changed_is_foreign() {
        let sealed = URL_SAFE_NO_PAD.decode(token(b"content", "query")).unwrap();
        for bit in 0..sealed.len() * 8 {
            let mut forged = sealed.clone();
            forged[bit / 8] ^= 1 << (bit % 8);
            let forged = URL_SAFE_NO_PAD.encode(forged);
            assert_eq!(sealer(1, "pages").open(&forged, "query"), Err(InvalidToken::Foreign), "{bit}");
        }
    }

    #[test]
    fn text_that_is_not_a_token_is_malformed() {
        let longest = "A".repeat(MAX_TOKEN_CHARACTERS);
        assert_eq!(sealer(1, "pages").open(&longest, ""), Err(InvalidToken::Foreign));
        for text in ["", "nonsense", "ä", "a token, with spaces", &format!("{longest}AAAA")] {
            assert_eq!(sealer(1, "pages").open(text, ""), Err(InvalidToken::Malformed), "{text}");
        }
    }

    #[test]
    fn a_token_without_content_is_valid() {
        assert_eq!(sealer(1, "pages").open(&token(b"", "query"), "query"), Ok(Vec::new()));
    }

    #[test]
    fn keys_are_never_printed() {
        assert_eq!(format!("{:?} {:?}", TokenKey::new([7; 32]), sealer(7, "pages")), "TokenKey(…) Sealer(…)");
    }
}
