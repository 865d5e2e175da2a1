//! D1's `query` call, on SQLite.

use rusqlite::{Batch, Connection, fallible_iterator::FallibleIterator as _, types::ValueRef};
use serde_json::{Map, Value, json};

use crate::cloudflare::Rejection;

/// Runs the statements of `body` in one transaction, as D1 does. Returns the rows of the last statement.
pub(crate) fn query(connection: &mut Connection, body: &Value) -> Result<Value, Rejection> {
    let sql = body["sql"].as_str().unwrap_or_default();
    let rows = run(connection, sql).map_err(|error| (400, 7500, format!("{error}: SQLITE_ERROR")))?;
    Ok(json!([{"success": true, "results": rows, "meta": {"duration": 1, "changes": 0}}]))
}

fn run(connection: &mut Connection, sql: &str) -> rusqlite::Result<Vec<Value>> {
    let transaction = connection.transaction()?;
    let mut last = Vec::new();
    let mut statements = Batch::new(&transaction, sql);
    while let Some(mut statement) = statements.next()? {
        let names: Vec<_> = statement.column_names().into_iter().map(str::to_owned).collect();
        let mut rows = statement.query([])?;
        last.clear();
        while let Some(row) = rows.next()? {
            let mut object = Map::new();
            for (index, name) in names.iter().enumerate() {
                object.insert(name.clone(), to_json(row.get_ref(index)?));
            }
            last.push(Value::Object(object));
        }
    }
    transaction.commit()?;
    Ok(last)
}

fn to_json(value: ValueRef<'_>) -> Value {
    match value {
        ValueRef::Null | ValueRef::Blob(_) => Value::Null,
        ValueRef::Integer(number) => number.into(),
        ValueRef::Real(number) => number.into(),
        ValueRef::Text(text) => String::from_utf8_lossy(text).into(),
    }
}
