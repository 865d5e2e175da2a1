//! The task with the only connection that writes.
//!
//! A commit waits for the disk, whatever its size. So the writer commits waiting batches together: the more callers,
//! the fewer commits for each. No write is acknowledged before its commit. So a transaction must end soon while several
//! callers write: a light batch of a caller that is not in it yet joins at once; otherwise it accepts light batches only, for
//! no longer than a slice of time. After a transaction that began with a heavy batch, the next one begins with a light batch
//! if one waits. So light batches wait for one heavy batch at most, and heavy ones are not delayed without end.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use sqlx::{Connection, SqliteConnection};
use storage::{Error, Outcome, Result, Statement};
use tokio::{sync::oneshot, task::JoinHandle, time::Instant};

use super::{
    error::{Failure, classify},
    identity::{Identity, Log},
    options,
    options::SqliteOptions,
    queue::{Job, Preferred, Queue},
    transaction,
};
use crate::places::Caller;

/// The most batches that one transaction carries.
const GROUP: usize = 128;

/// How long a transaction accepts further batches of callers that are in it already, while several callers write.
const SLICE: Duration = Duration::from_millis(1);

#[derive(Debug)]
pub(super) struct Writer {
    queue: Arc<Queue>,
    commits: Arc<AtomicU64>,
    task: Mutex<Option<JoinHandle<()>>>,
}

impl Writer {
    /// Starts the task that owns `connection`; it ends when the writer is closed or dropped.
    #[expect(clippy::disallowed_methods, reason = "one task for each database, joined by `close`")]
    pub(super) fn start(
        connection: SqliteConnection,
        path: &Path,
        options: &SqliteOptions,
        identity: Arc<Identity>,
    ) -> Self {
        let queue = Arc::new(Queue::new(options));
        let commits = Arc::new(AtomicU64::new(0));
        let worker = Worker {
            connection: Some(connection),
            queue: Arc::clone(&queue),
            path: path.to_owned(),
            options: options.clone(),
            identity,
            log: Log::default(),
            commits: Arc::clone(&commits),
        };
        let task = Mutex::new(Some(tokio::spawn(worker.work())));
        Self { queue, commits, task }
    }

    pub(super) async fn write(&self, caller: Caller, batch: Vec<Statement>) -> Result<Vec<Outcome>> {
        self.queue.write(caller, batch).await
    }

    pub(super) fn is_contended(&self, caller: &Caller) -> bool {
        self.queue.is_contended(caller)
    }

    /// Ends the task after what is in the queue.
    pub(super) async fn close(&self) {
        self.queue.close();
        let task = self.task.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(task) = task
            && let Err(error) = task.await
        {
            tracing::error!(%error, "the write task of the database failed");
        }
    }

    pub(super) fn commits(&self) -> u64 {
        self.commits.load(Ordering::Relaxed)
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.queue.close();
    }
}

/// The state of the task. The task is never cancelled, so that a caller that stops waiting does not affect its group.
struct Worker {
    connection: Option<SqliteConnection>,
    queue: Arc<Queue>,
    path: PathBuf,
    options: SqliteOptions,
    identity: Arc<Identity>,
    /// The log that the connection writes.
    log: Log,
    commits: Arc<AtomicU64>,
}

impl Worker {
    async fn work(mut self) {
        let queue = Arc::clone(&self.queue);
        let mut preferred = Preferred::Any;
        while let Some((caller, job)) = queue.next(preferred).await {
            preferred = if job.is_light() { Preferred::Any } else { Preferred::Light };
            let mut group = Group::new(caller, job.result);
            match self.transact(job.batch, || group.next_of(&queue)).await {
                Ok(results) => {
                    self.commits.fetch_add(1, Ordering::Relaxed);
                    group.send(results);
                }
                Err(failure) => send_error(group.results, failure.error),
            }
        }
        self.close().await;
    }

    async fn transact(
        &mut self,
        first: Vec<Statement>,
        more: impl FnMut() -> Option<Vec<Statement>> + Send,
    ) -> Result<Vec<transaction::BatchResult>, Failure> {
        self.identity.check()?;
        let connection = match &mut self.connection {
            Some(connection) => connection,
            none => {
                self.log = Log::default();
                none.insert(options::reconnect_writer(&self.path, &self.options).await?)
            }
        };
        self.log.check(&self.identity)?;
        let result = transaction::commit(connection, first, more).await;
        if result.as_ref().is_err_and(|failure| failure.ends_transaction) {
            // A new connection starts in a clean state, and closing the old one rolls back its transaction.
            self.connection = None;
            return result;
        }
        // A commit to a file that was removed or replaced must not be acknowledged.
        self.identity.check()?;
        self.log.check(&self.identity)?;
        result
    }

    async fn close(&mut self) {
        let Some(connection) = self.connection.take() else { return };
        if let Err(error) = connection.close().await.map_err(classify) {
            tracing::warn!(%error, "cannot close the database; the next start replays its log");
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.queue.abandon();
    }
}

/// The callers that wait for one transaction, and the senders of their results.
struct Group {
    began: Instant,
    callers: Vec<Caller>,
    results: Vec<oneshot::Sender<Result<Vec<Outcome>>>>,
}

impl Group {
    fn new(caller: Caller, result: oneshot::Sender<Result<Vec<Outcome>>>) -> Self {
        Self { began: Instant::now(), callers: vec![caller], results: vec![result] }
    }

    /// Adds one more batch, if the transaction continues: a light one of a caller that is not in it yet, or else the next one
    /// of a caller that is in it, which must be light while callers contend.
    fn next_of(&mut self, queue: &Queue) -> Option<Vec<Statement>> {
        if self.results.len() >= GROUP {
            return None;
        }
        if let Some((caller, job)) =
            queue.take(|caller, job| job.is_light() && !self.callers.contains(caller))
        {
            self.callers.push(caller);
            return Some(self.add(job));
        }
        let is_shared = self.callers.iter().any(|caller| queue.is_contended(caller));
        if is_shared && self.began.elapsed() >= SLICE {
            return None;
        }
        let next = queue.take(|caller, job| self.callers.contains(caller) && (job.is_light() || !is_shared));
        next.map(|(_, job)| self.add(job))
    }

    fn add(&mut self, job: Job) -> Vec<Statement> {
        self.results.push(job.result);
        job.batch
    }

    fn send(self, results: Vec<transaction::BatchResult>) {
        for (sender, result) in self.results.into_iter().zip(results) {
            // This fails if the caller has stopped waiting.
            drop(sender.send(result.map_err(|failure| failure.error)));
        }
    }
}

/// Sends the error of a whole group to each of its callers.
fn send_error(results: Vec<oneshot::Sender<Result<Vec<Outcome>>>>, error: Error) {
    let shared = Arc::new(error);
    for result in results {
        let copy = SharedError(Arc::clone(&shared));
        let error = match &*shared {
            Error::Constraint(constraint) => Error::Constraint(*constraint),
            Error::Unavailable(_) => Error::unavailable(copy),
            Error::Overloaded(_) => Error::overloaded(copy),
            Error::Full(_) => Error::Full(Box::new(copy)),
            Error::Body(_) | Error::Row { .. } | Error::Broken(_) => Error::broken(copy),
        };
        drop(result.send(Err(error)));
    }
}

/// One failure that many callers share.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct SharedError(#[source] Arc<Error>);
