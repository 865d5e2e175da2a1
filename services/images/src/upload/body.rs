//! The body of an object that is still being received.

use std::future::poll_fn;

use bytes::Bytes;
use futures_channel::mpsc;
use futures_util::stream::{self, StreamExt as _};
use storage::ByteStream;

/// Where the chunks of a body go in. Each waits until the store has taken the one before.
pub(crate) struct BodySender(mpsc::Sender<Piece>);

enum Piece {
    Chunk(Bytes),
    End,
}

/// A body, and the end to feed it by.
pub(crate) fn channel() -> (BodySender, ByteStream) {
    let (sender, pieces) = mpsc::channel(0);
    (BodySender(sender), Box::pin(stream::unfold(Some(pieces), next_chunk)))
}

/// A body that was not ended by its sender ends with an error: what came of it must never look like all of it.
async fn next_chunk(
    pieces: Option<mpsc::Receiver<Piece>>,
) -> Option<(storage::Result<Bytes>, Option<mpsc::Receiver<Piece>>)> {
    let mut pieces = pieces?;
    match pieces.next().await {
        Some(Piece::Chunk(chunk)) => Some((Ok(chunk), Some(pieces))),
        Some(Piece::End) => None,
        None => Some((Err(storage::Error::Body("the upload was given up".into())), None)),
    }
}

impl BodySender {
    /// Adds a chunk.
    pub(crate) async fn send(&mut self, chunk: Bytes) -> storage::Result<()> {
        self.pass(Piece::Chunk(chunk)).await
    }

    /// Says that the body is complete.
    pub(crate) async fn finish(mut self) -> storage::Result<()> {
        self.pass(Piece::End).await
    }

    async fn pass(&mut self, piece: Piece) -> storage::Result<()> {
        poll_fn(|context| self.0.poll_ready(context)).await.map_err(storage::Error::broken)?;
        self.0.start_send(piece).map_err(storage::Error::broken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_body_ends_well_only_when_it_was_finished() {
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
    async fn a_store_that_stopped_reading_fails_the_sender() {
        let (mut sender, body) = channel();
        drop(body);
        assert!(sender.send(Bytes::from_static(b"ab")).await.is_err());
    }
}
