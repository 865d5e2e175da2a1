//! Encodes response messages as JSON.

use prost_reflect::FieldDescriptor;
use transcoding::json::{self, Schema};

use super::Call;
use crate::error::Error;

/// How a route encodes its response messages.
#[derive(Clone, Debug)]
pub(super) struct ResponseJson {
    schema: Schema,
    /// The field that is the response; `None`: the whole message is.
    field: Option<FieldDescriptor>,
}

impl ResponseJson {
    pub(super) fn for_call(call: &Call<'_>) -> Result<Self, Error> {
        let schema = call.schema(&call.method().output)?;
        Ok(Self { schema, field: call.found.route.response_body.clone() })
    }

    /// The JSON of a message.
    ///
    /// # Errors
    /// If its bytes are not a valid message of this type.
    pub(super) fn encode(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        const MALFORMED: Error = Error::Internal("a response message cannot be encoded as JSON");
        let mut out = Vec::with_capacity(2 * message.len());
        json::to_json(&self.schema, message, &mut out).map_err(|_| MALFORMED)?;
        let Some(field) = &self.field else { return Ok(out) };
        let mut whole: serde_json::Map<_, _> = serde_json::from_slice(&out).map_err(|_| MALFORMED)?;
        serde_json::to_vec(&whole.remove(field.name()).unwrap_or_default()).map_err(|_| MALFORMED)
    }
}
