//! The contract of a [`Database`] for writes.

use futures_util::future::{Either, join, join_all, select};

use super::database::{CREATE_CHILDREN, CREATE_PARENTS, count, create, write};
use crate::{Constraint, Database, Error, Statement};

/// A write returns one outcome for each statement: its rows, and how many rows it changed.
pub async fn writes_return_rows_and_changes(database: &impl Database) {
    create(database, &[CREATE_PARENTS, CREATE_CHILDREN]).await;
    let statements = vec![
        Statement::new("INSERT INTO parents VALUES ('a', 1), ('b', 2) RETURNING id, score"),
        Statement::new("SELECT score FROM parents WHERE id = ?1").bind("b"),
        Statement::new("UPDATE parents SET score = score + 1 WHERE score > ?1").bind(5),
        Statement::new("INSERT INTO children (parent_id) VALUES ('a'), ('a'), ('a')"),
        Statement::new("DELETE FROM children WHERE parent_id = 'a'"),
        Statement::new("DELETE FROM parents"),
    ];

    let mut outcomes = write(database, statements).await.unwrap();

    let changes: Vec<u64> = outcomes.iter().map(|outcome| outcome.changes).collect();
    assert_eq!(changes, [2, 0, 0, 3, 3, 2], "a read changes no rows");
    let returned = &mut outcomes[0].rows;
    assert_eq!(returned.len(), 2);
    assert_eq!(returned[1].take::<String>("id").unwrap(), "b");
    assert_eq!(outcomes[1].rows[0].take::<i64>("score").unwrap(), 2);
    assert!(outcomes[5].rows.is_empty());
}

/// A batch of no statements does nothing and succeeds.
pub async fn an_empty_batch_succeeds(database: &impl Database) {
    assert!(write(database, Vec::new()).await.unwrap().is_empty());
}

/// A statement sees the changes of the statements before it in the batch.
pub async fn statements_see_earlier_statements(database: &impl Database) {
    create(database, &[CREATE_PARENTS]).await;
    let claim = "UPDATE parents SET score = 9 WHERE id = 'a' AND score = ?1 RETURNING id";

    let outcomes = write(
        database,
        vec![
            Statement::new("INSERT INTO parents VALUES ('a', 1)"),
            Statement::new(claim).bind(1),
            Statement::new(claim).bind(1),
        ],
    )
    .await
    .unwrap();

    assert_eq!((outcomes[1].changes, outcomes[2].changes), (1, 0));
}

/// A batch whose last statement fails writes nothing, and the error has the class of the violated constraint.
pub async fn a_failed_batch_writes_nothing(database: &impl Database) {
    create(database, &[CREATE_PARENTS, CREATE_CHILDREN]).await;
    write(database, vec![Statement::new("INSERT INTO parents VALUES ('taken', 1)")]).await.unwrap();
    for (breaks, constraint) in [
        ("INSERT INTO parents VALUES ('taken', 1)", Constraint::Unique),
        ("INSERT INTO parents VALUES ('new', 1), ('new', 2)", Constraint::Unique),
        ("INSERT INTO children (parent_id) VALUES ('nobody')", Constraint::ForeignKey),
        ("INSERT INTO parents VALUES ('b', -1)", Constraint::Check),
        ("INSERT INTO parents VALUES ('b', NULL)", Constraint::Check),
    ] {
        let batch = vec![Statement::new("INSERT INTO parents VALUES ('a', 1)"), Statement::new(breaks)];
        let rejected = write(database, batch).await;

        assert!(
            matches!(rejected, Err(Error::Constraint(class)) if class == constraint),
            "{breaks}: {rejected:?}"
        );
        assert_eq!(count(database, "SELECT count(*) AS total FROM parents").await, 1, "{breaks}");
    }
}

/// A statement that is invalid SQL fails its batch, and later batches work.
pub async fn an_invalid_statement_is_broken(database: &impl Database) {
    create(database, &[CREATE_PARENTS]).await;
    let insert = Statement::new("INSERT INTO parents VALUES ('a', 1)");

    let rejected =
        write(database, vec![insert.clone(), Statement::new("INSERT INTO nowhere VALUES (1)")]).await;

    assert!(matches!(rejected, Err(Error::Broken(_))), "{rejected:?}");
    assert_eq!(write(database, vec![insert]).await.unwrap()[0].changes, 1);
}

/// Deleting a row deletes those that refer to it with `ON DELETE CASCADE`.
pub async fn deletes_cascade(database: &impl Database) {
    create(database, &[CREATE_PARENTS, CREATE_CHILDREN]).await;
    let family = vec![
        Statement::new("INSERT INTO parents VALUES ('a', 1), ('b', 1)"),
        Statement::new("INSERT INTO children (parent_id) VALUES ('a'), ('a'), ('b')"),
    ];
    write(database, family).await.unwrap();

    write(database, vec![Statement::new("DELETE FROM parents WHERE id = 'a'")]).await.unwrap();

    assert_eq!(count(database, "SELECT count(*) AS total FROM children").await, 1);
}

