//! The response to a batch.

use serde::{Deserialize, Serialize};
use storage::Bookmark;

use crate::bookmark;

/// The outcome of each statement of a batch, and how new the data is. `R` is the type of the rows: [`crate::RowsText`] for
/// the bridge, which writes the JSON, and [`crate::Rows`] for its client, which parses it.
#[derive(Debug, Deserialize, Serialize)]
pub struct BatchResponse<R> {
    /// One outcome for each statement, in order.
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
    fn a_response_round_trips() {
        let rows = RowsText::new(r#"[["id","x"],["ä\"",0.30000000000000004],[null,7]]"#.to_owned()).unwrap();
        let none = RowsText::new("[]".to_owned()).unwrap();
        let outcomes = vec![Outcome { changes: 2, rows }, Outcome { changes: 0, rows: none }];
        let json =
            serde_json::to_string(&BatchResponse { outcomes, bookmark: Bookmark::parse("0-1") }).unwrap();

        let mut response: BatchResponse<Rows> = serde_json::from_str(&json).unwrap();

        assert_eq!(response.bookmark, Bookmark::parse("0-1"));
        assert!(response.outcomes.pop().unwrap().rows.0.is_empty());
        let outcome = response.outcomes.pop().unwrap();
        let [mut first, mut second] = <[_; 2]>::try_from(outcome.rows.0).unwrap();
        assert_eq!(outcome.changes, 2);
        assert_eq!(first.take::<String>("id").unwrap(), "ä\"");
        assert_eq!(first.take::<f64>("x").unwrap(), 0.1 + 0.2);
        assert_eq!(second.take::<Option<String>>("id").unwrap(), None);
        assert_eq!(second.take::<i64>("x").unwrap(), 7);
    }
}
