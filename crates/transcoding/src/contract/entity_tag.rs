//! Entity tags (RFC 9110 section 8.8.3) in headers.

/// The value of an `If-Match` or `If-None-Match` header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EntityTags {
    /// `*`: any current version.
    Any,
    /// The tags in the order in which they were sent; at least one.
    Listed(Vec<EntityTag>),
}

/// One entity tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntityTag {
    /// The text between the quotes.
    pub value: String,
    /// Marked `W/`: it can confirm that a copy is current, but not that byte ranges of two responses fit together.
    pub weak: bool,
}

impl EntityTags {
    /// Reads `*`, or a comma-separated list of tags. `None` if the header is neither.
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
    /// Reads exactly one tag. `None` if the header is anything else.
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

/// The tag in quotes, as headers have it.
#[must_use]
pub fn quote(bare: &str) -> String {
    format!("\"{bare}\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tag(value: &str, weak: bool) -> EntityTag {
        EntityTag { value: value.to_owned(), weak }
    }

    #[test]
    fn lists_of_tags_are_read() {
        let cases = [
            (" * ", EntityTags::Any),
            (r#""r1""#, EntityTags::Listed(vec![tag("r1", false)])),
            (r#"W/"r1""#, EntityTags::Listed(vec![tag("r1", true)])),
            (r#""""#, EntityTags::Listed(vec![tag("", false)])),
            (r#""a,b" , ,W/"c""#, EntityTags::Listed(vec![tag("a,b", false), tag("c", true)])),
            (r#""*""#, EntityTags::Listed(vec![tag("*", false)])),
        ];
        for (header, tags) in cases {
            assert_eq!(EntityTags::parse(header), Some(tags), "{header}");
        }
    }

    #[test]
    fn anything_else_is_rejected() {
        for header in
            ["", " ", ",", "r1", r#""r1"#, r#"w/"r1""#, r#""a""b""#, r#""a" b"#, r#"*, "a""#, r#"W/r1"#]
        {
            assert_eq!(EntityTags::parse(header), None, "{header}");
        }
        for header in ["", "*", r#""a", "b""#] {
            assert_eq!(EntityTag::parse(header), None, "{header}");
        }
    }
}
