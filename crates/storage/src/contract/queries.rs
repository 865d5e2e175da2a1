//! The contract of a [`Database`] for values and reads.

use super::database::{CREATE_BOXES, CREATE_PARENTS, count, create, one_row, read, write};
use crate::{Bookmark, Database, Error, Statement};

/// Integers to 2^53, doubles, text of any script and `NULL` are read as they were bound, with and without a table.
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
pub async fn numbers_convert_to_the_requested_type(database: &impl Database) {
    create(database, &[CREATE_BOXES]).await;
    let insert = Statement::new("INSERT INTO boxes (x, area) VALUES (?1, ?2)").bind(1.0).bind(3);
    write(database, vec![insert]).await.unwrap();

    let mut row = one_row(database, "SELECT x, sum(area) AS area, count(*) AS total FROM boxes").await;

    assert_eq!(row.take::<f64>("x").unwrap(), 1.0);
    assert_eq!(row.take::<i64>("area").unwrap(), 3);
    assert_eq!(row.take::<i64>("total").unwrap(), 1);
}

/// An `INTEGER` column stores an integer as an integer, however it was written. D1 binds every number as a double.
pub async fn integers_are_kept_as_integers(database: &impl Database) {
    create(database, &[CREATE_BOXES]).await;
    for ways in [
        vec![Statement::new("INSERT INTO boxes (id, area) VALUES ('a', ?1)").bind(7)],
        vec![
            Statement::new("INSERT INTO boxes (id, area) SELECT value, ?1 FROM json_each('[\"a\"]')").bind(7),
        ],
        vec![
            Statement::new("INSERT INTO boxes (id, area) VALUES ('a', ?1)").bind(6),
            Statement::new("UPDATE boxes SET area = coalesce(?1, area) + 1 WHERE area = ?2")
                .bind(None::<i64>)
                .bind(6),
        ],
        vec![
            Statement::new("INSERT INTO boxes (id, area) VALUES ('a', ?1)").bind(6),
            Statement::new("UPDATE boxes SET area = ?1").bind(7),
        ],
    ] {
        write(database, ways).await.unwrap();
        let mut row = one_row(database, "SELECT typeof(area) AS type, area FROM boxes").await;
        assert_eq!(row.take::<String>("type").unwrap(), "integer");
        assert_eq!(row.take::<i64>("area").unwrap(), 7);
        write(database, vec![Statement::new("DELETE FROM boxes")]).await.unwrap();
    }
}

/// A `NULL` parameter can switch off a condition, and a limit can be a parameter.
pub async fn conditions_and_limits_take_parameters(database: &impl Database) {
    create(database, &[CREATE_BOXES]).await;
    let insert =
        "INSERT INTO boxes (area, label) SELECT value, 'Café ' || value FROM json_each('[1, 2, 3, 4]')";
    write(database, vec![Statement::new(insert)]).await.unwrap();
    for (equal, above, part, limit, wanted) in [
        (None, None, "", 9, vec![4, 3, 2, 1]),
        (None, None, "CAFé", 2, vec![4, 3]),
        (Some(2), None, "", 9, vec![2]),
        (None, Some(2), "", 9, vec![4, 3]),
        (None, Some(2), "tea", 9, vec![]),
        (None, None, "", 0, vec![]),
    ] {
        let select = "SELECT area FROM boxes
            WHERE (?1 IS NULL OR area = ?1) AND iif(?2 IS NULL, area > 0, area > ?2) AND instr(lower(label), lower(?3))
            ORDER BY area DESC LIMIT ?4";
        let select = Statement::new(select).bind(equal).bind(above).bind(part).bind(limit);
        let rows = read(database, select).await.unwrap();
        let areas: Vec<i64> = rows.into_iter().map(|mut row| row.take("area").unwrap()).collect();
        assert_eq!(areas, wanted, "{equal:?}, {above:?}, {part:?}, {limit}");
    }
}

