use std::{sync::Arc, time::Duration};

use runtime::{Background, Task};
use tokio::{sync::Semaphore, time::timeout};
use tokio_util::task::TaskTracker;

/// Background work as tokio tasks: at most a fixed number at a time. [`TokioBackground::shutdown`] waits for them.
#[derive(Clone, Debug)]
pub struct TokioBackground {
    tasks: TaskTracker,
    capacity: Arc<Semaphore>,
}

impl TokioBackground {
    /// Runs up to `capacity` tasks at a time, and drops further ones.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self { tasks: TaskTracker::new(), capacity: Arc::new(Semaphore::new(capacity)) }
    }

    /// How many tasks are running.
    #[must_use]
    pub fn running(&self) -> usize {
        self.tasks.len()
    }

    /// Drops new tasks and waits for the running ones, for up to `deadline`. Returns how many still run.
    pub async fn shutdown(&self, deadline: Duration) -> usize {
        self.capacity.close();
        self.tasks.close();
        match timeout(deadline, self.tasks.wait()).await {
            Ok(()) => 0,
            Err(_) => self.tasks.len(),
        }
    }

    /// Waits until no task runs.
    pub async fn wait_idle(&self) {
        self.tasks.close();
        self.tasks.wait().await;
    }
}

impl Background for TokioBackground {
    fn run(&self, task: Task) {
        let Ok(permit) = Arc::clone(&self.capacity).try_acquire_owned() else {
            tracing::warn!("dropped a background task: the limit of concurrent tasks is reached");
            return;
        };
        self.tasks.spawn(async move {
            task.await;
            drop(permit);
        });
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;

    use super::*;

    fn waiting_task() -> (oneshot::Sender<()>, Task) {
        let (release, released) = oneshot::channel();
        (release, Box::pin(async { drop(released.await) }))
    }

    #[tokio::test]
    async fn a_task_beyond_the_capacity_is_dropped() {
        let background = TokioBackground::new(1);
        let (release_first, first) = waiting_task();
        let (mut release_second, second) = waiting_task();

        background.run(first);
        background.run(second);

        release_second.closed().await;
        assert_eq!(background.running(), 1);
        drop(release_first);
        background.wait_idle().await;
        assert_eq!(background.running(), 0);
    }

    #[tokio::test]
    async fn a_task_that_panics_releases_its_capacity() {
        let background = TokioBackground::new(1);
        background.run(Box::pin(async { panic!("on purpose") }));
        background.wait_idle().await;

        let (done, is_done) = oneshot::channel();
        background.run(Box::pin(async { done.send(()).unwrap() }));
        is_done.await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn shutdown_waits_until_its_deadline_and_drops_new_tasks() {
        let background = TokioBackground::new(8);
        let (release, task) = waiting_task();
        background.run(task);

        assert_eq!(background.shutdown(Duration::from_secs(5)).await, 1);
        let (mut release_late, late) = waiting_task();
        background.run(late);
        release_late.closed().await;

        drop(release);
        assert_eq!(background.shutdown(Duration::from_secs(5)).await, 0);
    }
}
