//! The gateway as a Worker: HTTP/JSON and gRPC-web in, gRPC-web to the services behind. Wiring only; to add a setting,
//! read it in `config.rs`.

mod config;
mod timer;

use std::cell::OnceCell;

use gateway_core::Gateway;
use tower_service::Service as _;
use worker::{Cf, Context, Env, HttpRequest, Response, event};
use worker_host::{Bindings, answer, misconfigured};

thread_local! {
    static GATEWAY: OnceCell<Gateway> = const { OnceCell::new() };
}

#[event(fetch)]
async fn fetch(request: HttpRequest, env: Env, _: Context) -> worker::Result<Response> {
    let gateway = worker_host::once(&GATEWAY, || {
        worker_host::start_log();
        // An isolate never leaves its data centre.
        let colo = request.extensions().get::<Cf>().map(Cf::colo);
        config::gateway(Bindings::new(&env), colo)
    });
    match gateway {
        Ok(mut gateway) => {
            let Ok(response) = gateway.call(request).await;
            answer(response).await
        }
        Err(problem) => answer(misconfigured(request, &problem).await).await,
    }
}
