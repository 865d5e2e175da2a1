//! Resume tokens of watchers: the input as a token, and the input as the content of a sealed token.
#![no_main]

use std::sync::LazyLock;

use aip::{MAX_TOKEN_CHARACTERS, Sealer, TokenKey};
use annotations::{Resumption, inspect_resume_token};
use libfuzzer_sys::fuzz_target;
use runtime::Id;

static SEALER: LazyLock<Sealer> = LazyLock::new(|| TokenKey::new([7; 32]).sealer("watch"));

/// The image of the seeds.
static IMAGE: LazyLock<Id> = LazyLock::new(|| "0190a0b0c0d07abc8000000000000001".parse().unwrap());

fuzz_target!(|data: &[u8]| {
    if let Ok(text) = std::str::from_utf8(data) {
        // No input was sealed, so none is a token to resume from.
        assert!(!matches!(inspect(text), Some(Resumption::Resume(_))));
    }
    let sealed: String = SEALER.seal(data, "").into();
    if sealed.len() > MAX_TOKEN_CHARACTERS {
        assert_eq!(inspect(&sealed), None);
    } else if let Some(Resumption::Resume(token)) = inspect(&sealed) {
        // Protobuf can encode the same content in several ways, but the service writes only one of them. So a token that it
        // wrote is read back unchanged.
        let written = String::from(token.clone());
        assert_eq!(inspect(&written), Some(Resumption::Resume(token)));
    }
});

fn inspect(token: &str) -> Option<Resumption> {
    inspect_resume_token(token, *IMAGE, &SEALER).ok()
}
