//! The files of the folder `migrations/`.

include!(concat!(env!("OUT_DIR"), "/migrations.rs"));

/// One of them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Migration {
    pub(crate) name: &'static str,
    pub(crate) sql: &'static str,
}

/// How a database's schema differs from this program's.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Difference {
    /// It has a migration that this program does not know; this is the first.
    HasUnknown(String),
    /// It lacks one; this is the first.
    Lacks(&'static str),
}

/// How a database with the migrations `applied` differs, if it does.
pub(crate) fn difference(applied: &[String]) -> Option<Difference> {
    let unknown = applied.iter().find(|name| MIGRATIONS.iter().all(|known| known.name != **name));
    if let Some(name) = unknown {
        return Some(Difference::HasUnknown(name.clone()));
    }
    let mut names = MIGRATIONS.iter().map(|migration| migration.name);
    names.find(|name| applied.iter().all(|applied| applied != name)).map(Difference::Lacks)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_lacks_a_migration_or_has_one_too_many_or_fits() {
        let mut applied: Vec<String> = MIGRATIONS.iter().map(|migration| migration.name.to_owned()).collect();
        assert_eq!(difference(&applied), None);
        let last = applied.pop();
        assert_eq!(
            difference(&applied),
            MIGRATIONS.last().map(|migration| Difference::Lacks(migration.name))
        );
        assert_eq!(difference(&[]), Some(Difference::Lacks("0001_images.sql")));
        applied.extend(last);
        applied.push("9999_newer.sql".to_owned());
        assert_eq!(difference(&applied), Some(Difference::HasUnknown("9999_newer.sql".to_owned())));
    }
}
