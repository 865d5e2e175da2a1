//! The database port in JSON: a [`Batch`] of statements, its [`Answer`], and a [`Failure`] that keeps its class.
//!
//! It is what the D1 bridge and its client say to each other, and its rows are written as D1's own answers are read:
//! the names of the columns once, then the values of each row. Integers, doubles, texts and `NULL` come back as they
//! were; a double that JSON cannot tell (an infinity, not a number) is `NULL`, as it is to D1.

mod answer;
mod batch;
mod bookmark;
mod failure;
mod rows;
mod value;

pub use answer::{Answer, Outcome};
pub use batch::{Batch, Kind, Query};
pub use failure::{Class, Failure};
pub use rows::{Rows, RowsText, parse_rows};

/// The one route of a bridge: `POST` a [`Batch`] here.
pub const BATCH_PATH: &str = "/v1/batch";
