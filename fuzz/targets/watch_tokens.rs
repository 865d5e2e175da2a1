//! Resume tokens of watchers: as they are sent, and sealed around what is sent.
#![no_main]

use std::sync::LazyLock;

use aip::{MAX_TOKEN_CHARACTERS, Sealer, TokenKey};
use annotations::{Resumption, inspect_resume_token};
use libfuzzer_sys::fuzz_target;
use storage::Id;

static SEALER: LazyLock<Sealer> = LazyLock::new(|| TokenKey::new([7; 32]).sealer("watch"));

/// The image of the seeds.
static IMAGE: LazyLock<Id> = LazyLock::new(|| "0190a0b0c0d07abc8000000000000001".parse().unwrap());

fuzz_target!(|data: &[u8]| {
    if let Ok(text) = std::str::from_utf8(data) {
        // None of these was sealed, so none resumes.
        assert!(!matches!(inspect(text), Some(Resumption::Resume(_))));
    }
    let sealed: String = SEALER.seal(data, "").into();
    if sealed.len() > MAX_TOKEN_CHARACTERS {
        assert_eq!(inspect(&sealed), None);
    } else if let Some(Resumption::Resume(token)) = inspect(&sealed) {
        // Protobuf writes one content in several ways, and the service only one of them: reading that changes nothing.
        let written = String::from(token.clone());
        assert_eq!(inspect(&written), Some(Resumption::Resume(token)));
    }
});

fn inspect(token: &str) -> Option<Resumption> {
    inspect_resume_token(token, *IMAGE, &SEALER).ok()
}
