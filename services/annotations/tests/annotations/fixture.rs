//! Starts a whole service in one call.

use std::{
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use aip::TokenKey;
use annotations::{AnnotationsService, Drain, Host, Ports, Settings};
use identity::{Caller, Scopes, UserId};
use proto::{
    annotations::v1::{
        self as pb, annotations_service_client::AnnotationsServiceClient,
        annotations_service_server::AnnotationsServiceServer,
    },
    images::v1::images_service_server::ImagesServiceServer,
};
use runtime::{Clock, Instant, Timer, Timestamp};
use storage::{Bookmark, Bookmarked, Database, Outcome, Result, Row, Statement};
use storage_native::{OsEntropy, SqliteDatabase, SqliteOptions, sqlite};
use tokio::sync::{OwnedMutexGuard, watch};
use tonic::{Request, Status};
use tonic_types::StatusExt as _;

use crate::images::Images;

pub(crate) const CAT: &str = "0190a0b0c0d07abc8000000000000001";
pub(crate) const DOG: &str = "0190a0b0c0d07abc8000000000000002";
pub(crate) const BOBS: &str = "0190a0b0c0d07abc8000000000000003";
/// The expiry of tokens that never expire, in milliseconds since 1970.
const NEVER: i64 = i64::MAX;

pub(crate) const NOBODYS: &str = "0190a0b0c0d07abc8000000000000009";

/// The file of the database.
const DATABASE: &str = "reticle.db";

type Service = AnnotationsService<TestHost>;

/// The adapters of the service under test.
#[derive(Clone)]
pub(crate) struct TestHost;

impl Host for TestHost {
    type Database = Counted;
    type Images = ImagesServiceServer<Images>;
    type Clock = SetClock;
    type Entropy = OsEntropy;
    type Timer = SetClock;
}

pub(crate) type Client = AnnotationsServiceClient<AnnotationsServiceServer<Service>>;

/// A service with two images of alice and one of bob.
pub(crate) struct Fixture {
    pub(crate) client: Client,
    pub(crate) images: Images,
    pub(crate) database: Counted,
    pub(crate) clock: SetClock,
    pub(crate) drain: Drain,
    folder: tempfile::TempDir,
}

impl Fixture {
    pub(crate) async fn start() -> Self {
        Self::start_with(Settings::default()).await
    }

    pub(crate) async fn start_with(settings: Settings) -> Self {
        Self::open(tempfile::tempdir().unwrap(), SetClock::default(), settings).await
    }

    /// Stops the service, calls `meanwhile` with the path of the database, and starts another service on that database.
    pub(crate) async fn restart_after(self, meanwhile: impl FnOnce(&Path)) -> Self {
        let Self { client, database, folder, clock, .. } = self;
        drop(client);
        database.inner.close().await;
        meanwhile(&folder.path().join(DATABASE));
        Self::open(folder, clock, Settings::default()).await
    }

    async fn open(folder: tempfile::TempDir, clock: SetClock, settings: Settings) -> Self {
        let path = folder.path().join(DATABASE);
        sqlite::migrate(&path).await.unwrap();
        let database = Counted::new(SqliteDatabase::open(&path, &SqliteOptions::default()).await.unwrap());
        let images = Images::default();
        for (id, owner) in [(CAT, "alice"), (DOG, "alice"), (BOBS, "bob")] {
            database.put_image(id, owner).await;
            images.put(id, owner);
        }
        let service = service(&database, &images, &clock, settings);
        let drain = service.drain();
        let client = AnnotationsServiceClient::new(service.into_server());
        Self { client, images, database, clock, drain, folder }
    }

    /// A client of a second service on the same data, as of another process.
    pub(crate) fn other_process(&self) -> Client {
        AnnotationsServiceClient::new(
            service(&self.database, &self.images, &self.clock, Settings::default()).into_server(),
        )
    }

    /// Deletes an image, as the images service does.
    pub(crate) async fn delete_image(&self, id: &str) {
        self.images.delete(id);
        self.database.execute(delete_image(id)).await;
    }

    /// Undeletes an image of alice.
    pub(crate) async fn undelete_image(&self, id: &str) {
        self.images.put(id, "alice");
        let undelete = Statement::new("UPDATE images SET deleted_at = NULL WHERE id = ?1").bind(id);
        self.database.execute(undelete).await;
    }

    /// Stores `new` as alice.
    pub(crate) async fn create(&self, new: pb::NewAnnotation) -> pb::Annotation {
        let request = by("alice", pb::CreateAnnotationRequest { annotation: Some(new) });
        let response = self.client.clone().create_annotation(request).await.unwrap();
        response.into_inner().annotation.unwrap()
    }

    /// Waits until there are statements since the last call of [`Counted::take_count`], and returns their number.
    pub(crate) async fn next_statements(&self) -> usize {
        loop {
            match self.database.take_count() {
                0 => tokio::task::yield_now().await,
                count => return count,
            }
        }
    }

    /// The number of stored annotations, of all users.
    pub(crate) async fn stored(&self) -> i64 {
        self.database.numbers("SELECT count(*) AS n FROM annotations").await[0]
    }
}

/// Deletes an image in the database only.
pub(crate) fn delete_image(id: &str) -> Statement {
    Statement::new("UPDATE images SET deleted_at = 1790000000000 WHERE id = ?1").bind(id)
}

fn service(database: &Counted, images: &Images, clock: &SetClock, settings: Settings) -> Service {
    let ports = Ports {
        database: database.clone(),
        images: ImagesServiceServer::new(images.clone()),
        clock: clock.clone(),
        entropy: OsEntropy,
        timer: clock.clone(),
    };
    AnnotationsService::new(ports, &TokenKey::new([7; 32]), settings)
}

/// A valid annotation.
pub(crate) fn new_annotation(image_id: &str) -> pb::NewAnnotation {
    pb::NewAnnotation {
        image_id: image_id.to_owned(),
        label: "car".to_owned(),
        x: 0.1,
        y: 0.2,
        width: 0.3,
        height: 0.4,
        confidence: Some(0.9),
        model: "yolo 11".to_owned(),
    }
}

/// `message` with the default scopes of `user`.
pub(crate) fn by<T>(user: &str, message: T) -> Request<T> {
    with_scopes(user, Scopes::DEFAULT, message)
}

/// `message` of a user who may access the images of all users.
pub(crate) fn by_any<T>(user: &str, message: T) -> Request<T> {
    let scopes = Scopes::parse("annotations:read annotations:write owners:any");
    let mut request = Request::new(message);
    request.extensions_mut().insert(caller(user, scopes, &format!("{user}+any"), NEVER));
    request
}

/// `message` with `scopes`; the user's token is its name.
pub(crate) fn with_scopes<T>(user: &str, scopes: Scopes, message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.extensions_mut().insert(caller(user, scopes, user, NEVER));
    request
}

/// `message` of a user whose token expires in 30 seconds.
pub(crate) fn with_expiring_token<T>(user: &str, message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.extensions_mut().insert(caller(user, Scopes::DEFAULT, user, START + 30_000));
    request
}

fn caller(user: &str, scopes: Scopes, token: &str, expires_at: i64) -> Caller {
    Caller::new(UserId::parse(user).unwrap(), scopes, token.into(), Timestamp::from_millis(expires_at))
}

/// The fields that a rejection names.
pub(crate) fn fields(status: &Status) -> Vec<String> {
    assert_eq!(status.code(), tonic::Code::InvalidArgument, "{status:?}");
    let details = status.get_details_bad_request().unwrap();
    details.field_violations.into_iter().map(|violation| violation.field).collect()
}

/// A clock and a timer whose time advances only when a test advances it.
#[derive(Clone, Default)]
pub(crate) struct SetClock {
    /// How much time has passed, in milliseconds.
    passed: watch::Sender<i64>,
    /// By how much the machine's time was set back, in milliseconds.
    set_back: Arc<AtomicI64>,
}

/// The machine's time at the start.
const START: i64 = 1_790_000_000_000;

impl SetClock {
    pub(crate) fn advance_millis(&self, millis: i64) {
        self.passed.send_modify(|passed| *passed += millis);
    }

    /// Sets the machine's time back; no time passes.
    pub(crate) fn set_back_millis(&self, millis: i64) {
        self.set_back.fetch_add(millis, Ordering::Relaxed);
    }
}

impl Clock for SetClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(START + *self.passed.borrow() - self.set_back.load(Ordering::Relaxed))
    }

    fn instant(&self) -> Instant {
        Instant::from_elapsed(Duration::from_millis(self.passed.borrow().unsigned_abs()))
    }
}

