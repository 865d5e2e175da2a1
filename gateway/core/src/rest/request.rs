//! From an HTTP request to the one message of a call.

use aip::MAX_MESSAGE_BYTES;
use tonic::body::Body;

use super::Call;
use crate::{body, deadline::Deadline, error::Error, json};

/// The request message's wire bytes, if the body has come whole by the deadline.
pub(super) async fn message(call: &Call<'_>, body: Body, deadline: &mut Deadline) -> Result<Vec<u8>, Error> {
    // It is the client then who was late, and not the service.
    deadline.within(read(call, body)).await.unwrap_or(Err(Error::BodyLate))
}

/// The body's wire bytes, then what path, query and headers say on top.
async fn read(call: &Call<'_>, body: Body) -> Result<Vec<u8>, Error> {
    let route = call.found.route;
    let headers = &call.head.headers;
    let Some(inner) = route.body.message(&route.method.input) else {
        body::expect_none(body).await?;
        return Ok(call.found.bind(call.head.uri.query(), headers)?.wire);
    };
    let bound = call.found.bind(call.head.uri.query(), headers)?;
    let text = body::read_json(headers, body, call.shared.config.max_body_bytes).await?;
    if text.trim_ascii().is_empty() && route.needs_body() {
        return Err(Error::BodyMissing);
    }
    let document = json::to_wire(&call.schema(&inner)?, &text)?;
    let mut wire = route.body.enclose(document.wire);
    route.contradictions(&wire, &bound.wire).into_result(Some(()))?;
    wire.extend_from_slice(&bound.wire);
    if let Some(mask) = bound.update_mask {
        wire.extend_from_slice(&mask.encode(&document.present));
    }
    if wire.len() > MAX_MESSAGE_BYTES {
        return Err(Error::MessageTooLarge { limit: MAX_MESSAGE_BYTES });
    }
    Ok(wire)
}
