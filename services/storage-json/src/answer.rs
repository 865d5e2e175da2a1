//! What a batch answers.

use serde::{Deserialize, Serialize};
use storage::Bookmark;

use crate::bookmark;

/// What each statement of a batch did, and how new the data was. `R` are the rows: [`crate::RowsText`] on the side that
/// writes, [`crate::Rows`] on the side that reads.
#[derive(Debug, Deserialize, Serialize)]
pub struct Answer<R> {
    /// One for each statement.
    pub outcomes: Vec<Outcome<R>>,
    /// A later call that passes this sees at least what this one saw and wrote.
    #[serde(default, with = "bookmark", skip_serializing_if = "Option::is_none")]
    pub bookmark: Option<Bookmark>,
}

/// What one statement did.
#[derive(Debug, Deserialize, Serialize)]
pub struct Outcome<R> {
    /// How many rows it inserted, changed or deleted.
    pub changes: u64,
    /// The rows it returned.
    pub rows: R,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Rows, RowsText};

    #[test]
    fn an_answer_is_read_as_it_was_written() {
        let rows = RowsText::new(r#"[["id","x"],["ä\"",0.30000000000000004],[null,7]]"#.to_owned()).unwrap();
        let none = RowsText::new("[]".to_owned()).unwrap();
        let outcomes = vec![Outcome { changes: 2, rows }, Outcome { changes: 0, rows: none }];
        let json = serde_json::to_string(&Answer { outcomes, bookmark: Bookmark::parse("0-1") }).unwrap();

        let mut answer: Answer<Rows> = serde_json::from_str(&json).unwrap();

        assert_eq!(answer.bookmark, Bookmark::parse("0-1"));
        assert!(answer.outcomes.pop().unwrap().rows.0.is_empty());
        let outcome = answer.outcomes.pop().unwrap();
        let [mut first, mut second] = <[_; 2]>::try_from(outcome.rows.0).unwrap();
        assert_eq!(outcome.changes, 2);
        assert_eq!(first.take::<String>("id").unwrap(), "ä\"");
        assert_eq!(first.take::<f64>("x").unwrap(), 0.1 + 0.2);
        assert_eq!(second.take::<Option<String>>("id").unwrap(), None);
        assert_eq!(second.take::<i64>("x").unwrap(), 7);
    }
}
