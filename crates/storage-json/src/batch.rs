//! The request to a database: a batch of statements.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use storage::{Bookmark, Statement, Value};

use crate::{bookmark, value};

/// Statements that run in order in one transaction, on data at least as new as a bookmark.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Batch<'a> {
    /// Whether the batch only reads.
    pub kind: Kind,
    /// The bookmark of the oldest data that the call may read.
    #[serde(default, with = "bookmark", skip_serializing_if = "Option::is_none")]
    pub at_least: Option<Bookmark>,
    /// The statements; a read has exactly one.
    pub statements: Vec<Query<'a>>,
}

/// What a batch may do.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// One statement that changes nothing: any replica may run it, and it may be retried.
    Read,
    /// Any statements: only the primary runs them.
    Write,
}

/// One statement of a client that may send any SQL. Unlike [`Statement`], its text need not be a literal.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Query<'a> {
    /// The text.
    pub sql: Cow<'a, str>,
    /// The values of `?1`, `?2`, …
    #[serde(default, with = "value::list", skip_serializing_if = "<[Value]>::is_empty")]
    pub parameters: Cow<'a, [Value]>,
}

impl Query<'_> {
    /// See [`Statement::only_reads`].
    #[must_use]
    pub fn only_reads(&self) -> bool {
        storage::only_reads(&self.sql)
    }
}

impl<'a> From<&'a Statement> for Query<'a> {
    fn from(statement: &'a Statement) -> Self {
        Self { sql: Cow::Borrowed(statement.sql), parameters: Cow::Borrowed(&statement.parameters) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(json: &str) -> serde_json::Result<Batch<'_>> {
        serde_json::from_str(json)
    }

    #[test]
    fn a_batch_round_trips() {
        let label = "Größe 箱 \u{202e}\u{0}\"'\\%_\n".repeat(1_000);
        let insert = Statement::new("INSERT INTO t VALUES (?1, ?2, ?3, ?4, ?5)");
        let insert = insert.bind(None::<i64>).bind(-(1_i64 << 53)).bind(0.1 + 0.2).bind(3.0).bind(label);
        let select = Statement::new("SELECT 1");
        let written = Batch {
            kind: Kind::Write,
            at_least: Bookmark::parse("0-1"),
            statements: vec![(&insert).into(), (&select).into()],
        };

        let json = serde_json::to_string(&written).unwrap();
        let read = batch(&json).unwrap();

        assert_eq!(read.statements, written.statements);
        assert_eq!((read.kind, read.at_least), (Kind::Write, Bookmark::parse("0-1")));
    }

    #[test]
    fn every_double_and_integer_round_trips() {
        for value in [f64::MAX, f64::MIN_POSITIVE, 5e-324, -0.5, 1.0 / 3.0, 1e21, 123_456_789.123_456_78] {
            let json = serde_json::to_string(&Query::from(&Statement::new("SELECT ?1").bind(value))).unwrap();
            let query: Query<'_> = serde_json::from_str(&json).unwrap();
            assert_eq!(*query.parameters, [Value::Real(value)]);
        }
        for value in [i64::MIN, 0, 1 << 53, i64::MAX] {
            let json = serde_json::to_string(&Query::from(&Statement::new("SELECT ?1").bind(value))).unwrap();
            let query: Query<'_> = serde_json::from_str(&json).unwrap();
            assert_eq!(*query.parameters, [Value::Integer(value)]);
        }
    }

    #[test]
    fn an_invalid_batch_is_rejected() {
        assert!(batch(r#"{"kind":"read","statements":[{"sql":"SELECT 1"}]}"#).is_ok());
        for json in [
            "",
            "{}",
            r#"{"kind":"read"}"#,
            r#"{"kind":"look","statements":[]}"#,
            r#"{"kind":"read","statements":[{}]}"#,
            r#"{"kind":"read","statements":[{"sql":"SELECT ?1","parameters":[true]}]}"#,
            r#"{"kind":"read","statements":[{"sql":"SELECT ?1","parameters":[[1]]}]}"#,
            r#"{"kind":"read","statements":[],"at_least":"a b"}"#,
            r#"{"kind":"read","statements":[],"more":1}"#,
        ] {
            assert!(batch(json).is_err(), "{json}");
        }
    }
}
