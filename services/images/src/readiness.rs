//! The dependencies that the images service needs to handle requests, with their probes.

use readiness::{Need, NotReady};
use runtime::{Clock, Entropy};
use storage::{Database, ObjectStore};

use crate::{
    binding::{BindError, bind},
    repo,
};

const DATABASE: &str = "The database";
const OBJECTS: &str = "The object store";

/// The needs of the service: a database and an object store that accept writes and belong together.
pub fn needs<D, O, C, E>(database: &D, objects: &O, clock: &C, entropy: &E) -> Vec<Need>
where
    D: Database,
    O: ObjectStore,
    C: Clock,
    E: Entropy,
{
    let probed = database.clone();
    let rows = Need::new(DATABASE, move || {
        let database = probed.clone();
        async move {
            let probed = repo::store::probe(&database).await;
            probed.map_err(|error| NotReady::failed(DATABASE, &error))
        }
    });
    let probed = objects.clone();
    let bytes = Need::new(OBJECTS, move || {
        let objects = probed.clone();
        async move { objects.probe().await.map_err(|error| NotReady::failed(OBJECTS, &error)) }
    });
    let both = (database.clone(), objects.clone(), clock.clone(), entropy.clone());
    let binding = Need::new("The database or the object store", move || {
        let (database, objects, clock, entropy) = both.clone();
        async move { bind(&database, &objects, &clock, &entropy).await.map(drop).map_err(not_ready) }
    });
    vec![rows, bytes, binding]
}

fn not_ready(error: BindError) -> NotReady {
    match error {
        BindError::Database(error) => NotReady::failed(DATABASE, &error),
        BindError::Objects(error) => NotReady::failed(OBJECTS, &error),
        BindError::DifferentIds { .. }
        | BindError::DatabaseWithoutId { .. }
        | BindError::ObjectsWithoutId { .. }
        | BindError::Unrelated => {
            tracing::error!("{error}");
            NotReady::because(
                "The database and the object store do not belong together. See the log of the server for what to do.",
            )
        }
    }
}
