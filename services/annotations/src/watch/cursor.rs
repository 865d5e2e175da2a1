//! The position of a watcher, and the resume token that encodes it.

use aip::{InvalidToken, SealedToken, Sealer};
use prost::Message;
use runtime::Id;

use super::{
    feed::Head,
    seen::{MAX_PAGES, Seen},
};
use crate::{
    annotation::{AnnotationId, ImageId},
    repo::change_log::{Position, Record},
};

/// The position of a watcher. The default is the beginning of the snapshot.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cursor {
    /// Its position in the change log; `None` during the snapshot.
    pub(super) position: Option<Position>,
    /// The newest record of the log at the last read. If the log no longer has it, what the watcher knows is invalid. `None`
    /// until the log was read.
    pub(super) anchor: Option<Record>,
    /// Which annotations of the snapshot were sent, as long as later changes must be compared with them.
    pub(super) seen: Seen,
}

/// How a call begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum WatchStart {
    /// With all annotations, or after the position in the caller's token.
    At(Cursor),
    /// With `reset`: it is not known what the caller has received before.
    Reset,
}

impl WatchStart {
    /// Decodes a `resume_token`.
    ///
    /// # Errors
    /// The text is not a token, or it is a token of another image.
    pub(crate) fn from_token(token: &str, image_id: ImageId, sealer: &Sealer) -> Result<Self, InvalidToken> {
        if token.is_empty() {
            return Ok(Self::At(Cursor::default()));
        }
        match sealer.open(token, "") {
            Ok(content) => Content::parse(&content, image_id).map(Self::At).ok_or(InvalidToken::Foreign),
            // Of another key or of an earlier release.
            Err(InvalidToken::Foreign) => Ok(Self::Reset),
            Err(InvalidToken::Malformed) => Err(InvalidToken::Malformed),
        }
    }

    /// Decodes the `last_event_id` that a browser sent by itself. An invalid one leads to `reset`, because a browser does not
    /// reconnect after an error response.
    pub(crate) fn from_event_id(id: &str, image_id: ImageId, sealer: &Sealer) -> Self {
        Self::from_token(id, image_id, sealer).unwrap_or(Self::Reset)
    }
}

impl Cursor {
    /// Moves to `position`.
    pub(super) fn move_to(&mut self, position: Position) {
        self.position = Some(position);
        self.seen.forget_before(position);
    }

    /// Moves to `head`, the end of the log at the last read.
    pub(super) fn move_to_head(&mut self, head: Head) {
        self.anchor = head.anchor;
        self.move_to(head.next);
    }

    /// The resume token of this position; `None` at the beginning.
    pub(crate) fn token(&self, image_id: ImageId, sealer: &Sealer) -> Option<SealedToken> {
        (*self != Self::default()).then(|| sealer.seal(&Content::of(self, image_id).encode_to_vec(), ""))
    }
}

/// The content of a resume token, encoded as protobuf.
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
    /// `Seen::pages`, as two lists of the same length: the last annotation of each page, and the newest record.
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
    fn a_decoded_token_is_the_encoded_cursor() {
        let (cat, _) = images();
        let last = AnnotationId(id("0190a0b0c0d07abc8000000000000003"));
        let whole = Some(Position::after(41));
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
            let start = WatchStart::from_token(&token(&cursor, cat), cat, &sealer());
            assert_eq!(start, Ok(WatchStart::At(cursor)));
        }
        assert_eq!(WatchStart::from_token("", cat, &sealer()), Ok(WatchStart::At(Cursor::default())));
        assert_eq!(Cursor::default().token(cat, &sealer()), None);
    }

    #[test]
    fn a_token_of_another_image_is_rejected_and_a_token_of_another_key_resets() {
        let (cat, dog) = images();
        let live = Cursor { position: Some(Position::after(41)), ..Cursor::default() };
        assert_eq!(WatchStart::from_token(&token(&live, dog), cat, &sealer()), Err(InvalidToken::Foreign));
        let others: String = live.token(cat, &TokenKey::new([8; 32]).sealer("watch")).unwrap().into();
        // Of an earlier release, whose tokens had a checksum without a key: `43` and 12 digits.
        let unsealed = "NDM3NzMzMGJiMWU4MjI";
        for foreign in [others.as_str(), unsealed] {
            assert_eq!(WatchStart::from_token(foreign, cat, &sealer()), Ok(WatchStart::Reset), "{foreign}");
        }
        let too_long = "A".repeat(MAX_TOKEN_CHARACTERS + 1);
        for malformed in ["nonsense", "ä", &too_long] {
            assert_eq!(WatchStart::from_token(malformed, cat, &sealer()), Err(InvalidToken::Malformed));
            assert_eq!(
                WatchStart::from_event_id(malformed, cat, &sealer()),
                WatchStart::Reset,
                "{malformed}"
            );
        }
        assert_eq!(WatchStart::from_event_id(&token(&live, dog), cat, &sealer()), WatchStart::Reset);
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
        assert_eq!(WatchStart::from_token(&token, cat, &sealer()), Ok(WatchStart::At(longest)));
    }
}
