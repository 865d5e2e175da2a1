//! Runs tests on a Worker's own bindings, one for each path: `/queries::values_round_trip` runs that contract test of
//! [`storage`] on an empty database. A failed test panics, so its request gets no response; the log has the cause.
//!
//! The contract tests of [`storage`] are included automatically. To add a test of Workers only, write it in `d1_faults`,
//! `r2_faults`, `bodies` or `host`, and add its name to `own_tests!`.

mod bodies;
mod d1_faults;
mod empty;
mod fake;
mod fake_d1;
mod fake_r2;
mod host;
mod memory;
mod r2_faults;

use storage::contract;
use storage_worker::{D1Database, R2Objects, WaitUntil};
use worker::{Context, Env, Request, Response, event};

use crate::empty::{empty_database, empty_store, nothing};

/// The limit of background tasks.
const BACKGROUND_TASKS: usize = 3;

/// Calls the macro `$make` with this crate's own tests: `$make! { following tokens, module: test test … }`, once for each
/// module.
macro_rules! own_tests {
    ($make:ident on_nothing $($first:tt)*) => {
        $make! { $($first)*, d1_faults:
            a_failed_read_is_retried
            a_read_fails_after_the_last_retry
            a_possibly_committed_write_is_not_retried
            a_write_that_did_not_start_is_retried
            calls_to_an_overloaded_database_are_not_retried
            every_failure_is_classified
            reads_start_at_the_bookmark_and_writes_at_the_primary
            an_invalid_bookmark_is_ignored
            an_invalid_row_is_an_error
        }
        $make! { $($first)*, r2_faults:
            a_failing_bucket_is_unavailable
            a_failed_multipart_upload_is_aborted
            foreign_objects_are_not_listed
        }
    };
    ($make:ident on_background $($first:tt)*) => {
        $make! { $($first)*, host:
            clocks_advance
            dropped_promises_leak_no_memory
            promises_return_their_result
            dropped_timers_leak_no_memory
            ids_differ
            background_tasks_are_limited
        }
    };
    ($make:ident on_objects $($first:tt)*) => {
        $make! { $($first)*, bodies:
            a_body_of_unknown_length_is_stored_in_parts
            a_failed_long_body_stores_nothing
            a_long_upload_uses_little_memory
            a_body_of_single_bytes_is_stored
        }
    };
}

/// The path of a request that panics, as a bug in a service would do.
pub const PANIC: &str = "panic";

/// The names of all tests. A name is also the path that runs the test.
#[must_use]
pub fn names() -> Vec<&'static str> {
    let mut names = [contract::database_promises(), contract::object_store_promises()].concat();
    macro_rules! push {
        ($names:ident, $module:ident: $($test:ident)*) => {
            $( $names.push(concat!(stringify!($module), "::", stringify!($test))); )*
        };
    }
    own_tests! { push on_nothing names }
    own_tests! { push on_objects names }
    own_tests! { push on_background names }
    names
}

/// Starts the tasks as every Worker of Reticle does.
#[event(start)]
fn start() {
    storage_worker::start_tasks();
}

#[event(fetch)]
async fn fetch(request: Request, env: Env, context: Context) -> worker::Result<Response> {
    let path = request.path();
    let name = path.trim_start_matches('/');
    assert!(name != PANIC, "the request asked for a panic");
    let database = D1Database::new(env.d1("DATABASE")?);
    let objects = R2Objects::new(env.bucket("OBJECTS")?);
    if runs_on_database(name, &database).await
        || runs_on_objects(name, &objects).await
        || runs_on_nothing(name, &()).await
        || runs_on_background(name, &WaitUntil::new(context, BACKGROUND_TASKS)).await
    {
        return Response::ok("passed");
    }
    Response::error("no such test", 404)
}

/// Runs the test `name`, if it is in the list.
macro_rules! run_if_named {
    ($name:ident, $subject:ident, $empty:ident, $module:ident: $($test:ident)*) => {
        $(
            if $name == concat!(stringify!($module), "::", stringify!($test)) {
                $empty($subject).await;
                $module::$test($subject).await;
                return true;
            }
        )*
    };
}

async fn runs_on_database(name: &str, database: &D1Database) -> bool {
    let is_promise = contract::database_promises().contains(&name);
    if is_promise {
        empty_database(database).await;
        contract::test_database(name, database).await;
    }
    is_promise
}

async fn runs_on_objects(name: &str, store: &R2Objects) -> bool {
    if contract::object_store_promises().contains(&name) {
        empty_store(store).await;
        contract::test_object_store(name, store).await;
        return true;
    }
    own_tests! { run_if_named on_objects name, store, empty_store }
    false
}

async fn runs_on_background(name: &str, background: &WaitUntil) -> bool {
    own_tests! { run_if_named on_background name, background, nothing }
    false
}

async fn runs_on_nothing(name: &str, unit: &()) -> bool {
    own_tests! { run_if_named on_nothing name, unit, nothing }
    false
}
