//! What only a bridge does.

use reqwest::{Client, Method, StatusCode, header::ALLOW};
use serde_json::{Value, json};
use storage::{Database as _, Statement};
use storage_native::{BridgeDatabase, BridgeSecret, bridge::BridgeError};
use tests::BRIDGE_SECRET;

use crate::served::Served;

macro_rules! tests {
    ($($test:ident)*) => {
        /// The names of all.
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
    a_stranger_is_told_nothing
    what_is_no_batch_is_refused_with_a_sentence
    a_body_that_is_too_large_is_refused
    a_wrong_secret_is_named
    a_schema_that_does_not_fit_is_named
    a_batch_of_everything_is_one_round_trip
}

async fn a_stranger_is_told_nothing(served: &Served) {
    for authorization in [None, Some("Bearer another-secret-that-is-long-enough"), Some(BRIDGE_SECRET)] {
        for (method, path) in [(Method::POST, "/v1/batch"), (Method::GET, "/v1/batch"), (Method::GET, "/")] {
            let mut request = Client::new().request(method, format!("{}{path}", served.bridge.url()));
            if let Some(authorization) = authorization {
                request = request.header("authorization", authorization);
            }
            let answer = request.body(batch(1).to_string()).send().await.unwrap();
            assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
            let body: Value = answer.json().await.unwrap();
            assert!(body["error"].as_str().unwrap().contains("RETICLE_BRIDGE_SECRET"), "{body}");
        }
    }
}

async fn what_is_no_batch_is_refused_with_a_sentence(served: &Served) {
    for (method, path, body, status, sentence) in [
        (Method::POST, "/", batch(1), 404, "there is only /v1/batch"),
        (Method::PUT, "/v1/batch", batch(1), 405, "/v1/batch takes POST only"),
        (Method::POST, "/v1/batch", json!([]), 400, "the body is no batch"),
        (Method::POST, "/v1/batch", batch(101), 400, "a batch must have at most 100 statements, not 101"),
    ] {
        let request = Client::new().request(method, format!("{}{path}", served.bridge.url()));
        let answer = request.bearer_auth(BRIDGE_SECRET).body(body.to_string()).send().await.unwrap();
        assert_eq!(answer.status(), status, "{sentence}");
        assert_eq!(answer.headers().contains_key(ALLOW), status == 405);
        let body: Value = answer.json().await.unwrap();
        assert!(body["error"].as_str().unwrap().starts_with(sentence), "{body}");
    }
}

async fn a_body_that_is_too_large_is_refused(served: &Served) {
    const MAX_BODY_BYTES: usize = 16 * 1024 * 1024;
    for (bytes, status) in
        [(MAX_BODY_BYTES, StatusCode::OK), (MAX_BODY_BYTES + 1, StatusCode::PAYLOAD_TOO_LARGE)]
    {
        let mut body = batch(1).to_string();
        body.push_str(&" ".repeat(bytes - body.len()));
        let request = Client::new().post(format!("{}/v1/batch", served.bridge.url()));
        let answer = request.bearer_auth(BRIDGE_SECRET).body(body).send().await.unwrap();
        assert_eq!(answer.status(), status, "{bytes}");
    }
}

async fn a_wrong_secret_is_named(served: &Served) {
    let secret = BridgeSecret::parse("another-secret-that-is-long-enough").unwrap();
    let refused = BridgeDatabase::new(&served.url, &secret).unwrap().check(&served.url).await.unwrap_err();
    assert!(matches!(refused, BridgeError::Secret(_)), "{refused:?}");
    assert!(refused.to_string().contains("RETICLE_BRIDGE_SECRET"), "{refused}");
}

async fn a_schema_that_does_not_fit_is_named(served: &Served) {
    let check = async || served.database.check(&served.url).await;
    assert!(matches!(check().await, Err(BridgeError::Lacks { name: "0001_images.sql" })));

    let create = "CREATE TABLE d1_migrations (id INTEGER PRIMARY KEY, name TEXT UNIQUE)";
    let insert = "INSERT INTO d1_migrations (name) VALUES ('9999_newer.sql')";
    served.database.write(vec![Statement::new(create), Statement::new(insert)], None).await.unwrap();
    let refused = check().await.unwrap_err();
    assert!(
        matches!(&refused, BridgeError::FromTheFuture { name } if name == "9999_newer.sql"),
        "{refused:?}"
    );
}

async fn a_batch_of_everything_is_one_round_trip(served: &Served) {
    let create = Statement::new("CREATE TABLE t (id INTEGER, x REAL, label TEXT) STRICT");
    let label = "Größe \"箱\" \u{0}\u{202e}\n".repeat(20_000);
    let insert =
        Statement::new("INSERT INTO t SELECT 1 << 53, ?1, ?2 RETURNING *").bind(0.1 + 0.2).bind(&*label);

    let mut answer = served.database.write(vec![create, insert], None).await.unwrap();

    assert!(answer.bookmark.is_some());
    let mut row = answer.value.remove(1).rows.remove(0);
    assert_eq!(row.take::<i64>("id").unwrap(), 1 << 53);
    assert_eq!(row.take::<f64>("x").unwrap(), 0.1 + 0.2);
    assert_eq!(row.take::<String>("label").unwrap(), label);
}

fn batch(statements: usize) -> Value {
    json!({ "kind": "write", "statements": vec![json!({ "sql": "SELECT 1" }); statements] })
}
