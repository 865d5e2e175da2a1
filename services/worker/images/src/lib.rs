//! The images service as a Worker: accepts gRPC-web, stores in D1 and R2. This crate is wiring only. To add a setting, read it
//! in `config.rs`.

mod config;

use std::{cell::OnceCell, sync::Arc};

use grpc_rules::Rules;
use grpc_web::GrpcWeb;
use identity::AuthLayer;
use readiness::WithHealth;
use storage_worker::{WorkerClock, WorkerEntropy, WorkerTimer};
use tower_layer::Layer as _;
use tower_service::Service as _;
use worker::{Context, Env, ScheduleContext, ScheduledEvent, event, web_sys};
use worker_host::{
    Bindings, Misconfigured, into_http_request, into_js_response, misconfigured_response, run_cleanup,
};

use config::Parts;

thread_local! {
    static PARTS: OnceCell<Arc<Parts>> = const { OnceCell::new() };
}

fn parts(env: &Env) -> Result<Arc<Parts>, Misconfigured> {
    worker_host::get_or_try_init(&PARTS, || Parts::read(Bindings::new(env)).map(Arc::new))
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
        Err(problem) => {
            return into_js_response(
                misconfigured_response(into_http_request(request).await?, &problem).await,
            );
        }
    };
    let service = parts.service(context).into_server();
    let service = AuthLayer::new(parts.authenticator.clone(), proto::TOKEN_OPTIONAL).layer(service);
    let service = Rules::new(WithHealth::new(parts.health.clone(), service), proto::takes_stream);
    let Ok(response) = GrpcWeb::new(service).call(into_http_request(request).await?).await;
    into_js_response(response)
}

/// The daily clean-up, started by the cron trigger.
#[event(scheduled)]
async fn scheduled(_: ScheduledEvent, env: Env, _: ScheduleContext) {
    let clean = async |parts: Arc<Parts>| {
        let Parts { database, objects, cleaning, .. } = &*parts;
        images::cleanup(database, objects, &WorkerClock, &WorkerTimer, &WorkerEntropy, *cleaning).await
    };
    run_cleanup(parts(&env), clean).await;
}
