//! The D1 bridge: a Worker that runs batches of SQL on its D1 database for programs that run elsewhere, and that know its
//! secret. [`storage_json`] says what they send and get; `request` what is accepted; the rest is `storage_worker`'s.
//!
//! Whoever has the secret may run any statement. So the log tells no SQL, no parameter and no row.

mod config;
mod refusal;
mod request;

use std::{cell::OnceCell, sync::Arc};

use http::{StatusCode, header::ALLOW};
use storage_json::{Answer, Kind, Outcome, RowsText};
use worker::{Context, Env, HttpRequest, Response, ResponseBuilder, event};
use worker_host::{Bindings, Misconfigured};

use crate::{config::Parts, refusal::Refusal, request::Batch};

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
async fn fetch(request: HttpRequest, env: Env, _: Context) -> worker::Result<Response> {
    match serve(request, &env).await {
        Ok(text) => respond(StatusCode::OK, text),
        Err(refusal) => {
            refusal.log();
            respond(refusal.status(), refusal.to_json())
        }
    }
}

async fn serve(request: HttpRequest, env: &Env) -> Result<String, Refusal> {
    let parts = parts(env)?;
    let body = request::admit(request, &parts.secret)?;
    let batch = request::read(body).await?;
    let answer = run(&parts, batch).await?;
    serde_json::to_string(&answer).map_err(Refusal::broken)
}

/// One call of the database.
async fn run(parts: &Parts, batch: Batch) -> Result<Answer<RowsText>, Refusal> {
    let (told, bookmark) = match batch.kind {
        Kind::Read => {
            let query = batch.statements.first().ok_or(Refusal::NotOneRead)?;
            let answer = parts.database.read_text(query, batch.at_least.as_ref()).await?;
            (vec![Outcome { changes: 0, rows: answer.value }], answer.bookmark)
        }
        Kind::Write => {
            let answer = parts.database.write_text(&batch.statements, batch.at_least).await?;
            (answer.value, answer.bookmark)
        }
    };
    let outcomes = told.into_iter().map(|Outcome { changes, rows }| {
        RowsText::new(rows).map(|rows| Outcome { changes, rows }).map_err(Refusal::broken)
    });
    Ok(Answer { outcomes: outcomes.collect::<Result<_, _>>()?, bookmark })
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
