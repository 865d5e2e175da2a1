//! Runs the functions of the contract by name.

use storage::contract::{limits, queries, transactions};
use storage_native::BridgeDatabase;

/// The names of all promises.
pub(crate) fn names() -> Vec<&'static str> {
    let mut names = Vec::new();
    macro_rules! push {
        ($names:ident, $module:ident: $($promise:ident)*) => {
            $( $names.push(concat!(stringify!($module), "::", stringify!($promise))); )*
        };
    }
    storage::database_promises! { (push) names }
    names
}

/// Tests the promise `name` on an empty database; it panics if the adapter does not keep it.
pub(crate) async fn run(name: &str, database: &BridgeDatabase) {
    macro_rules! run_if_named {
        ($name:ident, $database:ident, $module:ident: $($promise:ident)*) => {
            $(
                if $name == concat!(stringify!($module), "::", stringify!($promise)) {
                    return $module::$promise($database).await;
                }
            )*
        };
    }
    storage::database_promises! { (run_if_named) name, database }
    panic!("no promise is named {name}");
}
