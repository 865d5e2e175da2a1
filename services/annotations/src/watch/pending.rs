//! What was read for a watcher and not sent yet.

use std::{sync::Arc, vec};

use proto::annotations::v1::{self as pb, watch_annotations_response::Event};

use super::Cursor;
use crate::{
    annotation::Annotation,
    repo::change_log::{Change, ChangeKind, Position},
};

/// A page of a snapshot or of changes. Messages are made from it one at a time, when the transport polls for the next one. So
/// only one message with its token is in memory for a watcher that reads slowly or not at all.
#[derive(Debug, Default)]
pub(super) enum Pending {
    #[default]
    Nothing,
    /// A page of the image's annotations, and the sequence number of the newest record when it was read.
    Snapshot { page: vec::IntoIter<Annotation>, newest: i64, is_last: bool },
    /// Changes, and the position after them.
    Changes { changes: vec::IntoIter<Arc<Change>>, next: Position },
}

impl Pending {
    /// Returns the next event and moves `cursor` after it; `None` once everything was returned.
    pub(super) fn next(&mut self, cursor: &mut Cursor) -> Option<Event> {
        match self {
            Self::Nothing => None,
            Self::Snapshot { page, newest, is_last } => {
                if let Some(annotation) = page.next() {
                    cursor.seen.record(annotation.id, *newest);
                    return Some(Event::Changed(Box::new(annotation.into())));
                }
                if *is_last {
                    cursor.position = Some(cursor.seen.finish(*newest));
                }
                *self = Self::Nothing;
                None
            }
            Self::Changes { changes, next } => {
                for change in changes {
                    let is_new = !cursor.seen.includes(&change);
                    cursor.move_to(Position::after_change(&change));
                    if let Some(event) = event_of(&change).filter(|_| is_new) {
                        return Some(event);
                    }
                }
                cursor.move_to(*next);
                *self = Self::Nothing;
                None
            }
        }
    }
}

/// The event for a change; `None` for a change of the image's visibility.
fn event_of(change: &Change) -> Option<Event> {
    match &change.kind {
        ChangeKind::Changed(annotation) => Some(Event::Changed(Box::new(annotation.clone().into()))),
        ChangeKind::Removed(id) => Some(Event::Removed(pb::Removed { id: id.to_string() })),
        ChangeKind::Visibility => None,
    }
}
