//! Builds the parts of the program from settings: the stores, the services and the gateway.

use std::{convert::Infallible, path::Path, time::Duration};

use anyhow::Context as _;
use gateway_core::{AllowedOrigins, Config, Gateway, Upstreams};
use http::{Request, Response};
use identity::{AuthLayer, AuthService, Authenticator, Jwks, Keys, Policy, Secret, SigningKey, UrlSigner};
use images::{CleanupSettings, ImagesService, StoreId, TransferLimits};
use listener::{ClientAddress, RequestBody};
use proto::{
    annotations::v1::annotations_service_server::AnnotationsServiceServer,
    images::v1::images_service_server::ImagesServiceServer,
};
use readiness::Readiness;
use storage_native::{
    BridgeDatabase, FileObjects, NativeDatabase, NativeObjects, OsEntropy, S3Objects, SqliteDatabase,
    SqliteOptions, SystemClock, TokioBackground, TokioTimer, sqlite,
};
use tonic::body::Body;
use tower::{Layer as _, Service, ServiceExt as _};

use crate::{
    grpc_port::{self, Calls},
    native::{AnnotationsHost, ImagesHost},
    settings::{
        self, Database, DatabaseLocation, Folder, GatewayPort, ImagesPort, ServerKey, Signing, Tokens,
        Uploads,
    },
    shutdown::GRACE_PERIOD,
};

/// The most background tasks that run at a time; further ones are dropped.
const BACKGROUND_TASKS: usize = 64;

/// The images service of a native host.
pub(crate) type Images = AuthService<ImagesServiceServer<ImagesService<ImagesHost>>, SystemClock>;

/// The annotations service of a native host, which calls an images service of type `I`.
pub(crate) type Annotations<I> =
    AuthService<AnnotationsServiceServer<annotations::AnnotationsService<AnnotationsHost<I>>>, SystemClock>;

/// The stores, which are opened before any port is served.
#[derive(Clone)]
pub(crate) struct Stores {
    pub(crate) database: NativeDatabase,
    pub(crate) objects: NativeObjects,
    pub(crate) background: TokioBackground,
}

impl Stores {
    /// Opens both stores and checks that they belong together.
    pub(crate) async fn open(stores: &settings::Stores) -> anyhow::Result<Self> {
        let opened = Self::open_unbound(stores).await?;
        images::bind(&opened.database, &opened.objects, &SystemClock, &OsEntropy).await?;
        Ok(opened)
    }

    /// Opens both stores without that check, and applies missing migrations.
    async fn open_unbound(stores: &settings::Stores) -> anyhow::Result<Self> {
        let database = database(&stores.database).await?;
        let objects = objects(stores).await?;
        Ok(Self { database, objects, background: TokioBackground::new(BACKGROUND_TASKS) })
    }

    /// Waits for running background tasks, for up to `grace`, and closes the database.
    pub(crate) async fn close(self, grace: Duration) {
        let running = self.background.shutdown(grace).await;
        if running > 0 {
            tracing::warn!(running, "background tasks were aborted");
        }
        self.database.close().await;
    }
}

/// Opens the configured object store.
async fn objects(stores: &settings::Stores) -> anyhow::Result<NativeObjects> {
    let opened = match stores.objects()? {
        settings::Objects::Files(path) => {
            create_data_folder_for(&stores.database.folder, &path)?;
            FileObjects::open(&path).await.map(NativeObjects::Files)
        }
        settings::Objects::S3(location) => S3Objects::open(&location).await.map(NativeObjects::S3),
    };
    opened.context("--objects-url")
}

/// Opens the database. Migrates a file to the schema of this program; checks the schema behind a bridge.
pub(crate) async fn database(database: &Database) -> anyhow::Result<NativeDatabase> {
    migrate(database).await?;
    match database.location()? {
        DatabaseLocation::File(path) => {
            let options = SqliteOptions { caller_share: database.caller_share, ..SqliteOptions::default() };
            SqliteDatabase::open(&path, &options).await.map(NativeDatabase::Sqlite).context("--database-url")
        }
        DatabaseLocation::Bridge(url, secret) => {
            let bridge = BridgeDatabase::new(&url, &secret, database.caller_share);
            bridge.map(NativeDatabase::Bridge).context("--database-url")
        }
    }
}

