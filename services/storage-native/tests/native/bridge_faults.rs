//! What becomes of calls that a bridge does not answer.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use storage::{Database, Error, Outcome, Result, Row, Statement};
use storage_native::{BridgeDatabase, BridgeSecret, BridgeUrl, bridge::BridgeError};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

/// A bridge's answer to a read.
const ROWS: &str = r#"{"outcomes":[{"changes":0,"rows":[["n"],[7]]}],"bookmark":"0-1"}"#;

/// A thing in a bridge's place, and how often it was called.
struct Place {
    url: BridgeUrl,
    calls: Arc<AtomicUsize>,
}

impl Place {
    /// Gives one of `answers` to each call, the last one to all that follow; an answer that is empty closes the connection.
    #[expect(clippy::disallowed_methods, reason = "it ends with the test's runtime")]
    async fn with(answers: &'static [&'static str]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = url(listener.local_addr().unwrap());
        let calls = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&calls);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let call = counted.fetch_add(1, Ordering::SeqCst);
                let text = answers.get(call).or(answers.last()).unwrap();
                answer(stream, text).await;
            }
        });
        Self { url, calls }
    }

    fn database(&self) -> BridgeDatabase {
        database(&self.url)
    }

    fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }
}

/// Reads one request and answers it; each has a connection of its own.
async fn answer(mut stream: TcpStream, text: &str) {
    let mut read = [0; 4096];
    let mut request = Vec::new();
    while !request.ends_with(b"}") {
        let count = stream.read(&mut read).await.unwrap();
        assert!(count > 0, "the request broke off");
        request.extend(read.iter().take(count));
    }
    stream.write_all(text.as_bytes()).await.unwrap();
}

fn url(address: SocketAddr) -> BridgeUrl {
    BridgeUrl::parse(&format!("d1+http://{address}")).unwrap()
}

fn database(url: &BridgeUrl) -> BridgeDatabase {
    BridgeDatabase::new(url, &BridgeSecret::parse(&"s".repeat(32)).unwrap()).unwrap()
}

/// The answer with that status line and body.
fn http(status: &str, body: &str) -> &'static str {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}").leak()
}

async fn read(database: &BridgeDatabase) -> Result<Vec<Row>> {
    Ok(database.read(Statement::new("SELECT 7 AS n"), None).await?.value)
}

async fn write(database: &BridgeDatabase) -> Result<Vec<Outcome>> {
    Ok(database.write(vec![Statement::new("DELETE FROM t")], None).await?.value)
}

#[tokio::test]
async fn a_read_whose_answer_was_lost_is_made_again() {
    let answers = vec!["", http("502 Bad Gateway", "<html>"), http("200 OK", ROWS)].leak();
    let place = Place::with(answers).await;
    let mut rows = read(&place.database()).await.unwrap();
    assert_eq!(rows[0].take::<i64>("n").unwrap(), 7);
    assert_eq!(place.calls(), 3);
}

#[tokio::test]
async fn a_write_whose_answer_was_lost_is_not_made_again() {
    for lost in ["", http("502 Bad Gateway", "<html>")] {
        let place = Place::with(vec![lost, http("200 OK", ROWS)].leak()).await;
        let refused = write(&place.database()).await;
        assert!(matches!(refused, Err(Error::Unavailable(_))), "{refused:?}");
        assert_eq!(place.calls(), 1);
    }
}

#[tokio::test]
async fn what_the_bridge_itself_answers_is_final() {
    let overloaded =
        http("503 Service Unavailable", r#"{"error":"D1 DB is overloaded","class":"overloaded"}"#);
    let place = Place::with(vec![overloaded].leak()).await;
    assert!(matches!(read(&place.database()).await, Err(Error::Overloaded(_))));
    assert!(matches!(write(&place.database()).await, Err(Error::Overloaded(_))));
    assert_eq!(place.calls(), 2);
}

#[tokio::test]
async fn a_bridge_that_is_away_is_unavailable_and_its_url_is_named() {
    let address = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let url = url(address);
    assert!(matches!(read(&database(&url)).await, Err(Error::Unavailable(_))));
    assert!(matches!(write(&database(&url)).await, Err(Error::Unavailable(_))));
    let refused = database(&url).check(&url).await.unwrap_err().to_string();
    assert!(refused.starts_with(&format!("the D1 bridge at {url} cannot be used: ")), "{refused}");
}

#[tokio::test]
async fn what_is_no_bridge_is_named() {
    for answer in
        [http("404 Not Found", "<html>"), http("200 OK", "<html>"), http("403 Forbidden", r#"{"error":"x"}"#)]
    {
        let place = Place::with(vec![answer].leak()).await;
        let refused = place.database().check(&place.url).await.unwrap_err();
        assert!(matches!(refused, BridgeError::NoBridge { .. }), "{refused:?}");
        assert!(matches!(read(&place.database()).await, Err(Error::Broken(_))));
    }
}

#[tokio::test]
async fn an_answer_with_the_wrong_number_of_outcomes_is_broken() {
    let place = Place::with(vec![http("200 OK", r#"{"outcomes":[]}"#)].leak()).await;
    assert!(matches!(read(&place.database()).await, Err(Error::Broken(_))));
}
