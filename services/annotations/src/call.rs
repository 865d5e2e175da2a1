//! One request: who sent it, how far it has seen, and what of it goes on to the images service.

use http::Extensions;
use identity::{Caller, Scope};
use storage::{Database, Session};
use tonic::{
    Request, Response,
    metadata::{Ascii, AsciiMetadataKey, MetadataMap, MetadataValue},
};

use crate::error::Result;

/// What is passed on as it came: the request's name in logs and traces, and how long its caller will wait.
const PASSED_ON: [&str; 4] = ["x-request-id", "traceparent", "tracestate", "grpc-timeout"];

/// The context of one request.
#[derive(Debug)]
pub(crate) struct Call<'a, D: Database> {
    pub(crate) caller: &'a Caller,
    pub(crate) session: Session<'a, D>,
    metadata: &'a MetadataMap,
}

impl<'a, D: Database> Call<'a, D> {
    /// Begins a request on `database`, if its caller may use `scope`.
    pub(crate) fn begin(
        database: &'a D,
        metadata: &'a MetadataMap,
        extensions: &'a Extensions,
        scope: Scope,
    ) -> Result<Self> {
        let caller = identity::caller(extensions, scope)?;
        let session = Session::resume_for(database, caller.user_id().as_str(), metadata.as_ref());
        Ok(Self { caller, session, metadata })
    }

    /// `message` as a request to another service, on the caller's behalf.
    pub(crate) fn forward<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        let metadata = request.metadata_mut();
        for name in PASSED_ON {
            if let Some(value) = self.metadata.get(name) {
                metadata.insert(AsciiMetadataKey::from_static(name), value.clone());
            }
        }
        // A token came as a header, and a bookmark is visible ASCII: both are values.
        if let Ok(mut token) = MetadataValue::<Ascii>::try_from(format!("Bearer {}", self.caller.token())) {
            token.set_sensitive(true);
            metadata.insert("authorization", token);
        }
        self.session.write_bookmark(metadata.as_mut());
        request
    }

    /// The response, with how far this request has seen.
    pub(crate) fn answer<T>(&self, message: T) -> Response<T> {
        let mut response = Response::new(message);
        self.session.write_bookmark(response.metadata_mut().as_mut());
        response
    }
}
