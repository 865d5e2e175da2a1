//! JSON Web Key Sets: the document of an issuer, and tokens that none of its keys has signed.
#![no_main]

use bytes::Bytes;
use futures_executor::block_on;
use fuzz::Clock;
use identity::{Authenticator, BoxError, Jwks, KeySource, Keys, Policy};
use libfuzzer_sys::fuzz_target;

/// A token for each of the three algorithms, with a claim `sub` and an invalid signature.
const TOKENS: [&str; 3] = [
    "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhIn0.AAAA",
    "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhIn0.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJhIn0.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
];

struct Document(Bytes);

impl KeySource for Document {
    async fn fetch(&self) -> Result<Bytes, BoxError> {
        Ok(self.0.clone())
    }
}

fuzz_target!(|data: &[u8]| {
    let keys = Keys::Jwks(Jwks::new(Document(Bytes::copy_from_slice(data))));
    let authenticator = Authenticator::new(keys, Policy::default(), Clock);
    if block_on(authenticator.refresh_keys()).is_ok() {
        let document: serde_json::Value = serde_json::from_slice(data).expect("not JSON");
        assert!(document["keys"].is_array());
        for token in TOKENS {
            assert!(block_on(authenticator.verify(token)).is_err(), "an invalid signature was accepted");
        }
    }
});
