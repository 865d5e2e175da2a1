//! Reads the request message of a call from an HTTP request.

use aip::MAX_MESSAGE_BYTES;
use tonic::body::Body;
use transcoding::json;

use super::Call;
use crate::{body, deadline::Deadline, error::Error};

/// The wire bytes of the request message, if the whole body arrives before the deadline.
pub(super) async fn read_message(
    call: &Call<'_>,
    body: Body,
    deadline: &mut Deadline,
) -> Result<Vec<u8>, Error> {
    // The client was late here, not the service, so this is not the usual error of a deadline.
    deadline.within(read(call, body)).await.unwrap_or(Err(Error::BodyLate))
}

/// The wire bytes of the body, then those of the fields that path, query and headers set.
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
    route.find_contradictions(&wire, &bound.wire).into_result(Some(()))?;
    wire.extend_from_slice(&bound.wire);
    if let Some(mask) = bound.update_mask {
        wire.extend_from_slice(&mask.encode(&document.present));
    }
    if wire.len() > MAX_MESSAGE_BYTES {
        return Err(Error::MessageTooLarge { limit: MAX_MESSAGE_BYTES });
    }
    Ok(wire)
}
