//! Migrations of the schema.

use futures_util::future::join_all;
use storage::{Database, Statement};
use storage_native::{OpenError, SqliteOptions, sqlite::migrate};

use crate::fixture::{database_in, file_in, folder, write};

const NAMES: &str = "SELECT name, applied_at FROM d1_migrations ORDER BY id";

#[tokio::test]
async fn a_new_database_gets_all_migrations_and_an_up_to_date_one_none() {
    let folder = folder();

    let first = migrate(&file_in(&folder)).await.unwrap();
    let second = migrate(&file_in(&folder)).await.unwrap();

    assert_eq!(first[..2], ["0001_images.sql", "0002_annotations.sql"]);
    assert!(second.is_empty());
    let database = database_in(&folder, &SqliteOptions::default()).await;
    let recorded = database.read(Statement::new(NAMES), None).await.unwrap().value;
    let recorded: Vec<String> = recorded.into_iter().map(|mut row| row.take("name").unwrap()).collect();
    assert_eq!(recorded, first);
}

#[tokio::test(flavor = "multi_thread")]
async fn processes_that_start_at_once_apply_each_migration_once() {
    let folder = folder();
    let path = file_in(&folder);

    let applied = join_all((0..6).map(|_| migrate(&path))).await;

    let mut names: Vec<String> = applied.into_iter().flat_map(Result::unwrap).collect();
    names.sort();
    let once = migrate_elsewhere().await;
    assert_eq!(names, once);
}

#[tokio::test]
async fn a_database_with_an_unknown_migration_is_rejected_and_not_changed() {
    let folder = folder();
    migrate(&file_in(&folder)).await.unwrap();
    let database = database_in(&folder, &SqliteOptions::default()).await;
    // The first one in the order in which they were applied is reported.
    let newer = "INSERT INTO d1_migrations (name) VALUES ('9999_newer.sql'), ('9998_b.sql'), ('9997_c.sql'), ('9996_d.sql'),
        ('9995_e.sql'), ('9994_f.sql'), ('9993_g.sql'), ('9992_h.sql')";
    write(&database, vec![Statement::new(newer)]).await.unwrap();

    let error = migrate(&file_in(&folder)).await.unwrap_err();

    assert!(matches!(&error, OpenError::UnknownMigration { name } if name == "9999_newer.sql"));
    assert!(error.to_string().contains("9999_newer.sql, which this version does not know"), "{error}");
}

#[tokio::test]
async fn migrations_continue_after_those_that_wrangler_has_applied() {
    let folder = folder();
    let database = database_in(&folder, &SqliteOptions::default()).await;
    let by_wrangler = vec![
        Statement::new(
            "CREATE TABLE d1_migrations(
                id         INTEGER PRIMARY KEY AUTOINCREMENT,
                name       TEXT UNIQUE,
                applied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL
            )",
        ),
        Statement::new(include_str!("../../../../migrations/0001_images.sql")),
        Statement::new("INSERT INTO d1_migrations (name) values ('0001_images.sql')"),
    ];
    write(&database, by_wrangler).await.unwrap();

    let applied = migrate(&file_in(&folder)).await.unwrap();

    assert_eq!(applied.first().map(String::as_str), Some("0002_annotations.sql"));
}

#[tokio::test]
async fn a_file_that_is_not_a_database_is_rejected_with_its_name() {
    let folder = folder();
    std::fs::write(file_in(&folder), "not a database at all, but long enough to be looked at. ".repeat(100))
        .unwrap();

    let error = migrate(&file_in(&folder)).await.unwrap_err();

    assert!(error.to_string().contains("reticle.sqlite"), "{error}");
}

async fn migrate_elsewhere() -> Vec<String> {
    migrate(&file_in(&folder())).await.unwrap()
}

/// Given a change log with many old rows, when it is trimmed, then each step removes a limited number of the oldest rows.
#[tokio::test]
async fn the_change_log_is_trimmed_in_bounded_steps() {
    let folder = folder();
    migrate(&file_in(&folder)).await.unwrap();
    let database = database_in(&folder, &SqliteOptions::default()).await;
    let insert = "WITH RECURSIVE n (seq) AS (SELECT ?1 UNION ALL SELECT seq + 1 FROM n WHERE seq < ?2)
        INSERT INTO annotation_changes (seq, image_id, first_id, last_id) SELECT seq, 'i', '', '' FROM n";
    let insert = |from: i64, to: i64| vec![Statement::new(insert).bind(from).bind(to)];
    write(&database, insert(1, 5_000)).await.unwrap();
    for (seq, oldest) in [(1_000_000, 2_000), (1_001_000, 4_000), (1_002_000, 1_000_000)] {
        write(&database, insert(seq, seq)).await.unwrap();
        let select = Statement::new("SELECT min(seq) AS oldest FROM annotation_changes");
        let mut rows = database.read(select, None).await.unwrap().value;
        assert_eq!(rows[0].take::<i64>("oldest").unwrap(), oldest, "after {seq}");
    }
}