/// Applies the missing migrations and returns their names. Behind a bridge, wrangler applies migrations, so a missing one is an
/// error.
pub(crate) async fn migrate(database: &Database) -> anyhow::Result<Vec<String>> {
    match database.location()? {
        DatabaseLocation::File(path) => {
            create_data_folder_for(&database.folder, &path)?;
            path.parent().map_or(Ok(()), create_folder).context("--database-url")?;
            sqlite::migrate(&path).await.context("--database-url")
        }
        DatabaseLocation::Bridge(url, secret) => {
            let bridge = BridgeDatabase::new(&url, &secret, database.caller_share);
            let bridge = bridge.context("--database-url")?;
            bridge.check(&url).await.context("--database-url")?;
            Ok(Vec::new())
        }
    }
}

/// Creates the data folder if `path` is in it. A process that stores nothing in it needs none: it may run without a disk.
fn create_data_folder_for(folder: &Folder, path: &Path) -> anyhow::Result<()> {
    if path.starts_with(&folder.data_dir) { create_data_folder(folder) } else { Ok(()) }
}

/// Creates the data folder, and restricts access to it and to the secrets in it to their owner.
fn create_data_folder(folder: &Folder) -> anyhow::Result<()> {
    create_folder(&folder.data_dir).context("--data-dir")?;
    for path in [&folder.data_dir, &folder.jwt_secret_path(), &folder.url_key_path()] {
        storage_native::restrict_to_owner(path);
    }
    Ok(())
}

fn create_folder(path: &Path) -> anyhow::Result<()> {
    storage_native::make_private_folder(path)
        .with_context(|| format!("cannot create the folder {}", path.display()))
}

/// Runs the clean-up of both services once. Returns the report or the error of each.
pub(crate) async fn cleanup(
    stores: &settings::Stores,
    settings: CleanupSettings,
) -> anyhow::Result<[anyhow::Result<String>; 2]> {
    let stores = Stores::open(stores).await?;
    let Stores { database, objects, .. } = &stores;
    // Each one also runs if the other one fails.
    let annotations = annotations::cleanup(database, &SystemClock, &TokioTimer).await;
    let images = images::cleanup(database, objects, &SystemClock, &TokioTimer, &OsEntropy, settings).await;
    stores.close(GRACE_PERIOD).await;
    Ok([
        images.map(|report| report.to_string()).context("the clean-up of the images service failed"),
        annotations
            .map(|report| report.to_string())
            .context("the clean-up of the annotations service failed"),
    ])
}

/// Declares that the database and the object store belong together. Returns the store id that both have from now on.
pub(crate) async fn adopt(stores: &settings::Stores) -> anyhow::Result<StoreId> {
    let stores = Stores::open_unbound(stores).await?;
    let id = images::adopt(&stores.database, &stores.objects, &SystemClock, &OsEntropy).await;
    stores.close(GRACE_PERIOD).await;
    Ok(id?)
}

/// The secret of HS256 tokens: the configured one, or the one in the data folder.
pub(crate) fn secret(folder: &Folder, signing: &Signing) -> anyhow::Result<Secret> {
    match &signing.jwt_secret {
        Some(secret) => Secret::new(secret.as_bytes()).context("--jwt-secret (RETICLE_JWT_SECRET)"),
        None => {
            create_data_folder(folder)?;
            identity_native::load_or_create_secret(&folder.jwt_secret_path(), &OsEntropy)
                .context("--data-dir")
        }
    }
}

/// Builds the authenticator. With a JWKS and no secret, only the keys of the JWKS are accepted.
///
/// # Errors
/// A setting is not valid, or the keys cannot be read.
pub(crate) async fn authenticator(
    folder: &Folder,
    tokens: &Tokens,
) -> anyhow::Result<Authenticator<SystemClock>> {
    let Tokens { signing, jwks } = tokens;
    let jwks = jwks
        .as_deref()
        .map(identity_native::parse_key_source)
        .transpose()
        .context("--jwks (RETICLE_JWKS)")?;
    let has_secret = signing.jwt_secret.is_some() || jwks.is_none();
    let secret = has_secret.then(|| secret(folder, signing)).transpose()?;
    let keys = Keys::new(secret, jwks.map(Jwks::new)).context("there is neither a secret nor a JWKS")?;
    let policy = Policy { issuer: signing.jwt_issuer.clone(), audience: signing.jwt_audience.clone() };
    let authenticator = Authenticator::new(keys, policy, SystemClock);
    authenticator.refresh_keys().await.context("--jwks (RETICLE_JWKS)")?;
    Ok(authenticator)
}

