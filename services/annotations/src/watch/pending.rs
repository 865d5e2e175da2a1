//! What was read for a watcher and is not sent yet.

use std::{sync::Arc, vec};

use proto::annotations::v1::{self as pb, watch_annotations_response::Event};

use super::Cursor;
use crate::{
    annotation::Annotation,
    repo::history::{Change, Position, What},
};

/// Part of a snapshot or of the changes. It becomes messages one at a time, when the transport asks for the next: so no more
/// than one message, with its token, is in memory for a watcher that reads slowly or not at all.
#[derive(Debug, Default)]
pub(super) enum Pending {
    #[default]
    Nothing,
    /// A page of the image's annotations, and the number of the newest record when it was read.
    Snapshot { page: vec::IntoIter<Annotation>, newest: i64, is_last: bool },
    /// Changes, and where the next ones begin.
    Changes { changes: vec::IntoIter<Arc<Change>>, next: Position },
}

impl Pending {
    /// The next event, with which `cursor` moves forward; `None` once everything is sent.
    pub(super) fn next(&mut self, cursor: &mut Cursor) -> Option<Event> {
        match self {
            Self::Nothing => None,
            Self::Snapshot { page, newest, is_last } => {
                if let Some(annotation) = page.next() {
                    cursor.seen.tell(annotation.id, *newest);
                    return Some(Event::Changed(Box::new(annotation.into())));
                }
                if *is_last {
                    cursor.position = Some(cursor.seen.end(*newest));
                }
                *self = Self::Nothing;
                None
            }
            Self::Changes { changes, next } => {
                for change in changes {
                    let is_news = !cursor.seen.shows(&change);
                    cursor.go_on(Position::behind_change(&change));
                    if let Some(event) = event_of(&change).filter(|_| is_news) {
                        return Some(event);
                    }
                }
                cursor.go_on(*next);
                *self = Self::Nothing;
                None
            }
        }
    }
}

/// The event of a change of an annotation.
fn event_of(change: &Change) -> Option<Event> {
    match &change.what {
        What::Changed(annotation) => Some(Event::Changed(Box::new(annotation.clone().into()))),
        What::Removed(id) => Some(Event::Removed(pb::Removed { id: id.to_string() })),
        What::Visibility => None,
    }
}
