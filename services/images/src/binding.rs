//! Binds a database and an object store to each other, so that neither is used with the wrong counterpart.
//!
//! Records without their objects are lost images, and a clean-up removes objects without records. So both carry the same
//! store id, which is compared at every start and before every clean-up. They get the id on first use, in three steps: the
//! database registers an id, the object store stores the same id, and the database records that both have it. After a
//! crash between the steps, the next process completes them. Processes that start at the same time agree on one id, because
//! the database decides.
//!
//! If only one side has an id, the other side gets it only if nothing can be lost: if there are neither records nor objects.
//! An installation that is older than store ids gets one if its records and objects refer to each other.
//!
//! | database | object store | result |
//! |---|---|---|
//! | id | the same id | they belong together |
//! | id | another id | [`BindError::DifferentIds`] |
//! | none | none | bound if both are empty or related, else [`BindError::Unrelated`] |
//! | none | id | bound if both are empty, else [`BindError::DatabaseWithoutId`] |
//! | id | none | bound if both are empty, else [`BindError::ObjectsWithoutId`] |

use runtime::{Clock, Entropy};
use storage::{Database, ObjectKey, ObjectStore, Session};

use crate::{
    image::OBJECT_PREFIX,
    repo::{self, store::Registered},
    store_id::{self, StoreId},
};

/// How many objects and how many records are sampled to find out whether they refer to each other.
const SAMPLE: usize = 20;

/// What an operator can do if the database and the object store do not belong together.
const REMEDY: &str = "Check that both are the right ones (--database-url and --objects-url; in a Worker, the bindings \
    DATABASE and OBJECTS), and restore a lost one from its backup. If they do belong together, run `reticle adopt` once";

/// Why a database and an object store cannot be used together. The messages are for the operator.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// The database failed.
    #[error("cannot read or write the store id in the database: {0}")]
    Database(#[source] storage::Error),

    /// The object store failed, or its store id is invalid.
    #[error("cannot read or write the store id in the object store: {0}")]
    Objects(#[source] storage::Error),

    /// The database and the object store have different store ids.
    #[error("the database has the store id {database}, but the object store has {objects}. {REMEDY}")]
    DifferentIds {
        /// The id that the database has.
        database: StoreId,
        /// The id that the object store has.
        objects: StoreId,
    },

    /// The database is new, or was replaced by one that is older than store ids.
    #[error(
        "the object store has the store id {objects}, but the database has none: it is new or was replaced. {REMEDY}"
    )]
    DatabaseWithoutId {
        /// The id that the object store has.
        objects: StoreId,
    },

    /// The object store is new, or was replaced by one that is older than store ids.
    #[error(
        "the database has the store id {database}, but the object store has none: it is new or was replaced. {REMEDY}"
    )]
    ObjectsWithoutId {
        /// The id that the database has.
        database: StoreId,
    },

    /// Neither has an id, or only the database has one that is not bound yet, and most of the sampled records or
    /// objects have no counterpart.
    #[error("most records in the database have no object, or most objects have no record. {REMEDY}")]
    Unrelated,
}

/// Checks that `database` and `objects` belong together, or binds them if nothing can be lost. Returns their store id.
///
/// # Errors
/// [`BindError`] if they do not appear to belong together, or if one of them failed.
pub async fn bind<D, O, C, E>(database: &D, objects: &O, clock: &C, entropy: &E) -> Result<StoreId, BindError>
where
    D: Database,
    O: ObjectStore,
    C: Clock,
    E: Entropy,
{
    let registered = repo::store::find(database).await.map_err(BindError::Database)?;
    let marked = store_id::read(objects).await.map_err(BindError::Objects)?;
    let existing = match (registered, marked) {
        (Some(registered), Some(marked)) if registered.id == marked => {
            if !registered.is_bound {
                repo::store::confirm(database, marked).await.map_err(BindError::Database)?;
            }
            return Ok(marked);
        }
        (Some(registered), Some(objects)) => {
            return Err(BindError::DifferentIds { database: registered.id, objects });
        }
        (None, _) | (_, None) => id_to_share(registered, marked, relation(database, objects).await?)?,
    };
    let id = existing.unwrap_or_else(|| StoreId::generate(clock, entropy));
    let registered = repo::store::propose(database, id).await.map_err(BindError::Database)?;
    finish(database, objects, registered.id).await
}

