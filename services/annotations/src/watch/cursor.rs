//! How far a watcher has come, and the token that says so.

use storage::Id;

use crate::{
    annotation::{AnnotationId, ImageId},
    repo::history::Position,
};

/// How far a watcher has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cursor {
    /// It knows nothing.
    Start,
    /// It knows the boxes up to this id, as they were when the history stood there.
    Snapshot { after: AnnotationId, since: Position },
    /// It knows everything before this position.
    Live(Position),
}

impl Cursor {
    /// What `resume_token` says.
    pub(crate) fn token(self, image_id: ImageId) -> String {
        let text = match self {
            Self::Start => return String::new(),
            Self::Snapshot { after, since } => format!("s{after}{}", position_text(since)),
            Self::Live(position) => format!("l{}", position_text(position)),
        };
        aip::token::seal(&text, &query(image_id))
    }

    /// The cursor of a token that was made for the same image.
    pub(crate) fn parse(token: &str, image_id: ImageId) -> Option<Self> {
        if token.is_empty() {
            return Some(Self::Start);
        }
        let text = aip::token::open(token, &query(image_id))?;
        if let Some(position) = text.strip_prefix('l') {
            return parse_position(position).map(Self::Live);
        }
        let (after, since) = text.strip_prefix('s')?.split_at_checked(ID_WIDTH)?;
        Some(Self::Snapshot { after: parse_id(after)?, since: parse_position(since)? })
    }
}

/// The digits of an id.
const ID_WIDTH: usize = 32;

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
    Some(Position { seq: seq.parse().ok().filter(|seq| *seq >= 0)?, above })
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
        let after = AnnotationId(id("0190a0b0c0d07abc8000000000000003"));
        let (whole, within) = (Position::behind(41), Position { seq: 7, above: Some(after) });
        for cursor in [
            Cursor::Start,
            Cursor::Live(whole),
            Cursor::Live(within),
            Cursor::Snapshot { after, since: whole },
        ] {
            assert_eq!(Cursor::parse(&cursor.token(cat), cat), Some(cursor));
        }
        for wrong in [Cursor::Live(whole).token(dog), "AAAA".to_owned(), "ä".to_owned()] {
            assert_eq!(Cursor::parse(&wrong, cat), None, "{wrong}");
        }
    }
}
