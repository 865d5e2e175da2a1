//! What the annotations service needs to serve.

use readiness::{Need, NotReady};
use storage::Database;

use crate::repo::history;

const DATABASE: &str = "The database";

/// A database that would take a write. The images service says of itself whether it is ready.
pub fn needs(database: &impl Database) -> Vec<Need> {
    let database = database.clone();
    let rows = Need::new(DATABASE, move || {
        let database = database.clone();
        async move { history::probe(&database).await.map_err(|error| NotReady::failed(DATABASE, &error)) }
    });
    vec![rows]
}
