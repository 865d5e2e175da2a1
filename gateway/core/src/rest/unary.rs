//! One JSON body in, one JSON body out.

use http::{HeaderMap, Response};
use tonic::body::Body;

use super::{Call, request, response::ResponseJson};
use crate::{answer, conditional, deadline::Deadline, error::Error, messages, metadata};

pub(super) async fn answer(call: &Call<'_>, body: Body) -> Result<Response<Body>, Error> {
    let timeout = call.shared.unary_timeout(&call.head.headers)?;
    let mut deadline = Deadline::start(&*call.shared.host, timeout);
    let message = request::message(call, body, &mut deadline).await?;
    let work = async {
        let (head, answer) = call.open(messages::body(&message)?, Some(timeout)).await?;
        let (message, trailers) = answer.only().await?;
        respond(call, &[head, trailers], &message)
    };
    deadline.within(work).await?
}

/// The HTTP answer that `message` is told in.
pub(super) fn respond(
    call: &Call<'_>,
    metadata: &[HeaderMap],
    message: &[u8],
) -> Result<Response<Body>, Error> {
    let method = call.method();
    let mut response = answer::json(method.success_status, ResponseJson::of(call)?.render(message)?);
    let headers = response.headers_mut();
    metadata.iter().for_each(|metadata| metadata::answer(metadata, headers));
    for header in &method.response_headers {
        headers.extend(header.response_value(message).map(|value| (header.name.clone(), value)));
    }
    Ok(conditional::unless_current(&call.head.method, &call.head.headers, response))
}
