//! Rows as D1 tells them, in JSON, as the port's.

use std::{fmt, sync::Arc};

use serde::de::{DeserializeSeed, Deserializer, Error as _, SeqAccess, Visitor};
use storage::{Row, Value};

/// The rows in a JSON array that begins with an array of the columns' names and goes on with an array of values for each
/// row; without names there are no rows.
pub(super) fn parse(json: &str) -> serde_json::Result<Vec<Row>> {
    let mut deserializer = serde_json::Deserializer::from_str(json);
    let rows = deserializer.deserialize_seq(Table)?;
    deserializer.end()?;
    Ok(rows)
}

struct Table;

impl<'de> Visitor<'de> for Table {
    type Value = Vec<Row>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("columns and rows")
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
        while let Some(value) = elements.next_element_seed(Cell)? {
            values.push(value);
        }
        if values.len() == self.count {
            Ok(values)
        } else {
            Err(A::Error::invalid_length(values.len(), &self))
        }
    }
}

/// One value.
struct Cell;

impl<'de> DeserializeSeed<'de> for Cell {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl Visitor<'_> for Cell {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("null, a number or a text")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_i64<E>(self, integer: i64) -> Result<Value, E> {
        Ok(Value::Integer(integer))
    }

    #[expect(clippy::cast_precision_loss, reason = "so large a number was a double before it was JSON")]
    fn visit_u64<E>(self, integer: u64) -> Result<Value, E> {
        Ok(i64::try_from(integer).map_or(Value::Real(integer as f64), Value::Integer))
    }

    fn visit_f64<E>(self, real: f64) -> Result<Value, E> {
        Ok(Value::Real(real))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::Text(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Value, E> {
        Ok(Value::Text(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_keep_their_types() {
        let json = r#"[["a","b","c","d","e","f","g"],
            [null,-3,0.1,"Größe \"x\" \u202e",9007199254740992,1e+300,18446744073709552000]]"#;
        let mut row = parse(json).unwrap().remove(0);
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
        let rows = parse(r#"[["count(*)","\"b"],[1,"x"],[2,null]]"#).unwrap();
        let counts: Vec<i64> = rows.into_iter().map(|mut row| row.take("count(*)").unwrap()).collect();
        assert_eq!(counts, [1, 2]);
        assert!(parse("[]").unwrap().is_empty());
        assert!(parse(r#"[["a"]]"#).unwrap().is_empty());
    }

    #[test]
    fn what_are_no_rows_is_refused() {
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
            assert!(parse(json).is_err(), "{json}");
        }
    }
}
