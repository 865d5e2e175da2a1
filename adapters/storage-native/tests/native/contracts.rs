//! Tests every promise of the ports on SQLite and on folders.

use storage_native::{FileObjects, SqliteDatabase, SqliteOptions};
use tempfile::TempDir;

use crate::fixture::{database_in, folder};

async fn empty_database() -> (SqliteDatabase, TempDir) {
    let folder = folder();
    (database_in(&folder, &SqliteOptions::default()).await, folder)
}

async fn empty_store() -> (FileObjects, TempDir) {
    let folder = folder();
    (FileObjects::open(folder.path()).await.unwrap(), folder)
}

storage::database_contract! { #[tokio::test(flavor = "multi_thread")] crate::contracts::empty_database }
storage::object_store_contract! { #[tokio::test(flavor = "multi_thread")] crate::contracts::empty_store }
