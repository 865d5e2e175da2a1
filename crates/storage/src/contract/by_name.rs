//! Runs the promises by name: `queries::values_round_trip`.

use super::{limits, listing, objects, queries, transactions};
use crate::{Database, ObjectStore};

/// The promises of D1's limits that Cloudflare's local runtime does not keep: it accepts texts of up to 4 MiB, and functions of
/// up to 127 arguments.
pub const NOT_SIMULATED: [&str; 2] = ["limits::value_bytes", "limits::arguments"];

macro_rules! name_of {
    ($module:ident, $promise:ident) => {
        concat!(stringify!($module), "::", stringify!($promise))
    };
}

macro_rules! extend {
    ($names:ident, $module:ident: $($promise:ident)*) => {
        $names.extend([$(name_of!($module, $promise)),*]);
    };
}

macro_rules! run_if_named {
    ($name:ident, $adapter:ident, $module:ident: $($promise:ident)*) => {
        $(
            if $name == name_of!($module, $promise) {
                return $module::$promise($adapter).await;
            }
        )*
    };
}

/// The names of all promises of a [`Database`].
#[must_use]
pub fn database_promises() -> Vec<&'static str> {
    let mut names = Vec::new();
    crate::database_promises! { (extend) names }
    names
}

/// The names of all promises of an [`ObjectStore`].
#[must_use]
pub fn object_store_promises() -> Vec<&'static str> {
    let mut names = Vec::new();
    crate::object_store_promises! { (extend) names }
    names
}

/// Tests the promise `name` on an empty database; panics if the adapter does not keep it, or if there is no such promise.
pub async fn test_database(name: &str, database: &impl Database) {
    crate::database_promises! { (run_if_named) name, database }
    panic!("no promise of a database is named {name}");
}

/// Tests the promise `name` on an empty store; panics if the adapter does not keep it, or if there is no such promise.
pub async fn test_object_store(name: &str, store: &impl ObjectStore) {
    crate::object_store_promises! { (run_if_named) name, store }
    panic!("no promise of an object store is named {name}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_promises_that_are_not_simulated_exist() {
        let names = database_promises();
        assert!(NOT_SIMULATED.iter().all(|name| names.contains(name)), "{names:?}");
        assert!(object_store_promises().contains(&"listing::listing_pages_in_byte_order"));
    }
}
