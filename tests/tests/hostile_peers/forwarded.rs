//! Forwarded headers of a request, and what the log and the output reveal.

use std::{fs, sync::Arc};

use anyhow::{Context as _, ensure};
use reqwest::Method;
use serde_json::Value;
use tempfile::TempDir;
use tests::{HttpResponse, Program, User, program};
use tokio::{process::Command, time::timeout};

use super::MAX_WAIT;

/// Starts the program, and also writes its output to the files `log` and `out` in its folder.
async fn start_recorded(arguments: &[&str]) -> anyhow::Result<Program> {
    let folder = Arc::new(TempDir::new()?);
    let mut command = Command::new("bash");
    command.args(["-c", r#"exec "$@" > "$0/out" 2> >(tee "$0/log" >&2)"#]).arg(folder.path());
    command.arg(program()).args(Program::arguments(folder.path())).args(arguments);
    Program::start_by(command, folder).await
}

/// The access log's line for the request with this id.
async fn log_line(program: &Program, request_id: &str) -> anyhow::Result<Value> {
    let line = async {
        loop {
            let log = fs::read_to_string(program.data_dir().join("log"))?;
            let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
            if let Some(line) = { lines }.find(|line| line.to_string().contains(request_id)) {
                return anyhow::Ok(line);
            }
            tokio::task::yield_now().await;
        }
    };
    timeout(MAX_WAIT, line).await.context("the log has no such line")?
}

async fn signed_url(user: &User, image_id: &str, forwarded_proto: &str) -> anyhow::Result<String> {
    let request = user.request(Method::GET, &format!("/api/images/{image_id}/signed-url"));
    let response =
        HttpResponse::read(request.header("x-forwarded-proto", forwarded_proto).send().await?).await?;
    Ok(response.text("/url").to_owned())
}

/// Given a proxy that is not trusted, then its forwarded address and scheme of the client are ignored; given one that the
/// operator trusts, then they are used.
#[tokio::test(flavor = "multi_thread")]
async fn only_forwarded_headers_of_a_trusted_proxy_are_used() -> anyhow::Result<()> {
    for (arguments, client, scheme) in [
        (&[][..], "127.0.0.1", "http://"),
        (&["--trusted-proxies", "10.0.0.0/8"], "127.0.0.1", "http://"),
        (&["--trusted-proxies", "10.0.0.0/8,127.0.0.1"], "192.0.2.9", "https://"),
    ] {
        let program = start_recorded(arguments).await?;
        let user = program.target().new_user();
        let image_id = user.new_image().await?;
        for forwarded_proto in ["https", "HTTPS", "https, http"] {
            let url = signed_url(&user, &image_id, forwarded_proto).await?;
            ensure!(url.starts_with(scheme), "{arguments:?}, {forwarded_proto}: {url}");
        }
        let request = user.request(Method::GET, "/api/images");
        let request = request.header("x-forwarded-for", "203.0.113.1, 192.0.2.9");
        let response = HttpResponse::read(request.header("x-request-id", "the-one").send().await?).await?;
        ensure!(response.status == 200, "{response:?}");
        let line = log_line(&program, "the-one").await?;
        ensure!(line.to_string().contains(&format!(r#""client":"{client}""#)), "{line}");
    }
    Ok(())
}

/// Given a request whose token is missing or invalid, then the access log has the reason.
#[tokio::test(flavor = "multi_thread")]
async fn the_log_says_why_a_token_was_rejected() -> anyhow::Result<()> {
    let program = start_recorded(&[]).await?;
    let client = reqwest::Client::new();
    for (id, token, reason) in
        [("missing", None, "A token is needed"), ("bad", Some("nonsense"), "not a signed JWT")]
    {
        let mut request = client.get(program.target().url("/api/images")).header("x-request-id", id);
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        ensure!(request.send().await?.status() == 401);
        let line = log_line(&program, id).await?;
        let error = line.pointer("/auth_error").or_else(|| line.pointer("/span/auth_error"));
        ensure!(error.and_then(Value::as_str).is_some_and(|error| error.contains(reason)), "{line}");
    }
    Ok(())
}

/// Given a server whose output is not a terminal, then the output contains no token.
#[tokio::test]
async fn a_token_is_printed_only_on_a_terminal() -> anyhow::Result<()> {
    let folder = Arc::new(TempDir::new()?);
    let mut command = Command::new("bash");
    command.args(["-c", r#"exec "$@" > "$0/out""#]).arg(folder.path()).arg(program());
    let without_secret = Program::arguments(folder.path())
        .into_iter()
        .filter(|argument| argument != "--jwt-secret" && argument != tests::token::SECRET);
    command.args(without_secret);
    let program = Program::start_by(command, folder).await?;
    let greeting = async {
        loop {
            let out = fs::read_to_string(program.data_dir().join("out"))?;
            if out.contains("Ctrl-C stops it") {
                return anyhow::Ok(out);
            }
            tokio::task::yield_now().await;
        }
    };
    let greeting = timeout(MAX_WAIT, greeting).await.context("no greeting")??;
    ensure!(!greeting.contains("eyJ") && greeting.contains("reticle token"), "{greeting}");
    Ok(())
}
