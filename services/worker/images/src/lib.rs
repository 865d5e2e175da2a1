//! The images service as a Worker: gRPC-web in, D1 and R2 behind. Wiring only; to add a setting, read it in `config.rs`.

mod config;

use std::{cell::OnceCell, sync::Arc};

use grpc_rules::Rules;
use grpc_web::GrpcWeb;
use identity::AuthLayer;
use readiness::Beside;
use storage_worker::{WorkerClock, WorkerEntropy};
use tower_layer::Layer as _;
use tower_service::Service as _;
use worker::{Context, Env, ScheduleContext, ScheduledEvent, event, web_sys};
use worker_host::{Bindings, Misconfigured, answer, clean_up, incoming, misconfigured};

use config::Parts;

thread_local! {
    static PARTS: OnceCell<Arc<Parts>> = const { OnceCell::new() };
}

fn parts(env: &Env) -> Result<Arc<Parts>, Misconfigured> {
    worker_host::once(&PARTS, || Parts::read(Bindings::new(env)).map(Arc::new))
}

/// Runs once, before the isolate's first request.
#[event(start)]
fn start() {
    worker_host::start();
}

#[event(fetch)]
async fn fetch(request: web_sys::Request, env: Env, context: Context) -> worker::Result<web_sys::Response> {
    let parts = match parts(&env) {
        Ok(parts) => parts,
        Err(problem) => return answer(misconfigured(incoming(request).await?, &problem).await),
    };
    let service = parts.service(context).into_server();
    let service = AuthLayer::new(parts.authenticator.clone(), proto::TOKEN_OPTIONAL).layer(service);
    let service = Rules::new(Beside::new(parts.health.clone(), service), proto::takes_stream);
    let Ok(response) = GrpcWeb::new(service).call(incoming(request).await?).await;
    answer(response)
}

/// The daily clean-up, at the hour of the cron trigger.
#[event(scheduled)]
async fn scheduled(_: ScheduledEvent, env: Env, _: ScheduleContext) {
    let clean = async |parts: Arc<Parts>| {
        let Parts { database, objects, cleaning, .. } = &*parts;
        images::cleanup(database, objects, &WorkerClock, &WorkerEntropy, *cleaning).await
    };
    clean_up(parts(&env), clean).await;
}
