//! The limits of D1, which every [`Database`] must have, so that a statement that works in development also works on D1.

use super::database::read;
use crate::{Database, Error, Statement};

/// The most parameters of a statement.
const PARAMETERS: usize = 100;
/// The most bytes of a statement.
const STATEMENT_BYTES: usize = 100_000;
/// The most bytes of a value, and of a row.
const VALUE_BYTES: usize = 2_000_000;
/// The most bytes of a pattern of `LIKE` or `GLOB`.
const PATTERN_BYTES: usize = 50;
/// The most terms of a compound `SELECT`.
const COMPOUND_TERMS: usize = 5;
/// The most columns of a result.
const COLUMNS: usize = 100;
/// The most arguments of a function.
const ARGUMENTS: usize = 32;
/// The greatest depth of an expression.
const DEPTH: usize = 100;

/// 100 parameters are accepted, 101 are not.
pub async fn parameters(database: &impl Database) {
    let statement = |count: usize| {
        let sum = (1..=count).map(|n| format!("?{n}")).collect::<Vec<_>>().join(", ");
        let sql = literal(format!("SELECT 1 WHERE 1 IN ({sum})"));
        (0..count).fold(Statement::new(sql), |statement, _| statement.bind(1))
    };
    passes(database, statement(PARAMETERS)).await;
    is_rejected(database, statement(PARAMETERS + 1)).await;
}

/// A statement of 100,000 bytes is accepted, one more byte is not.
pub async fn statement_bytes(database: &impl Database) {
    let statement = |bytes: usize| {
        let text = "x".repeat(bytes - "SELECT ''".len());
        Statement::new(literal(format!("SELECT '{text}'")))
    };
    passes(database, statement(STATEMENT_BYTES)).await;
    is_rejected(database, statement(STATEMENT_BYTES + 1)).await;
}

/// A text of 2,000,000 bytes is accepted, one more byte is not.
pub async fn value_bytes(database: &impl Database) {
    let statement = |bytes: usize| Statement::new("SELECT length(?1)").bind("x".repeat(bytes));
    passes(database, statement(VALUE_BYTES)).await;
    is_rejected(database, statement(VALUE_BYTES + 1)).await;
}

/// A pattern of 50 bytes is accepted, one more byte is not.
pub async fn pattern_bytes(database: &impl Database) {
    let statement = |bytes: usize| Statement::new("SELECT 'x' LIKE ?1").bind("%".repeat(bytes));
    passes(database, statement(PATTERN_BYTES)).await;
    is_rejected(database, statement(PATTERN_BYTES + 1)).await;
}

/// A compound `SELECT` of 5 terms is accepted, one of 6 is not.
pub async fn compound_terms(database: &impl Database) {
    let statement = |terms: usize| Statement::new(literal(vec!["SELECT 1"; terms].join(" UNION ALL ")));
    passes(database, statement(COMPOUND_TERMS)).await;
    is_rejected(database, statement(COMPOUND_TERMS + 1)).await;
}

/// A result of 100 columns is accepted, one of 101 is not.
pub async fn columns(database: &impl Database) {
    let statement = |columns: usize| {
        let columns = (0..columns).map(|n| format!("1 AS c{n}")).collect::<Vec<_>>().join(", ");
        Statement::new(literal(format!("SELECT {columns}")))
    };
    passes(database, statement(COLUMNS)).await;
    is_rejected(database, statement(COLUMNS + 1)).await;
}

/// A function of 32 arguments is accepted, one of 33 is not.
pub async fn arguments(database: &impl Database) {
    let statement =
        |count: usize| Statement::new(literal(format!("SELECT max({})", vec!["1"; count].join(", "))));
    passes(database, statement(ARGUMENTS)).await;
    is_rejected(database, statement(ARGUMENTS + 1)).await;
}

/// An expression nested 99 deep is accepted, one nested 102 deep is not.
pub async fn expression_depth(database: &impl Database) {
    let statement = |depth: usize| {
        let negations = "NOT ".repeat(depth - 1);
        Statement::new(literal(format!("SELECT {negations}1")))
    };
    passes(database, statement(DEPTH - 1)).await;
    is_rejected(database, statement(DEPTH + 2)).await;
}

/// A statement cannot attach another database file.
pub async fn other_files_cannot_be_attached(database: &impl Database) {
    is_rejected(database, Statement::new("ATTACH DATABASE ':memory:' AS other")).await;
}

async fn passes(database: &impl Database, statement: Statement) {
    let start: String = statement.sql.chars().take(40).collect();
    let result = read(database, statement).await;
    assert!(result.is_ok(), "{start}: {result:?}");
}

async fn is_rejected(database: &impl Database, statement: Statement) {
    let start: String = statement.sql.chars().take(40).collect();
    let result = read(database, statement).await;
    assert!(matches!(result, Err(Error::Broken(_))), "{start}: {result:?}");
}

/// Makes a `'static` text of a generated statement by leaking it, which is fine in a test.
fn literal(sql: String) -> &'static str {
    sql.leak()
}
