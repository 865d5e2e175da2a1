//! Calls to a bridge that fails, or to another server.

use std::{
    net::SocketAddr,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures_util::{
    FutureExt as _,
    future::{Either, join_all, select},
};
use runtime::CallerShare;
use storage::{Database, Error, Outcome, Result, Row, Statement};
use storage_native::{BridgeDatabase, BridgeSecret, BridgeUrl, bridge::BridgeError};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    time::timeout,
};

/// A bridge's response to a read.
const ROWS: &str = r#"{"outcomes":[{"changes":0,"rows":[["n"],[7]]}],"bookmark":"0-1"}"#;

/// A server at a bridge's address, and the number of calls to it.
struct FakeBridge {
    url: BridgeUrl,
    calls: Arc<AtomicUsize>,
}

impl FakeBridge {
    /// Sends one of `responses` to each call, and the last one to all further calls. An empty one closes the connection.
    #[expect(clippy::disallowed_methods, reason = "it ends with the test's runtime")]
    async fn start(responses: &'static [&'static str]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = url(listener.local_addr().unwrap());
        let calls = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&calls);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let call = counted.fetch_add(1, Ordering::SeqCst);
                let text = responses.get(call).or(responses.last()).unwrap();
                respond(stream, text).await;
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

/// Reads one request and sends `text` as its response; each request has its own connection.
async fn respond(mut stream: TcpStream, text: &str) {
    read_request(&mut stream).await;
    stream.write_all(text.as_bytes()).await.unwrap();
}

async fn read_request(stream: &mut TcpStream) -> Vec<u8> {
    let mut read = [0; 4096];
    let mut request = Vec::new();
    while !request.ends_with(b"}") {
        let count = stream.read(&mut read).await.unwrap();
        assert!(count > 0, "the request ended early");
        request.extend(read.iter().take(count));
    }
    request
}

fn url(address: SocketAddr) -> BridgeUrl {
    BridgeUrl::parse(&format!("d1+http://{address}")).unwrap()
}

fn database(url: &BridgeUrl) -> BridgeDatabase {
    let secret = BridgeSecret::parse(&"s".repeat(32)).unwrap();
    BridgeDatabase::new(url, &secret, CallerShare::DEFAULT).unwrap()
}

/// A response with this status line and body.
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
async fn a_read_whose_response_was_lost_is_retried() {
    let responses = vec!["", http("502 Bad Gateway", "<html>"), http("200 OK", ROWS)].leak();
    let bridge = FakeBridge::start(responses).await;
    let mut rows = read(&bridge.database()).await.unwrap();
    assert_eq!(rows[0].take::<i64>("n").unwrap(), 7);
    assert_eq!(bridge.calls(), 3);
}

#[tokio::test]
async fn a_write_whose_response_was_lost_is_not_retried() {
    for lost in ["", http("502 Bad Gateway", "<html>")] {
        let bridge = FakeBridge::start(vec![lost, http("200 OK", ROWS)].leak()).await;
        let error = write(&bridge.database()).await;
        assert!(matches!(error, Err(Error::Unavailable(_))), "{error:?}");
        assert_eq!(bridge.calls(), 1);
    }
}

#[tokio::test]
async fn a_failure_that_the_bridge_reports_is_not_retried() {
    let overloaded =
        http("503 Service Unavailable", r#"{"error":"D1 DB is overloaded","class":"overloaded"}"#);
    let bridge = FakeBridge::start(vec![overloaded].leak()).await;
    assert!(matches!(read(&bridge.database()).await, Err(Error::Overloaded(_))));
    assert!(matches!(write(&bridge.database()).await, Err(Error::Overloaded(_))));
    assert_eq!(bridge.calls(), 2);
}

#[tokio::test]
async fn a_bridge_that_cannot_be_reached_is_unavailable_and_its_url_is_reported() {
    let address = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let url = url(address);
    assert!(matches!(read(&database(&url)).await, Err(Error::Unavailable(_))));
    assert!(matches!(write(&database(&url)).await, Err(Error::Unavailable(_))));
    let error = database(&url).check(&url).await.unwrap_err().to_string();
    assert!(error.starts_with(&format!("the D1 bridge at {url} cannot be used: ")), "{error}");
}

#[tokio::test]
async fn a_server_that_is_not_a_bridge_is_reported() {
    for response in
        [http("404 Not Found", "<html>"), http("200 OK", "<html>"), http("403 Forbidden", r#"{"error":"x"}"#)]
    {
        let bridge = FakeBridge::start(vec![response].leak()).await;
        let error = bridge.database().check(&bridge.url).await.unwrap_err();
        assert!(matches!(error, BridgeError::NotABridge { .. }), "{error:?}");
        assert!(matches!(read(&bridge.database()).await, Err(Error::Broken(_))));
    }
}

#[tokio::test]
async fn a_response_with_the_wrong_number_of_outcomes_is_broken() {
    let bridge = FakeBridge::start(vec![http("200 OK", r#"{"outcomes":[]}"#)].leak()).await;
    assert!(matches!(read(&bridge.database()).await, Err(Error::Broken(_))));
}

/// Given more calls of several callers than the adapter makes at a time, which have started and are then not polled, as for
/// clients that do not read their responses, when another caller reads, then it does not wait for those.
#[tokio::test]
async fn a_call_that_is_not_polled_does_not_block_others() {
    let bridge = FakeBridge::start(vec![http("200 OK", ROWS)].leak()).await;
    let database = bridge.database();
    let callers: Vec<_> = (0..100).map(|n| database.for_caller(&n.to_string())).collect();
    let mut unpolled: Vec<_> = callers.iter().map(|database| Box::pin(read(database))).collect();
    for call in &mut unpolled {
        assert!(call.now_or_never().is_none(), "the call must have started, and not ended");
    }

    let rows = timeout(Duration::from_secs(5), read(&database)).await;

    assert!(rows.as_ref().is_ok_and(Result::is_ok), "{rows:?}");
    assert!(join_all(unpolled).await.iter().all(Result::is_ok));
}

/// Given a bridge that does not respond, and a caller with more calls than the adapter makes at a time, when another caller
/// reads, then its call reaches the bridge.
#[tokio::test]
async fn a_caller_with_many_calls_does_not_keep_others_from_the_bridge() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let database = database(&url(listener.local_addr().unwrap()));
    let (much, little) = (database.for_caller("much"), database.for_caller("little"));
    let mut many: Vec<_> = (0..100).map(|_| Box::pin(read(&much))).collect();
    for call in &mut many {
        assert!(call.now_or_never().is_none());
    }
    let mut connections = Vec::new();

    let one = pin!(little.read(Statement::new("SELECT 8 AS n"), None));
    let received = pin!(async {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let request = read_request(&mut stream).await;
            connections.push(stream);
            if request.ends_with(br#"{"sql":"SELECT 8 AS n"}]}"#) {
                return;
            }
        }
    });

    assert!(matches!(select(one, received).await, Either::Right(_)), "the call ended before it was sent");
}
