//! Keyset pagination (AIP-158): a page token holds the last id of its page, and is valid only for the query that made it.

use runtime::Id;

use crate::{Sealer, Violation};

/// The pagination fields of a list request, and the limits of the list.
#[derive(Clone, Copy, Debug)]
pub struct PageQuery<'a> {
    /// `page_size` as it was sent.
    pub page_size: i32,
    /// `page_token` as it was sent.
    pub page_token: &'a str,
    /// The page size if the caller sets none.
    pub default_size: u32,
    /// The largest page size.
    pub max_size: u32,
    /// All other parameters of the list, as text. A token made for a different query is rejected.
    pub query: &'a str,
    /// Makes and verifies the page tokens of the service.
    pub sealer: &'a Sealer,
}

/// The page to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// The most records on the page. Read one more to know whether another page follows.
    pub size: u32,
    /// The last id of the previous page.
    pub after: Option<Id>,
}

impl PageQuery<'_> {
    /// Decodes the requested page.
    ///
    /// # Errors
    /// If the size is negative, or if this server did not make the token for this query.
    pub fn parse(self) -> Result<Page, Violation> {
        let size =
            u32::try_from(self.page_size).map_err(|_| Violation::new("page_size", "must not be negative"))?;
        let size = if size == 0 { self.default_size } else { size.min(self.max_size) };
        if self.page_token.is_empty() {
            return Ok(Page { size, after: None });
        }
        let after = self.open_token().ok_or_else(|| {
            let rule =
                "must be a next_page_token that this server returned for this query: list again from the first page";
            Violation::new("page_token", rule)
        })?;
        Ok(Page { size, after: Some(after) })
    }

    fn open_token(&self) -> Option<Id> {
        let content = self.sealer.open(self.page_token, self.query).ok()?;
        str::from_utf8(&content).ok()?.parse().ok()
    }
}

/// Makes the token for the page that follows the record `last`.
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
    fn a_token_is_valid_only_for_its_own_query() {
        let last: Id = "0123456789ab7fffbfffffffffffffff".parse().unwrap();
        let token = next_page_token(&SEALER, last, "label=car");
        assert_eq!(query(0, &token, "label=car").parse().unwrap().after, Some(last));
        // The last token is from a release whose tokens had a checksum that any client could compute.
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
