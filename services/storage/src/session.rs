//! One caller's view of the database: it never goes back in time.

use std::{
    borrow::Cow,
    sync::{Mutex, PoisonError},
};

use http::{HeaderMap, HeaderValue};

use crate::{Answer, Bookmark, Database, Outcome, Result, Row, Statement};

/// Carries the bookmark between a client and the services, as an HTTP header and as gRPC metadata.
pub const BOOKMARK_HEADER: &str = "x-reticle-bookmark";

/// A database as one request sees it: every call sees at least what the ones before saw and wrote.
#[derive(Debug)]
pub struct Session<'a, D: Clone> {
    database: Cow<'a, D>,
    /// Where it begins: what the caller says, which may be anything.
    from: Option<Bookmark>,
    /// What the database said last.
    confirmed: Mutex<Option<Bookmark>>,
}

impl<'a, D: Database> Session<'a, D> {
    /// Begins where the bookmark in `headers` says, or anywhere if there is none.
    pub fn resume(database: &'a D, headers: &HeaderMap) -> Self {
        Self::at(database, bookmark_of(headers))
    }

    /// Begins where the bookmark in `headers` says, for the work of one caller.
    pub fn resume_for(database: &D, caller: &str, headers: &HeaderMap) -> Self {
        Self::of(Cow::Owned(database.for_caller(caller)), bookmark_of(headers))
    }

    /// Begins anywhere.
    pub const fn new(database: &'a D) -> Self {
        Self::at(database, None)
    }

    /// Begins where a bookmark says.
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
        let answer = self.database.read(statement, self.bookmark()).await?;
        Ok(self.advance(answer))
    }

    /// See [`Database::write`].
    ///
    /// # Errors
    /// Those of the adapter.
    pub async fn write(&self, statements: Vec<Statement>) -> Result<Vec<Outcome>> {
        let answer = self.database.write(statements, self.bookmark()).await?;
        Ok(self.advance(answer))
    }

    /// See [`Database::is_contended`].
    pub fn is_contended(&self) -> bool {
        self.database.is_contended()
    }

    /// How far this session has seen, or has to see by its caller's word. For this caller's own calls alone.
    pub fn bookmark(&self) -> Option<Bookmark> {
        self.confirmed().or_else(|| self.from.clone())
    }

    /// How far this session has seen by the database's own word. Only this may guide the calls of others: what a caller says
    /// may be made up, and the database rejects calls with such a bookmark.
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

    fn advance<T>(&self, answer: Answer<T>) -> T {
        if answer.bookmark.is_some() {
            *self.confirmed.lock().unwrap_or_else(PoisonError::into_inner) = answer.bookmark;
        }
        answer.value
    }
}

fn bookmark_of(headers: &HeaderMap) -> Option<Bookmark> {
    headers.get(BOOKMARK_HEADER).and_then(|value| value.to_str().ok()).and_then(Bookmark::parse)
}
