//! The baseline for writes: a loop of prepared INSERTs into SQLite, without anything else.

use std::{
    path::Path,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use rusqlite::{Connection, params};

const IMAGE_ID: &str = "01234567890123456789012345678901";

/// Inserts an image with the id `?1`. It names its columns, because later migrations add some.
pub(crate) const INSERT_IMAGE: &str =
    "INSERT INTO images (id, filename, r2_key, content_type, size_bytes, sha256, width, height,
        exif_orientation, uploaded_by, created_at, updated_at, metadata, revision)
    VALUES (?1, 'a', ?1, 'image/png', 1, '', 1, 1, 1, 'others', 1, 1, '{}', 1)";

/// A database with the program's settings and durability, on the same file system. It uses the same SQLite library, so the
/// compile-time options are the same. Its schema is the first two migrations: the tables of images and annotations, without
/// the change log and its triggers, whose cost the ratio to this loop includes.
pub(crate) struct BareLoop {
    database: Connection,
    commits: u32,
    /// The number of rows in one commit.
    batch: usize,
}

impl BareLoop {
    /// Creates a database with one image in `folder`. It commits `batch` annotations at a time.
    pub(crate) fn open(folder: &Path, batch: usize) -> anyhow::Result<Self> {
        let database = Connection::open(folder.join("bare.db"))?;
        database.execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;
             PRAGMA temp_store = MEMORY; PRAGMA cache_size = -32000; PRAGMA wal_autocheckpoint = 4000;
             PRAGMA journal_size_limit = 67108864;",
        )?;
        database.execute_batch(include_str!("../../migrations/0001_images.sql"))?;
        database.execute_batch(include_str!("../../migrations/0002_annotations.sql"))?;
        database.execute(INSERT_IMAGE, [IMAGE_ID])?;
        Ok(Self { database, commits: 0, batch })
    }

    /// Inserts for about `length`, and returns the rows per second. The ids are time-ordered, as the program's are.
    pub(crate) fn rows_per_second(&mut self, length: Duration) -> anyhow::Result<f64> {
        let (start, before) = (Instant::now(), self.commits);
        while start.elapsed() < length {
            self.commit()?;
        }
        let rows = f64::from(self.commits - before) * self.batch as f64;
        Ok(rows / start.elapsed().as_secs_f64())
    }

    fn commit(&mut self) -> anyhow::Result<()> {
        let now = i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis())?;
        let commit = self.database.transaction()?;
        let mut insert = commit
            .prepare_cached("INSERT INTO annotations VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13)")?;
        for n in 0..self.batch {
            let id = format!("{:016x}{n:016x}", self.commits);
            let offset = n as f64 / self.batch as f64 / 2.0;
            let label = format!("label {}", n % 20);
            let (y, width, height, confidence) = (0.123_456_789, 0.25, 0.1 + offset, 0.75);
            insert.execute(params![
                IMAGE_ID,
                id,
                label,
                offset,
                y,
                width,
                height,
                confidence,
                "detector 1.0",
                "user-0",
                now,
                now,
                1
            ])?;
        }
        drop(insert);
        commit.commit()?;
        self.commits += 1;
        Ok(())
    }
}
