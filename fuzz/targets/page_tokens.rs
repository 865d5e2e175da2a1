//! Page tokens: the input as a token, and the input as the content of a sealed token.
#![no_main]

use std::sync::LazyLock;

use aip::{MAX_TOKEN_CHARACTERS, Page, PageQuery, Sealer, TokenKey};
use libfuzzer_sys::fuzz_target;

static SEALER: LazyLock<Sealer> = LazyLock::new(|| TokenKey::new([7; 32]).sealer("pages"));

const QUERY: &str = "label=car";

fuzz_target!(|data: &[u8]| {
    if let Ok(text) = std::str::from_utf8(data) {
        // No input was sealed, so none is a valid token.
        assert!(text.is_empty() || page(text, QUERY).is_none());
    }
    let sealed: String = SEALER.seal(data, QUERY).into();
    assert!(page(&sealed, "label=bus").is_none());
    if sealed.len() <= MAX_TOKEN_CHARACTERS {
        assert_eq!(SEALER.open(&sealed, QUERY).as_deref(), Ok(data));
    }
    if let Some(page) = page(&sealed, QUERY) {
        assert_eq!(aip::next_page_token(&SEALER, page.after.unwrap(), QUERY), sealed);
    }
});

fn page(page_token: &str, query: &str) -> Option<Page> {
    PageQuery { page_size: 0, page_token, default_size: 50, max_size: 1000, query, sealer: &SEALER }
        .parse()
        .ok()
}
