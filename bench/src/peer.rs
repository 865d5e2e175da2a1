//! The peer: the Worker in plain JavaScript that is compared with Reticle's own.

use anyhow::ensure;
use hyper::header::HeaderValue;
use serde_json::{Value, json};
use tests::{HttpResponse, User};

use crate::connection::Prepared;

/// The Worker in front of Reticle and the peer, and the peer.
pub(crate) const FRONT_AND_PEER: [&str; 2] = ["peer/front", "peer"];

/// The header by which the Worker in front selects the peer.
const BACKEND: &str = "x-backend";
const PEER: &str = "peer";

/// The same request, sent to the peer.
pub(crate) fn to_peer(request: &Prepared) -> Prepared {
    let mut request = request.clone();
    request.headers_mut().insert(BACKEND, HeaderValue::from_static(PEER));
    request
}

/// Fails if the responses of the two differ. The comparison is fair only if both do the same work.
pub(crate) async fn require_same_responses(user: &User, image_id: &str) -> anyhow::Result<()> {
    let unknown = "0190a0b0c0d07abc8000000000000001";
    let good = json!({"image_id": image_id, "label": "car", "x": 0.1, "y": 0.2, "width": 0.3, "height": 0.4});
    let with = |field: &str, value: Value| {
        let mut one = good.clone();
        one[field] = value;
        json!({"annotations": [good, one]})
    };
    for id in [image_id, unknown, "short"] {
        same(user, "GET", &format!("/api/images/{id}"), &Value::Null).await?;
    }
    for body in [
        with("label", json!("bus")),
        with("label", json!("")),
        with("label", json!(7)),
        with("x", json!(0.9)),
        with("height", json!("high")),
        with("confidence", json!(1.5)),
        with("colour", json!("red")),
        with("image_id", json!(unknown)),
        json!({"annotations": []}),
        json!({"annotations": vec![&good; 501]}),
    ] {
        same(user, "POST", "/api/annotations/bulk", &body).await?;
    }
    let invalid_user = User { token: format!("{}x", user.token), ..user.clone() };
    same(&invalid_user, "GET", &format!("/api/images/{image_id}"), &Value::Null).await
}

async fn same(user: &User, method: &str, path: &str, body: &Value) -> anyhow::Result<()> {
    let call = async |backend: &str| {
        let request = user.request(method.parse()?, path).header(BACKEND, backend);
        let request = if body.is_null() { request } else { request.json(body) };
        anyhow::Ok(comparable(HttpResponse::read(request.send().await?).await?))
    };
    let (reticle, peer) = (call("reticle").await?, call(PEER).await?);
    ensure!(reticle == peer, "{method} {path} {body:.300}:\nreticle {reticle:?}\npeer    {peer:?}");
    Ok(())
}

/// Status, entity tag and body, without the values that differ in each response.
fn comparable(response: HttpResponse) -> (u16, String, Value) {
    let etag = response.header("etag").to_owned();
    let mut json = response.json;
    if let Some(fields) = json.as_object_mut() {
        fields.remove("request_id");
        let ids = fields.get("ids").and_then(Value::as_array).map(Vec::len);
        fields.entry("ids").and_modify(|value| *value = json!(ids));
    }
    (response.status, etag, json)
}