/// The key that signs URLs, page tokens and resume tokens: the configured one, or the one in the data folder.
pub(crate) fn server_key(folder: &Folder, key: &ServerKey) -> anyhow::Result<SigningKey> {
    match &key.url_key {
        Some(key) => SigningKey::new(key.as_bytes()).context("--url-key (RETICLE_URL_KEY)"),
        None => {
            create_data_folder(folder)?;
            identity_native::load_or_create_signing_key(&folder.url_key_path(), &OsEntropy)
                .context("--data-dir")
        }
    }
}

/// Builds the images service.
pub(crate) fn images(
    stores: &Stores,
    authenticator: &Authenticator<SystemClock>,
    key: SigningKey,
    uploads: &Uploads,
    port: &ImagesPort,
    transfers: TransferLimits,
) -> anyhow::Result<Images> {
    let ports = images::Ports {
        database: stores.database.clone(),
        objects: stores.objects.clone(),
        clock: SystemClock,
        entropy: OsEntropy,
        background: stores.background.clone(),
    };
    let public_url = port.public_url.as_deref().map(settings::public_url);
    let settings = images::Settings {
        max_upload_bytes: uploads.max_upload_bytes,
        public_url: public_url.transpose()?,
        transfers: Some(transfers),
    };
    let service = ImagesService::new(ports, UrlSigner::new(key), settings);
    Ok(AuthLayer::new(authenticator.clone(), proto::TOKEN_OPTIONAL).layer(service.into_server()))
}

/// The readiness checks of the images service.
pub(crate) fn images_readiness(stores: &Stores) -> Readiness {
    let needs = images::needs(&stores.database, &stores.objects, &SystemClock, &OsEntropy);
    Readiness::new(needs, TokioTimer)
}

/// The readiness checks of the annotations service.
pub(crate) fn annotations_readiness(database: &NativeDatabase) -> Readiness {
    Readiness::new(annotations::needs(database), TokioTimer)
}

/// The readiness of a gateway, which has no checks of its own.
pub(crate) fn gateway_readiness() -> Readiness {
    Readiness::new(Vec::new(), TokioTimer)
}

/// Builds the gateway over two upstreams and the services of [`grpc_port::health_and_reflection`].
pub(crate) fn gateway(
    port: &GatewayPort,
    uploads: &Uploads,
    authenticator: Authenticator<SystemClock>,
    upstreams: Upstreams,
    health_and_reflection: &Calls,
) -> anyhow::Result<Gateway> {
    let upstreams = grpc_port::HEALTH_AND_REFLECTION
        .iter()
        .fold(upstreams, |upstreams, name| upstreams.with(name, health_and_reflection.clone()));
    let config = Config {
        allowed_origins: AllowedOrigins::parse(&port.allowed_origins).context("--allowed-origins")?,
        region: port.region.clone(),
        max_upload_bytes: uploads.max_upload_bytes.unsigned_abs().into(),
        ..Config::default()
    };
    let host =
        gateway_core::Ports { authenticator, clock: SystemClock, entropy: OsEntropy, timer: TokioTimer };
    Gateway::new(config, proto::FILE_DESCRIPTOR_SET, upstreams, host)
        .context("the gateway cannot serve the contract")
}

/// The gateway, with the client address that the port determined in each request.
pub(crate) fn with_client_address(
    gateway: Gateway,
) -> impl Service<Request<RequestBody>, Response = Response<Body>, Error = Infallible, Future: Send>
+ Clone
+ Send
+ Sync
+ 'static {
    gateway.map_request(|mut request: Request<RequestBody>| {
        if let Some(ClientAddress(address)) = request.extensions().get().copied() {
            request.extensions_mut().insert(gateway_core::ClientAddress(address));
        }
        request
    })
}
