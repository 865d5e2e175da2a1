//! Opaque tokens that are bound to the query that made them (AIP-158).

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest as _, Sha256};

/// The digits of a checksum.
const SUM_WIDTH: usize = 12;

/// A token that holds `text` for `query`. It hides nothing.
#[must_use]
pub fn seal(text: &str, query: &str) -> String {
    URL_SAFE_NO_PAD.encode(format!("{text}{}", sum(text, query)))
}

/// The text of a token that was made for `query`.
#[must_use]
pub fn open(token: &str, query: &str) -> Option<String> {
    let mut text = String::from_utf8(URL_SAFE_NO_PAD.decode(token).ok()?).ok()?;
    let found = text.split_off(text.len().checked_sub(SUM_WIDTH).filter(|at| text.is_char_boundary(*at))?);
    (found == sum(&text, query)).then_some(text)
}

/// Not a secret: it tells apart tokens of different queries, and what was never a token at all.
fn sum(text: &str, query: &str) -> String {
    let digest = Sha256::new().chain_update(text).chain_update([0]).chain_update(query).finalize();
    digest.iter().take(SUM_WIDTH / 2).map(|byte| format!("{byte:02x}")).collect()
}
