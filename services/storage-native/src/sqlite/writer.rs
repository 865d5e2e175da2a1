//! The one connection that writes.
//!
//! A commit costs a wait for the disk, whatever is in it. So the writer commits together what waits: the more callers,
//! the fewer commits for each. Nobody is acknowledged before the commit, so a transaction also ends for the sake of
//! those who wait: a light batch of a caller that comes while another one writes is run next, and while several callers
//! write, a transaction accepts light batches only, and for no longer than a slice of time. Every second transaction begins
//! with a light batch, if one waits: so light batches wait for one heavy one at most, and heavy ones are not kept waiting.

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
    queue::{Caller, Job, Preferred, Queue},
    transaction,
};

/// The most batches that one transaction carries.
const GROUP: usize = 128;

/// How long a transaction accepts further batches of callers that are in it already, while several callers write.
const SLICE: Duration = Duration::from_millis(2);

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
            tracing::error!(%error, "the writer of the database did not end well");
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

/// The task's side: it is never cancelled, so a caller that gives up breaks no group.
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
            let mut group = Group::new(caller, job.answer);
            match self.transact(job.batch, || group.next_of(&queue)).await {
                Ok(results) => {
                    self.commits.fetch_add(1, Ordering::Relaxed);
                    group.answer(results);
                }
                Err(failure) => refuse(group.answers, failure.error),
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
            gone => {
                self.log = Log::default();
                gone.insert(options::reconnect_writer(&self.path, &self.options).await?)
            }
        };
        self.log.check(&self.identity)?;
        let result = transaction::commit(connection, first, more).await;
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

    async fn close(&mut self) {
        let Some(connection) = self.connection.take() else { return };
        if let Err(error) = connection.close().await.map_err(classify) {
            tracing::warn!(%error, "the database did not close well; its log is replayed at the next start");
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.queue.abandon();
    }
}

/// Who waits for one transaction.
struct Group {
    began: Instant,
    callers: Vec<Caller>,
    answers: Vec<oneshot::Sender<Result<Vec<Outcome>>>>,
}

impl Group {
    fn new(caller: Caller, answer: oneshot::Sender<Result<Vec<Outcome>>>) -> Self {
        Self { began: Instant::now(), callers: vec![caller], answers: vec![answer] }
    }

    /// Takes one more batch in, if the transaction continues: a light one of a caller that is not in it yet, or else the next
    /// one.
    fn next_of(&mut self, queue: &Queue) -> Option<Vec<Statement>> {
        if self.answers.len() >= GROUP {
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
        self.answers.push(job.answer);
        job.batch
    }

    fn answer(self, results: Vec<transaction::BatchResult>) {
        for (answer, result) in self.answers.into_iter().zip(results) {
            // A caller that has stopped waiting does not take its answer.
            drop(answer.send(result.map_err(|failure| failure.error)));
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