/// A text can be split by its bytes, as a blob, and numbers parsed from the pieces: bulk inserts do this.
pub async fn texts_can_be_split_as_blobs(database: &impl Database) {
    let select = "WITH cut AS (SELECT CAST(?1 AS BLOB) AS fixed)
        SELECT CAST(substr(fixed, 1, 3) AS TEXT) AS label, CAST(substr(fixed, 4, 4) AS INTEGER) AS area,
            CAST(substr(fixed, 8, 24) AS REAL) AS x,
            CASE substr(fixed, 32, 1) WHEN x'20' THEN NULL ELSE 'not blank' END AS id
        FROM cut";
    // The first letter is two bytes.
    let text = format!("ä1{:<4}{:<24} ", 42, 0.1 + 0.2);

    let mut row = read(database, Statement::new(select).bind(text)).await.unwrap().remove(0);

    assert_eq!(row.take::<String>("label").unwrap(), "ä1");
    assert_eq!(row.take::<i64>("area").unwrap(), 42);
    assert_eq!(row.take::<f64>("x").unwrap(), 0.1 + 0.2);
    assert_eq!(row.take::<Option<String>>("id").unwrap(), None);
}

/// A read returns every row in the order of the query, and an empty list if there is none.
pub async fn reads_return_all_rows_in_order(database: &impl Database) {
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

/// A read rejects a statement that writes.
pub async fn reads_reject_writes(database: &impl Database) {
    create(database, &[CREATE_PARENTS]).await;

    let result = read(database, Statement::new("INSERT INTO parents VALUES ('a', 1)")).await;

    assert!(matches!(result, Err(Error::Broken(_))), "{result:?}");
    assert_eq!(count(database, "SELECT count(*) AS total FROM parents").await, 0);
}

/// A statement with more or fewer values than parameters is rejected.
pub async fn the_number_of_parameters_must_match(database: &impl Database) {
    for statement in [
        Statement::new("SELECT ?1, ?2").bind(1),
        Statement::new("SELECT ?1").bind(1).bind(2),
        Statement::new("SELECT ?1"),
    ] {
        let result = read(database, statement).await;
        assert!(matches!(result, Err(Error::Broken(_))), "{result:?}");
    }
}

/// One JSON parameter can insert thousands of rows, in order, with their types. This avoids the limit of 100 parameters.
pub async fn json_inserts_in_bulk(database: &impl Database) {
    create(database, &[CREATE_BOXES]).await;
    let annotations: Vec<_> = (0..5_000)
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

    let json = serde_json::to_string(&annotations).unwrap();
    let outcomes = write(database, vec![Statement::new(insert).bind(json)]).await.unwrap();

    assert_eq!(outcomes[0].changes, 5_000);
    let mut last = one_row(database, "SELECT * FROM boxes ORDER BY id DESC LIMIT 1").await;
    assert_eq!(last.take::<f64>("x").unwrap(), 4_999.0 / 8.0);
    assert_eq!(last.take::<i64>("area").unwrap(), 4_999);
    assert_eq!(last.take::<String>("label").unwrap(), "é\"");
    assert_eq!(count(database, "SELECT count(*) AS total FROM boxes WHERE label IS NULL").await, 2_500);
}

/// A read with the bookmark of a write sees what was written, every time.
pub async fn a_writer_reads_its_own_writes(database: &impl Database) {
    create(database, &[CREATE_PARENTS]).await;
    for n in 0..50_i64 {
        let insert = Statement::new("INSERT INTO parents VALUES (?1, ?2)").bind(format!("{n}")).bind(n);
        let bookmark = database.write(vec![insert], None).await.unwrap().bookmark;

        let select = Statement::new("SELECT score FROM parents WHERE id = ?1").bind(format!("{n}"));
        let mut result = database.read(select, bookmark).await.unwrap();

        assert_eq!(result.value[0].take::<i64>("score").unwrap(), n);
    }
}

/// A read succeeds with a bookmark that the database never returned, since a client may send any text.
pub async fn an_unknown_bookmark_is_accepted(database: &impl Database) {
    for text in
        ["stranger", "0", "first-primary", "00000000-00000000-00000000-00000000000000000000000000000000"]
    {
        let result = database.read(Statement::new("SELECT 1 AS n"), Bookmark::parse(text)).await;
        assert_eq!(result.unwrap().value[0].take::<i64>("n").unwrap(), 1, "{text}");
    }
}
