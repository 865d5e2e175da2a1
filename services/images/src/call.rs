//! The context of one request: its caller and its database session.

use http::Extensions;
use identity::{Caller, Scope};
use storage::{Database, Session};
use tonic::{Response, metadata::MetadataMap};

use crate::{error::Result, host::Host, view::View};

/// The context of one request of an authenticated caller.
#[derive(Debug)]
pub(crate) struct Call<'a, H: Host> {
    pub(crate) caller: &'a Caller,
    pub(crate) session: Session<'a, H::Database>,
}

impl<'a, H: Host> Call<'a, H> {
    /// Begins a request on `database`.
    ///
    /// # Errors
    /// The request has no caller, or the caller's token lacks `scope`.
    pub(crate) fn begin(
        database: &H::Database,
        metadata: &MetadataMap,
        extensions: &'a Extensions,
        scope: Scope,
    ) -> Result<Self> {
        Ok(Self::of(identity::caller(extensions, scope)?, database, metadata))
    }

    /// Begins a request of `caller` on `database`.
    pub(crate) fn of(caller: &'a Caller, database: &H::Database, metadata: &MetadataMap) -> Self {
        let session = Session::resume_for(database, caller.user_id().as_str(), metadata.as_ref());
        Self { caller, session }
    }

    /// Which images the caller can see and change.
    pub(crate) fn view(&self) -> View {
        View::from(self.caller)
    }

    /// Makes `message` a response, with the session's bookmark.
    pub(crate) fn respond<T>(&self, message: T) -> Response<T> {
        respond(&self.session, message)
    }
}

/// Makes `message` a response, with the bookmark of `session`.
pub(crate) fn respond<T, D: Database>(session: &Session<'_, D>, message: T) -> Response<T> {
    let mut response = Response::new(message);
    session.write_bookmark(response.metadata_mut().as_mut());
    response
}
