//! The process is killed with `kill -9` at a random moment.

use std::{
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use futures_util::{StreamExt, stream};
use storage_native::{OsEntropy, SqliteOptions};

use crate::fixture::{folder, note, notes, notes_in, write};

const ROUNDS: usize = 8;

/// The statements of a batch: all or none of them are stored.
const BATCH: usize = 3;

#[tokio::test]
async fn acknowledged_writes_survive_a_kill_and_no_batch_is_stored_in_part() {
    let folder = folder();
    drop(notes_in(&folder, &SqliteOptions::default()).await);
    let mut acknowledged = Vec::new();
    for _ in 0..ROUNDS {
        acknowledged.extend(write_until_killed(folder.path()).await);
    }

    let database = notes_in(&folder, &SqliteOptions::default()).await;
    let ids = notes(&database).await;

    println!("{} acknowledged, {} found", acknowledged.len(), ids.len() / BATCH);
    assert!(acknowledged.len() > 100, "only {} writes were acknowledged", acknowledged.len());
    for id in &acknowledged {
        assert!(ids.binary_search(&format!("{id} 0")).is_ok(), "{id} was acknowledged, but is lost");
    }
    for parts in ids.chunk_by(|a, b| batch_of(a) == batch_of(b)) {
        assert_eq!(parts.len(), BATCH, "{parts:?} is only part of a batch");
    }
}

fn batch_of(id: &str) -> &str {
    id.split_once(' ').unwrap().0
}

/// Runs a process that writes, kills it at a random moment, and returns the batches that it had seen acknowledged.
async fn write_until_killed(folder: &Path) -> Vec<String> {
    let mut child = start_writer(folder);
    let output = BufReader::new(child.stdout.take().unwrap());
    let acknowledged = tokio::task::spawn_blocking(|| {
        let lines = output.lines().map_while(Result::ok);
        lines.filter_map(|line| line.strip_prefix("acknowledged ").map(str::to_owned)).collect()
    });
    let mut random = [0];
    runtime::Entropy::fill(&OsEntropy, &mut random);
    // This does not wait for anything: it is the random moment of the kill.
    tokio::time::sleep(Duration::from_millis(100 + u64::from(random[0]))).await;
    child.kill().unwrap();
    child.wait().unwrap();
    acknowledged.await.unwrap()
}

fn start_writer(folder: &Path) -> Child {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "sqlite_crash::write_forever", "--ignored", "--nocapture"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    writeln!(child.stdin.as_mut().unwrap(), "{}", folder.display()).unwrap();
    child
}

/// The process that is killed: many callers at a time write batches and print which are acknowledged.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "the other test runs it, and kills it"]
async fn write_forever() {
    let mut folder = String::new();
    std::io::stdin().read_line(&mut folder).unwrap();
    let path = Path::new(folder.trim_end()).join("reticle.sqlite");
    let database = storage_native::SqliteDatabase::open(&path, &SqliteOptions::default()).await.unwrap();
    let process = std::process::id();
    let writes = stream::iter(0..).map(|n| {
        let (database, id) = (database.clone(), format!("{process}-{n}"));
        async move {
            let batch = (0..BATCH).map(|part| note(&format!("{id} {part}"), &"x".repeat(500)));
            write(&database, batch.collect()).await.unwrap();
            println!("acknowledged {id}");
        }
    });
    writes.buffer_unordered(20).collect::<()>().await;
}
