//! Lists with a filter that no index serves.
//!
//! Such a list reads one record after the other and may return few of them, or none. So one page reads at most
//! [`MAX_SCANNED`] records. A page whose scan ends there holds what was found until then, which may be nothing, and a
//! token that continues behind the last record that was read (AIP-158 allows both).
//!
//! The statement of such a list, with the size of the page `?s` and the limit of the scan `?n`:
//!
//! ```sql
//! SELECT * FROM (
//!     SELECT 1 AS matches, * FROM (SELECT * FROM t WHERE <range of keys> ORDER BY id DESC LIMIT ?n)
//!     WHERE <filter> ORDER BY id DESC LIMIT ?s + 1)
//! UNION ALL
//! SELECT 0, * FROM t WHERE id = (
//!     SELECT id FROM t WHERE <range of keys> ORDER BY id DESC LIMIT 1 OFFSET ?n - 1)
//! LIMIT ?s + 1
//! ```
//!
//! The second part is the record at which the scan ends, if the range has so many. SQLite does not run it where the first
//! part fills the page, and the first part stops at the end of the page, so that a page that is full costs its own
//! records only. [`Scan::read`] relies on neither, nor on the order of the two parts.

use std::cmp::Reverse;

use storage::{Error, Id, Result, Row};

use crate::Page;

/// How many records one page reads at most: some 10 ms of SQLite, also on D1, which runs one statement at a time.
pub const MAX_SCANNED: u32 = 10_000;

/// One page of a list.
#[derive(Debug, PartialEq, Eq)]
pub struct Scan<T> {
    /// At most as many as the page holds, newest first.
    pub found: Vec<T>,
    /// The id that the next page begins after; `None` if this is the last page.
    pub next_after: Option<Id>,
}

impl<T> Scan<T> {
    /// The page that the rows of the statement are; `id` tells a record's id.
    ///
    /// # Errors
    /// [`Error::Row`] if a row is not as the statement makes it; those of `decode`.
    pub fn read(
        rows: Vec<Row>,
        page: Page,
        decode: impl Fn(Row) -> Result<T>,
        id: impl Fn(&T) -> Id,
    ) -> Result<Self> {
        let (mut found, mut end) = (Vec::with_capacity(rows.len()), None);
        for mut row in rows {
            if row.take::<i64>("matches")? != 0 {
                found.push(decode(row)?);
            } else {
                end = Some(end_of_scan(&mut row)?);
            }
        }
        found.sort_by_key(|one| Reverse(id(one)));
        let size = usize::try_from(page.size).unwrap_or(usize::MAX);
        let is_more = found.len() > size || end.is_some();
        found.truncate(size);
        // Behind a full page there may be more that the scan has passed.
        let last = if found.len() < size { end } else { found.last().map(id) };
        Ok(Self { found, next_after: last.filter(|_| is_more) })
    }
}

fn end_of_scan(row: &mut Row) -> Result<Id> {
    let id: String = row.take("id")?;
    id.parse().map_err(|_| Error::Row { column: "id".to_owned(), problem: "does not hold an id" })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use storage::Value;

    use super::*;

    const PAGE: Page = Page { size: 2, after: None };

    fn id(n: u8) -> Id {
        format!("{n:032x}").parse().unwrap()
    }

    fn row(matches: i64, n: u8) -> Row {
        let columns = Arc::from(["matches".to_owned(), "id".to_owned()]);
        Row::new(columns, vec![Value::Integer(matches), Value::Text(id(n).to_string())])
    }

    /// What the rows of a page of two are: the ids that are found, and the one that the next page begins after.
    fn read(rows: &[(i64, u8)]) -> (Vec<Id>, Option<Id>) {
        let rows = rows.iter().map(|&(matches, n)| row(matches, n)).collect();
        let scan = Scan::read(rows, PAGE, |mut row| end_of_scan(&mut row), |id| *id).unwrap();
        (scan.found, scan.next_after)
    }

    #[test]
    fn a_page_that_is_not_full_is_the_last_one_unless_the_scan_ended_at_its_limit() {
        assert_eq!(read(&[]), (vec![], None));
        assert_eq!(read(&[(1, 9)]), (vec![id(9)], None));
        assert_eq!(read(&[(1, 9), (1, 8)]), (vec![id(9), id(8)], None));
        assert_eq!(read(&[(1, 9), (0, 3)]), (vec![id(9)], Some(id(3))));
        assert_eq!(read(&[(0, 3)]), (vec![], Some(id(3))));
    }

    #[test]
    fn a_full_page_continues_behind_its_last_record_wherever_the_scan_ended() {
        assert_eq!(read(&[(1, 9), (1, 8), (1, 7)]), (vec![id(9), id(8)], Some(id(8))));
        assert_eq!(read(&[(1, 9), (1, 8), (0, 3)]), (vec![id(9), id(8)], Some(id(8))));
    }

    #[test]
    fn the_order_of_the_rows_does_not_matter() {
        assert_eq!(read(&[(0, 3), (1, 8), (1, 9)]), (vec![id(9), id(8)], Some(id(8))));
        assert_eq!(read(&[(0, 3), (1, 9)]), (vec![id(9)], Some(id(3))));
    }

    #[test]
    fn the_last_record_of_a_scan_may_match() {
        assert_eq!(read(&[(1, 9), (1, 3), (0, 3)]), (vec![id(9), id(3)], Some(id(3))));
        assert_eq!(read(&[(1, 3), (0, 3)]), (vec![id(3)], Some(id(3))));
    }
}