impl Timer for SetClock {
    fn sleep(&self, duration: Duration) -> impl Future<Output = ()> + Send + 'static {
        let mut passed = self.passed.subscribe();
        let until = *passed.borrow() + i64::try_from(duration.as_millis()).unwrap();
        async move { passed.wait_for(|passed| *passed >= until).await.map(drop).unwrap() }
    }
}

/// SQLite that counts statements, returns bookmarks as D1 does, and lets a test run statements just before a write.
#[derive(Clone)]
pub(crate) struct Counted {
    inner: SqliteDatabase,
    state: Arc<Mutex<State>>,
    /// Locked while a test holds reads.
    reading: Arc<tokio::sync::Mutex<()>>,
}

#[derive(Default)]
struct State {
    statements: usize,
    bookmarks: Vec<Option<Bookmark>>,
    before_writes: Vec<Statement>,
    is_contended: bool,
}

impl Counted {
    fn new(inner: SqliteDatabase) -> Self {
        Self { inner, state: Arc::default(), reading: Arc::default() }
    }

    async fn put_image(&self, id: &str, owner: &str) {
        let insert =
            "INSERT OR IGNORE INTO images (id, filename, r2_key, content_type, size_bytes, sha256, exif_orientation,
                                          uploaded_by, created_at, updated_at, metadata, revision)
                      VALUES (?1, 'a.png', ?1, 'image/png', 1, '', 1, ?2, 0, 0, '{}', 1)";
        self.execute(Statement::new(insert).bind(id).bind(owner)).await;
    }

    /// Runs a statement that is not counted.
    pub(crate) async fn execute(&self, statement: Statement) {
        self.inner.write(vec![statement], None).await.unwrap();
    }

    /// The column `n` of the rows of a query that is not counted.
    pub(crate) async fn numbers(&self, sql: &'static str) -> Vec<i64> {
        let rows = self.inner.read(Statement::new(sql), None).await.unwrap().value;
        rows.into_iter().map(|mut row| row.take("n").unwrap()).collect()
    }

    /// Runs each of `statements` just before one of the next writes.
    pub(crate) fn before_writes(&self, statements: Vec<Statement>) {
        self.state.lock().unwrap().before_writes = statements;
    }

    /// The number of statements since the last call.
    pub(crate) fn take_count(&self) -> usize {
        std::mem::take(&mut self.state.lock().unwrap().statements)
    }

    /// Reports from now on that other callers write.
    pub(crate) fn contend(&self) {
        self.state.lock().unwrap().is_contended = true;
    }

    /// Blocks all reads until the returned guard is dropped.
    pub(crate) async fn hold_reads(&self) -> OwnedMutexGuard<()> {
        self.reading.clone().lock_owned().await
    }

    /// The bookmarks that were passed to reads and writes.
    pub(crate) fn bookmarks(&self) -> Vec<Option<Bookmark>> {
        self.state.lock().unwrap().bookmarks.clone()
    }

    fn count(&self, statements: usize, at_least: Option<Bookmark>) -> Option<Bookmark> {
        let mut state = self.state.lock().unwrap();
        state.statements += statements;
        state.bookmarks.push(at_least);
        Bookmark::parse(&format!("mark-{}", state.bookmarks.len()))
    }
}

impl Database for Counted {
    async fn read(&self, statement: Statement, at_least: Option<Bookmark>) -> Result<Bookmarked<Vec<Row>>> {
        let bookmark = self.count(1, at_least);
        drop(self.reading.lock().await);
        let result = self.inner.read(statement, None).await?;
        Ok(Bookmarked { bookmark, ..result })
    }

    async fn write(
        &self,
        statements: Vec<Statement>,
        at_least: Option<Bookmark>,
    ) -> Result<Bookmarked<Vec<Outcome>>> {
        let bookmark = self.count(statements.len(), at_least);
        let before = self.state.lock().unwrap().before_writes.pop();
        if let Some(statement) = before {
            self.execute(statement).await;
        }
        let result = self.inner.write(statements, None).await?;
        Ok(Bookmarked { bookmark, ..result })
    }

    fn for_caller(&self, _caller: &str) -> Self {
        self.clone()
    }

    fn is_contended(&self) -> bool {
        self.state.lock().unwrap().is_contended
    }
}
