//! From an HTTP request to the one message of a call.

use tonic::body::Body;

use super::Call;
use crate::{body, error::Error, json};

/// The request message's wire bytes: the body's, then what path, query and headers say on top.
pub(super) async fn message(call: &Call<'_>, body: Body) -> Result<Vec<u8>, Error> {
    let route = call.found.route;
    let headers = &call.head.headers;
    let Some(inner) = route.body.message(&route.method.input) else {
        body::expect_none(body).await?;
        return Ok(call.found.bind(call.head.uri.query(), headers)?.wire);
    };
    let bound = call.found.bind(call.head.uri.query(), headers)?;
    let text = body::read_json(headers, body, call.shared.config.max_body_bytes).await?;
    let document = json::to_wire(&call.schema(&inner)?, &text)?;
    let mut wire = route.body.enclose(document.wire);
    wire.extend_from_slice(&bound.wire);
    if let Some(mask) = bound.update_mask {
        wire.extend_from_slice(&mask.encode(&document.present));
    }
    Ok(wire)
}
