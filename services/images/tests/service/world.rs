//! The fixture: one service with its stores, and functions that call it.

use std::{
    io::Cursor,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU8, AtomicUsize, Ordering},
    },
    time::Duration,
};

use identity::{Caller, Scope, Scopes, SigningKey, UrlSigner, UserId};
use image::{ImageFormat, RgbImage};
use images::{CleanupError, CleanupReport, CleanupSettings, Host, ImagesService, Ports, Settings};
use proto::images::v1::{
    self as pb, images_service_client::ImagesServiceClient, images_service_server::ImagesServiceServer,
    upload_image_request::Payload,
};
use runtime::{Clock, Entropy, Instant, Timer, Timestamp};
use storage::ObjectStore as _;
use storage_native::{FileObjects, SqliteDatabase, SqliteOptions, TokioBackground, sqlite};
use tempfile::TempDir;
use tonic::{
    Code, Request, Status,
    service::{Interceptor, interceptor::InterceptedService},
};
use tonic_types::StatusExt as _;

use crate::faults::{FaultyDatabase, FaultyObjects};

/// The time at which tests start: 2026-01-01T00:00:00Z.
pub(crate) const START: Timestamp = Timestamp::from_millis(1_767_225_600_000);

/// The adapters of the service under test.
#[derive(Clone, Debug)]
pub(crate) struct TestHost;

impl Host for TestHost {
    type Database = FaultyDatabase;
    type Objects = FaultyObjects;
    type Clock = TestClock;
    type Entropy = Counting;
    type Background = TokioBackground;
}

pub(crate) type Server = ImagesServiceServer<ImagesService<TestHost>>;
pub(crate) type Client = ImagesServiceClient<InterceptedService<Server, As>>;

/// The service and its stores; all files are in `folder`, which is removed with it.
pub(crate) struct World {
    pub(crate) database: FaultyDatabase,
    pub(crate) objects: FaultyObjects,
    pub(crate) clock: TestClock,
    pub(crate) timer: CountingTimer,
    pub(crate) background: TokioBackground,
    pub(crate) server: Server,
    pub(crate) folder: TempDir,
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(Settings::default()).await
    }

    pub(crate) async fn with(settings: Settings) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (database, objects) = stores(folder.path()).await;
        let clock = TestClock(Arc::new(AtomicI64::new(START.as_millis())));
        let background = TokioBackground::new(8);
        let ports = Ports {
            database: database.clone(),
            objects: objects.clone(),
            clock: clock.clone(),
            entropy: Counting::default(),
            background: background.clone(),
        };
        images::bind(&database, &objects, &clock, &ports.entropy).await.unwrap();
        // Reset the counters: a test counts only its own calls.
        (_, _) = (database.calls(), objects.opened());
        let signer = UrlSigner::new(SigningKey::new(&[7; 32]).unwrap());
        let server = ImagesService::new(ports, signer, settings).into_server();
        Self { database, objects, clock, timer: CountingTimer::default(), background, server, folder }
    }

    /// A client with a token of this user, with the default scopes.
    pub(crate) fn user(&self, name: &str) -> Client {
        self.client(Some((name, Scopes::DEFAULT)))
    }

    /// A client that sees the images of all users.
    pub(crate) fn model_server(&self) -> Client {
        self.client(Some(("model", Scopes::DEFAULT.with(Scope::OwnersAny))))
    }

    /// A client with a token of this user and these scopes, or without a token.
    pub(crate) fn client(&self, caller: Option<(&str, Scopes)>) -> Client {
        let caller = caller.map(|(name, scopes)| {
            Caller::new(
                UserId::parse(name).unwrap(),
                scopes,
                "token".into(),
                Timestamp::from_millis(i64::MAX),
            )
        });
        ImagesServiceClient::new(InterceptedService::new(self.server.clone(), As(caller)))
    }

    /// The keys of the objects of images.
    pub(crate) async fn keys(&self) -> Vec<String> {
        self.keys_below("images/").await
    }

    /// The keys of all objects below `prefix`.
    pub(crate) async fn keys_below(&self, prefix: &str) -> Vec<String> {
        let list = self.objects.list(prefix, None, 10_000).await.unwrap();
        list.objects.into_iter().map(|object| object.key.to_string()).collect()
    }

    /// The number of records of images, including deleted ones.
    pub(crate) async fn records(&self) -> i64 {
        self.database.count("SELECT count(*) AS n FROM images").await
    }

    pub(crate) async fn cleanup(&self) -> CleanupReport {
        self.try_cleanup(CleanupSettings::default()).await.unwrap()
    }

    pub(crate) async fn try_cleanup(&self, settings: CleanupSettings) -> Result<CleanupReport, CleanupError> {
        let entropy = Counting::default();
        images::cleanup(&self.database, &self.objects, &self.clock, &self.timer, &entropy, settings).await
    }

    /// A new, empty database to use with the same object store.
    pub(crate) async fn new_database(&self) -> FaultyDatabase {
        stores(&self.folder.path().join("another")).await.0
    }

    /// Fails if there is an object or a record of an image.
    pub(crate) async fn assert_nothing_stored(&self) {
        assert_eq!((self.keys().await, self.records().await), (vec![], 0));
    }
}

