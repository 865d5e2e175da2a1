//! The one connection that writes, and its queue.
//!
//! A commit costs a wait for the disk, whatever is in it. So the writer takes all that has come while it waited for the
//! last one, and commits it together: the more callers, the fewer commits for each.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use sqlx::{Connection, SqliteConnection};
use storage::{Error, Outcome, Result, Statement};
use tokio::{
    sync::{mpsc, oneshot},
    task::JoinHandle,
    time::timeout,
};

use super::{
    error::{Failure, classify},
    identity::{Identity, Log},
    options,
    options::SqliteOptions,
    transaction,
};

/// The most batches that one transaction carries.
const GROUP: usize = 128;

/// A batch that waits, and who waits for it.
struct Job {
    batch: Vec<Statement>,
    answer: oneshot::Sender<Result<Vec<Outcome>>>,
}

/// What is in the queue.
enum Request {
    Write(Job),
    Close,
}

#[derive(Debug)]
pub(super) struct Writer {
    queue: mpsc::Sender<Request>,
    options: SqliteOptions,
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
        let (queue, requests) = mpsc::channel(options.queue.max(1));
        let commits = Arc::new(AtomicU64::new(0));
        let worker = Worker {
            connection: Some(connection),
            path: path.to_owned(),
            options: options.clone(),
            identity,
            log: Log::default(),
            commits: Arc::clone(&commits),
        };
        let task = Mutex::new(Some(tokio::spawn(worker.work(requests))));
        Self { queue, options: options.clone(), commits, task }
    }

    pub(super) async fn write(&self, batch: Vec<Statement>) -> Result<Vec<Outcome>> {
        let place = match self.queue.try_reserve() {
            Ok(place) => place,
            // The timer is for those that must wait: most need not.
            Err(_) => timeout(self.options.patience, self.queue.reserve())
                .await
                .map_err(Error::overloaded)?
                .map_err(Error::unavailable)?,
        };
        let (answer, answered) = oneshot::channel();
        place.send(Request::Write(Job { batch, answer }));
        answered.await.map_err(Error::unavailable)?
    }

    /// Ends the task after what is in the queue.
    pub(super) async fn close(&self) {
        // A queue that is closed already needs no second request.
        drop(self.queue.send(Request::Close).await);
        let task = self.task.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(task) = task
            && let Err(error) = task.await
        {
            tracing::error!(%error, "the writer of the database did not end well");
        }
    }

    pub(super) fn commits(&self) -> u64 {
        self.commits.load(Ordering::Relaxed)
    }
}

/// The task's side: it is never cancelled, so a caller that gives up breaks no group.
struct Worker {
    connection: Option<SqliteConnection>,
    path: PathBuf,
    options: SqliteOptions,
    identity: Arc<Identity>,
    /// The log that the connection writes.
    log: Log,
    commits: Arc<AtomicU64>,
}

impl Worker {
    async fn work(mut self, mut requests: mpsc::Receiver<Request>) {
        let mut waiting = Vec::with_capacity(GROUP);
        while requests.recv_many(&mut waiting, GROUP).await > 0 {
            let mut jobs = Vec::with_capacity(waiting.len());
            for request in waiting.drain(..) {
                match request {
                    // Whoever has stopped waiting is spared the work.
                    Request::Write(job) if job.answer.is_closed() => {}
                    Request::Write(job) => jobs.push(job),
                    Request::Close => requests.close(),
                }
            }
            self.commit(jobs).await;
        }
        self.close().await;
    }

    async fn commit(&mut self, jobs: Vec<Job>) {
        if jobs.is_empty() {
            return;
        }
        let (batches, answers): (Vec<_>, Vec<_>) =
            jobs.into_iter().map(|job| (job.batch, job.answer)).unzip();
        match self.transact(batches).await {
            Ok(results) => {
                self.commits.fetch_add(1, Ordering::Relaxed);
                for (answer, result) in answers.into_iter().zip(results) {
                    // A caller that has stopped waiting does not take its answer.
                    drop(answer.send(result.map_err(|failure| failure.error)));
                }
            }
            Err(failure) => refuse(answers, failure.error),
        }
    }

    async fn transact(
        &mut self,
        batches: Vec<Vec<Statement>>,
    ) -> Result<Vec<transaction::BatchResult>, Failure> {
        self.identity.check()?;
        let connection = match &mut self.connection {
            Some(connection) => connection,
            gone => {
                self.log = Log::default();
                gone.insert(options::reconnect_writer(&self.path, &self.options).await?)
            }
        };
        self.log.check(&self.identity)?;
        let result = transaction::commit(connection, batches).await;
        if result.as_ref().is_err_and(|failure| failure.ends_transaction) {
            // A new connection has no memory of what went wrong, and the old one rolls back what it may still hold.
            self.connection = None;
            return result;
        }
        // What was committed into a file that is gone is not acknowledged.
        self.identity.check()?;
        self.log.check(&self.identity)?;
        result
    }

    async fn close(self) {
        let Some(connection) = self.connection else { return };
        if let Err(error) = connection.close().await.map_err(classify) {
            tracing::warn!(%error, "the database did not close well; its log is replayed at the next start");
        }
    }
}

/// Tells every caller of a group that failed as a whole.
fn refuse(answers: Vec<oneshot::Sender<Result<Vec<Outcome>>>>, error: Error) {
    let shared = Arc::new(error);
    for answer in answers {
        let copy = SharedError(Arc::clone(&shared));
        let error = match &*shared {
            Error::Constraint(constraint) => Error::Constraint(*constraint),
            Error::Unavailable(_) => Error::unavailable(copy),
            Error::Overloaded(_) => Error::overloaded(copy),
            Error::Full(_) => Error::Full(Box::new(copy)),
            Error::Body(_) | Error::Row { .. } | Error::Broken(_) => Error::broken(copy),
        };
        drop(answer.send(Err(error)));
    }
}

/// One failure that many callers share.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct SharedError(#[source] Arc<Error>);
