//! JSON Web Tokens: the input as a token; and its first line as a header, the rest as claims, with a valid signature.
#![no_main]

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use futures_executor::block_on;
use fuzz::{Clock, NOW, SECRET, first_line};
use hmac::{Hmac, Mac as _};
use identity::{Authenticator, Keys, Policy, Secret};
use libfuzzer_sys::fuzz_target;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use std::{collections::BTreeMap, sync::LazyLock};

static AUTHENTICATOR: LazyLock<Authenticator<Clock>> = LazyLock::new(|| {
    Authenticator::new(Keys::Secret(Secret::new(SECRET).unwrap()), Policy::default(), Clock)
});

fuzz_target!(|data: &[u8]| {
    if let Ok(token) = std::str::from_utf8(data) {
        assert!(block_on(AUTHENTICATOR.verify(token)).is_err(), "a token without a signature was accepted");
    }
    let (header, claims) = first_line(data);
    let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
    let mac = Hmac::<sha2::Sha256>::new_from_slice(SECRET).unwrap().chain_update(&message).finalize();
    let token = format!("{message}.{}", URL_SAFE_NO_PAD.encode(mac.into_bytes()));
    if let Ok(caller) = block_on(AUTHENTICATOR.verify(&token)) {
        let (header, claims) = (members(header), members(claims));
        assert_eq!(value::<String>(&header, "alg"), "HS256");
        assert!(!header.contains_key("crit"), "an unknown critical extension was ignored");
        assert_eq!(value::<String>(&claims, "sub"), caller.user_id().as_str());
        let leeway = f64::from(identity::LEEWAY_SECONDS);
        assert!(value::<f64>(&claims, "exp") + leeway >= NOW as f64, "an expired token was accepted");
    }
});

/// The members of a JSON object. Their values are not parsed: one that the service ignores may be out of range or deeply
/// nested.
fn members(json: &[u8]) -> BTreeMap<String, Box<RawValue>> {
    serde_json::from_str(std::str::from_utf8(json).expect("not UTF-8")).expect("not a JSON object")
}

fn value<T: DeserializeOwned>(members: &BTreeMap<String, Box<RawValue>>, name: &str) -> T {
    serde_json::from_str(members[name].get()).expect(name)
}
