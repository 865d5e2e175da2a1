//! How far a watcher has come, and the token that says so.

use std::fmt::Write as _;

use storage::Id;

use super::seen::Seen;
use crate::{
    annotation::{AnnotationId, ImageId},
    repo::history::Position,
};

/// The digits of an id.
const ID_WIDTH: usize = 32;

/// How far a watcher has come.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cursor {
    /// Where it is in the history; `None` until it has been told all boxes.
    pub(super) position: Option<Position>,
    /// What it has been told of the boxes, as far as that matters still.
    pub(super) seen: Seen,
}

impl Cursor {
    /// Has come to `position`.
    pub(super) fn go_on(&mut self, position: Position) {
        self.position = Some(position);
        self.seen.forget_before(position);
    }

    /// What `resume_token` says.
    pub(super) fn token(&self, image_id: ImageId) -> String {
        if *self == Self::default() {
            return String::new();
        }
        let mut text = self.position.map_or_else(String::new, position_text);
        for (last, newest) in &self.seen.pages {
            // Writing to a text cannot fail.
            let _ = write!(text, ",{last}{newest}");
        }
        if self.seen.rest > 0 {
            let _ = write!(text, ";{}", self.seen.rest);
        }
        aip::token::seal(&text, &query(image_id))
    }

    /// The cursor of a token that was made for the same image.
    pub(crate) fn parse(token: &str, image_id: ImageId) -> Option<Self> {
        if token.is_empty() {
            return Some(Self::default());
        }
        let text = aip::token::open(token, &query(image_id))?;
        let (text, rest) = text.split_once(';').unwrap_or((&text, "0"));
        let mut parts = text.split(',');
        let position = match parts.next()? {
            "" => None,
            position => Some(parse_position(position)?),
        };
        let pages = parts.map(parse_page).collect::<Option<Vec<_>>>()?;
        Some(Self { position, seen: Seen { pages, rest: rest.parse().ok()? } })
    }
}

fn query(image_id: ImageId) -> String {
    format!("watch {image_id}")
}

fn position_text(position: Position) -> String {
    let above = position.above.map(|id| format!(".{id}")).unwrap_or_default();
    format!("{}{above}", position.seq)
}

fn parse_position(text: &str) -> Option<Position> {
    let (seq, above) = text.split_once('.').map_or((text, None), |(seq, above)| (seq, Some(above)));
    let above = match above {
        Some(text) => Some(parse_id(text)?),
        None => None,
    };
    Some(Position { seq: parse_seq(seq)?, above })
}

fn parse_page(text: &str) -> Option<(AnnotationId, i64)> {
    let (last, newest) = text.split_at_checked(ID_WIDTH)?;
    Some((parse_id(last)?, parse_seq(newest)?))
}

fn parse_seq(text: &str) -> Option<i64> {
    text.parse().ok().filter(|seq| *seq >= 0)
}

fn parse_id(text: &str) -> Option<AnnotationId> {
    text.parse::<Id>().ok().map(AnnotationId)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_read_as_what_it_was_made_of_and_for_its_image_only() {
        let id = |text: &str| text.parse::<Id>().unwrap();
        let (cat, dog) = (
            ImageId(id("0190a0b0c0d07abc8000000000000001")),
            ImageId(id("0190a0b0c0d07abc8000000000000002")),
        );
        let last = AnnotationId(id("0190a0b0c0d07abc8000000000000003"));
        let whole = Some(Position::behind(41));
        let within = Some(Position { seq: 7, above: Some(last) });
        let pages = vec![(last, 0), (last, 12)];
        for (position, pages, rest) in [
            (None, vec![], 0),
            (whole, vec![], 0),
            (within, vec![], 0),
            (None, pages.clone(), 0),
            (whole, pages, 9),
        ] {
            let cursor = Cursor { position, seen: Seen { pages, rest } };
            assert_eq!(Cursor::parse(&cursor.token(cat), cat), Some(cursor));
        }
        let live = Cursor { position: whole, ..Cursor::default() };
        for wrong in [live.token(dog), "AAAA".to_owned(), "ä".to_owned()] {
            assert_eq!(Cursor::parse(&wrong, cat), None, "{wrong}");
        }
    }
}
