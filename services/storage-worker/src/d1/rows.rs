//! D1's rows, JSON objects, as the port's.

use std::{borrow::Cow, fmt, sync::Arc};

use serde::{
    Deserialize,
    de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor},
};
use storage::{Row, Value};

/// The rows in a JSON array of objects that all have the same members in the same order.
pub(super) fn parse(json: &str) -> serde_json::Result<Vec<Row>> {
    let mut deserializer = serde_json::Deserializer::from_str(json);
    let rows = deserializer.deserialize_seq(Rows)?;
    deserializer.end()?;
    Ok(rows)
}

struct Rows;

impl<'de> Visitor<'de> for Rows {
    type Value = Vec<Row>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("rows")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Vec<Row>, A::Error> {
        let mut rows = Vec::new();
        let Some((columns, values)) = elements.next_element_seed(FirstRow)? else { return Ok(rows) };
        rows.push(Row::new(Arc::clone(&columns), values));
        while let Some(values) = elements.next_element_seed(NextRow(&columns))? {
            rows.push(Row::new(Arc::clone(&columns), values));
        }
        Ok(rows)
    }
}

/// The row that tells the names of the columns.
struct FirstRow;

impl<'de> DeserializeSeed<'de> for FirstRow {
    type Value = (Arc<[String]>, Vec<Value>);

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for FirstRow {
    type Value = (Arc<[String]>, Vec<Value>);

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a row")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
        let (mut columns, mut values) = (Vec::new(), Vec::new());
        while let Some(name) = members.next_key()? {
            columns.push(name);
            values.push(members.next_value_seed(Cell)?);
        }
        Ok((columns.into(), values))
    }
}

/// A row whose columns are known.
struct NextRow<'a>(&'a [String]);

impl<'de> DeserializeSeed<'de> for NextRow<'_> {
    type Value = Vec<Value>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for NextRow<'_> {
    type Value = Vec<Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a row")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
        let mut values = Vec::with_capacity(self.0.len());
        for column in self.0 {
            if members.next_key()?.is_none_or(|Name(name)| name != *column) {
                return Err(A::Error::custom(format_args!("a row without {column}")));
            }
            values.push(members.next_value_seed(Cell)?);
        }
        Ok(values)
    }
}

/// A column's name, without a copy of it.
#[derive(Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

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

    fn first(json: &str) -> Row {
        parse(json).unwrap().remove(0)
    }

    #[test]
    fn values_keep_their_types() {
        let mut row =
            first(r#"[{"a":null,"b":-3,"c":0.1,"d":"Größe \"x\" \u202e","e":9007199254740992,"f":1e+300}]"#);
        assert_eq!(row.take::<Option<String>>("a").unwrap(), None);
        assert_eq!(row.take::<i64>("b").unwrap(), -3);
        assert_eq!(row.take::<f64>("c").unwrap(), 0.1);
        assert_eq!(row.take::<String>("d").unwrap(), "Größe \"x\" \u{202e}");
        assert_eq!(row.take::<i64>("e").unwrap(), 1 << 53);
        assert_eq!(row.take::<f64>("f").unwrap(), 1e300);
        assert_eq!(
            first(r#"[{"a":18446744073709552000}]"#).take::<f64>("a").unwrap(),
            18_446_744_073_709_552_000.0
        );
    }

    #[test]
    fn rows_share_their_columns() {
        let rows = parse(r#"[{"count(*)":1,"\"b":"x"},{"count(*)":2,"\"b":null}]"#).unwrap();
        let counts: Vec<i64> = rows.into_iter().map(|mut row| row.take("count(*)").unwrap()).collect();
        assert_eq!(counts, [1, 2]);
        assert!(parse("[]").unwrap().is_empty());
    }

    #[test]
    fn what_are_no_rows_is_refused() {
        for json in [
            "",
            "{}",
            "[1]",
            r#"[{"a":1}"#,
            r#"[{"a":1}] x"#,
            r#"[{"a":[1,2]}]"#,
            r#"[{"a":true}]"#,
            r#"[{"a":1},{"b":1}]"#,
            r#"[{"a":1},{}]"#,
            r#"[{"a":1},{"a":1,"b":1}]"#,
        ] {
            assert!(parse(json).is_err(), "{json}");
        }
    }
}
