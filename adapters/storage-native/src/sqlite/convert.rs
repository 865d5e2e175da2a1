//! Converts values between the database port and sqlx.

use std::sync::Arc;

use sqlx::{
    Column, Decode, Row as _, Sqlite, TypeInfo, ValueRef,
    sqlite::{SqliteArguments, SqliteRow, SqliteValueRef},
};
use storage::{Error, Result, Row, Value};

/// The parameters of a statement.
pub(super) fn arguments(parameters: Vec<Value>) -> Result<SqliteArguments> {
    use sqlx::Arguments as _;

    let mut arguments = SqliteArguments::default();
    for parameter in parameters {
        match parameter {
            Value::Null => arguments.add(None::<i64>),
            Value::Integer(integer) => arguments.add(integer),
            Value::Real(real) => arguments.add(real),
            Value::Text(text) => arguments.add(text),
        }
        .map_err(Error::broken)?;
    }
    Ok(arguments)
}

/// Collects the rows of one result, which share the names of their columns.
#[derive(Default)]
pub(super) struct Rows {
    columns: Option<Arc<[String]>>,
    rows: Vec<Row>,
}

impl Rows {
    pub(super) fn push(&mut self, row: &SqliteRow) -> Result<()> {
        let names = || row.columns().iter().map(|column| column.name().to_owned()).collect();
        let columns = self.columns.get_or_insert_with(names);
        let values = (0..columns.len()).map(|index| value(row, index)).collect::<Result<_>>()?;
        self.rows.push(Row::new(Arc::clone(columns), values));
        Ok(())
    }

    pub(super) fn finish(self) -> Vec<Row> {
        self.rows
    }
}

fn value(row: &SqliteRow, index: usize) -> Result<Value> {
    let raw = row.try_get_raw(index).map_err(Error::broken)?;
    if raw.is_null() {
        return Ok(Value::Null);
    }
    let type_info = raw.type_info();
    match type_info.name() {
        "INTEGER" => decode(raw).map(Value::Integer),
        "REAL" => decode(raw).map(Value::Real),
        "TEXT" => decode(raw).map(Value::Text),
        other => Err(Error::broken(format!(
            "a column has a value of type {other}, which the database port does not support"
        ))),
    }
}

fn decode<'row, T: Decode<'row, Sqlite>>(raw: SqliteValueRef<'row>) -> Result<T> {
    T::decode(raw).map_err(Error::Broken)
}
