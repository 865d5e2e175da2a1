//! The files of the folder `migrations/`, compiled into the program by `build.rs`.

include!(concat!(env!("OUT_DIR"), "/migrations.rs"));

/// One migration: the name of its file and its SQL.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Migration {
    pub(crate) name: &'static str,
    pub(crate) sql: &'static str,
}

/// How a database's schema differs from this program's.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Difference {
    /// The database has migrations that this program does not know; this is the first.
    Unknown(String),
    /// The database lacks migrations; this is the first.
    Missing(&'static str),
}

/// Compares the migrations `applied` to a database with this program's; `None` if they are the same.
pub(crate) fn difference(applied: &[String]) -> Option<Difference> {
    let unknown = applied.iter().find(|name| MIGRATIONS.iter().all(|known| known.name != **name));
    if let Some(name) = unknown {
        return Some(Difference::Unknown(name.clone()));
    }
    let mut names = MIGRATIONS.iter().map(|migration| migration.name);
    names.find(|name| applied.iter().all(|applied| applied != name)).map(Difference::Missing)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_and_unknown_migrations_are_reported() {
        let mut applied: Vec<String> = MIGRATIONS.iter().map(|migration| migration.name.to_owned()).collect();
        assert_eq!(difference(&applied), None);
        let last = applied.pop();
        assert_eq!(
            difference(&applied),
            MIGRATIONS.last().map(|migration| Difference::Missing(migration.name))
        );
        assert_eq!(difference(&[]), Some(Difference::Missing("0001_images.sql")));
        applied.extend(last);
        applied.push("9999_newer.sql".to_owned());
        assert_eq!(difference(&applied), Some(Difference::Unknown("9999_newer.sql".to_owned())));
    }
}
