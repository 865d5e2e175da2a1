//! Tests of what only a bridge has.

use reqwest::{Client, Method, StatusCode, header::ALLOW};
use runtime::CallerShare;
use serde_json::{Value, json};
use storage::{Database as _, Statement};
use storage_native::{BridgeDatabase, BridgeSecret, bridge::BridgeError};
use tests::BRIDGE_SECRET;

use crate::served::Served;

macro_rules! tests {
    ($($test:ident)*) => {
        /// The names of all tests here.
        pub(crate) const NAMES: [&str; [$(stringify!($test)),*].len()] = [$(stringify!($test)),*];

        /// Runs the test `name`, if there is one.
        pub(crate) async fn run(name: &str, served: &Served) -> bool {
            match name {
                $( stringify!($test) => $test(served).await, )*
                _ => return false,
            }
            true
        }
    };
}

tests! {
    a_request_without_the_secret_is_unauthorized
    an_invalid_request_is_rejected_with_its_reason
    a_body_that_is_too_large_is_rejected
    a_wrong_secret_is_reported
    a_different_schema_is_reported
    a_large_batch_of_all_types_round_trips
}

async fn a_request_without_the_secret_is_unauthorized(served: &Served) {
    for authorization in [None, Some("Bearer another-secret-that-is-long-enough"), Some(BRIDGE_SECRET)] {
        for (method, path) in [(Method::POST, "/v1/batch"), (Method::GET, "/v1/batch"), (Method::GET, "/")] {
            let mut request = Client::new().request(method, format!("{}{path}", served.bridge.url()));
            if let Some(authorization) = authorization {
                request = request.header("authorization", authorization);
            }
            let response = request.body(batch(1).to_string()).send().await.unwrap();
            assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
            let body: Value = response.json().await.unwrap();
            assert!(body["error"].as_str().unwrap().contains("RETICLE_BRIDGE_SECRET"), "{body}");
        }
    }
}

async fn an_invalid_request_is_rejected_with_its_reason(served: &Served) {
    for (method, path, body, status, sentence) in [
        (Method::POST, "/", batch(1), 404, "unknown path: the only path is /v1/batch"),
        (Method::PUT, "/v1/batch", batch(1), 405, "/v1/batch accepts only POST"),
        (Method::POST, "/v1/batch", json!([]), 400, "the body is not a valid batch"),
        (Method::POST, "/v1/batch", batch(101), 400, "a batch must have at most 100 statements, not 101"),
    ] {
        let request = Client::new().request(method, format!("{}{path}", served.bridge.url()));
        let response = request.bearer_auth(BRIDGE_SECRET).body(body.to_string()).send().await.unwrap();
        assert_eq!(response.status(), status, "{sentence}");
        assert_eq!(response.headers().contains_key(ALLOW), status == 405);
        let body: Value = response.json().await.unwrap();
        assert!(body["error"].as_str().unwrap().starts_with(sentence), "{body}");
    }
}

async fn a_body_that_is_too_large_is_rejected(served: &Served) {
    const MAX_BODY_BYTES: usize = 16 * 1024 * 1024;
    for (bytes, status) in
        [(MAX_BODY_BYTES, StatusCode::OK), (MAX_BODY_BYTES + 1, StatusCode::PAYLOAD_TOO_LARGE)]
    {
        let mut body = batch(1).to_string();
        body.push_str(&" ".repeat(bytes - body.len()));
        let request = Client::new().post(format!("{}/v1/batch", served.bridge.url()));
        let response = request.bearer_auth(BRIDGE_SECRET).body(body).send().await.unwrap();
        assert_eq!(response.status(), status, "{bytes}");
    }
}

async fn a_wrong_secret_is_reported(served: &Served) {
    let secret = BridgeSecret::parse("another-secret-that-is-long-enough").unwrap();
    let database = BridgeDatabase::new(&served.url, &secret, CallerShare::DEFAULT).unwrap();
    let error = database.check(&served.url).await.unwrap_err();
    assert!(matches!(error, BridgeError::Secret(_)), "{error:?}");
    assert!(error.to_string().contains("RETICLE_BRIDGE_SECRET"), "{error}");
}

async fn a_different_schema_is_reported(served: &Served) {
    let check = async || served.database.check(&served.url).await;
    assert!(matches!(check().await, Err(BridgeError::MissingMigration { name: "0001_images.sql" })));

    let create = "CREATE TABLE d1_migrations (id INTEGER PRIMARY KEY, name TEXT UNIQUE)";
    let insert = "INSERT INTO d1_migrations (name) VALUES ('9999_newer.sql')";
    served.database.write(vec![Statement::new(create), Statement::new(insert)], None).await.unwrap();
    let error = check().await.unwrap_err();
    assert!(
        matches!(&error, BridgeError::UnknownMigration { name } if name == "9999_newer.sql"),
        "{error:?}"
    );
}

async fn a_large_batch_of_all_types_round_trips(served: &Served) {
    let create = Statement::new("CREATE TABLE t (id INTEGER, x REAL, label TEXT) STRICT");
    let label = "Größe \"箱\" \u{0}\u{202e}\n".repeat(20_000);
    let insert =
        Statement::new("INSERT INTO t SELECT 1 << 53, ?1, ?2 RETURNING *").bind(0.1 + 0.2).bind(&*label);

    let mut result = served.database.write(vec![create, insert], None).await.unwrap();

    assert!(result.bookmark.is_some());
    let mut row = result.value.remove(1).rows.remove(0);
    assert_eq!(row.take::<i64>("id").unwrap(), 1 << 53);
    assert_eq!(row.take::<f64>("x").unwrap(), 0.1 + 0.2);
    assert_eq!(row.take::<String>("label").unwrap(), label);
}

fn batch(statements: usize) -> Value {
    json!({ "kind": "write", "statements": vec![json!({ "sql": "SELECT 1" }); statements] })
}
