//! The annotations service as a Worker: accepts gRPC-web, stores in D1, calls the images Worker. This crate is wiring only. To
//! add a setting, read it in `config.rs`.

mod config;

use std::cell::OnceCell;

use grpc_rules::Rules;
use grpc_web::GrpcWeb;
use storage_worker::{WorkerClock, WorkerTimer};
use tower_service::Service as _;
use worker::{Context, Env, ScheduleContext, ScheduledEvent, event, web_sys};
use worker_host::{Bindings, into_http_request, into_js_response, misconfigured_response, run_cleanup};

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
    let service = worker_host::get_or_try_init(&SERVICE, || {
        let service = config::service(Bindings::new(&env))?;
        Ok(GrpcWeb::new(Rules::new(service, proto::takes_stream)))
    });
    match service {
        Ok(mut service) => {
            let Ok(response) = service.call(into_http_request(request).await?).await;
            into_js_response(response)
        }
        Err(problem) => {
            into_js_response(misconfigured_response(into_http_request(request).await?, &problem).await)
        }
    }
}

/// The daily clean-up, started by the cron trigger.
#[event(scheduled)]
async fn scheduled(_: ScheduledEvent, env: Env, _: ScheduleContext) {
    let clean = async |database| annotations::cleanup(&database, &WorkerClock, &WorkerTimer).await;
    run_cleanup(config::database(Bindings::new(&env)), clean).await;
}
