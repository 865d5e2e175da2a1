//! The contract of the ports: tests that every adapter must pass. Each is an async function that tests one promise and
//! panics if the adapter does not keep it.
//!
//! Each function takes a new, empty database or store. [`database_contract!`](crate::database_contract) and
//! [`object_store_contract!`](crate::object_store_contract) make a test of each. A program that runs tests by name uses
//! [`database_promises()`] and [`test_database`], or [`object_store_promises()`] and [`test_object_store`].
//!
//! To add a promise, write its function here and add its name to its macro. Then every adapter is tested for it.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "these are tests, though they are compiled with the crate so that other crates can run them"
)]

mod by_name;
mod database;
pub mod limits;
pub mod listing;
mod object_store;
pub mod objects;
pub mod queries;
pub mod transactions;

pub use by_name::{
    NOT_SIMULATED, database_promises, object_store_promises, test_database, test_object_store,
};

/// Makes a test, `#[tokio::test]` or another, of every promise of a [`Database`](crate::Database). `$open` is an async
/// function that returns a new, empty database and a value to keep as long as the database.
#[macro_export]
macro_rules! database_contract {
    (#[$test:meta] $open:path) => {
        $crate::database_promises! { ($crate::contract_tests) #[$test] $open }
    };
}

/// Makes a test of every promise of an [`ObjectStore`](crate::ObjectStore), like
/// [`database_contract!`](crate::database_contract).
#[macro_export]
macro_rules! object_store_contract {
    (#[$test:meta] $open:path) => {
        $crate::object_store_promises! { ($crate::contract_tests) #[$test] $open }
    };
}

/// Calls the macro `$make`, whose path is in parentheses, with the tokens that follow it and the promises of a
/// [`Database`](crate::Database): `$make! { following tokens, module: promise promise … }`, once for each module.
#[macro_export]
macro_rules! database_promises {
    (($($make:tt)+) $($first:tt)*) => {
        $($make)+! { $($first)*, queries:
            values_round_trip
            numbers_convert_to_the_requested_type
            integers_are_kept_as_integers
            conditions_and_limits_take_parameters
            texts_can_be_split_as_blobs
            reads_return_all_rows_in_order
            reads_reject_writes
            the_number_of_parameters_must_match
            json_inserts_in_bulk
            a_writer_reads_its_own_writes
            an_unknown_bookmark_is_accepted
        }
        $($make)+! { $($first)*, transactions:
            writes_return_rows_and_changes
            an_empty_batch_succeeds
            statements_see_earlier_statements
            a_failed_batch_writes_nothing
            an_invalid_statement_is_broken
            deletes_cascade
            a_referenced_row_cannot_be_deleted
            a_trigger_rejects_a_reference_as_a_foreign_key_does
            concurrent_writers_do_not_disturb_each_other
            dropped_calls_do_not_disturb_others
            a_probe_reads_committed_writes
        }
        $($make)+! { $($first)*, limits:
            parameters
            statement_bytes
            value_bytes
            pattern_bytes
            compound_terms
            columns
            arguments
            expression_depth
            other_files_cannot_be_attached
        }
    };
}

/// Calls a macro with the promises of an [`ObjectStore`](crate::ObjectStore), like
/// [`database_promises!`](crate::database_promises).
#[macro_export]
macro_rules! object_store_promises {
    (($($make:tt)+) $($first:tt)*) => {
        $($make)+! { $($first)*, objects:
            objects_round_trip
            head_get_and_list_agree
            an_absent_object_is_none
            a_key_may_extend_another
            ranges_are_cut_at_the_end
            replacing_is_atomic
            a_bad_body_stores_nothing
            a_dropped_put_stores_nothing
            deleting_is_exact_and_repeatable
            renaming_moves_an_object
            renaming_replaces_and_can_be_repeated
            a_probe_leaves_no_object
        }
        $($make)+! { $($first)*, listing:
            listing_pages_in_byte_order
            listing_starts_after_any_key
        }
    };
}

/// The tests of one module.
#[doc(hidden)]
#[macro_export]
macro_rules! contract_tests {
    (#[$test:meta] $open:path, $module:ident: $($promise:ident)*) => {
        mod $module {
            $(
                #[$test]
                async fn $promise() {
                    let (adapter, _keep) = $open().await;
                    $crate::contract::$module::$promise(&adapter).await;
                }
            )*
        }
    };
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_promise_is_in_its_macro() {
        let macros = include_str!("mod.rs");
        for module in [
            include_str!("limits.rs"),
            include_str!("listing.rs"),
            include_str!("objects.rs"),
            include_str!("queries.rs"),
            include_str!("transactions.rs"),
        ] {
            for line in module.lines().filter_map(|line| line.strip_prefix("pub async fn ")) {
                let promise = line.split('(').next().unwrap();
                assert!(macros.lines().any(|line| line.trim() == promise), "{promise} is not in its macro");
            }
        }
    }
}
