//! The database port, modeled on D1: one statement, or a batch of statements in one transaction; no interactive transactions.

use std::{future::Future, sync::Arc};

use crate::{Error, Result};

/// A SQL database in the dialect that D1 accepts, within D1's limits (100 parameters, 100 kB a statement, 2 MB a value).
pub trait Database: Clone + Send + Sync + 'static {
    /// Runs one statement that only reads, on data at least as new as `at_least`.
    fn read(
        &self,
        statement: Statement,
        at_least: Option<Bookmark>,
    ) -> impl Future<Output = Result<Bookmarked<Vec<Row>>>> + Send;

    /// Runs `statements` in order in one transaction: all or none. When it returns, what it wrote is durable.
    /// The result has one [`Outcome`] for each statement.
    ///
    /// A caller that stops waiting must not conclude that nothing was written.
    fn write(
        &self,
        statements: Vec<Statement>,
        at_least: Option<Bookmark>,
    ) -> impl Future<Output = Result<Bookmarked<Vec<Outcome>>>> + Send;

    /// Runs a statement that only reads, and checks, as far as that is cheap, whether a write would be durable now. It
    /// reads past the caches of connections. Returns the rows.
    fn probe(&self, statement: Statement) -> impl Future<Output = Result<Vec<Row>>> + Send {
        async move {
            // A batch runs where writes run; this one writes nothing.
            let outcomes = self.write(vec![statement], None).await?.value;
            Ok(outcomes.into_iter().flat_map(|outcome| outcome.rows).collect())
        }
    }

    /// The same database, for the work of one caller. An adapter in which writes wait for each other gives each caller only a
    /// share of the places, or serves the callers in turn, so that a caller with many writes does not delay one with few;
    /// another one returns a clone. Reads may wait for each other whatever their caller is, because each of them is short. It
    /// has no default, so that an adapter which wraps another one cannot forget to pass the caller on.
    #[must_use]
    fn for_caller(&self, caller: &str) -> Self;

    /// Whether other callers have written in the last second and would wait for a long transaction of this one: then this
    /// caller should write in several short ones. Always `false` where no caller waits in this process for the end of another
    /// caller's transaction.
    fn is_contended(&self) -> bool;
}

/// The result of a call, and how new its data is (if the back end reports that).
#[derive(Debug)]
pub struct Bookmarked<T> {
    /// The rows, or the outcomes.
    pub value: T,
    /// A later call that passes this sees at least what this one saw and wrote.
    pub bookmark: Option<Bookmark>,
}

/// An opaque point in the database's history (a D1 session bookmark): visible ASCII, at most 256 characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bookmark(String);

impl Bookmark {
    /// A bookmark from its text, or `None` if the text cannot be a bookmark.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let plausible = !text.is_empty() && text.len() <= 256 && text.bytes().all(|b| b.is_ascii_graphic());
        plausible.then(|| Self(text.to_owned()))
    }

    /// The text, to pass to the back end or to a caller.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What one statement of a write did.
#[derive(Debug)]
pub struct Outcome {
    /// The rows of its `RETURNING` clause.
    pub rows: Vec<Row>,
    /// How many rows it inserted, changed or deleted. Some back ends (D1) also count rows that a cascade deleted.
    pub changes: u64,
}

/// One SQL statement with its parameters, `?1` first.
///
/// ```
/// use storage::{Statement, Value};
///
/// let statement = Statement::new("SELECT label FROM annotations WHERE id = ?1 LIMIT ?2").bind("a").bind(10);
/// assert_eq!(statement.parameters, [Value::Text("a".to_owned()), Value::Integer(10)]);
/// assert!(statement.only_reads());
/// ```
#[derive(Clone, Debug)]
pub struct Statement {
    /// The text; always a literal, so that no part of a request can get into it.
    pub sql: &'static str,
    /// The values of `?1`, `?2`, …
    pub parameters: Vec<Value>,
}

impl Statement {
    /// A statement that has no parameters yet.
    #[must_use]
    pub const fn new(sql: &'static str) -> Self {
        Self { sql, parameters: Vec::new() }
    }

    /// Adds the value of the next parameter.
    #[must_use]
    pub fn bind(mut self, value: impl Into<Value>) -> Self {
        self.parameters.push(value.into());
        self
    }

    /// See [`only_reads`].
    #[must_use]
    pub fn only_reads(&self) -> bool {
        only_reads(self.sql)
    }
}

