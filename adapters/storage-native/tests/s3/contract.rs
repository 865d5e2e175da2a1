//! Runs the functions of the contract by name.

use storage::contract::{listing, objects};
use storage_native::S3Objects;

/// The names of all promises.
pub(crate) fn names() -> Vec<&'static str> {
    let mut names = Vec::new();
    macro_rules! push {
        ($names:ident, $module:ident: $($promise:ident)*) => {
            $( $names.push(concat!(stringify!($module), "::", stringify!($promise))); )*
        };
    }
    storage::object_store_promises! { (push) names }
    names
}

/// Tests the promise `name` on an empty store; it panics if the adapter does not keep it.
pub(crate) async fn run(name: &str, store: &S3Objects) {
    macro_rules! run_if_named {
        ($name:ident, $store:ident, $module:ident: $($promise:ident)*) => {
            $(
                if $name == concat!(stringify!($module), "::", stringify!($promise)) {
                    return $module::$promise($store).await;
                }
            )*
        };
    }
    storage::object_store_promises! { (run_if_named) name, store }
    panic!("no promise is named {name}");
}
