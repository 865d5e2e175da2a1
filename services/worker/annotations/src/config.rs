//! What this Worker is bound to and told.

use std::time::Duration;

use annotations::{AnnotationsService, Ports, Settings};
use grpc_web::{GrpcWebClient, MarkEnd};
use identity::{AuthLayer, AuthService};
use proto::annotations::v1::annotations_service_server::{AnnotationsServiceServer, SERVICE_NAME};
use readiness::{Beside, Draining, HealthService, Readiness};
use storage_worker::{D1Database, WorkerClock, WorkerEntropy, WorkerTimer};
use tower_layer::Layer as _;
use worker_host::{Bindings, Misconfigured, Upstream};

/// A watcher asks D1 once a second, and a request may ask a thousand times at most.
const LONGEST_WATCH: Duration = Duration::from_secs(5 * 60);

/// The service that all requests of an isolate share, and what tells whether it is ready.
pub(crate) type Annotations = Beside<WorkerTimer, Service>;

type Service = AuthService<
    AnnotationsServiceServer<
        AnnotationsService<
            D1Database,
            GrpcWebClient<MarkEnd<Upstream>>,
            WorkerClock,
            WorkerEntropy,
            WorkerTimer,
        >,
    >,
    WorkerClock,
>;

/// Reads everything and makes the service of it.
///
/// # Errors
/// The first binding or variable that is missing or wrong.
pub(crate) fn service(bindings: Bindings<'_>) -> Result<Annotations, Misconfigured> {
    let authenticator = worker_host::authenticator(bindings)?;
    let database = database(bindings)?;
    let images = GrpcWebClient::new(MarkEnd::new(Upstream::configured(bindings, "IMAGES", "IMAGES_URL")?));
    let ready = Readiness::unshared(annotations::needs(&database), WorkerTimer);
    let health = HealthService::new(vec![(SERVICE_NAME, ready)], Draining::default(), WorkerTimer);
    let ports = Ports { database, images, clock: WorkerClock, entropy: WorkerEntropy, timer: WorkerTimer };
    let settings = Settings { longest_watch: LONGEST_WATCH, shared_feed: false, ..Settings::default() };
    let service = AnnotationsService::new(ports, &worker_host::token_key(bindings)?, settings);
    let service = AuthLayer::new(authenticator, proto::TOKEN_OPTIONAL).layer(service.into_server());
    Ok(Beside::new(health.into_server(), service))
}

/// The database alone.
///
/// # Errors
/// It is not bound.
pub(crate) fn database(bindings: Bindings<'_>) -> Result<D1Database, Misconfigured> {
    Ok(D1Database::new(bindings.database("DATABASE")?))
}
