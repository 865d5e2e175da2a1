//! Entity tags (RFC 9110 section 8.8.3) as they stand in headers.

/// What an `If-Match` or `If-None-Match` header says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EntityTags {
    /// `*`: whatever there is.
    Any,
    /// The tags in the order in which they were sent; at least one.
    Listed(Vec<EntityTag>),
}

/// One entity tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntityTag {
    /// What stands between the quotes.
    pub value: String,
    /// Marked `W/`: good enough to say that a copy is current, not to combine byte ranges of two answers.
    pub weak: bool,
}

impl EntityTags {
    /// Reads `*`, or tags with commas between them. `None` if it is neither.
    #[must_use]
    pub fn parse(header: &str) -> Option<Self> {
        if header.trim() == "*" {
            return Some(Self::Any);
        }
        let mut tags = Vec::new();
        let mut rest = header;
        loop {
            rest = rest.trim_start_matches([' ', '\t', ',']);
            if rest.is_empty() {
                return (!tags.is_empty()).then_some(Self::Listed(tags));
            }
            let (tag, after) = EntityTag::split(rest)?;
            tags.push(tag);
            rest = after.trim_start();
            if !rest.is_empty() && !rest.starts_with(',') {
                return None;
            }
        }
    }
}

impl EntityTag {
    /// Reads exactly one tag. `None` if it is not one.
    #[must_use]
    pub fn parse(header: &str) -> Option<Self> {
        Self::split(header.trim()).filter(|(_, rest)| rest.is_empty()).map(|(tag, _)| tag)
    }

    fn split(text: &str) -> Option<(Self, &str)> {
        let (weak, quoted) = text.strip_prefix("W/").map_or((false, text), |quoted| (true, quoted));
        let (value, rest) = quoted.strip_prefix('"')?.split_once('"')?;
        Some((Self { value: value.to_owned(), weak }, rest))
    }
}

/// The bare tag as a header writes it.
#[must_use]
pub fn quote(bare: &str) -> String {
    format!("\"{bare}\"")
}
