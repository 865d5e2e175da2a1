//! The database port as JSON: a [`Batch`] of statements, its [`BatchResponse`], and a [`Failure`] with its class.
//!
//! The D1 bridge and its client exchange these. Rows have the format in which D1's results are read: the names of the
//! columns once, then the values of each row. Integers, doubles, texts and `NULL` round-trip; a double that JSON cannot
//! represent (an infinity, not a number) becomes `NULL`, as in D1.

mod batch;
mod bookmark;
mod failure;
mod response;
mod rows;
mod value;

pub use batch::{Batch, Kind, Query};
pub use failure::{Class, Failure};
pub use response::{BatchResponse, Outcome};
pub use rows::{Rows, RowsText, parse_rows};

/// The only route of a bridge: clients `POST` a [`Batch`] to it.
pub const BATCH_PATH: &str = "/v1/batch";
