//! The bindings and settings of this Worker.

use identity::{Authenticator, SigningKey, UrlSigner};
use images::{
    CleanupSettings, DEFAULT_MAX_SWEEP_PERCENT, DEFAULT_MAX_UPLOAD_BYTES, Host, ImagesService, Ports,
    Settings,
};
use proto::images::v1::images_service_server::SERVICE_NAME;
use readiness::{Draining, Health, HealthService, Readiness};
use storage_worker::{D1Database, R2Objects, WaitUntil, WorkerClock, WorkerEntropy, WorkerTimer};
use worker::Context;
use worker_host::{Bindings, Misconfigured};

const URL_KEY: &str = "RETICLE_URL_KEY";
const MAX_SWEEP_PERCENT: &str = "RETICLE_MAX_SWEEP_PERCENT";
/// The most objects that one clean-up moves: each needs three calls of R2, and an event may make 1,000 calls.
const MAX_MOVES: usize = 100;
/// The most background tasks of one request.
const BACKGROUND_TASKS: usize = 4;

/// The adapters of the service.
#[derive(Clone, Debug)]
pub(crate) struct Edge;

impl Host for Edge {
    type Database = D1Database;
    type Objects = R2Objects;
    type Clock = WorkerClock;
    type Entropy = WorkerEntropy;
    type Background = WaitUntil;
}

/// The parts that all requests of an isolate share.
pub(crate) struct Parts {
    pub(crate) authenticator: Authenticator<WorkerClock>,
    pub(crate) database: D1Database,
    pub(crate) objects: R2Objects,
    pub(crate) cleaning: CleanupSettings,
    pub(crate) health: Health<WorkerTimer>,
    signer: UrlSigner,
    settings: Settings,
}

impl Parts {
    /// Builds the parts from the bindings.
    ///
    /// # Errors
    /// The first binding or variable that is missing or invalid.
    pub(crate) fn read(bindings: Bindings<'_>) -> Result<Self, Misconfigured> {
        let key = SigningKey::new(bindings.required_text(URL_KEY)?.as_bytes());
        let database = D1Database::new(bindings.database("DATABASE")?);
        let objects = R2Objects::new(bindings.bucket("OBJECTS")?);
        let needs = images::needs(&database, &objects, &WorkerClock, &WorkerEntropy);
        let health = vec![(SERVICE_NAME, Readiness::uncached(needs, WorkerTimer))];
        Ok(Self {
            authenticator: worker_host::authenticator(bindings)?,
            health: HealthService::new(health, Draining::default(), WorkerTimer).into_server(),
            database,
            objects,
            cleaning: cleaning(bindings)?,
            signer: UrlSigner::new(key.map_err(|short| Misconfigured::new(URL_KEY, short))?),
            settings: settings(bindings)?,
        })
    }

    /// Builds the service for one request. Its background tasks belong to `context`, the request's.
    pub(crate) fn service(&self, context: Context) -> ImagesService<Edge> {
        let ports = Ports {
            database: self.database.clone(),
            objects: self.objects.clone(),
            clock: WorkerClock,
            entropy: WorkerEntropy,
            background: WaitUntil::new(context, BACKGROUND_TASKS),
        };
        ImagesService::new(ports, self.signer.clone(), self.settings.clone())
    }
}

fn cleaning(bindings: Bindings<'_>) -> Result<CleanupSettings, Misconfigured> {
    let rule = "must be a percentage from 0 to 100";
    let percent = bindings.parsed::<u8>(MAX_SWEEP_PERCENT, rule)?.unwrap_or(DEFAULT_MAX_SWEEP_PERCENT);
    if percent > 100 {
        return Err(Misconfigured::new(MAX_SWEEP_PERCENT, rule));
    }
    Ok(CleanupSettings { max_sweep_percent: percent, max_moves: MAX_MOVES })
}

fn settings(bindings: Bindings<'_>) -> Result<Settings, Misconfigured> {
    let public_url = bindings.origin("RETICLE_PUBLIC_URL")?;
    Ok(Settings {
        max_upload_bytes: bindings.max_upload_bytes()?.unwrap_or(DEFAULT_MAX_UPLOAD_BYTES),
        public_url: public_url.map(|url| url.to_string().trim_end_matches('/').to_owned()),
        ..Settings::default()
    })
}
