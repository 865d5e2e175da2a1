//! What a [`Database`] promises.

use futures_util::future::{Either, join, join_all, select};

use crate::{Constraint, Database, Error, Outcome, Result, Row, Statement};

const CREATE_PARENTS: &str =
    "CREATE TABLE parents (id TEXT PRIMARY KEY, score INTEGER NOT NULL CHECK (score >= 0)) WITHOUT ROWID";
const CREATE_CHILDREN: &str = "CREATE TABLE children (
    id INTEGER PRIMARY KEY,
    parent_id TEXT NOT NULL REFERENCES parents (id) ON DELETE CASCADE
)";
const CREATE_BOXES: &str = "CREATE TABLE boxes (id TEXT, x REAL, area INTEGER, label TEXT)";

/// Integers to 2^53, doubles, text of any script and `NULL` come back as they were bound, with and without a table.
pub async fn values_round_trip(database: &impl Database) {
    create(database, &[CREATE_BOXES]).await;
    const EDGE: i64 = 1 << 53;
    for (x, area) in [(0.1 + 0.2, EDGE), (f64::MAX, -EDGE), (f64::MIN_POSITIVE, 0), (-0.5, 1_763_900_000_000)]
    {
        for label in ["", "Größe 箱 👩‍🔬 \u{202e}\"'\\%_", &"long ".repeat(10_000)] {
            let insert =
                "INSERT INTO boxes (id, x, area, label) VALUES (?1, ?2, ?3, ?4) RETURNING *, ?4 AS bound";
            let statement = Statement::new(insert).bind(None::<&str>).bind(x).bind(area).bind(label);
            let mut rows = write(database, vec![statement]).await.unwrap().remove(0).rows;

            let row = &mut rows[0];
            assert_eq!(row.take::<Option<String>>("id").unwrap(), None);
            assert_eq!(row.take::<f64>("x").unwrap(), x);
            assert_eq!(row.take::<i64>("area").unwrap(), area);
            assert_eq!(row.take::<String>("label").unwrap(), label);
            assert_eq!(row.take::<String>("bound").unwrap(), label);
        }
    }
}

/// A whole number in a `REAL` column reads as a double, and an aggregate of integers as an integer.
pub async fn numbers_read_as_what_the_code_asks_for(database: &impl Database) {
    create(database, &[CREATE_BOXES]).await;
    let insert = Statement::new("INSERT INTO boxes (x, area) VALUES (?1, ?2)").bind(1.0).bind(3);
    write(database, vec![insert]).await.unwrap();

    let mut row = one_row(database, "SELECT x, sum(area) AS area, count(*) AS total FROM boxes").await;

    assert_eq!(row.take::<f64>("x").unwrap(), 1.0);
    assert_eq!(row.take::<i64>("area").unwrap(), 3);
    assert_eq!(row.take::<i64>("total").unwrap(), 1);
}

/// A read answers every row in the order of the query, and none if there is none.
pub async fn reads_answer_all_rows_in_order(database: &impl Database) {
    create(database, &[CREATE_BOXES]).await;
    let insert = "INSERT INTO boxes (area) SELECT value FROM json_each(?1)";
    let numbers = serde_json::to_string(&(0..3_000).rev().collect::<Vec<_>>()).unwrap();
    write(database, vec![Statement::new(insert).bind(numbers)]).await.unwrap();

    let rows = read(database, Statement::new("SELECT area FROM boxes ORDER BY area")).await.unwrap();
    let none = read(database, Statement::new("SELECT area FROM boxes WHERE area < 0")).await.unwrap();

    let areas: Vec<i64> = rows.into_iter().map(|mut row| row.take("area").unwrap()).collect();
    assert_eq!(areas, (0..3_000).collect::<Vec<_>>());
    assert!(none.is_empty());
}

/// A read refuses a statement that writes.
pub async fn reads_refuse_to_write(database: &impl Database) {
    create(database, &[CREATE_PARENTS]).await;

    let refused = read(database, Statement::new("INSERT INTO parents VALUES ('a', 1)")).await;

    assert!(matches!(refused, Err(Error::Broken(_))), "{refused:?}");
    assert_eq!(count(database, "SELECT count(*) AS total FROM parents").await, 0);
}

