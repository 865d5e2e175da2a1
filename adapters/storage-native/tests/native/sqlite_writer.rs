//! Group commit.

use futures_util::future::join_all;
use storage::{Constraint, Database, Error, Statement};
use storage_native::SqliteOptions;
use tokio::task::JoinSet;

use crate::fixture::{folder, note, notes, notes_in, write};

#[tokio::test]
async fn concurrent_writes_share_commits() {
    let folder = folder();
    let database = notes_in(&folder, &SqliteOptions::default()).await;
    let before = database.commits();

    let ids: Vec<String> = (0..200).map(|n| format!("{n:03}")).collect();
    let results = join_all(ids.iter().map(|id| write(&database, vec![note(id, "x")]))).await;

    assert!(results.iter().all(Result::is_ok));
    assert_eq!(notes(&database).await, ids);
    let commits = database.commits() - before;
    assert!(commits <= 20, "{commits} commits for 200 writes");
}

#[tokio::test]
async fn a_batch_that_fails_in_a_group_undoes_only_itself() {
    let folder = folder();
    let database = notes_in(&folder, &SqliteOptions::default()).await;
    write(&database, vec![note("taken", "x")]).await.unwrap();
    let before = database.commits();

    let batches =
        ["a", "taken", "b", "taken", "c"].map(|id| vec![note(&format!("first {id}"), "x"), note(id, "x")]);
    let results = join_all(batches.into_iter().map(|batch| write(&database, batch))).await;

    let failed: Vec<bool> =
        results.iter().map(|result| matches!(result, Err(Error::Constraint(Constraint::Unique)))).collect();
    assert_eq!(failed, [false, true, false, true, false], "{results:?}");
    assert_eq!(notes(&database).await, ["a", "b", "c", "first a", "first b", "first c", "taken"]);
    assert!(database.commits() - before < 5, "the batches were not committed together");
}

#[tokio::test]
async fn dropped_writes_do_not_affect_their_group() {
    let folder = folder();
    let database = notes_in(&folder, &SqliteOptions::default()).await;

    for round in 0..20 {
        let write_one = |id: String| {
            let database = database.clone();
            async move { write(&database, vec![note(&id, "x"), note(&format!("{id} too"), "x")]).await.unwrap() }
        };
        let mut given_up: JoinSet<_> = (0..10).map(|n| write_one(format!("gone {round} {n}"))).collect();
        let kept: JoinSet<_> = (0..10).map(|n| write_one(format!("kept {round} {n}"))).collect();
        tokio::task::yield_now().await;
        given_up.abort_all();
        kept.join_all().await;
    }

    let ids = notes(&database).await;
    assert_eq!(ids.iter().filter(|id| id.starts_with("kept")).count(), 20 * 10 * 2);
    let gone = ids.iter().filter(|id| id.starts_with("gone")).count();
    assert_eq!(gone % 2, 0, "part of a batch was written");
}

#[tokio::test]
async fn closing_waits_for_the_queue_and_rejects_later_calls() {
    let folder = folder();
    let database = notes_in(&folder, &SqliteOptions::default()).await;
    let ids: Vec<String> = (0..50).map(|n| format!("{n:02}")).collect();
    let waiting = join_all(ids.iter().map(|id| write(&database, vec![note(id, "x")])));

    let (results, ()) = futures_util::future::join(waiting, database.close()).await;

    assert!(results.iter().all(Result::is_ok));
    let late = write(&database, vec![note("late", "x")]).await;
    assert!(matches!(late, Err(Error::Unavailable(_))), "{late:?}");
    let late = database.read(Statement::new("SELECT 1"), None).await;
    assert!(matches!(late, Err(Error::Unavailable(_))), "{late:?}");
    assert!(!folder.path().join("reticle.sqlite-wal").exists(), "the log was not moved into the file");
    let reopened = notes_in(&folder, &SqliteOptions::default()).await;
    assert_eq!(notes(&reopened).await, ids);
}

#[tokio::test]
async fn a_caller_with_one_write_waits_for_only_one_batch_of_a_caller_with_many() {
    let folder = folder();
    let database = notes_in(&folder, &SqliteOptions::default()).await;
    let (much, little) = (database.for_caller("much"), database.for_caller("little"));
    let batch = |n: usize| (0..50).map(|k| note(&format!("much {n:02} {k:02}"), "x")).collect::<Vec<_>>();
    let many = join_all((0..20).map(|n| write(&much, batch(n))));
    let one = async {
        // By then, the writes of the other caller are in the queue.
        tokio::task::yield_now().await;
        write(&little, vec![note("little", "x")]).await.unwrap();
        notes(&database).await.iter().filter(|id| id.starts_with("much")).count()
    };
    let (results, before) = futures_util::future::join(many, one).await;
    assert!(results.iter().all(Result::is_ok));
    assert!(before < 20 * 50, "{before} notes of the other caller were committed before or with it");
}

/// Given a statement that returns a value which the port does not support, when it is committed together with others, then it
/// fails and changes nothing, and the others are stored.
#[tokio::test]
async fn a_statement_whose_rows_cannot_be_returned_changes_nothing() {
    let folder = folder();
    let database = notes_in(&folder, &SqliteOptions::default()).await;
    let before = database.commits();
    let blob = "INSERT INTO notes (id, text) VALUES ('b', '') RETURNING x'00' AS blob";
    let batches = [vec![note("a", "")], vec![Statement::new(blob)], vec![note("c", "")]];

    let results = join_all(batches.map(|batch| write(&database, batch))).await;

    assert!(matches!(results.as_slice(), [Ok(_), Err(Error::Broken(_)), Ok(_)]), "{results:?}");
    assert_eq!(notes(&database).await, ["a", "c"]);
    assert_eq!(database.commits() - before, 1, "the batches were not committed together");
}
