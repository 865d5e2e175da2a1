//! From an HTTP request to a batch that may run.

use std::pin::pin;

use bytes::Bytes;
use http::{Method, Request};
use http_body::Body;
use http_body_util::BodyExt as _;
use identity::SharedSecret;
use storage_json::{BATCH_PATH, Kind};

use crate::refusal::Refusal;

/// The largest body: several texts of the 2 MB that D1 takes, escaped. It is in memory four times before it has run.
pub(crate) const MAX_BODY_BYTES: usize = 16 * 1024 * 1024;

/// The most statements of a batch.
pub(crate) const MAX_STATEMENTS: usize = 100;

/// A batch that borrows nothing.
pub(crate) type Batch = storage_json::Batch<'static>;

/// The body of a request that shows the secret and goes to the one route.
///
/// # Errors
/// [`Refusal::Stranger`] before anything else is told.
pub(crate) fn admit<B>(request: Request<B>, secret: &SharedSecret) -> Result<B, Refusal> {
    if !secret.is_shown_in(request.headers()) {
        return Err(Refusal::Stranger);
    }
    if request.uri().path() != BATCH_PATH {
        return Err(Refusal::Path);
    }
    if request.method() != Method::POST {
        return Err(Refusal::Method);
    }
    Ok(request.into_body())
}

/// The batch in a body.
///
/// # Errors
/// The body is too large, or no batch that may run.
pub(crate) async fn read<B: Body<Data = Bytes> + Send>(body: B) -> Result<Batch, Refusal> {
    let bytes = collect(body).await?;
    let batch: Batch = serde_json::from_slice(&bytes).map_err(Refusal::NotABatch)?;
    match (batch.kind, batch.statements.as_slice()) {
        (_, statements) if statements.len() > MAX_STATEMENTS => Err(Refusal::TooMany(statements.len())),
        (Kind::Read, [query]) if query.only_reads() => Ok(batch),
        (Kind::Read, _) => Err(Refusal::NotOneRead),
        (Kind::Write, _) => Ok(batch),
    }
}

/// All of a body that is not too large. What is too much is read and dropped, up to the end that the platform puts to it:
/// an answer ahead of a body's end may cost the caller the connection, and so the answer.
async fn collect<B: Body<Data = Bytes> + Send>(body: B) -> Result<Vec<u8>, Refusal> {
    let mut body = pin!(body);
    let (mut bytes, mut length) = (Vec::new(), 0_usize);
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| Refusal::BodyBroke)?.into_data() else { continue };
        length = length.saturating_add(data.len());
        if length <= MAX_BODY_BYTES {
            bytes.extend_from_slice(&data);
        }
    }
    if length > MAX_BODY_BYTES { Err(Refusal::TooLarge) } else { Ok(bytes) }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;
    use http_body_util::Full;

    use super::*;

    const SECRET: &str = "0123456789abcdef0123456789abcdef";

    fn request(method: &str, path: &str, authorization: &str) -> Result<(), Refusal> {
        let request = Request::builder().method(method).uri(path).header("authorization", authorization);
        admit(request.body(()).unwrap(), &SharedSecret::new(SECRET.as_bytes()).unwrap())
    }

    fn batch(json: String) -> Result<Batch, Refusal> {
        read(Full::new(Bytes::from(json))).now_or_never().unwrap()
    }

    #[test]
    fn whoever_lacks_the_secret_is_told_nothing_else() {
        let shown = format!("Bearer {SECRET}");
        assert!(request("POST", BATCH_PATH, &shown).is_ok());
        assert!(matches!(request("POST", "/", &shown), Err(Refusal::Path)));
        assert!(matches!(request("GET", BATCH_PATH, &shown), Err(Refusal::Method)));
        for (method, path) in [("POST", BATCH_PATH), ("POST", "/"), ("GET", BATCH_PATH)] {
            assert!(matches!(request(method, path, "Bearer no"), Err(Refusal::Stranger)), "{method} {path}");
        }
    }

    #[test]
    fn a_body_and_a_batch_end_at_their_limits() {
        let of = |count: usize| {
            let statements = vec![r#"{"sql":"DELETE FROM t"}"#; count].join(",");
            format!(r#"{{"kind":"write","statements":[{statements}]}}"#)
        };
        assert!(batch(of(MAX_STATEMENTS)).is_ok());
        let refused = batch(of(MAX_STATEMENTS + 1)).unwrap_err();
        assert_eq!(refused.to_string(), "a batch must have at most 100 statements, not 101");

        let padded = |bytes: usize| of(1) + &" ".repeat(bytes - of(1).len());
        assert!(batch(padded(MAX_BODY_BYTES)).is_ok());
        assert!(matches!(batch(padded(MAX_BODY_BYTES + 1)), Err(Refusal::TooLarge)));
    }

    #[test]
    fn a_read_is_one_statement_that_only_reads() {
        let read = |statements: &str| batch(format!(r#"{{"kind":"read","statements":[{statements}]}}"#));
        assert!(read(r#"{"sql":"SELECT 1"}"#).is_ok());
        for statements in ["", r#"{"sql":"SELECT 1"},{"sql":"SELECT 1"}"#, r#"{"sql":"DELETE FROM t"}"#] {
            assert!(matches!(read(statements), Err(Refusal::NotOneRead)), "{statements}");
        }
    }

    #[test]
    fn what_is_no_batch_is_told_why() {
        for json in ["", "[]", "{}", r#"{"kind":"write","statements":[{"sql":1}]}"#] {
            let refused = batch(json.to_owned()).unwrap_err();
            assert_eq!(refused.status(), 400);
            assert!(refused.to_string().starts_with("the body is no batch: "), "{refused}");
        }
    }
}
