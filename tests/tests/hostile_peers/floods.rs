//! Floods of HTTP/2 frames that are cheap for the sender, encoded by hand.

use std::{io, net::SocketAddr, time::Duration};

use anyhow::ensure;
use tests::Program;
use tokio::{io::AsyncWriteExt as _, net::TcpStream, time::timeout};

use super::cost;

/// The limit for the memory growth of the process during a flood.
const CEILING_KIB: u64 = 64 * 1024;
/// The size of a flood in bytes, if the server does not stop it.
const FLOOD: usize = 32 * 1024 * 1024;
/// How long a peer that does not read waits until it can write again.
const BLOCKED: Duration = Duration::from_secs(2);

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const CONTINUATION: u8 = 9;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

/// A frame (RFC 9113 section 4.1).
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let [_, length @ ..] = u32::try_from(payload.len()).unwrap_or_default().to_be_bytes();
    [&length[..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// A literal header field without indexing and Huffman coding (RFC 7541 section 6.2.2).
fn field(name: &str, value: &str) -> Vec<u8> {
    let text = |text: &str| {
        let length = u8::try_from(text.len()).unwrap_or_default();
        [&[length & 0x7f], text.as_bytes()].concat()
    };
    [vec![0], text(name), text(value)].concat()
}

fn get(path: &str) -> Vec<u8> {
    [field(":method", "GET"), field(":scheme", "http"), field(":authority", "a"), field(":path", path)]
        .concat()
}

async fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await?;
    stream.write_all(&frame(SETTINGS, 0, 0, &[])).await?;
    Ok(stream)
}

/// Writes frames until the flood is sent, the server closes the connection, or the server stops reading. Reads nothing.
async fn flood(address: SocketAddr, first: &[u8], mut next: impl FnMut(u32) -> Vec<u8>) -> io::Result<usize> {
    let mut stream = connect(address).await?;
    stream.write_all(first).await?;
    let (mut written, mut count) = (0, 0);
    while written < FLOOD {
        let mut frames = Vec::new();
        for _ in 0..64 {
            frames.extend(next(count));
            count += 1;
        }
        match timeout(BLOCKED, stream.write_all(&frames)).await {
            Ok(Ok(())) => written += frames.len(),
            Ok(Err(_)) | Err(_) => break,
        }
    }
    Ok(written)
}

/// Given floods of frames, then the server stops them or uses little memory for them, and other clients are served.
#[tokio::test(flavor = "multi_thread")]
async fn frame_floods_use_little_memory() -> anyhow::Result<()> {
    let program = Program::start(&[]).await?;
    let user = program.target().new_user();
    user.new_image().await?;
    let address = program.target().gateway;
    let odd = |count: u32| 2 * count + 1;
    let requests_that_are_reset = |count| {
        let head = frame(HEADERS, END_HEADERS | END_STREAM, odd(count), &get("/api/images"));
        [head, frame(RST_STREAM, 0, odd(count), &8_u32.to_be_bytes())].concat()
    };
    let requests_that_are_not_read =
        |count| frame(HEADERS, END_HEADERS | END_STREAM, odd(count), &get("/openapi.json"));
    let endless_head = frame(HEADERS, END_STREAM, 1, &get("/livez"));
    let more_of_it = |_| frame(CONTINUATION, 0, 1, &field("x-a", &"a".repeat(100)).repeat(100));
    let pings = |_| frame(PING, 0, 0, &[0; 8]);
    let settings = |_| frame(SETTINGS, 0, 0, &[0, 4, 0, 0, 0, 0]);
    let open = frame(HEADERS, END_HEADERS, 1, &[get("/livez"), field("content-length", "0")].concat());
    let empty_data = |_| frame(DATA, 0, 1, &[]);

    for name in ["resets", "unread", "head", "pings", "settings", "empty data"] {
        cost::reset_peak(&program)?;
        let before = cost::peak_kib(&program)?;
        let flooded = match name {
            "resets" => flood(address, &[], requests_that_are_reset).await,
            "unread" => flood(address, &[], requests_that_are_not_read).await,
            "head" => flood(address, &endless_head, more_of_it).await,
            "pings" => flood(address, &[], pings).await,
            "settings" => flood(address, &[], settings).await,
            _ => flood(address, &open, empty_data).await,
        };
        ensure!(user.get("/api/images").await?.status == 200, "{name}: others are not served");
        let grown = cost::peak_kib(&program)?.saturating_sub(before);
        ensure!(grown < CEILING_KIB, "{name}: {grown} KiB for {flooded:?} bytes");
    }
    Ok(())
}
