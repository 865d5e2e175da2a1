//! How far a watcher has come, and the token that says so.

use aip::{InvalidToken, SealedToken, Sealer};
use prost::Message;
use storage::Id;

use super::{
    feed::Head,
    seen::{MAX_PAGES, Seen},
};
use crate::{
    annotation::{AnnotationId, ImageId},
    repo::history::{Position, Record},
};

/// How far a watcher has come.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cursor {
    /// Where it is in the change log; `None` until it has been told all boxes.
    pub(super) position: Option<Position>,
    /// The newest record of the log when it was read last: whether it is still there tells whether what the watcher knows
    /// still holds. `None` until the log was read.
    pub(super) anchor: Option<Record>,
    /// What it has been told of the boxes, as far as that matters still.
    pub(super) seen: Seen,
}

/// Where a call begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Begin {
    /// With all boxes, or behind what the caller's token says.
    At(Cursor),
    /// With `reset`: the caller knows something, and nothing is known of that.
    Anew,
}

impl Begin {
    /// Where a call with `token` begins.
    ///
    /// # Errors
    /// It never was a token, or is one of another image.
    pub(crate) fn by_token(token: &str, image_id: ImageId, sealer: &Sealer) -> Result<Self, InvalidToken> {
        if token.is_empty() {
            return Ok(Self::At(Cursor::default()));
        }
        match sealer.open(token, "") {
            Ok(content) => Content::parse(&content, image_id).map(Self::At).ok_or(InvalidToken::Foreign),
            // One of another key or of an earlier release.
            Err(InvalidToken::Foreign) => Ok(Self::Anew),
            Err(InvalidToken::Malformed) => Err(InvalidToken::Malformed),
        }
    }

    /// Where a call begins whose token a browser sent by itself: anew wherever it says nothing, for a browser that is
    /// answered by an error never comes back.
    pub(crate) fn by_event_id(id: &str, image_id: ImageId, sealer: &Sealer) -> Self {
        Self::by_token(id, image_id, sealer).unwrap_or(Self::Anew)
    }
}

impl Cursor {
    /// Has come to `position`.
    pub(super) fn go_on(&mut self, position: Position) {
        self.position = Some(position);
        self.seen.forget_before(position);
    }

    /// Has read the log up to `head`.
    pub(super) fn read_up_to(&mut self, head: Head) {
        self.anchor = head.anchor;
        self.go_on(head.next);
    }

    /// What `resume_token` says; nothing at the beginning.
    pub(crate) fn token(&self, image_id: ImageId, sealer: &Sealer) -> Option<SealedToken> {
        (*self != Self::default()).then(|| sealer.seal(&Content::of(self, image_id).encode_to_vec(), ""))
    }
}

/// What a token holds.
#[derive(Clone, PartialEq, Message)]
struct Content {
    #[prost(string, tag = "1")]
    image_id: String,
    #[prost(int64, optional, tag = "2")]
    seq: Option<i64>,
    #[prost(string, optional, tag = "3")]
    above: Option<String>,
    #[prost(int64, optional, tag = "4")]
    anchor_seq: Option<i64>,
    #[prost(int64, optional, tag = "5")]
    anchor_mark: Option<i64>,
    /// See [`Seen`]; in two lists of the same length.
    #[prost(string, repeated, tag = "6")]
    page_ends: Vec<String>,
    #[prost(int64, repeated, tag = "7")]
    pages_newest: Vec<i64>,
    #[prost(int64, tag = "8")]
    rest: i64,
}

impl Content {
    fn of(cursor: &Cursor, image_id: ImageId) -> Self {
        let Cursor { position, anchor, seen } = cursor;
        Self {
            image_id: image_id.to_string(),
            seq: position.map(|position| position.seq),
            above: position.and_then(|position| position.above).map(|id| id.to_string()),
            anchor_seq: anchor.map(|anchor| anchor.seq),
            anchor_mark: anchor.map(|anchor| anchor.mark),
            page_ends: seen.pages.iter().map(|(last, _)| last.to_string()).collect(),
            pages_newest: seen.pages.iter().map(|(_, newest)| *newest).collect(),
            rest: seen.rest,
        }
    }

