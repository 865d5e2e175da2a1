//! The real stores with failures on demand and counters of calls.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures_util::StreamExt as _;
use storage::{
    Bookmark, Bookmarked, ByteRange, ByteStream, Database, Error, Object, ObjectInfo, ObjectKey, ObjectList,
    ObjectStore, Outcome, PutOptions, Result, Row, SignedRequest, Statement,
};
use storage_native::{FileObjects, SqliteDatabase};

/// SQLite that can fail the next write.
#[derive(Clone)]
pub(crate) struct FaultyDatabase {
    inner: SqliteDatabase,
    next_write: Arc<Mutex<Option<Error>>>,
    reads: Arc<AtomicUsize>,
    writes: Arc<AtomicUsize>,
    deletions: Arc<Mutex<Vec<u64>>>,
}

impl FaultyDatabase {
    pub(crate) fn new(inner: SqliteDatabase) -> Self {
        Self {
            inner,
            next_write: Arc::default(),
            reads: Arc::default(),
            writes: Arc::default(),
            deletions: Arc::default(),
        }
    }

    pub(crate) fn fail_next_write(&self, error: Error) {
        *self.next_write.lock().unwrap() = Some(error);
    }

    /// How many statements were read and written since the last call.
    pub(crate) fn calls(&self) -> (usize, usize) {
        (self.reads.swap(0, Ordering::SeqCst), self.writes.swap(0, Ordering::SeqCst))
    }

    /// How many rows each write with a DELETE changed since the last call.
    pub(crate) fn deletions(&self) -> Vec<u64> {
        std::mem::take(&mut self.deletions.lock().unwrap())
    }

    /// The value of the column `n` in the result of `sql`.
    pub(crate) async fn count(&self, sql: &'static str) -> i64 {
        let result = self.inner.read(Statement::new(sql), None).await.unwrap();
        result.value.into_iter().next().unwrap().take("n").unwrap()
    }
}

impl Database for FaultyDatabase {
    async fn read(&self, statement: Statement, at_least: Option<Bookmark>) -> Result<Bookmarked<Vec<Row>>> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        let mut result = self.inner.read(statement, at_least).await?;
        result.bookmark = Bookmark::parse("seen");
        Ok(result)
    }

    async fn write(
        &self,
        statements: Vec<Statement>,
        at_least: Option<Bookmark>,
    ) -> Result<Bookmarked<Vec<Outcome>>> {
        self.writes.fetch_add(statements.len(), Ordering::SeqCst);
        let fault = self.next_write.lock().unwrap().take();
        if let Some(error) = fault {
            return Err(error);
        }
        let deletes = statements.iter().any(|statement| statement.sql.starts_with("DELETE"));
        let mut result = self.inner.write(statements, at_least).await?;
        if deletes {
            let changes = result.value.iter().map(|outcome| outcome.changes).sum();
            self.deletions.lock().unwrap().push(changes);
        }
        result.bookmark = Bookmark::parse("written");
        Ok(result)
    }

    fn for_caller(&self, _caller: &str) -> Self {
        self.clone()
    }

    fn is_contended(&self) -> bool {
        false
    }
}

/// The fault or feature that the object store simulates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ObjectFault {
    /// The disk is full after this many bytes.
    FullAfter(usize),
    /// Bodies end after this many bytes.
    CutAfter(usize),
    /// It can sign URLs itself.
    Signs,
    /// It cannot delete objects.
    CannotDelete,
}

/// A folder of objects with faults and counters.
#[derive(Clone)]
pub(crate) struct FaultyObjects {
    inner: FileObjects,
    fault: Arc<Mutex<Option<ObjectFault>>>,
    opened: Arc<AtomicUsize>,
}

impl FaultyObjects {
    pub(crate) fn new(inner: FileObjects) -> Self {
        Self { inner, fault: Arc::default(), opened: Arc::default() }
    }

    pub(crate) fn set(&self, fault: Option<ObjectFault>) {
        *self.fault.lock().unwrap() = fault;
    }

    /// How many objects were opened since the last call.
    pub(crate) fn opened(&self) -> usize {
        self.opened.swap(0, Ordering::SeqCst)
    }

    fn fault(&self) -> Option<ObjectFault> {
        *self.fault.lock().unwrap()
    }
}

impl ObjectStore for FaultyObjects {
    async fn put(&self, key: &ObjectKey, mut body: ByteStream, options: PutOptions) -> Result<u64> {
        if let Some(ObjectFault::FullAfter(limit)) = self.fault() {
            let mut read = 0;
            while read < limit {
                read += body.next().await.unwrap()?.len();
            }
            return Err(Error::Full("no space left".into()));
        }
        self.inner.put(key, body, options).await
    }

    async fn get(&self, key: &ObjectKey, range: Option<ByteRange>) -> Result<Option<Object>> {
        self.opened.fetch_add(1, Ordering::SeqCst);
        let Some(mut object) = self.inner.get(key, range).await? else { return Ok(None) };
        if let Some(ObjectFault::CutAfter(length)) = self.fault() {
            object =
                self.inner.get(key, Some(ByteRange { offset: 0, length: length as u64 })).await?.unwrap();
        }
        Ok(Some(object))
    }

    async fn head(&self, key: &ObjectKey) -> Result<Option<ObjectInfo>> {
        self.inner.head(key).await
    }

    async fn rename(&self, from: &ObjectKey, to: &ObjectKey) -> Result<bool> {
        self.inner.rename(from, to).await
    }

    async fn delete(&self, keys: Vec<ObjectKey>) -> Result<()> {
        match self.fault() {
            Some(ObjectFault::CannotDelete) => Err(Error::unavailable("no connection")),
            _ => self.inner.delete(keys).await,
        }
    }

    async fn probe(&self) -> Result<()> {
        self.inner.probe().await
    }

    async fn list(&self, prefix: &str, after: Option<&ObjectKey>, limit: usize) -> Result<ObjectList> {
        self.inner.list(prefix, after, limit).await
    }

    async fn sign_get(&self, key: &ObjectKey, ttl: Duration) -> Result<Option<SignedRequest>> {
        let signs = self.fault() == Some(ObjectFault::Signs);
        Ok(signs.then(|| SignedRequest {
            method: http::Method::GET,
            url: format!("https://store.example/{key}?ttl={}", ttl.as_secs()),
            headers: Vec::new(),
            expires_at: crate::world::START,
        }))
    }

    async fn sign_put(
        &self,
        key: &ObjectKey,
        options: PutOptions,
        ttl: Duration,
    ) -> Result<Option<SignedRequest>> {
        let signs = self.fault() == Some(ObjectFault::Signs);
        Ok(signs.then(|| SignedRequest {
            method: http::Method::PUT,
            url: format!("https://store.example/{key}?size={}&ttl={}", options.size.unwrap(), ttl.as_secs()),
            headers: vec![("content-type".to_owned(), options.content_type)],
            expires_at: crate::world::START,
        }))
    }
}
