//! The gateway as a Worker: HTTP/JSON and gRPC-web in, gRPC-web to the services behind. Wiring only; to add a setting,
//! read it in `config.rs`.

mod config;
mod rate_limit;

use std::{cell::OnceCell, sync::Arc};

use gateway_core::Relayed;
use http::Request;
use tower_service::Service as _;
use worker::{Context, Env, event, js_sys::Reflect, wasm_bindgen::JsValue, web_sys};
use worker_host::{Bindings, Stream, answer, answer_streamed, head, incoming, misconfigured, taken_in};

use config::Parts;

thread_local! {
    static PARTS: OnceCell<Arc<Parts>> = const { OnceCell::new() };
}

/// Runs once, before the isolate's first request.
#[event(start)]
fn start() {
    worker_host::start();
}

#[event(fetch)]
async fn fetch(request: web_sys::Request, env: Env, _: Context) -> worker::Result<web_sys::Response> {
    let parts = worker_host::once(&PARTS, || Parts::read(Bindings::new(&env), colo(&request)).map(Arc::new));
    match parts {
        Ok(parts) => serve(&parts, request).await,
        Err(problem) => answer(misconfigured(incoming(request).await?, &problem).await),
    }
}

async fn serve(parts: &Parts, request: web_sys::Request) -> worker::Result<web_sys::Response> {
    let call = head(&request)?;
    if let Some(limit) = &parts.rate_limit
        && !limit.allows(call.headers()).await
    {
        let call = taken_in(call, &request).await?;
        return answer(parts.gateway.too_many_requests(call, limit.period).await);
    }
    if parts.gateway.relays(&call) {
        return relay(parts, call.map(|()| request.body())).await;
    }
    let Ok(response) = parts.gateway.clone().call(taken_in(call, &request).await?).await;
    answer(response)
}

/// Gives the streams of a gRPC-web call from one Worker to the other.
async fn relay(parts: &Parts, call: Request<Stream>) -> worker::Result<web_sys::Response> {
    let forward = async |service: String, call: Request<Stream>| {
        let upstream = parts.upstream(&service).ok_or("no upstream is bound for the service")?;
        Ok(upstream.pass_on(call).await?)
    };
    match parts.gateway.relay(call, forward).await {
        Relayed::Passed(response) => answer_streamed(response),
        Relayed::Answered(response) => answer(response),
    }
}

/// The data centre, which an isolate never leaves.
fn colo(request: &web_sys::Request) -> Option<String> {
    let get = |object: &JsValue, name| Reflect::get(object, &JsValue::from_str(name)).ok();
    get(&get(request, "cf")?, "colo")?.as_string()
}
