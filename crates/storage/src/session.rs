//! One request's view of the database, which never becomes older.

use std::{
    borrow::Cow,
    sync::{Mutex, PoisonError},
};

use http::{HeaderMap, HeaderValue};

use crate::{Bookmark, Bookmarked, Database, Outcome, Result, Row, Statement};

/// The HTTP header and gRPC metadata key that carries the bookmark between a client and the services.
pub const BOOKMARK_HEADER: &str = "x-reticle-bookmark";

/// A database as one request sees it: every call sees at least what the calls before it saw and wrote.
#[derive(Debug)]
pub struct Session<'a, D: Clone> {
    database: Cow<'a, D>,
    /// The bookmark to start at, from the caller: it may be invalid.
    from: Option<Bookmark>,
    /// The last bookmark from the database.
    confirmed: Mutex<Option<Bookmark>>,
}

impl<'a, D: Database> Session<'a, D> {
    /// Starts at the bookmark in `headers`, or without one.
    pub fn resume(database: &'a D, headers: &HeaderMap) -> Self {
        Self::at(database, bookmark_of(headers))
    }

    /// Starts at the bookmark in `headers`, for the work of one caller.
    pub fn resume_for(database: &D, caller: &str, headers: &HeaderMap) -> Self {
        Self::at_for(database, caller, bookmark_of(headers))
    }

    /// Starts at `bookmark`, for the work of one caller.
    pub fn at_for(database: &D, caller: &str, bookmark: Option<Bookmark>) -> Self {
        Self::of(Cow::Owned(database.for_caller(caller)), bookmark)
    }

    /// Starts without a bookmark.
    pub const fn new(database: &'a D) -> Self {
        Self::at(database, None)
    }

    /// Starts at `bookmark`.
    pub const fn at(database: &'a D, bookmark: Option<Bookmark>) -> Self {
        Self::of(Cow::Borrowed(database), bookmark)
    }

    const fn of(database: Cow<'a, D>, from: Option<Bookmark>) -> Self {
        Self { database, from, confirmed: Mutex::new(None) }
    }

    /// See [`Database::read`].
    ///
    /// # Errors
    /// Those of the adapter.
    pub async fn read(&self, statement: Statement) -> Result<Vec<Row>> {
        let result = self.database.read(statement, self.bookmark()).await?;
        Ok(self.advance(result))
    }

    /// See [`Database::write`].
    ///
    /// # Errors
    /// Those of the adapter.
    pub async fn write(&self, statements: Vec<Statement>) -> Result<Vec<Outcome>> {
        let result = self.database.write(statements, self.bookmark()).await?;
        Ok(self.advance(result))
    }

    /// See [`Database::is_contended`].
    pub fn is_contended(&self) -> bool {
        self.database.is_contended()
    }

    /// The newest bookmark that this session has seen, or else the one from its caller. Only for this caller's own calls.
    pub fn bookmark(&self) -> Option<Bookmark> {
        self.confirmed().or_else(|| self.from.clone())
    }

    /// The newest bookmark that this session has received from the database. Only this one may be used for the calls of other
    /// callers: a caller may send an invented bookmark, and the database rejects calls with such a bookmark.
    pub fn confirmed(&self) -> Option<Bookmark> {
        self.confirmed.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Writes the bookmark, if there is one, into a response's headers.
    pub fn write_bookmark(&self, headers: &mut HeaderMap) {
        if let Some(value) =
            self.bookmark().and_then(|bookmark| HeaderValue::from_str(bookmark.as_str()).ok())
        {
            headers.insert(BOOKMARK_HEADER, value);
        }
    }

    fn advance<T>(&self, result: Bookmarked<T>) -> T {
        if result.bookmark.is_some() {
            *self.confirmed.lock().unwrap_or_else(PoisonError::into_inner) = result.bookmark;
        }
        result.value
    }
}

fn bookmark_of(headers: &HeaderMap) -> Option<Bookmark> {
    headers.get(BOOKMARK_HEADER).and_then(|value| value.to_str().ok()).and_then(Bookmark::parse)
}
