//! Runs tests on a Worker's own bindings, one for each path: `/queries/values_round_trip` runs that contract test of
//! [`storage`] on an emptied database. A test that fails panics, so that its request gets no answer; the log says why.
//!
//! The contract's tests come by themselves. To add one of what only Workers do, write it in `d1_faults`,
//! `r2_faults`, `bodies` or `host` and name it in `own_tests!`.

mod bodies;
mod d1_faults;
mod empty;
mod fake;
mod fake_d1;
mod fake_r2;
mod host;
mod memory;
mod r2_faults;

use storage::contract::{limits, listing, objects, queries, transactions};
use storage_worker::{D1Database, R2Objects, WaitUntil};
use worker::{Context, Env, Request, Response, event};

use crate::empty::{empty_database, empty_store, nothing};

/// How many tasks may run in the background.
const BACKGROUND_TASKS: usize = 3;

/// Calls a macro with this crate's own tests, as [`storage::database_promises!`] does with the contract's.
macro_rules! own_tests {
    ($make:ident on_nothing $($first:tt)*) => {
        $make! { $($first)*, d1_faults:
            a_read_is_made_again
            a_read_is_given_up_at_last
            a_write_that_may_have_taken_place_is_not_made_again
            a_write_that_never_began_is_made_again
            an_overloaded_database_is_left_alone
            every_failure_has_its_class
            reads_begin_at_the_bookmark_and_writes_at_the_primary
            a_bookmark_that_d1_refuses_is_no_failure
            a_thing_that_is_no_row_is_broken
        }
        $make! { $($first)*, r2_faults:
            a_bucket_that_fails_is_unavailable
            an_upload_in_parts_that_fails_is_aborted
            the_objects_of_others_are_passed_over
        }
    };
    ($make:ident on_background $($first:tt)*) => {
        $make! { $($first)*, host:
            time_passes
            promises_that_are_dropped_leave_nothing
            promises_tell_what_they_came_to
            timers_that_are_dropped_leave_nothing
            ids_differ
            background_work_is_done_as_far_as_there_is_room
        }
    };
    ($make:ident on_objects $($first:tt)*) => {
        $make! { $($first)*, bodies:
            a_body_of_unknown_length_is_stored_in_parts
            a_long_body_that_fails_stores_nothing
            a_long_upload_stays_small
            a_body_in_crumbs_is_stored
        }
    };
}

/// The path of a request that panics, as a bug in a service would.
pub const PANIC: &str = "panic";

/// The names of all tests, which are their paths too.
#[must_use]
pub fn names() -> Vec<&'static str> {
    let mut names = Vec::new();
    macro_rules! push {
        ($names:ident, $module:ident: $($test:ident)*) => {
            $( $names.push(concat!(stringify!($module), "/", stringify!($test))); )*
        };
    }
    storage::database_promises! { (push) names }
    storage::object_store_promises! { (push) names }
    own_tests! { push on_nothing names }
    own_tests! { push on_objects names }
    own_tests! { push on_background names }
    names
}

/// As every Worker of Reticle does.
#[event(start)]
fn start() {
    storage_worker::start_tasks();
}

#[event(fetch)]
async fn fetch(request: Request, env: Env, context: Context) -> worker::Result<Response> {
    let path = request.path();
    let name = path.trim_start_matches('/');
    assert!(name != PANIC, "as it was told to");
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

/// Runs the test that `name` names.
macro_rules! run_if_named {
    ($name:ident, $subject:ident, $empty:ident, $module:ident: $($test:ident)*) => {
        $(
            if $name == concat!(stringify!($module), "/", stringify!($test)) {
                $empty($subject).await;
                $module::$test($subject).await;
                return true;
            }
        )*
    };
}

async fn runs_on_database(name: &str, database: &D1Database) -> bool {
    storage::database_promises! { (run_if_named) name, database, empty_database }
    false
}

async fn runs_on_objects(name: &str, store: &R2Objects) -> bool {
    storage::object_store_promises! { (run_if_named) name, store, empty_store }
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