/// A write answers one outcome for each statement: the rows it returns and how many it changed itself.
pub async fn writes_answer_rows_and_changes(database: &impl Database) {
    create(database, &[CREATE_PARENTS, CREATE_CHILDREN]).await;
    let statements = vec![
        Statement::new("INSERT INTO parents VALUES ('a', 1), ('b', 2) RETURNING id, score"),
        Statement::new("SELECT score FROM parents WHERE id = ?1").bind("b"),
        Statement::new("UPDATE parents SET score = score + 1 WHERE score > ?1").bind(5),
        Statement::new("INSERT INTO children (parent_id) VALUES ('a'), ('a'), ('a')"),
        Statement::new("DELETE FROM parents WHERE id = 'a'"),
    ];

    let mut outcomes = write(database, statements).await.unwrap();

    let changes: Vec<u64> = outcomes.iter().map(|outcome| outcome.changes).collect();
    assert_eq!(changes, [2, 0, 0, 3, 1], "a cascade and a read do not count");
    let returned = &mut outcomes[0].rows;
    assert_eq!(returned.len(), 2);
    assert_eq!(returned[1].take::<String>("id").unwrap(), "b");
    assert_eq!(outcomes[1].rows[0].take::<i64>("score").unwrap(), 2);
    assert!(outcomes[4].rows.is_empty());
}

/// A batch of no statements does nothing and succeeds.
pub async fn an_empty_batch_succeeds(database: &impl Database) {
    assert!(write(database, Vec::new()).await.unwrap().is_empty());
}

/// A statement sees what those before it in the batch did.
pub async fn statements_see_those_before_them(database: &impl Database) {
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

/// A batch whose last statement fails leaves nothing, and the failure is of the class of its constraint.
pub async fn a_failing_batch_leaves_nothing(database: &impl Database) {
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
        let refused = write(database, batch).await;

        assert!(
            matches!(refused, Err(Error::Constraint(class)) if class == constraint),
            "{breaks}: {refused:?}"
        );
        assert_eq!(count(database, "SELECT count(*) AS total FROM parents").await, 1, "{breaks}");
    }
}

/// A statement that the database does not understand fails its batch, and later ones work.
pub async fn a_statement_that_makes_no_sense_is_broken(database: &impl Database) {
    create(database, &[CREATE_PARENTS]).await;
    let insert = Statement::new("INSERT INTO parents VALUES ('a', 1)");

    let refused =
        write(database, vec![insert.clone(), Statement::new("INSERT INTO nowhere VALUES (1)")]).await;

    assert!(matches!(refused, Err(Error::Broken(_))), "{refused:?}");
    assert_eq!(write(database, vec![insert]).await.unwrap()[0].changes, 1);
}

/// A statement with more or fewer values than parameters is refused.
pub async fn the_number_of_parameters_must_fit(database: &impl Database) {
    for statement in [
        Statement::new("SELECT ?1, ?2").bind(1),
        Statement::new("SELECT ?1").bind(1).bind(2),
        Statement::new("SELECT ?1"),
    ] {
        let refused = read(database, statement).await;
        assert!(matches!(refused, Err(Error::Broken(_))), "{refused:?}");
    }
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

/// Deleting a row that others refer to with `ON DELETE RESTRICT`, or with no rule, is refused.
pub async fn a_row_that_others_need_stays(database: &impl Database) {
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

        let refused = write(database, vec![Statement::new("DELETE FROM parents WHERE id = 'a'")]).await;

        assert!(matches!(refused, Err(Error::Constraint(Constraint::ForeignKey))), "{rule}: {refused:?}");
    }
}

