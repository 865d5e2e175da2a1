//! A JWT in its compact form (RFC 7515 section 7.1). `jsonwebtoken` decodes and verifies it.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{
    Algorithm, DecodingKey, Header,
    errors::{Error, ErrorKind},
};
use serde_json::{Map, Value, value::RawValue};

use crate::{Policy, TokenRejection, claims::Claims, json};

/// The maximum length of a token: 8 KiB.
pub const MAX_TOKEN_BYTES: usize = 8 * 1024;

/// Decodes the header of a token. It is not trusted: it only selects the key to verify the signature with.
///
/// `jsonwebtoken` reports an unknown `alg` as invalid JSON, and takes a `crit` that is null for absent, so both are checked
/// first. Any `crit` is rejected: RFC 7515 does not allow an empty one either.
pub(crate) fn decode_header(token: &str) -> Result<Header, TokenRejection> {
    let (encoded, _) = token.split_once('.').ok_or(TokenRejection::Malformed)?;
    let json = URL_SAFE_NO_PAD.decode(encoded).map_err(|_| TokenRejection::Malformed)?;
    let members: Map<String, Value> = json::parse_object(&json).map_err(|_| TokenRejection::Malformed)?;
    let alg = members.get("alg").and_then(Value::as_str).ok_or(TokenRejection::Malformed)?;
    alg.parse::<Algorithm>().map_err(|_| TokenRejection::Algorithm)?;
    if members.contains_key("crit") {
        return Err(TokenRejection::Extension);
    }
    jsonwebtoken::decode_header(token).map_err(|_| TokenRejection::Malformed)
}

/// Verifies the signature of a token whose header is valid, with the `key` of `algorithm`. Then compares the issuer and the
/// audience with `policy`, if the token has them. The claims that are returned are still to be checked.
pub(crate) fn decode(
    token: &str,
    algorithm: Algorithm,
    key: &DecodingKey,
    policy: &Policy,
) -> Result<Claims, TokenRejection> {
    let decoded = jsonwebtoken::decode::<Box<RawValue>>(token, key, &policy.validation(algorithm));
    let claims = decoded.map_err(|error| rejection(&error))?.claims;
    json::parse_object(claims.get().as_bytes()).map_err(|_| TokenRejection::Claims)
}

fn rejection(error: &Error) -> TokenRejection {
    match error.kind() {
        ErrorKind::InvalidSignature => TokenRejection::Signature,
        // The JSON of the claims, because the header is valid.
        ErrorKind::Json(_) => TokenRejection::Claims,
        ErrorKind::InvalidIssuer => TokenRejection::Issuer,
        ErrorKind::InvalidAudience => TokenRejection::Audience,
        _ => TokenRejection::Malformed,
    }
}
