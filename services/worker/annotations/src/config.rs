//! The bindings and settings of this Worker.

use std::time::Duration;

use annotations::{AnnotationsService, Host, Ports, Settings};
use grpc_web::{GrpcWebClient, MarkEnd};
use identity::{AuthLayer, AuthService};
use proto::annotations::v1::annotations_service_server::{AnnotationsServiceServer, SERVICE_NAME};
use readiness::{Draining, HealthService, Readiness, WithHealth};
use storage_worker::{D1Database, WorkerClock, WorkerEntropy, WorkerTimer};
use tower_layer::Layer as _;
use worker_host::{Bindings, Misconfigured, Upstream};

/// A watch polls D1 once a second, and a request may make at most 1,000 calls.
const LONGEST_WATCH: Duration = Duration::from_secs(5 * 60);

/// The service that all requests of an isolate share, with its health service.
pub(crate) type Annotations = WithHealth<WorkerTimer, Service>;

type Service = AuthService<AnnotationsServiceServer<AnnotationsService<Edge>>, WorkerClock>;

/// The adapters of the service.
#[derive(Clone, Debug)]
pub(crate) struct Edge;

impl Host for Edge {
    type Database = D1Database;
    type Images = GrpcWebClient<MarkEnd<Upstream>>;
    type Clock = WorkerClock;
    type Entropy = WorkerEntropy;
    type Timer = WorkerTimer;
}

/// Builds the service from the bindings.
///
/// # Errors
/// The first binding or variable that is missing or invalid.
pub(crate) fn service(bindings: Bindings<'_>) -> Result<Annotations, Misconfigured> {
    let authenticator = worker_host::authenticator(bindings)?;
    let database = database(bindings)?;
    let images = GrpcWebClient::new(MarkEnd::new(Upstream::configured(bindings, "IMAGES", "IMAGES_URL")?));
    let ready = Readiness::uncached(annotations::needs(&database), WorkerTimer);
    let health = HealthService::new(vec![(SERVICE_NAME, ready)], Draining::default(), WorkerTimer);
    let ports = Ports { database, images, clock: WorkerClock, entropy: WorkerEntropy, timer: WorkerTimer };
    let settings = Settings { max_watch_duration: LONGEST_WATCH, shared_feed: false, ..Settings::default() };
    let service = AnnotationsService::new(ports, &worker_host::token_key(bindings)?, settings);
    let service = AuthLayer::new(authenticator, proto::TOKEN_OPTIONAL).layer(service.into_server());
    Ok(WithHealth::new(health.into_server(), service))
}

/// The database.
///
/// # Errors
/// The binding is missing or has another type.
pub(crate) fn database(bindings: Bindings<'_>) -> Result<D1Database, Misconfigured> {
    Ok(D1Database::new(bindings.database("DATABASE")?))
}
