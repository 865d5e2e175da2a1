//! Lists with a filter that no index supports.
//!
//! Such a list reads all records of its range and may return few of them, or none. So one page reads at most
//! [`MAX_SCANNED`] records. A page whose scan reaches this limit holds the records found so far, which may be none, and a
//! token that continues after the last record that was read (AIP-158 allows both).
//!
//! The SQL of such a list, with the page size `?s` and the scan limit `?n`:
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
//! The second part selects the record at which the scan ends, if the range has that many records. SQLite does not run it if
//! the first part fills the page, and the first part stops once the page is full. So a full page costs only its own
//! records. [`Scan::read`] does not depend on this, nor on the order of the two parts.

use std::cmp::Reverse;

use runtime::Id;
use storage::{Error, Result, Row};

use crate::Page;

/// The most records that one page reads: about 10 ms of SQLite, also on D1, which runs one statement at a time.
pub const MAX_SCANNED: u32 = 10_000;

/// One page of a list.
#[derive(Debug, PartialEq, Eq)]
pub struct Scan<T> {
    /// The records of the page, newest first.
    pub found: Vec<T>,
    /// The id after which the next page begins; `None` if this is the last page.
    pub next_after: Option<Id>,
}

impl<T> Scan<T> {
    /// Reads the page from the rows of the statement; `id` returns the id of a record.
    ///
    /// # Errors
    /// [`Error::Row`] if a row does not have the columns of the statement, and the errors of `decode`.
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
                end = Some(read_id(&mut row)?);
            }
        }
        found.sort_by_key(|one| Reverse(id(one)));
        let size = usize::try_from(page.size).unwrap_or(usize::MAX);
        let is_more = found.len() > size || end.is_some();
        found.truncate(size);
        // A full page may end before the scan does: continue after its last record, not after the scan.
        let last = if found.len() < size { end } else { found.last().map(id) };
        Ok(Self { found, next_after: last.filter(|_| is_more) })
    }
}

fn read_id(row: &mut Row) -> Result<Id> {
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

    /// Reads a page of size 2: the ids found, and the id after which the next page begins.
    fn read(rows: &[(i64, u8)]) -> (Vec<Id>, Option<Id>) {
        let rows = rows.iter().map(|&(matches, n)| row(matches, n)).collect();
        let scan = Scan::read(rows, PAGE, |mut row| read_id(&mut row), |id| *id).unwrap();
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
    fn a_full_page_continues_after_its_last_record_wherever_the_scan_ended() {
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