/// The existing id that both should have, if nothing can be lost by that; `None` means a new id.
fn id_to_share(
    registered: Option<Registered>,
    marked: Option<StoreId>,
    relation: Relation,
) -> Result<Option<StoreId>, BindError> {
    match (registered, marked) {
        (None, Some(objects)) if relation != Relation::Empty => Err(BindError::DatabaseWithoutId { objects }),
        (None, Some(objects)) => Ok(Some(objects)),
        (Some(Registered { id, is_bound: true }), _) if relation != Relation::Empty => {
            Err(BindError::ObjectsWithoutId { database: id })
        }
        _ if relation == Relation::Unrelated => Err(BindError::Unrelated),
        (registered, _) => Ok(registered.map(|registered| registered.id)),
    }
}

/// Binds `database` and `objects` regardless of their current ids: both get a new id, so any earlier counterpart of either
/// no longer matches.
///
/// # Errors
/// [`BindError`] if one of them failed, or if another process did the same at the same time.
pub async fn adopt<D, O, C, E>(
    database: &D,
    objects: &O,
    clock: &C,
    entropy: &E,
) -> Result<StoreId, BindError>
where
    D: Database,
    O: ObjectStore,
    C: Clock,
    E: Entropy,
{
    let id = StoreId::generate(clock, entropy);
    let registered = repo::store::replace(database, id).await.map_err(BindError::Database)?;
    finish(database, objects, registered.id).await
}

/// Writes the id of the database to the object store, and records in the database that both have it.
async fn finish(
    database: &impl Database,
    objects: &impl ObjectStore,
    id: StoreId,
) -> Result<StoreId, BindError> {
    store_id::write(objects, id).await.map_err(BindError::Objects)?;
    // Another process may have bound the same object store to another database at the same time.
    match store_id::read(objects).await.map_err(BindError::Objects)? {
        Some(marked) if marked == id => {}
        Some(objects) => return Err(BindError::DifferentIds { database: id, objects }),
        None => return Err(BindError::ObjectsWithoutId { database: id }),
    }
    repo::store::confirm(database, id).await.map_err(BindError::Database)?;
    tracing::info!(store.id = %id, "the database and the object store are bound to each other");
    Ok(id)
}

/// Whether the records and the objects refer to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Relation {
    /// There are neither records nor objects.
    Empty,
    /// At least half of the sampled objects have a record, and at least half of the sampled records have an object.
    Related,
    Unrelated,
}

async fn relation<D: Database>(database: &D, objects: &impl ObjectStore) -> Result<Relation, BindError> {
    let session = Session::new(database);
    let listed = objects.list(OBJECT_PREFIX, None, SAMPLE).await.map_err(BindError::Objects)?.objects;
    let listed: Vec<ObjectKey> = listed.into_iter().map(|object| object.key).collect();
    let recorded = repo::store::newest_keys(&session, SAMPLE).await.map_err(BindError::Database)?;
    if listed.is_empty() && recorded.is_empty() {
        return Ok(Relation::Empty);
    }
    let of_listed = listed.len();
    let unknown = repo::without_record(&session, listed).await.map_err(BindError::Database)?;
    let known = of_listed - unknown.len();
    let mut present = 0;
    for key in &recorded {
        present += usize::from(objects.head(key).await.map_err(BindError::Objects)?.is_some());
    }
    let is_half = |some: usize, all: usize| all > 0 && some * 2 >= all;
    Ok(match is_half(known, of_listed) && is_half(present, recorded.len()) {
        true => Relation::Related,
        false => Relation::Unrelated,
    })
}
