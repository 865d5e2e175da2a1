//! The annotations service as a Worker: gRPC-web in, D1 behind, the images Worker beside. Wiring only; to add a setting,
//! read it in `config.rs`.

mod config;

use std::cell::OnceCell;

use grpc_rules::Rules;
use grpc_web::GrpcWeb;
use storage_worker::WorkerClock;
use tower_service::Service as _;
use worker::{Context, Env, ScheduleContext, ScheduledEvent, event, web_sys};
use worker_host::{Bindings, answer, clean_up, incoming, misconfigured};

use config::Annotations;

thread_local! {
    static SERVICE: OnceCell<GrpcWeb<Rules<Annotations>>> = const { OnceCell::new() };
}

/// Runs once, before the isolate's first request.
#[event(start)]
fn start() {
    worker_host::start();
}

#[event(fetch)]
async fn fetch(request: web_sys::Request, env: Env, _: Context) -> worker::Result<web_sys::Response> {
    let service = worker_host::once(&SERVICE, || {
        let service = config::service(Bindings::new(&env))?;
        Ok(GrpcWeb::new(Rules::new(service, proto::takes_stream)))
    });
    match service {
        Ok(mut service) => {
            let Ok(response) = service.call(incoming(request).await?).await;
            answer(response)
        }
        Err(problem) => answer(misconfigured(incoming(request).await?, &problem).await),
    }
}

/// The daily clean-up, at the hour of the cron trigger.
#[event(scheduled)]
async fn scheduled(_: ScheduledEvent, env: Env, _: ScheduleContext) {
    let clean = async |database| annotations::cleanup(&database, &WorkerClock).await;
    clean_up(config::database(Bindings::new(&env)), clean).await;
}
