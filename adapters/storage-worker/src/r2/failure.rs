//! Maps everything that R2 throws to an [`Error`]. A message of R2 ends in a code
//! (<https://developers.cloudflare.com/r2/api/error-codes/>), a message of the runtime does not.

use storage::Error;
use worker::wasm_bindgen::JsValue;

use super::CALL_TIMEOUT;
use crate::promise::Thrown;

/// The codes of R2's temporary failures.
mod code {
    pub(super) const INTERNAL_ERROR: u32 = 10001;
    pub(super) const SERVICE_UNAVAILABLE: u32 = 10043;
    pub(super) const CLIENT_DISCONNECT: u32 = 10054;
    pub(super) const TOO_MANY_REQUESTS: u32 = 10058;
}

/// Parts of the runtime's messages when it cannot reach R2.
const UNREACHABLE: [&str; 3] = ["Network connection lost", "internal error", "Unspecified error (0)"];

/// Maps a failure to its class.
pub(super) fn classify(thrown: Thrown) -> Error {
    let text = &thrown.0;
    let is_temporary = match code_of(text) {
        Some(code) => matches!(
            code,
            code::INTERNAL_ERROR
                | code::SERVICE_UNAVAILABLE
                | code::CLIENT_DISCONNECT
                | code::TOO_MANY_REQUESTS
        ),
        None => false,
    };
    if is_temporary || UNREACHABLE.iter().any(|part| text.contains(part)) {
        Error::unavailable(thrown)
    } else {
        Error::broken(thrown)
    }
}

/// Maps a failure that a method threw at once.
pub(super) fn classify_thrown(thrown: JsValue) -> Error {
    classify(thrown.into())
}

/// R2 did not respond within the timeout.
pub(super) fn timeout() -> Error {
    Error::unavailable(format!("R2 did not respond within {} s", CALL_TIMEOUT.as_secs()))
}

fn code_of(text: &str) -> Option<u32> {
    let (_, code) = text.strip_suffix(')')?.rsplit_once('(')?;
    code.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_temporary_failure_is_unavailable_and_any_other_is_broken() {
        for (text, is_temporary) in [
            ("put: We encountered an internal error. Please try again. (10001)", true),
            ("get: Service is temporarily unavailable. (10043)", true),
            ("put: Client disconnected before request completed. (10054)", true),
            ("put: Reduce your concurrent request rate for the same object. (10058)", true),
            ("put: Unspecified error (0)", true),
            ("Network connection lost.", true),
            ("internal error; reference = 0123456789abcdef", true),
            ("put: Your metadata headers exceed the maximum allowed metadata size. (10012)", false),
            ("head: The specified bucket does not exist. (10006)", false),
            ("get: The requested range is not satisfiable (10039)", false),
            ("Provided readable stream must have a known length", false),
        ] {
            let error = classify(Thrown(text.to_owned()));
            assert_eq!(matches!(error, Error::Unavailable(_)), is_temporary, "{text}: {error:?}");
            assert_eq!(matches!(error, Error::Broken(_)), !is_temporary, "{text}: {error:?}");
        }
    }
}
