//! How the file is opened.

use std::{ffi::OsString, io, path::Path, thread::available_parallelism, time::Duration};

use sqlx::{
    ConnectOptions, SqliteConnection,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
};
use storage::CallerShare;
use tokio::time::{sleep, timeout};

use super::error::is_busy;
use crate::private;

/// The bytes of a page; SQLite's own default, said here because sizes are counted in it.
const PAGE_BYTES: u64 = 4096;

/// What each connection may keep of the file in memory. The system's page cache stands behind it: memory mapping would
/// save a copy, but turns an I/O error into a signal that ends the process.
const READER_CACHE: &str = "-8000";
const WRITER_CACHE: &str = "-32000";

/// The log is moved into the file when it has this many pages (16 MiB): rarely enough to keep the tail of write times
/// short, often enough to keep recovery and the disk small.
const CHECKPOINT_PAGES: &str = "4000";

/// What the log file shrinks to after it has grown in a burst (64 MiB).
const LOG_BYTES: &str = "67108864";

/// Statements are literals of the services, fewer than this, so that none is ever prepared twice.
const PREPARED_STATEMENTS: usize = 256;

/// Rows that may be on their way from SQLite's thread to the reader: a page of a listing, so that the thread never waits.
const ROWS_IN_FLIGHT: usize = 1024;

/// Settings of a [`super::SqliteDatabase`].
#[derive(Clone, Debug)]
pub struct SqliteOptions {
    /// How many reads may run at a time, each on a connection of its own.
    pub readers: usize,
    /// How long a call waits for another process that writes, for a place in the queue, or for a reader.
    pub patience: Duration,
    /// How long one read may run; then it is stopped, and fails with [`storage::Error::Overloaded`].
    pub longest_read: Duration,
    /// How many writes may wait. More callers wait for a place.
    pub queue: usize,
    /// How many of these places one caller may have.
    pub caller_share: CallerShare,
    /// The largest size of the file in bytes, where the disk is not the limit.
    pub max_bytes: Option<u64>,
}

impl Default for SqliteOptions {
    /// Two readers for each processor, at least 4; 5 seconds of patience; 10 for a read; a queue of 256; no limit but the disk.
    fn default() -> Self {
        let processors = available_parallelism().map_or(1, usize::from);
        Self {
            readers: (processors * 2).max(4),
            patience: Duration::from_secs(5),
            longest_read: Duration::from_secs(10),
            queue: 256,
            caller_share: CallerShare::DEFAULT,
            max_bytes: None,
        }
    }
}

/// A connection that writes. The first one makes the file and turns its log on.
pub(super) async fn connect_writer(
    path: &Path,
    options: &SqliteOptions,
) -> Result<SqliteConnection, sqlx::Error> {
    // SQLite gives its log and its index the mode of the database. Why a file cannot be made, it says itself.
    drop(private::make_file(path));
    for suffix in ["", "-wal", "-shm"] {
        let mut file = OsString::from(path);
        file.push(suffix);
        private::tighten(Path::new(&file));
    }
    connect(path, options, true).await
}

/// Like [`connect_writer`], for a file that must be there.
pub(super) async fn reconnect_writer(
    path: &Path,
    options: &SqliteOptions,
) -> Result<SqliteConnection, sqlx::Error> {
    connect(path, options, false).await
}

async fn connect(
    path: &Path,
    options: &SqliteOptions,
    create: bool,
) -> Result<SqliteConnection, sqlx::Error> {
    let mut connect = common(path, options)
        .create_if_missing(create)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .pragma("cache_size", WRITER_CACHE)
        .pragma("wal_autocheckpoint", CHECKPOINT_PAGES)
        .pragma("journal_size_limit", LOG_BYTES);
    if let Some(bytes) = options.max_bytes {
        connect = connect.pragma("max_page_count", (bytes / PAGE_BYTES).to_string());
    }
    patiently(&connect, options.patience).await
}

/// A connection that cannot write.
pub(super) async fn connect_reader(
    path: &Path,
    options: &SqliteOptions,
) -> Result<SqliteConnection, sqlx::Error> {
    common(path, options).read_only(true).pragma("cache_size", READER_CACHE).connect().await
}

fn common(path: &Path, options: &SqliteOptions) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .foreign_keys(true)
        .busy_timeout(options.patience)
        .statement_cache_capacity(PREPARED_STATEMENTS)
        .row_buffer_size(ROWS_IN_FLIGHT)
        .pragma("temp_store", "MEMORY")
        .thread_name(|number| format!("sqlite-{number}"))
        .disable_statement_logging()
}

/// SQLite does not wait by itself for the lock that turning the log on needs, so that two processes that make the same
/// file at once would fail.
async fn patiently(
    connect: &SqliteConnectOptions,
    patience: Duration,
) -> Result<SqliteConnection, sqlx::Error> {
    const PAUSE: Duration = Duration::from_millis(5);
    let settled = timeout(patience, async {
        loop {
            match connect.connect().await {
                Err(error) if is_busy(&error) => sleep(PAUSE).await,
                settled => return settled,
            }
        }
    });
    let locked = |_| io::Error::new(io::ErrorKind::TimedOut, "another process keeps the database locked");
    settled.await.map_err(locked)?
}
