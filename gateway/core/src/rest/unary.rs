//! Unary RPCs: one JSON body in, one JSON body out.

use http::{HeaderMap, Response};
use tonic::body::Body;

use super::{Call, request, response_json::ResponseJson};
use crate::{conditional, deadline::Deadline, error::Error, messages, metadata, response};

pub(super) async fn handle(call: &Call<'_>, body: Body) -> Result<Response<Body>, Error> {
    let timeout = call.shared.unary_timeout(&call.head.headers)?;
    let mut deadline = Deadline::start(&*call.shared.host, timeout);
    let message = request::read_message(call, body, &mut deadline).await?;
    let work = async {
        let (head, messages) = call.open(messages::body(&message)?, Some(timeout)).await?;
        let (message, trailers) = messages.only().await?;
        encode_response(call, &[head, trailers], &message)
    };
    deadline.within(work).await?
}

/// The HTTP response that returns `message` as JSON.
pub(super) fn encode_response(
    call: &Call<'_>,
    metadata: &[HeaderMap],
    message: &[u8],
) -> Result<Response<Body>, Error> {
    let method = call.method();
    let mut response = response::json(method.success_status, ResponseJson::for_call(call)?.encode(message)?);
    let headers = response.headers_mut();
    metadata.iter().for_each(|metadata| metadata::copy_to_response(metadata, headers));
    for header in &method.response_headers {
        headers.extend(header.response_value(message).map(|value| (header.name.clone(), value)));
    }
    Ok(conditional::unless_current(&call.head.method, &call.head.headers, response))
}
