//! Binds a database and an object store to each other, so that neither is ever used with another one's counterpart.
//!
//! Records without their objects are lost images, and objects without their records look like leftovers that a clean-up
//! removes. So both carry the same store id, which is compared at every start and before every clean-up. On their first
//! use they get one. The database is asked first and decides: it registers an id, the object store is given the same one,
//! and then the database records that both have it. A crash in between is finished by whoever comes next, and processes
//! that begin at once get the same id.
//!
//! A store that only one side has an id for is adopted where nothing can be lost: where there are neither records nor
//! objects. One that is older than store ids is adopted where the records and the objects are about each other.
//!
//! | database | object store | |
//! |---|---|---|
//! | id | the same id | they belong together |
//! | id | another id | [`BindError::Different`] |
//! | none | none | adopted if both are empty or are about each other, else [`BindError::Unrelated`] |
//! | none | id | adopted if both are empty, else [`BindError::DatabaseHasNone`] |
//! | id | none | adopted if both are empty, else [`BindError::ObjectsHaveNone`] |

use storage::{Clock, Database, Entropy, ObjectKey, ObjectStore, Session};

use crate::{
    image::OBJECT_PREFIX,
    repo::{self, store::Registered},
    store_id::{self, StoreId},
};

/// How many objects and how many records are looked up to find out whether they are about each other.
const SAMPLE: usize = 20;

/// What an operator can do about stores that do not belong together.
const REMEDY: &str = "Check that both are the right ones (--database-url and --objects-url; in a Worker, the bindings \
    DATABASE and OBJECTS), and restore the one that is lost from its backup. If they do belong together, say so once by \
    `reticle adopt`";

/// Why a database and an object store cannot be used together, in a sentence for whoever operates them.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// The database failed.
    #[error("the store id of the database cannot be read or written: {0}")]
    Database(#[source] storage::Error),

    /// The object store failed, or its store id is none.
    #[error("the store id of the object store cannot be read or written: {0}")]
    Objects(#[source] storage::Error),

    /// Each belongs to another store.
    #[error(
        "the database belongs to the store {database}, the object store to the store {objects}. {REMEDY}"
    )]
    Different {
        /// The id that the database has.
        database: StoreId,
        /// The id that the object store has.
        objects: StoreId,
    },

    /// The database is new, or was replaced by one from before store ids.
    #[error(
        "the object store belongs to the store {objects}, and the database to none: it is new or was replaced. {REMEDY}"
    )]
    DatabaseHasNone {
        /// The id that the object store has.
        objects: StoreId,
    },

    /// The object store is new, or was replaced by one from before store ids.
    #[error(
        "the database belongs to the store {database}, and the object store to none: it is new or was replaced. {REMEDY}"
    )]
    ObjectsHaveNone {
        /// The id that the database has.
        database: StoreId,
    },

    /// Neither has an id, and most of the records or objects are not about each other.
    #[error(
        "the records of the database and the objects of the object store are not about each other. {REMEDY}"
    )]
    Unrelated,
}

/// Finds that `database` and `objects` belong together, or binds them where nothing can be lost; answers their id.
///
/// # Errors
/// [`BindError`] if they do not belong together, as far as can be told, or one of them failed.
pub async fn bind<D, O, C, E>(database: &D, objects: &O, clock: &C, entropy: &E) -> Result<StoreId, BindError>
where
    D: Database,
    O: ObjectStore,
    C: Clock,
    E: Entropy,
{
    let registered = repo::store::find(database).await.map_err(BindError::Database)?;
    let marked = store_id::read(objects).await.map_err(BindError::Objects)?;
    let adopted = match (registered, marked) {
        (Some(registered), Some(marked)) if registered.id == marked => {
            if !registered.is_bound {
                repo::store::confirm(database, marked).await.map_err(BindError::Database)?;
            }
            return Ok(marked);
        }
        (Some(registered), Some(objects)) => {
            return Err(BindError::Different { database: registered.id, objects });
        }
        (None, _) | (_, None) => adoptable(registered, marked, relation(database, objects).await?)?,
    };
    let id = adopted.unwrap_or_else(|| StoreId::generate(clock, entropy));
    let registered = repo::store::propose(database, id).await.map_err(BindError::Database)?;
    finish(database, objects, registered.id).await
}

/// The id that both get if nothing can be lost by it; `None` is a new one.
fn adoptable(
    registered: Option<Registered>,
    marked: Option<StoreId>,
    relation: Relation,
) -> Result<Option<StoreId>, BindError> {
    match (registered, marked) {
        (None, Some(objects)) if relation != Relation::Empty => Err(BindError::DatabaseHasNone { objects }),
        (None, Some(objects)) => Ok(Some(objects)),
        (Some(Registered { id, is_bound: true }), _) if relation != Relation::Empty => {
            Err(BindError::ObjectsHaveNone { database: id })
        }
        _ if relation == Relation::Unrelated => Err(BindError::Unrelated),
        (registered, _) => Ok(registered.map(|registered| registered.id)),
    }
}

/// Declares that `database` and `objects` belong together, whatever they say: both get a new id, so that whatever else
/// belonged to one of them does not any more.
///
/// # Errors
/// [`BindError`] if one of them failed, or another process did the same at the same time.
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

/// Gives the object store the id that the database has, and has the database record it.
async fn finish(
    database: &impl Database,
    objects: &impl ObjectStore,
    id: StoreId,
) -> Result<StoreId, BindError> {
    store_id::write(objects, id).await.map_err(BindError::Objects)?;
    // Another database may have been given the same object store at the same time.
    match store_id::read(objects).await.map_err(BindError::Objects)? {
        Some(marked) if marked == id => {}
        Some(objects) => return Err(BindError::Different { database: id, objects }),
        None => return Err(BindError::ObjectsHaveNone { database: id }),
    }
    repo::store::confirm(database, id).await.map_err(BindError::Database)?;
    tracing::info!(store.id = %id, "the database and the object store are bound to each other");
    Ok(id)
}

/// What records and objects have to do with each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Relation {
    /// There are neither.
    Empty,
    /// At least half of those that were looked up have each other.
    AboutEachOther,
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
        true => Relation::AboutEachOther,
        false => Relation::Unrelated,
    })
}
