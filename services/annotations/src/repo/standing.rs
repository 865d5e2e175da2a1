//! Where a stream must stand for its boxes to be stored.

use storage::{Id, Statement};

use crate::ingest::{Offset, StreamId};

/// A place that the caller's stream `stream_id` must stand at, with the writer that it must have.
#[derive(Clone, Copy, Debug)]
pub(super) struct Standing<'a> {
    pub(super) stream_id: &'a StreamId,
    pub(super) writer: Id,
    pub(super) next_offset: Offset,
}

/// Binds what a statement asks of the stream: its name, its writer and its offset, or three nulls where it asks nothing.
pub(super) fn bind(statement: Statement, standing: Option<Standing<'_>>) -> Statement {
    statement
        .bind(standing.map(|standing| standing.stream_id.as_str()))
        .bind(standing.map(|standing| standing.writer.to_string()))
        .bind(standing.map(|standing| standing.next_offset.get()))
}
