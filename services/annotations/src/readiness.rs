//! The readiness probes of the annotations service.

use readiness::{Need, NotReady};
use storage::Database;

use crate::repo::change_log;

const DATABASE: &str = "The database";

/// The probes for readiness: whether `database` can be read and written. The images service reports its own readiness.
pub fn needs(database: &impl Database) -> Vec<Need> {
    let database = database.clone();
    let database_need = Need::new(DATABASE, move || {
        let database = database.clone();
        async move { change_log::probe(&database).await.map_err(|error| NotReady::failed(DATABASE, &error)) }
    });
    vec![database_need]
}