/// Deleting a row that others refer to with `ON DELETE RESTRICT`, or with no rule, is rejected.
pub async fn a_referenced_row_cannot_be_deleted(database: &impl Database) {
    for rule in [
        "CREATE TABLE pets (parent_id TEXT REFERENCES parents (id) ON DELETE RESTRICT)",
        "CREATE TABLE pets (parent_id TEXT REFERENCES parents (id))",
    ] {
        create(
            database,
            &["DROP TABLE IF EXISTS pets", "DROP TABLE IF EXISTS parents", CREATE_PARENTS, rule],
        )
        .await;
        let family = vec![
            Statement::new("INSERT INTO parents VALUES ('a', 1)"),
            Statement::new("INSERT INTO pets VALUES ('a')"),
        ];
        write(database, family).await.unwrap();

        let rejected = write(database, vec![Statement::new("DELETE FROM parents WHERE id = 'a'")]).await;

        assert!(matches!(rejected, Err(Error::Constraint(Constraint::ForeignKey))), "{rule}: {rejected:?}");
    }
}

/// A probe reads what was written before it, and changes nothing.
pub async fn a_probe_reads_committed_writes(database: &impl Database) {
    create(database, &[CREATE_PARENTS]).await;
    for n in 1..4_i64 {
        let insert = Statement::new("INSERT INTO parents VALUES (?1, ?2)").bind(format!("{n}")).bind(n);
        write(database, vec![insert]).await.unwrap();
        let select = Statement::new("SELECT count(*) AS total FROM parents WHERE score >= ?1").bind(0);
        let mut rows = database.probe(select).await.unwrap();
        assert_eq!(rows[0].take::<i64>("total").unwrap(), n);
    }
    assert!(database.probe(Statement::new("SELECT 1 FROM nowhere")).await.is_err());
}

/// A batch that fails by a trigger with the text of a foreign key violation is reported as a foreign key violation.
pub async fn a_trigger_rejects_a_reference_as_a_foreign_key_does(database: &impl Database) {
    let trigger = "CREATE TRIGGER only_good_parents BEFORE INSERT ON children
                   WHEN NOT EXISTS (SELECT 1 FROM parents WHERE id = NEW.parent_id AND score > 1)
                   BEGIN SELECT RAISE(ABORT, 'FOREIGN KEY constraint failed: the parent is bad'); END";
    create(database, &[CREATE_PARENTS, CREATE_CHILDREN, trigger]).await;
    let parents = Statement::new("INSERT INTO parents VALUES ('good', 2), ('bad', 1)");
    write(database, vec![parents]).await.unwrap();

    let children = |parent| Statement::new("INSERT INTO children (parent_id) VALUES (?1)").bind(parent);
    let rejected = write(database, vec![children("good"), children("bad")]).await;

    assert!(matches!(rejected, Err(Error::Constraint(Constraint::ForeignKey))), "{rejected:?}");
    assert_eq!(count(database, "SELECT count(*) AS total FROM children").await, 0);
    assert!(write(database, vec![children("good")]).await.is_ok());
}

/// Concurrent writers neither lose nor mix their batches, and one that fails does not affect the others.
pub async fn concurrent_writers_do_not_disturb_each_other(database: &impl Database) {
    create(database, &[CREATE_PARENTS]).await;
    write(database, vec![Statement::new("INSERT INTO parents VALUES ('sum', 0)")]).await.unwrap();

    let results = join_all((0..60).map(|n| async move {
        let add = Statement::new("UPDATE parents SET score = score + ?1 WHERE id = 'sum'").bind(n);
        let key = if n % 3 == 0 { "sum".to_owned() } else { format!("writer {n}") };
        let insert = Statement::new("INSERT INTO parents VALUES (?1, 1)").bind(key);
        (n, write(database, vec![add, insert]).await)
    }))
    .await;

    for (n, result) in results {
        let is_rejected = matches!(result, Err(Error::Constraint(Constraint::Unique)));
        assert_eq!(is_rejected, n % 3 == 0, "writer {n}: {result:?}");
    }
    let sum = (0..60).filter(|n| n % 3 != 0).sum::<i64>();
    assert_eq!(count(database, "SELECT score AS total FROM parents WHERE id = 'sum'").await, sum);
    assert_eq!(count(database, "SELECT count(*) AS total FROM parents").await, 41);
}

/// A call that is dropped at any moment does not affect the calls of others.
pub async fn dropped_calls_do_not_disturb_others(database: &impl Database) {
    create(database, &[CREATE_PARENTS]).await;
    for n in 0..40 {
        let insert = |key| Statement::new("INSERT INTO parents VALUES (?1, 1)").bind(key);
        let dropped = database.write(vec![insert(format!("dropped {n}"))], None);
        let kept = database.write(vec![insert(format!("kept {n}"))], None);
        let scan =
            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 100000) SELECT i FROM n";
        let reading = database.read(Statement::new(scan), None);
        // When the kept write is done, the other two are dropped, whether they run or wait.
        let both = Box::pin(join(dropped, reading));
        match select(both, Box::pin(kept)).await {
            Either::Left((_, kept)) => drop(kept.await.unwrap()),
            Either::Right((kept, _)) => drop(kept.unwrap()),
        }
    }
    let kept = "SELECT count(*) AS total FROM parents WHERE id LIKE 'kept %'";
    assert_eq!(count(database, kept).await, 40);
}
