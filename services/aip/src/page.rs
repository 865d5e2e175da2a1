//! Pages by keyset (AIP-158): a token holds the last id of its page and is bound to the query that made it.

use storage::Id;

use crate::{Sealer, Violation};

/// The parts of a list request that pages are made of.
#[derive(Clone, Copy, Debug)]
pub struct PageQuery<'a> {
    /// `page_size` as it was sent.
    pub page_size: i32,
    /// `page_token` as it was sent.
    pub page_token: &'a str,
    /// The size of a page where the caller does not say.
    pub default_size: u32,
    /// The largest page.
    pub max_size: u32,
    /// Everything else that the list depends on: a token made under another query is refused.
    pub query: &'a str,
    /// What opens the service's page tokens.
    pub sealer: &'a Sealer,
}

/// A page to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// How many records it holds at most. Read one more to know whether another page follows.
    pub size: u32,
    /// The last id of the page before.
    pub after: Option<Id>,
}

impl PageQuery<'_> {
    /// The page that was asked for.
    ///
    /// # Errors
    /// A negative size; a token that this server did not make for this query.
    pub fn parse(self) -> Result<Page, Violation> {
        let size =
            u32::try_from(self.page_size).map_err(|_| Violation::new("page_size", "must not be negative"))?;
        let size = if size == 0 { self.default_size } else { size.min(self.max_size) };
        if self.page_token.is_empty() {
            return Ok(Page { size, after: None });
        }
        let after = self.after().ok_or_else(|| {
            let rule = "must be the next_page_token of the same query, as this server gave it: list again from the first page";
            Violation::new("page_token", rule)
        })?;
        Ok(Page { size, after: Some(after) })
    }

    fn after(&self) -> Option<Id> {
        let content = self.sealer.open(self.page_token, self.query).ok()?;
        str::from_utf8(&content).ok()?.parse().ok()
    }
}

/// The token of the page after the one that ends with `last`.
#[must_use]
pub fn next_page_token(sealer: &Sealer, last: Id, query: &str) -> String {
    sealer.seal(last.to_string().as_bytes(), query).into()
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use super::*;
    use crate::TokenKey;

    static SEALER: LazyLock<Sealer> = LazyLock::new(|| TokenKey::new([7; 32]).sealer("pages"));

    fn query<'a>(page_size: i32, page_token: &'a str, query: &'a str) -> PageQuery<'a> {
        PageQuery { page_size, page_token, default_size: 50, max_size: 1000, query, sealer: &SEALER }
    }

    #[test]
    fn sizes_are_defaulted_and_capped() {
        let size = |n| query(n, "", "").parse().map(|page| page.size).map_err(|violation| violation.field);
        assert_eq!((size(0), size(7), size(1_001)), (Ok(50), Ok(7), Ok(1_000)));
        assert_eq!(size(-1), Err("page_size".to_owned()));
    }

    #[test]
    fn a_token_holds_for_its_own_query_only() {
        let last: Id = "0123456789ab7fffbfffffffffffffff".parse().unwrap();
        let token = next_page_token(&SEALER, last, "label=car");
        assert_eq!(query(0, &token, "label=car").parse().unwrap().after, Some(last));
        // The last one is of a release whose tokens had a checksum that anybody could compute.
        let unsealed = "MDEyMzQ1Njc4OWFiN2ZmZmJmZmZmZmZmZmZmZmZmZmYyZmE5NmQ1OGZlMTg";
        for (token, other) in [
            (token.as_str(), "label=bus"),
            ("AAAA", "label=car"),
            ("ä", "label=car"),
            (unsealed, "label=car"),
        ] {
            assert_eq!(query(0, token, other).parse().unwrap_err().field, "page_token");
        }
    }
}
