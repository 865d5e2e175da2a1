//! The body of an object that is still being received, as a stream for the object store.

use std::future::poll_fn;

use bytes::Bytes;
use futures_channel::mpsc;
use futures_util::stream::{self, StreamExt as _};
use storage::ByteStream;

/// The sender of the chunks of a body. Each chunk waits until the store has accepted the previous one.
pub(crate) struct BodySender(mpsc::Sender<Piece>);

enum Piece {
    Chunk(Bytes),
    End,
}

/// Makes a body, and the sender of its chunks.
pub(crate) fn channel() -> (BodySender, ByteStream) {
    let (sender, pieces) = mpsc::channel(0);
    (BodySender(sender), Box::pin(stream::unfold(Some(pieces), next_chunk)))
}

/// If the sender is dropped before [`BodySender::finish`], the body ends with an error, so that a part of an object is never
/// stored as the whole.
async fn next_chunk(
    pieces: Option<mpsc::Receiver<Piece>>,
) -> Option<(storage::Result<Bytes>, Option<mpsc::Receiver<Piece>>)> {
    let mut pieces = pieces?;
    match pieces.next().await {
        Some(Piece::Chunk(chunk)) => Some((Ok(chunk), Some(pieces))),
        Some(Piece::End) => None,
        None => Some((Err(storage::Error::Body("the upload was aborted".into())), None)),
    }
}

impl BodySender {
    /// Sends a chunk.
    pub(crate) async fn send(&mut self, chunk: Bytes) -> storage::Result<()> {
        self.send_piece(Piece::Chunk(chunk)).await
    }

    /// Completes the body.
    pub(crate) async fn finish(mut self) -> storage::Result<()> {
        self.send_piece(Piece::End).await
    }

    async fn send_piece(&mut self, piece: Piece) -> storage::Result<()> {
        poll_fn(|context| self.0.poll_ready(context)).await.map_err(storage::Error::broken)?;
        self.0.start_send(piece).map_err(storage::Error::broken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_body_ends_without_an_error_only_if_it_was_finished() {
        let (mut sender, body) = channel();
        sender.send(Bytes::from_static(b"ab")).await.unwrap();
        let (chunks, finished) = futures_util::join!(body.collect::<Vec<_>>(), sender.finish());
        assert!(finished.is_ok() && matches!(chunks.as_slice(), [Ok(chunk)] if chunk == "ab"));

        let (mut sender, body) = channel();
        sender.send(Bytes::from_static(b"ab")).await.unwrap();
        drop(sender);
        let chunks: Vec<_> = body.collect().await;
        assert!(matches!(chunks.as_slice(), [Ok(_), Err(storage::Error::Body(_))]));
    }

    #[tokio::test]
    async fn the_sender_fails_if_the_store_stops_reading() {
        let (mut sender, body) = channel();
        drop(body);
        assert!(sender.send(Bytes::from_static(b"ab")).await.is_err());
    }
}
