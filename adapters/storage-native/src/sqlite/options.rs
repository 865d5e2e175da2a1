//! The settings of the database, and how its connections are opened.

use std::{ffi::OsString, io, path::Path, thread::available_parallelism, time::Duration};

use runtime::CallerShare;
use sqlx::{
    ConnectOptions, SqliteConnection,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
};
use tokio::time::{sleep, timeout};

use super::error::is_busy;
use crate::private;

/// The bytes of a page. This is SQLite's default, and sizes are counted in pages.
const PAGE_BYTES: u64 = 4096;

/// How much of the file each connection may cache in memory, in addition to the system's page cache. Memory mapping would
/// save a copy, but with it an I/O error becomes a signal that ends the process.
const READER_CACHE: &str = "-8000";
const WRITER_CACHE: &str = "-32000";

/// A checkpoint moves the log into the file when it has this many pages (16 MiB): rarely enough for a low tail latency of
/// writes, often enough for a fast recovery and a small log.
const CHECKPOINT_PAGES: &str = "4000";

/// The size that the log file is truncated to after a burst of writes (64 MiB).
const LOG_BYTES: &str = "67108864";

/// The services have fewer statements than this, all of them literals, so that a connection prepares each only once.
const PREPARED_STATEMENTS: usize = 256;

/// Rows that SQLite's thread may buffer for the reader: a page of a listing, so that the thread never waits.
const ROWS_IN_FLIGHT: usize = 1024;

/// Settings of a [`super::SqliteDatabase`].
#[derive(Clone, Debug)]
pub struct SqliteOptions {
    /// How many reads may run at a time, each on a connection of its own.
    pub readers: usize,
    /// How long a call waits for the write lock of another process, for a place in the queue, or for a read connection.
    pub max_wait: Duration,
    /// How long one read may run. After that it is stopped and fails with [`storage::Error::Overloaded`].
    pub max_read_time: Duration,
    /// How many writes the queue holds. Further ones wait for a place in it, for up to `max_wait`.
    pub queue: usize,
    /// How many of these places one caller may have.
    pub caller_share: CallerShare,
    /// The largest size of the file in bytes; `None` for no limit but the disk.
    pub max_bytes: Option<u64>,
}

impl Default for SqliteOptions {
    /// Two readers for each processor, at least 4; waits of up to 5 s; reads of up to 10 s; a queue of 256 writes; no limit
    /// of the file's size.
    fn default() -> Self {
        let processors = available_parallelism().map_or(1, usize::from);
        Self {
            readers: (processors * 2).max(4),
            max_wait: Duration::from_secs(5),
            max_read_time: Duration::from_secs(10),
            queue: 256,
            caller_share: CallerShare::DEFAULT,
            max_bytes: None,
        }
    }
}

/// Opens a connection that writes. The first one makes the file and switches it to a write-ahead log.
pub(super) async fn connect_writer(
    path: &Path,
    options: &SqliteOptions,
) -> Result<SqliteConnection, sqlx::Error> {
    // SQLite gives its log and its index the mode of the database. If the file cannot be made, SQLite reports the reason.
    drop(private::make_private_file(path));
    for suffix in ["", "-wal", "-shm"] {
        let mut file = OsString::from(path);
        file.push(suffix);
        private::restrict_to_owner(Path::new(&file));
    }
    connect(path, options, true).await
}

/// Like [`connect_writer`], for a file that must exist.
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
    connect_with_retries(&connect, options.max_wait).await
}

/// Opens a connection that cannot write.
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
        .busy_timeout(options.max_wait)
        .statement_cache_capacity(PREPARED_STATEMENTS)
        .row_buffer_size(ROWS_IN_FLIGHT)
        .pragma("temp_store", "MEMORY")
        .thread_name(|number| format!("sqlite-{number}"))
        .disable_statement_logging()
}

/// Connects, and retries while another process holds the lock. SQLite itself does not wait for the lock that it needs to
/// switch to a write-ahead log, so that without this, two processes that make the same file at once would fail.
async fn connect_with_retries(
    connect: &SqliteConnectOptions,
    max_wait: Duration,
) -> Result<SqliteConnection, sqlx::Error> {
    const PAUSE: Duration = Duration::from_millis(5);
    let settled = timeout(max_wait, async {
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
