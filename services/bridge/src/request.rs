//! Checks an HTTP request and decodes its batch.

use std::pin::pin;

use bytes::Bytes;
use http::{Method, Request};
use http_body::Body;
use http_body_util::BodyExt as _;
use identity::SharedSecret;
use storage_json::{BATCH_PATH, Kind};

use crate::rejection::Rejection;

/// The maximum size of a body: several texts of 2 MB, the limit of D1, with escapes. It is in memory four times before the
/// batch has run.
pub(crate) const MAX_BODY_BYTES: usize = 16 * 1024 * 1024;

/// The maximum number of statements in a batch.
pub(crate) const MAX_STATEMENTS: usize = 100;

/// An owned batch.
pub(crate) type Batch = storage_json::Batch<'static>;

/// Checks the secret, the path and the method of a request, and returns its body.
///
/// # Errors
/// [`Rejection::WrongSecret`] is checked first, so that a client without the secret learns nothing else.
pub(crate) fn authorize<B>(request: Request<B>, secret: &SharedSecret) -> Result<B, Rejection> {
    if !secret.is_sent_in(request.headers()) {
        return Err(Rejection::WrongSecret);
    }
    if request.uri().path() != BATCH_PATH {
        return Err(Rejection::Path);
    }
    if request.method() != Method::POST {
        return Err(Rejection::Method);
    }
    Ok(request.into_body())
}

/// Decodes the batch in a body.
///
/// # Errors
/// The body is too large, or not a valid batch.
pub(crate) async fn read_batch<B: Body<Data = Bytes> + Send>(body: B) -> Result<Batch, Rejection> {
    let bytes = collect(body).await?;
    let batch: Batch = serde_json::from_slice(&bytes).map_err(Rejection::InvalidBatch)?;
    match (batch.kind, batch.statements.as_slice()) {
        (_, statements) if statements.len() > MAX_STATEMENTS => {
            Err(Rejection::TooManyStatements(statements.len()))
        }
        (Kind::Read, [query]) if query.only_reads() => Ok(batch),
        (Kind::Read, _) => Err(Rejection::NotOneRead),
        (Kind::Write, _) => Ok(batch),
    }
}

/// Collects a body. A body that is too large is read to its end (up to the limit of the platform) and dropped: a response
/// before the end of the body may close the connection, and then the caller would not receive the response.
async fn collect<B: Body<Data = Bytes> + Send>(body: B) -> Result<Vec<u8>, Rejection> {
    let mut body = pin!(body);
    let (mut bytes, mut length) = (Vec::new(), 0_usize);
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| Rejection::BodyIncomplete)?.into_data() else { continue };
        length = length.saturating_add(data.len());
        if length <= MAX_BODY_BYTES {
            bytes.extend_from_slice(&data);
        }
    }
    if length > MAX_BODY_BYTES { Err(Rejection::TooLarge) } else { Ok(bytes) }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;
    use http_body_util::Full;

    use super::*;

    const SECRET: &str = "0123456789abcdef0123456789abcdef";

    fn request(method: &str, path: &str, authorization: &str) -> Result<(), Rejection> {
        let request = Request::builder().method(method).uri(path).header("authorization", authorization);
        authorize(request.body(()).unwrap(), &SharedSecret::new(SECRET.as_bytes()).unwrap())
    }

    fn batch(json: String) -> Result<Batch, Rejection> {
        read_batch(Full::new(Bytes::from(json))).now_or_never().unwrap()
    }

    #[test]
    fn a_client_without_the_secret_learns_nothing_else() {
        let authorization = format!("Bearer {SECRET}");
        assert!(request("POST", BATCH_PATH, &authorization).is_ok());
        assert!(matches!(request("POST", "/", &authorization), Err(Rejection::Path)));
        assert!(matches!(request("GET", BATCH_PATH, &authorization), Err(Rejection::Method)));
        for (method, path) in [("POST", BATCH_PATH), ("POST", "/"), ("GET", BATCH_PATH)] {
            assert!(
                matches!(request(method, path, "Bearer no"), Err(Rejection::WrongSecret)),
                "{method} {path}"
            );
        }
    }

    #[test]
    fn a_body_and_a_batch_are_accepted_up_to_their_limits() {
        let of = |count: usize| {
            let statements = vec![r#"{"sql":"DELETE FROM t"}"#; count].join(",");
            format!(r#"{{"kind":"write","statements":[{statements}]}}"#)
        };
        assert!(batch(of(MAX_STATEMENTS)).is_ok());
        let rejected = batch(of(MAX_STATEMENTS + 1)).unwrap_err();
        assert_eq!(rejected.to_string(), "a batch must have at most 100 statements, not 101");

        let padded = |bytes: usize| of(1) + &" ".repeat(bytes - of(1).len());
        assert!(batch(padded(MAX_BODY_BYTES)).is_ok());
        assert!(matches!(batch(padded(MAX_BODY_BYTES + 1)), Err(Rejection::TooLarge)));
    }

    #[test]
    fn a_read_is_one_statement_that_only_reads() {
        let read = |statements: &str| batch(format!(r#"{{"kind":"read","statements":[{statements}]}}"#));
        assert!(read(r#"{"sql":"SELECT 1"}"#).is_ok());
        for statements in ["", r#"{"sql":"SELECT 1"},{"sql":"SELECT 1"}"#, r#"{"sql":"DELETE FROM t"}"#] {
            assert!(matches!(read(statements), Err(Rejection::NotOneRead)), "{statements}");
        }
    }

    #[test]
    fn an_invalid_batch_is_rejected_with_the_reason() {
        for json in ["", "[]", "{}", r#"{"kind":"write","statements":[{"sql":1}]}"#] {
            let rejected = batch(json.to_owned()).unwrap_err();
            assert_eq!(rejected.status(), 400);
            assert!(rejected.to_string().starts_with("the body is not a valid batch: "), "{rejected}");
        }
    }
}
