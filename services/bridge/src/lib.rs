//! The D1 bridge: a Worker that runs batches of SQL on its D1 database, for servers outside of Workers that know its secret.
//! [`storage_json`] defines the format of requests and responses, `request` checks what is accepted, and `storage_worker` runs
//! the batch.
//!
//! A client with the secret may run any statement. So the log contains no SQL, no parameters and no rows.

mod config;
mod rejection;
mod request;

use std::{cell::OnceCell, sync::Arc};

use http::{StatusCode, header::ALLOW};
use storage_json::{BatchResponse, Kind, Outcome, RowsText};
use worker::{Context, Env, HttpRequest, Response, ResponseBuilder, event};
use worker_host::{Bindings, Misconfigured};

use crate::{config::Parts, rejection::Rejection, request::Batch};

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
async fn fetch(request: HttpRequest, env: Env, _: Context) -> worker::Result<Response> {
    match serve(request, &env).await {
        Ok(text) => respond(StatusCode::OK, text),
        Err(rejection) => {
            rejection.log();
            respond(rejection.status(), rejection.to_json())
        }
    }
}

async fn serve(request: HttpRequest, env: &Env) -> Result<String, Rejection> {
    let parts = parts(env)?;
    let body = request::authorize(request, &parts.secret)?;
    let batch = request::read_batch(body).await?;
    let response = run(&parts, batch).await?;
    serde_json::to_string(&response).map_err(Rejection::broken)
}

/// Runs a batch as one call of the database.
async fn run(parts: &Parts, batch: Batch) -> Result<BatchResponse<RowsText>, Rejection> {
    let (outcomes, bookmark) = match batch.kind {
        Kind::Read => {
            let query = batch.statements.first().ok_or(Rejection::NotOneRead)?;
            let result = parts.database.read_text(query, batch.at_least.as_ref()).await?;
            (vec![Outcome { changes: 0, rows: result.value }], result.bookmark)
        }
        Kind::Write => {
            let result = parts.database.write_text(&batch.statements, batch.at_least).await?;
            (result.value, result.bookmark)
        }
    };
    let encoded = outcomes.into_iter().map(|Outcome { changes, rows }| {
        RowsText::new(rows).map(|rows| Outcome { changes, rows }).map_err(Rejection::broken)
    });
    Ok(BatchResponse { outcomes: encoded.collect::<Result<_, _>>()?, bookmark })
}

fn respond(status: StatusCode, json: String) -> worker::Result<Response> {
    let mut builder = ResponseBuilder::new()
        .with_status(status.as_u16())
        .with_header("content-type", "application/json")?
        .with_header("cache-control", "no-store")?;
    if status == StatusCode::METHOD_NOT_ALLOWED {
        builder = builder.with_header(ALLOW.as_str(), "POST")?;
    }
    Ok(builder.fixed(json.into_bytes()))
}