async fn stores(folder: &Path) -> (FaultyDatabase, FaultyObjects) {
    std::fs::create_dir_all(folder).unwrap();
    let file = folder.join("reticle.db");
    sqlite::migrate(&file).await.unwrap();
    let database = SqliteDatabase::open(&file, &SqliteOptions::default()).await.unwrap();
    let objects = FileObjects::open(&folder.join("objects")).await.unwrap();
    (FaultyDatabase::new(database), FaultyObjects::new(objects))
}

/// Adds a caller to each request, like the authentication layer does.
#[derive(Clone)]
pub(crate) struct As(Option<Caller>);

impl Interceptor for As {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if let Some(caller) = &self.0 {
            request.extensions_mut().insert(caller.clone());
        }
        Ok(request)
    }
}

/// A clock that tests set. It advances by one millisecond on every read, so that no two times are equal.
#[derive(Clone, Debug)]
pub(crate) struct TestClock(Arc<AtomicI64>);

impl TestClock {
    pub(crate) fn advance_seconds(&self, seconds: i64) {
        self.0.fetch_add(seconds * 1000, Ordering::SeqCst);
    }

    pub(crate) fn set(&self, now: Timestamp) {
        self.0.store(now.as_millis(), Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.fetch_add(1, Ordering::SeqCst))
    }

    fn instant(&self) -> Instant {
        Instant::from_elapsed(Duration::from_millis(self.0.load(Ordering::SeqCst).unsigned_abs()))
    }
}

/// A timer that does not wait: it counts the waits.
#[derive(Clone, Default)]
pub(crate) struct CountingTimer(Arc<AtomicUsize>);

impl CountingTimer {
    /// The number of waits.
    pub(crate) fn waits(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

impl Timer for CountingTimer {
    fn sleep(&self, _: Duration) -> impl Future<Output = ()> + Send + 'static {
        self.0.fetch_add(1, Ordering::SeqCst);
        std::future::ready(())
    }
}

/// Deterministic bytes instead of random ones; they differ on each call.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counting(Arc<AtomicU8>);

impl Entropy for Counting {
    fn fill(&self, buffer: &mut [u8]) {
        buffer.fill(self.0.fetch_add(1, Ordering::SeqCst));
    }
}

/// Encodes an image of this many pixels.
pub(crate) fn encode_image(format: ImageFormat, width: u32, height: u32) -> Vec<u8> {
    let mut file = Cursor::new(Vec::new());
    RgbImage::new(width, height).write_to(&mut file, format).unwrap();
    file.into_inner()
}

pub(crate) fn png() -> Vec<u8> {
    encode_image(ImageFormat::Png, 4, 3)
}

pub(crate) fn info(filename: &str) -> pb::UploadInfo {
    pb::UploadInfo { filename: filename.to_owned(), ..Default::default() }
}

pub(crate) fn info_message(info: pb::UploadInfo) -> pb::UploadImageRequest {
    pb::UploadImageRequest { payload: Some(Payload::Info(info)) }
}

pub(crate) fn data_message(data: &[u8]) -> pb::UploadImageRequest {
    pb::UploadImageRequest { payload: Some(Payload::Data(data.to_vec().into())) }
}

/// Uploads an image with exactly these messages.
pub(crate) async fn send(
    client: &mut Client,
    messages: Vec<pb::UploadImageRequest>,
) -> Result<pb::Image, Status> {
    let response = client.upload_image(futures_util::stream::iter(messages)).await?;
    Ok(response.into_inner().image.unwrap())
}

/// Uploads `bytes` in two messages.
pub(crate) async fn upload(
    client: &mut Client,
    info: pb::UploadInfo,
    bytes: &[u8],
) -> Result<pb::Image, Status> {
    let (head, tail) = bytes.split_at(bytes.len() / 2);
    send(client, vec![info_message(info), data_message(head), data_message(tail)]).await
}

/// Uploads a small image.
pub(crate) async fn uploaded(client: &mut Client, filename: &str) -> pb::Image {
    upload(client, info(filename), &png()).await.unwrap()
}

pub(crate) async fn get(client: &mut Client, id: &str) -> Result<pb::Image, Status> {
    let request = pb::GetImageRequest { image_id: id.to_owned() };
    Ok(client.get_image(request).await?.into_inner().image.unwrap())
}

pub(crate) async fn delete(client: &mut Client, id: &str) -> Result<pb::Image, Status> {
    let request = pb::DeleteImageRequest { image_id: id.to_owned(), etag: String::new() };
    Ok(client.delete_image(request).await?.into_inner().image.unwrap())
}

/// The code and the reason of a failure.
pub(crate) fn failure<T: std::fmt::Debug>(result: Result<T, Status>) -> (Code, String) {
    let status = result.unwrap_err();
    let reason = status.get_details_error_info().map(|info| info.reason).unwrap_or_default();
    (status.code(), reason)
}

/// The fields and rules in the details of an INVALID_ARGUMENT.
pub(crate) fn violations<T: std::fmt::Debug>(result: Result<T, Status>) -> Vec<(String, String)> {
    let status = result.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument, "{status:?}");
    let details = status.get_details_bad_request().unwrap();
    details.field_violations.into_iter().map(|violation| (violation.field, violation.description)).collect()
}

/// The fields alone.
pub(crate) fn fields<T: std::fmt::Debug>(result: Result<T, Status>) -> Vec<String> {
    violations(result).into_iter().map(|(field, _)| field).collect()
}