/// One JSON parameter inserts thousands of rows, in order, with their types: the way round the limit of parameters.
pub async fn json_inserts_in_bulk(database: &impl Database) {
    create(database, &[CREATE_BOXES]).await;
    let boxes: Vec<_> = (0..5_000)
        .map(|n| {
            serde_json::json!([
                format!("{n:032x}"),
                f64::from(n) / 8.0,
                n,
                if n % 2 == 0 { None } else { Some("é\"") }
            ])
        })
        .collect();
    let insert = "INSERT INTO boxes (id, x, area, label)
        SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3 FROM json_each(?1)";

    let json = serde_json::to_string(&boxes).unwrap();
    let outcomes = write(database, vec![Statement::new(insert).bind(json)]).await.unwrap();

    assert_eq!(outcomes[0].changes, 5_000);
    let mut last = one_row(database, "SELECT * FROM boxes ORDER BY id DESC LIMIT 1").await;
    assert_eq!(last.take::<f64>("x").unwrap(), 4_999.0 / 8.0);
    assert_eq!(last.take::<i64>("area").unwrap(), 4_999);
    assert_eq!(last.take::<String>("label").unwrap(), "é\"");
    assert_eq!(count(database, "SELECT count(*) AS total FROM boxes WHERE label IS NULL").await, 2_500);
}

/// Writers at the same time neither lose nor mix their batches, and one that fails does not disturb the others.
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
        let refused = matches!(result, Err(Error::Constraint(Constraint::Unique)));
        assert_eq!(refused, n % 3 == 0, "writer {n}: {result:?}");
    }
    let sum = (0..60).filter(|n| n % 3 != 0).sum::<i64>();
    assert_eq!(count(database, "SELECT score AS total FROM parents WHERE id = 'sum'").await, sum);
    assert_eq!(count(database, "SELECT count(*) AS total FROM parents").await, 41);
}

/// A read that asks for at least the bookmark of a write sees what was written, again and again.
pub async fn a_writer_reads_its_own_writes(database: &impl Database) {
    create(database, &[CREATE_PARENTS]).await;
    for n in 0..50_i64 {
        let insert = Statement::new("INSERT INTO parents VALUES (?1, ?2)").bind(format!("{n}")).bind(n);
        let bookmark = database.write(vec![insert], None).await.unwrap().bookmark;

        let select = Statement::new("SELECT score FROM parents WHERE id = ?1").bind(format!("{n}"));
        let mut answer = database.read(select, bookmark).await.unwrap();

        assert_eq!(answer.value[0].take::<i64>("score").unwrap(), n);
    }
}

/// A caller that gives up, at whatever moment, does not break the calls of others.
pub async fn calls_that_are_dropped_disturb_nobody(database: &impl Database) {
    create(database, &[CREATE_PARENTS]).await;
    for n in 0..40 {
        let insert = |key| Statement::new("INSERT INTO parents VALUES (?1, 1)").bind(key);
        let dropped = database.write(vec![insert(format!("dropped {n}"))], None);
        let kept = database.write(vec![insert(format!("kept {n}"))], None);
        let scan =
            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 100000) SELECT i FROM n";
        let reading = database.read(Statement::new(scan), None);
        // The other two are dropped as they are, begun or waiting, when the one is done.
        let both = Box::pin(join(dropped, reading));
        match select(both, Box::pin(kept)).await {
            Either::Left((_, kept)) => drop(kept.await.unwrap()),
            Either::Right((kept, _)) => drop(kept.unwrap()),
        }
    }
    let kept = "SELECT count(*) AS total FROM parents WHERE id LIKE 'kept %'";
    assert_eq!(count(database, kept).await, 40);
}

async fn create(database: &impl Database, tables: &[&'static str]) {
    write(database, tables.iter().map(|sql| Statement::new(sql)).collect()).await.unwrap();
}

pub(super) async fn write(database: &impl Database, statements: Vec<Statement>) -> Result<Vec<Outcome>> {
    database.write(statements, None).await.map(|answer| answer.value)
}

pub(super) async fn read(database: &impl Database, statement: Statement) -> Result<Vec<Row>> {
    database.read(statement, None).await.map(|answer| answer.value)
}

async fn one_row(database: &impl Database, sql: &'static str) -> Row {
    let mut rows = read(database, Statement::new(sql)).await.unwrap();
    assert_eq!(rows.len(), 1, "{sql}");
    rows.remove(0)
}

async fn count(database: &impl Database, sql: &'static str) -> i64 {
    one_row(database, sql).await.take("total").unwrap()
}
