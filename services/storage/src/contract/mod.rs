//! What the ports promise, as tests of any adapter: plain async functions that panic where a promise is broken.
//!
//! Each function takes a new, empty database or store. [`database_contract!`](crate::database_contract) and
//! [`object_store_contract!`](crate::object_store_contract) make a test of each; a host whose tests run elsewhere (in a
//! Worker) makes what it needs of each by [`database_promises!`](crate::database_promises) and
//! [`object_store_promises!`](crate::object_store_promises). A function that is added here is added to its macro, so that
//! no adapter forgets it.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "these are tests, though they are compiled with the crate so that other crates can run them"
)]

mod database;
pub mod limits;
pub mod listing;
mod object_store;
pub mod objects;
pub mod queries;
pub mod transactions;

/// Makes a test, `#[tokio::test]` or another, of every promise of a [`Database`](crate::Database). `$open` is an async
/// function that answers a new, empty database and whatever must live as long as it.
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

/// Calls the macro `$make`, whose path stands in parentheses, with whatever follows and the promises of a
/// [`Database`](crate::Database): `$make! { whatever follows, module: promise promise … }`, once for each module.
#[macro_export]
macro_rules! database_promises {
    (($($make:tt)+) $($first:tt)*) => {
        $($make)+! { $($first)*, queries:
            values_round_trip
            numbers_read_as_what_the_code_asks_for
            integers_are_kept_as_integers
            conditions_and_limits_take_parameters
            texts_are_cut_as_blobs
            reads_answer_all_rows_in_order
            reads_refuse_to_write
            the_number_of_parameters_must_fit
            json_inserts_in_bulk
            a_writer_reads_its_own_writes
            a_strange_bookmark_is_no_failure
        }
        $($make)+! { $($first)*, transactions:
            writes_answer_rows_and_changes
            an_empty_batch_succeeds
            statements_see_those_before_them
            a_failing_batch_leaves_nothing
            a_statement_that_makes_no_sense_is_broken
            deletes_cascade
            a_row_that_others_need_stays
            a_trigger_rejects_a_reference_as_a_foreign_key_does
            concurrent_writers_do_not_disturb_each_other
            calls_that_are_dropped_disturb_nobody
            a_probe_reads_what_was_written
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
            other_files_are_out_of_reach
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
            a_key_may_continue_another
            ranges_are_cut_at_the_end
            replacing_is_atomic
            a_bad_body_stores_nothing
            a_dropped_put_stores_nothing
            deleting_is_exact_and_repeatable
            renaming_moves_an_object
            renaming_replaces_and_repeats
            a_probe_leaves_no_object
        }
        $($make)+! { $($first)*, listing:
            listing_pages_in_byte_order
            listing_begins_after_any_key
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