    /// The cursor of a token of `image_id`; `None` if it is another image's.
    fn parse(bytes: &[u8], image_id: ImageId) -> Option<Cursor> {
        let content = Self::decode(bytes).ok()?;
        let is_whole = content.page_ends.len() == content.pages_newest.len();
        if content.image_id != image_id.to_string() || !is_whole || content.page_ends.len() > MAX_PAGES {
            return None;
        }
        let above = content.above.as_deref().map(parse_id);
        let above = if let Some(above) = above { Some(above?) } else { None };
        let ends = content.page_ends.iter().map(|end| parse_id(end)).collect::<Option<Vec<_>>>()?;
        let anchor = content.anchor_seq.zip(content.anchor_mark);
        Some(Cursor {
            position: content.seq.map(|seq| Position { seq, above }),
            anchor: anchor.map(|(seq, mark)| Record { seq, mark }),
            seen: Seen { pages: ends.into_iter().zip(content.pages_newest).collect(), rest: content.rest },
        })
    }
}

fn parse_id(text: &str) -> Option<AnnotationId> {
    text.parse::<Id>().ok().map(AnnotationId)
}

#[cfg(test)]
mod tests {
    use aip::{MAX_TOKEN_CHARACTERS, TokenKey};

    use super::*;

    fn id(text: &str) -> Id {
        text.parse().unwrap()
    }

    fn images() -> (ImageId, ImageId) {
        (ImageId(id("0190a0b0c0d07abc8000000000000001")), ImageId(id("0190a0b0c0d07abc8000000000000002")))
    }

    fn sealer() -> Sealer {
        TokenKey::new([7; 32]).sealer("watch")
    }

    fn token(cursor: &Cursor, image_id: ImageId) -> String {
        cursor.token(image_id, &sealer()).unwrap().into()
    }

    #[test]
    fn a_token_is_read_as_what_it_was_made_of() {
        let (cat, _) = images();
        let last = AnnotationId(id("0190a0b0c0d07abc8000000000000003"));
        let whole = Some(Position::behind(41));
        let within = Some(Position { seq: 7, above: Some(last) });
        let pages = vec![(last, 0), (last, 12)];
        let anchor = Some(Record { seq: 44, mark: (1 << 52) - 1 });
        for (position, pages, rest) in [
            (None, vec![], 0),
            (whole, vec![], 0),
            (within, vec![], 0),
            (None, pages.clone(), 0),
            (whole, pages, 9),
        ] {
            let cursor = Cursor { position, anchor, seen: Seen { pages, rest } };
            let begin = Begin::by_token(&token(&cursor, cat), cat, &sealer());
            assert_eq!(begin, Ok(Begin::At(cursor)));
        }
        assert_eq!(Begin::by_token("", cat, &sealer()), Ok(Begin::At(Cursor::default())));
        assert_eq!(Cursor::default().token(cat, &sealer()), None);
    }

    #[test]
    fn a_token_of_another_image_is_an_error_and_one_of_another_server_a_new_beginning() {
        let (cat, dog) = images();
        let live = Cursor { position: Some(Position::behind(41)), ..Cursor::default() };
        assert_eq!(Begin::by_token(&token(&live, dog), cat, &sealer()), Err(InvalidToken::Foreign));
        let others: String = live.token(cat, &TokenKey::new([8; 32]).sealer("watch")).unwrap().into();
        // Of a release whose tokens had a checksum that anybody could compute: `43` and 12 digits.
        let unsealed = "NDM3NzMzMGJiMWU4MjI";
        for foreign in [others.as_str(), unsealed] {
            assert_eq!(Begin::by_token(foreign, cat, &sealer()), Ok(Begin::Anew), "{foreign}");
        }
        let too_long = "A".repeat(MAX_TOKEN_CHARACTERS + 1);
        for malformed in ["nonsense", "ä", &too_long] {
            assert_eq!(Begin::by_token(malformed, cat, &sealer()), Err(InvalidToken::Malformed));
            assert_eq!(Begin::by_event_id(malformed, cat, &sealer()), Begin::Anew, "{malformed}");
        }
        assert_eq!(Begin::by_event_id(&token(&live, dog), cat, &sealer()), Begin::Anew);
    }

    #[test]
    fn the_longest_token_is_within_the_limit() {
        let (cat, _) = images();
        let last = AnnotationId(id("0190a0b0c0d07abc8000000000000003"));
        let record = Record { seq: i64::MAX, mark: (1 << 52) - 1 };
        let longest = Cursor {
            position: Some(Position { seq: i64::MAX, above: Some(last) }),
            anchor: Some(record),
            seen: Seen { pages: vec![(last, i64::MAX); MAX_PAGES], rest: i64::MAX },
        };
        let token = token(&longest, cat);
        assert!(token.len() <= MAX_TOKEN_CHARACTERS, "{}", token.len());
        assert_eq!(Begin::by_token(&token, cat, &sealer()), Ok(Begin::At(longest)));
    }
}
