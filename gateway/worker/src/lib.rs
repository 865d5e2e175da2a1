//! The gateway as a Worker: it accepts HTTP/JSON and gRPC-web, and calls the services with gRPC-web. This crate is wiring
//! only. To add a setting, read it in `config.rs`.

mod config;
mod rate_limit;

use std::{cell::OnceCell, sync::Arc};

use gateway_core::Relayed;
use http::Request;
use tower_service::Service as _;
use worker::{Context, Env, event, js_sys::Reflect, wasm_bindgen::JsValue, web_sys};
use worker_host::{
    Bindings, Stream, into_http_request, into_js_response, into_js_stream_response, misconfigured_response,
    read_body, request_head,
};

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
    let parts = worker_host::get_or_try_init(&PARTS, || {
        Parts::read(Bindings::new(&env), colo(&request)).map(Arc::new)
    });
    match parts {
        Ok(parts) => serve(&parts, request).await,
        Err(problem) => {
            into_js_response(misconfigured_response(into_http_request(request).await?, &problem).await)
        }
    }
}

async fn serve(parts: &Parts, request: web_sys::Request) -> worker::Result<web_sys::Response> {
    let call = request_head(&request)?;
    if let Some(limit) = &parts.rate_limit
        && !limit.allows(call.headers()).await
    {
        let call = read_body(call, &request).await?;
        return into_js_response(parts.gateway.too_many_requests(call, limit.period).await);
    }
    if parts.gateway.relays(&call) {
        return relay(parts, call, &request).await;
    }
    let Ok(response) = parts.gateway.clone().call(read_body(call, &request).await?).await;
    into_js_response(response)
}

/// Passes the streams of a gRPC-web call from one Worker to the other.
async fn relay(
    parts: &Parts,
    call: Request<()>,
    request: &web_sys::Request,
) -> worker::Result<web_sys::Response> {
    let forward = async |service: String, call: Request<Stream>| {
        let upstream = parts.upstream(&service).ok_or("no upstream is bound for the service")?;
        Ok(upstream.forward(call).await?)
    };
    match parts.gateway.relay(call.map(|()| request.body()), forward).await {
        Relayed::FromService(response) => into_js_stream_response(response),
        Relayed::FromGateway(response) => {
            if is_unread(request) {
                parts.gateway.discard_body(read_body(request_head(request)?, request).await?).await;
            }
            into_js_response(response)
        }
    }
}

/// Whether nothing has begun to read the body. The runtime reads the body of a call that was forwarded.
fn is_unread(request: &web_sys::Request) -> bool {
    !request.body_used() && request.body().is_none_or(|body| !body.locked())
}

/// The data centre. It does not change while an isolate runs.
fn colo(request: &web_sys::Request) -> Option<String> {
    let get = |object: &JsValue, name| Reflect::get(object, &JsValue::from_str(name)).ok();
    get(&get(request, "cf")?, "colo")?.as_string()
}