/// Whether the statement `sql` changes no row, according to its text: it is not an `INSERT`, `UPDATE`, `DELETE` or
/// `REPLACE`, with or without a `WITH` clause before it.
#[must_use]
pub fn only_reads(sql: &str) -> bool {
    let is = |word: &str, of: &[&str]| of.iter().any(|one| word.eq_ignore_ascii_case(one));
    let mut words =
        sql.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').filter(|word| !word.is_empty());
    let Some(first) = words.next() else { return true };
    if is(first, &["WITH"]) {
        return !words.any(|word| is(word, &["INSERT", "UPDATE", "DELETE", "REPLACE"]));
    }
    !is(first, &["INSERT", "UPDATE", "DELETE", "REPLACE"])
}

/// A value in the database. There is no blob, because D1 returns blobs as arrays of numbers.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// SQL `NULL`.
    Null,
    /// An integer; the back end may keep it as a double, so it stays within ±2^53.
    Integer(i64),
    /// A double.
    Real(f64),
    /// Text.
    Text(String),
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Integer(value)
    }
}

impl From<i32> for Value {
    fn from(value: i32) -> Self {
        Self::Integer(value.into())
    }
}

impl From<u32> for Value {
    fn from(value: u32) -> Self {
        Self::Integer(value.into())
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Self::Real(value)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// One row: values by column name.
#[derive(Clone, Debug)]
pub struct Row {
    columns: Arc<[String]>,
    values: Vec<Value>,
}

impl Row {
    /// A row of `values`, named by `columns` (shared by all rows of one result).
    #[must_use]
    pub const fn new(columns: Arc<[String]>, values: Vec<Value>) -> Self {
        Self { columns, values }
    }

    /// Takes the value of `column` out of the row.
    ///
    /// # Errors
    /// [`Error::Row`] if there is no such column or its value is not a `T`.
    pub fn take<T: FromValue>(&mut self, column: &str) -> Result<T> {
        let fail = |problem| Error::Row { column: column.to_owned(), problem };
        let index =
            self.columns.iter().position(|name| name == column).ok_or_else(|| fail("no such column"))?;
        let value = self.values.get_mut(index).ok_or_else(|| fail("no value"))?;
        T::from_value(std::mem::replace(value, Value::Null)).ok_or_else(|| fail("has another type"))
    }
}

/// A type that a column's value can be read as.
pub trait FromValue: Sized {
    /// The value as `Self`, or `None` if it is not one.
    fn from_value(value: Value) -> Option<Self>;
}

impl FromValue for String {
    fn from_value(value: Value) -> Option<Self> {
        match value {
            Value::Text(text) => Some(text),
            Value::Null | Value::Integer(_) | Value::Real(_) => None,
        }
    }
}

impl FromValue for i64 {
    #[expect(clippy::cast_possible_truncation, reason = "checked: the double is whole and within ±2^53")]
    fn from_value(value: Value) -> Option<Self> {
        const EXACT: f64 = 9_007_199_254_740_992.0;
        match value {
            Value::Integer(integer) => Some(integer),
            // D1 returns every number as a double.
            Value::Real(real) if real.fract() == 0.0 && real.abs() <= EXACT => Some(real as Self),
            Value::Null | Value::Real(_) | Value::Text(_) => None,
        }
    }
}

impl FromValue for i32 {
    fn from_value(value: Value) -> Option<Self> {
        i64::from_value(value)?.try_into().ok()
    }
}

impl FromValue for f64 {
    #[expect(clippy::cast_precision_loss, reason = "coordinates that were stored as whole numbers")]
    fn from_value(value: Value) -> Option<Self> {
        match value {
            Value::Real(real) => Some(real),
            Value::Integer(integer) => Some(integer as Self),
            Value::Null | Value::Text(_) => None,
        }
    }
}

impl<T: FromValue> FromValue for Option<T> {
    fn from_value(value: Value) -> Option<Self> {
        match value {
            Value::Null => Some(None),
            Value::Integer(_) | Value::Real(_) | Value::Text(_) => T::from_value(value).map(Some),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_reads_is_false_for_statements_that_change_rows() {
        for sql in ["SELECT 1", " select 1", "WITH a AS (SELECT 1) SELECT * FROM a", "CREATE TABLE t (a)", ""]
        {
            assert!(Statement::new(sql).only_reads(), "{sql}");
        }
        for sql in ["INSERT INTO t VALUES (1)", "\n update t SET a = 1", "WITH a AS (SELECT 1) DELETE FROM t"]
        {
            assert!(!Statement::new(sql).only_reads(), "{sql}");
        }
    }
}
