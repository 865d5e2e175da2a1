//! The condition under which a statement stores the annotations of a stream.

use runtime::Id;
use storage::Statement;

use crate::annotation::{Offset, StreamId};

/// The offset and the writer that the caller's stream `stream_id` must have when the statement runs.
#[derive(Clone, Copy, Debug)]
pub(super) struct StreamPosition<'a> {
    pub(super) stream_id: &'a StreamId,
    pub(super) writer: Id,
    pub(super) next_offset: Offset,
}

/// Binds the stream's name, writer and offset, or three nulls if there is no condition.
pub(super) fn bind(statement: Statement, position: Option<StreamPosition<'_>>) -> Statement {
    statement
        .bind(position.map(|position| position.stream_id.as_str()))
        .bind(position.map(|position| position.writer.to_string()))
        .bind(position.map(|position| position.next_offset.get()))
}
