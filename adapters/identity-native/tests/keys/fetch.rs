//! Single reads of a document.

use std::{fs, pin::pin, process::Command, time::Duration};

use futures_util::{FutureExt as _, future::join_all};
use http::StatusCode;
use identity::{BoxError, KeySource as _};
use identity_native::{FETCH_TIMEOUT, FetchError, MAX_DOCUMENT_BYTES, parse_key_source};

use crate::server::{Reply, Server};

async fn fetch(text: &str) -> Result<usize, BoxError> {
    parse_key_source(text).unwrap().fetch().await.map(|document| document.len())
}

#[tokio::test]
async fn a_document_is_read_from_a_url() {
    let server = Server::start(Reply::Document("{}".to_owned())).await;
    assert_eq!(fetch(&server.url()).await.unwrap(), 2);
}

#[tokio::test]
async fn a_document_is_read_up_to_the_maximum_size() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("jwks.json");
    let server = Server::start(Reply::Never).await;
    for size in [MAX_DOCUMENT_BYTES, MAX_DOCUMENT_BYTES + 1] {
        let document = " ".repeat(size);
        fs::write(&path, &document).unwrap();
        server.set_reply(Reply::Document(document));
        for text in [path.to_str().unwrap(), &server.url()] {
            match fetch(text).await {
                Ok(read) => assert_eq!((read, size), (MAX_DOCUMENT_BYTES, MAX_DOCUMENT_BYTES)),
                Err(error) => {
                    assert_eq!(size, MAX_DOCUMENT_BYTES + 1);
                    assert_eq!(error.to_string(), "the document is larger than 1048576 bytes");
                }
            }
        }
    }
}

#[tokio::test]
async fn a_status_other_than_200_is_an_error() {
    let server = Server::start(Reply::Status(StatusCode::SERVICE_UNAVAILABLE)).await;
    let error = fetch(&server.url()).await.unwrap_err();
    assert_eq!(error.to_string(), "the response status was 503 Service Unavailable, expected 200");
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let server = Server::start(Reply::RedirectToItself).await;
    let error = fetch(&server.url()).await.unwrap_err();
    assert_eq!(error.to_string(), "the response status was 302 Found, expected 200");
    assert_eq!(server.requests(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_never_responds_is_a_timeout() {
    let server = Server::start(Reply::Never).await;
    let error = fetch(&server.url()).await.unwrap_err();
    assert_eq!(error.to_string(), "there was no complete response within 5 seconds");
}

#[tokio::test]
async fn an_unreachable_server_is_an_error() {
    let server = Server::start(Reply::Never).await;
    let url = server.url();
    drop(server);
    tokio::task::yield_now().await;
    let error = fetch(&url).await.unwrap_err();
    assert_eq!(error.to_string(), "the request failed");
    assert!(error.source().is_some(), "the cause is kept for the log");
}

#[tokio::test]
async fn a_missing_file_is_named_in_the_error() {
    let error = fetch("/nowhere/jwks.json").await.unwrap_err();
    assert_eq!(error.to_string(), "/nowhere/jwks.json cannot be read");
    assert!(error.is::<FetchError>());
}

/// A pipe without a writer: opening it for reading waits, as a network file system does that does not respond.
#[tokio::test(start_paused = true)]
async fn a_file_that_cannot_be_opened_in_time_is_a_timeout() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("jwks.json");
    assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
    let keys = parse_key_source(path.to_str().unwrap()).unwrap();
    let mut read = pin!(keys.fetch());
    assert!(read.as_mut().now_or_never().is_none());
    // The time does not advance by itself while the opening blocks a thread.
    tokio::time::advance(FETCH_TIMEOUT + Duration::from_millis(1)).await;
    let error = read.now_or_never().unwrap().unwrap_err();
    assert_eq!(error.to_string(), format!("{} was not read within 5 seconds", path.display()));
    // Ends the opening, for which the end of the test waits.
    drop(fs::OpenOptions::new().write(true).open(&path).unwrap());
}

#[tokio::test]
async fn reads_that_overlap_share_one_request() {
    let server = Server::start(Reply::Document("{}".to_owned())).await;
    let keys = parse_key_source(&server.url()).unwrap();
    let documents = join_all((0..16).map(|_| keys.fetch())).await;
    assert!(documents.iter().all(Result::is_ok));
    assert_eq!(server.requests(), 1);
    keys.fetch().await.unwrap();
    assert_eq!(server.requests(), 2);
}
