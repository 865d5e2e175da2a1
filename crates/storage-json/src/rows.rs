//! Rows as JSON: an array whose first element is the array of the column names, followed by an array of values for each
//! row. An empty array means no rows.

use std::{fmt, sync::Arc};

use serde::{
    Deserialize, Deserializer, Serialize,
    de::{DeserializeSeed, Error as _, SeqAccess, Visitor},
};
use serde_json::value::RawValue;
use storage::{Row, Value};

use crate::value::Cell;

/// Rows that were parsed from JSON.
#[derive(Debug)]
pub struct Rows(pub Vec<Row>);

impl<'de> Deserialize<'de> for Rows {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(Table).map(Self)
    }
}

/// Parses rows from a JSON text.
///
/// # Errors
/// The text is not JSON, or does not have the format of rows.
pub fn parse_rows(json: &str) -> serde_json::Result<Vec<Row>> {
    serde_json::from_str::<Rows>(json).map(|rows| rows.0)
}

/// Rows as a JSON text that is passed on unchanged.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub struct RowsText(Box<RawValue>);

impl RowsText {
    /// Wraps the rows in `json` without checking their format.
    ///
    /// # Errors
    /// The text is not JSON.
    pub fn new(json: String) -> serde_json::Result<Self> {
        RawValue::from_string(json).map(Self)
    }
}

struct Table;

impl<'de> Visitor<'de> for Table {
    type Value = Vec<Row>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of column names, then an array of values for each row")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Vec<Row>, A::Error> {
        let mut rows = Vec::new();
        let Some(columns) = elements.next_element::<Vec<String>>()? else { return Ok(rows) };
        let columns: Arc<[String]> = columns.into();
        while let Some(values) = elements.next_element_seed(Cells { count: columns.len() })? {
            rows.push(Row::new(Arc::clone(&columns), values));
        }
        Ok(rows)
    }
}

/// The values of a row.
struct Cells {
    count: usize,
}

impl<'de> DeserializeSeed<'de> for Cells {
    type Value = Vec<Value>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Cells {
    type Value = Vec<Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a row of {} values", self.count)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Self::Value, A::Error> {
        let mut values = Vec::with_capacity(self.count);
        while let Some(Cell(value)) = elements.next_element()? {
            values.push(value);
        }
        if values.len() == self.count {
            Ok(values)
        } else {
            Err(A::Error::invalid_length(values.len(), &self))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_keep_their_types() {
        let json = r#"[["a","b","c","d","e","f","g"],
            [null,-3,0.1,"Größe \"x\" \u202e",9007199254740992,1e+300,18446744073709552000]]"#;
        let mut row = parse_rows(json).unwrap().remove(0);
        assert_eq!(row.take::<Option<String>>("a").unwrap(), None);
        assert_eq!(row.take::<i64>("b").unwrap(), -3);
        assert_eq!(row.take::<f64>("c").unwrap(), 0.1);
        assert_eq!(row.take::<String>("d").unwrap(), "Größe \"x\" \u{202e}");
        assert_eq!(row.take::<i64>("e").unwrap(), 1 << 53);
        assert_eq!(row.take::<f64>("f").unwrap(), 1e300);
        assert_eq!(row.take::<f64>("g").unwrap(), 18_446_744_073_709_552_000.0);
    }

    #[test]
    fn rows_share_their_columns() {
        let rows = parse_rows(r#"[["count(*)","\"b"],[1,"x"],[2,null]]"#).unwrap();
        let counts: Vec<i64> = rows.into_iter().map(|mut row| row.take("count(*)").unwrap()).collect();
        assert_eq!(counts, [1, 2]);
        assert!(parse_rows("[]").unwrap().is_empty());
        assert!(parse_rows(r#"[["a"]]"#).unwrap().is_empty());
    }

    #[test]
    fn invalid_rows_are_rejected() {
        for json in [
            "",
            "{}",
            "[1]",
            "[[1]]",
            r#"[["a"],[1]"#,
            r#"[["a"],[1]] x"#,
            r#"[["a"],1]"#,
            r#"[["a"],[[1,2]]]"#,
            r#"[["a"],[true]]"#,
            r#"[["a"],[]]"#,
            r#"[["a"],[1,2]]"#,
        ] {
            assert!(parse_rows(json).is_err(), "{json}");
        }
    }
}
