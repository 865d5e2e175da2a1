//! The context of one request: its caller, its database session, and the metadata that it passes to the images service.

use http::Extensions;
use identity::{Caller, Scope};
use storage::{Bookmark, Session};
use tonic::{
    Request, Response,
    metadata::{Ascii, AsciiMetadataKey, MetadataMap, MetadataValue},
};

use crate::{error::Result, host::Host};

/// The metadata that is passed on unchanged: the request's ids in logs and traces, and its deadline.
const FORWARDED_METADATA: [&str; 4] = ["x-request-id", "traceparent", "tracestate", "grpc-timeout"];

/// The context of one request.
#[derive(Debug)]
pub(crate) struct Call<'a, H: Host> {
    pub(crate) caller: &'a Caller,
    pub(crate) session: Session<'a, H::Database>,
    metadata: &'a MetadataMap,
}

impl<'a, H: Host> Call<'a, H> {
    /// Begins a request on `database`.
    ///
    /// # Errors
    /// The request has no caller, or the caller's token lacks `scope`.
    pub(crate) fn begin(
        database: &'a H::Database,
        metadata: &'a MetadataMap,
        extensions: &'a Extensions,
        scope: Scope,
    ) -> Result<Self> {
        let caller = identity::caller(extensions, scope)?;
        let session = Session::resume_for(database, caller.user_id().as_str(), metadata.as_ref());
        Ok(Self { caller, session, metadata })
    }

    /// Continues the request at `bookmark`, from the work that it has done before. Without one, it stays where it began.
    pub(crate) fn continued_at(self, database: &'a H::Database, bookmark: Option<Bookmark>) -> Self {
        let Some(bookmark) = bookmark else { return self };
        let session = Session::at_for(database, self.caller.user_id().as_str(), Some(bookmark));
        Self { session, ..self }
    }

    /// Makes `message` a request to another service, with the caller's token.
    pub(crate) fn forward<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        let metadata = request.metadata_mut();
        for name in FORWARDED_METADATA {
            if let Some(value) = self.metadata.get(name) {
                metadata.insert(AsciiMetadataKey::from_static(name), value.clone());
            }
        }
        // This never fails: the token arrived as a header.
        if let Ok(mut token) = MetadataValue::<Ascii>::try_from(format!("Bearer {}", self.caller.token())) {
            token.set_sensitive(true);
            metadata.insert("authorization", token);
        }
        self.session.write_bookmark(metadata.as_mut());
        request
    }

    /// Makes `message` a response, with the session's bookmark.
    pub(crate) fn respond<T>(&self, message: T) -> Response<T> {
        let mut response = Response::new(message);
        self.session.write_bookmark(response.metadata_mut().as_mut());
        response
    }
}
