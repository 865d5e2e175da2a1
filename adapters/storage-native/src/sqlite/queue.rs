//! The queue of the writes that wait for the connection: first come, first served for each caller, and the callers in turn.
//!
//! One caller may have as many writes in the queue as its share of it; further writes of this caller wait for one of its
//! places. So a caller with many writes delays its own writes, and not those of a caller with few.
//!
//! A write that need not wait for a place is put into the queue at once. One that has to wait does so in a task: it makes
//! progress also if the caller's future is not polled (see [`spawn_and_join`]).

mod job;
mod recent;

use std::{
    collections::{HashMap, VecDeque},
    num::NonZeroUsize,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use storage::{Error, Outcome, Result, Statement};
use tokio::sync::{Notify, oneshot};

pub(super) use self::job::Job;
use self::recent::Recent;
use super::options::SqliteOptions;
use crate::{
    places::{Caller, Place, Places},
    spawn::spawn_and_join,
};

/// Which jobs come first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Preferred {
    /// Those of the caller whose turn it is.
    Any,
    /// Light jobs.
    Light,
}

#[derive(Debug)]
pub(super) struct Queue {
    state: Mutex<State>,
    arrived: Notify,
    places: Places,
    max_wait: Duration,
}

#[derive(Debug, Default)]
struct State {
    lanes: HashMap<Caller, Lane>,
    /// The callers whose lanes have jobs, each once; the first one is next.
    turns: VecDeque<Caller>,
    recent: Recent,
    is_closed: bool,
}

/// The writes of one caller.
#[derive(Debug, Default)]
struct Lane {
    jobs: VecDeque<Job>,
    /// How many writes use this lane: those in the queue, and those that wait for a place.
    visits: usize,
}

impl Queue {
    pub(super) fn new(options: &SqliteOptions) -> Self {
        let places = NonZeroUsize::new(options.queue).unwrap_or(NonZeroUsize::MIN);
        Self {
            state: Mutex::default(),
            arrived: Notify::new(),
            places: Places::new(places, options.caller_share),
            max_wait: options.max_wait,
        }
    }

    /// Puts a batch of `caller` into the queue as soon as there is a place, and waits for its result.
    ///
    /// # Errors
    /// [`Error::Overloaded`] if there was no place in time, [`Error::Unavailable`] if the queue is closed, or the error of the
    /// writer.
    pub(super) async fn write(
        self: &Arc<Self>,
        caller: Caller,
        batch: Vec<Statement>,
    ) -> Result<Vec<Outcome>> {
        let visit = self.enter(caller)?;
        match self.places.try_acquire(&visit.caller)? {
            Some(place) => visit.run(batch, place).await,
            None => {
                let wait = async move {
                    let place = visit.queue.places.acquire(&visit.caller, visit.queue.max_wait).await?;
                    visit.run(batch, place).await
                };
                spawn_and_join(wait).await
            }
        }
    }

    /// Closes the queue and drops its jobs, because the writer has ended. Their callers get an error.
    pub(super) fn abandon(&self) {
        self.close();
        let lanes = std::mem::take(&mut self.state().lanes);
        drop(lanes);
    }

    /// Whether callers other than `caller` have written lately.
    pub(super) fn is_contended(&self, caller: &Caller) -> bool {
        self.state().recent.has_another(caller)
    }

    /// Accepts no more jobs.
    pub(super) fn close(&self) {
        self.state().is_closed = true;
        self.places.close();
        self.arrived.notify_one();
    }

    /// Waits for the next job in turn, and returns it with its caller. If light jobs are `preferred` and one is waiting, it
    /// returns that one. `None` when the queue is closed and empty.
    pub(super) async fn next(&self, preferred: Preferred) -> Option<(Caller, Job)> {
        loop {
            // Read first: a job that arrives between the two, before the queue is closed, must not be lost.
            let is_closed = self.state().is_closed;
            let light = if preferred == Preferred::Light { self.take(|_, job| job.is_light()) } else { None };
            if let Some(job) = light.or_else(|| self.take(|_, _| true)) {
                return Some(job);
            }
            if is_closed {
                return None;
            }
            self.arrived.notified().await;
        }
    }

    /// Removes the next job in turn for which `may` returns `true`.
    pub(super) fn take(&self, mut may: impl FnMut(&Caller, &Job) -> bool) -> Option<(Caller, Job)> {
        let mut state = self.state();
        let State { lanes, turns, .. } = &mut *state;
        loop {
            let turn = turns.iter().position(|caller| {
                let next = lanes.get(caller).and_then(|lane| lane.jobs.front());
                next.is_none_or(|job| may(caller, job))
            })?;
            let caller = turns.remove(turn)?;
            // The lane was removed if all callers have stopped waiting for its jobs.
            let Some(lane) = lanes.get_mut(&caller) else { continue };
            let job = lane.jobs.pop_front();
            if !lane.jobs.is_empty() {
                turns.push_back(caller.clone());
            }
            match job {
                Some(job) if !job.result.is_closed() => return Some((caller, job)),
                Some(_) | None => {}
            }
        }
    }

    fn enter(self: &Arc<Self>, caller: Caller) -> Result<Visit> {
        let mut state = self.state();
        if state.is_closed {
            return Err(closed());
        }
        // The program's own writes are rare, and nobody waits for them.
        if caller.is_some() {
            state.recent.note(&caller);
        }
        state.lanes.entry(caller.clone()).or_default().visits += 1;
        Ok(Visit { queue: Arc::clone(self), caller })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The use of a lane by one write. The last visit that ends removes the lane.
struct Visit {
    queue: Arc<Queue>,
    caller: Caller,
}

impl Visit {
    /// Puts `batch` into the queue, and waits for its result.
    async fn run(self, batch: Vec<Statement>, place: Place) -> Result<Vec<Outcome>> {
        let (result, received) = oneshot::channel();
        self.push(Job::new(batch, result, place))?;
        received.await.map_err(Error::unavailable)?
    }

    fn push(&self, job: Job) -> Result<()> {
        let mut state = self.queue.state();
        if state.is_closed {
            return Err(closed());
        }
        let Some(lane) = state.lanes.get_mut(&self.caller) else { return Err(closed()) };
        lane.jobs.push_back(job);
        if lane.jobs.len() == 1 {
            state.turns.push_back(self.caller.clone());
        }
        drop(state);
        self.queue.arrived.notify_one();
        Ok(())
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        let mut state = self.queue.state();
        if let Some(lane) = state.lanes.get_mut(&self.caller) {
            lane.visits = lane.visits.saturating_sub(1);
            if lane.visits == 0 {
                // The callers of the remaining jobs have stopped waiting.
                state.lanes.remove(&self.caller);
                state.turns.retain(|caller| *caller != self.caller);
            }
        }
    }
}

fn closed() -> Error {
    Error::unavailable("the database is closed")
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use futures_util::FutureExt as _;
    use tokio::time::timeout;

    use super::{job::LIGHT_BYTES, recent::LATELY, *};

    fn caller(name: &str) -> Caller {
        Some(name.into())
    }

    fn note(characters: usize) -> Vec<Statement> {
        vec![Statement::new("INSERT INTO notes VALUES (?1)").bind("x".repeat(characters))]
    }

    fn names(taken: Option<(Caller, Job)>) -> Option<String> {
        taken.and_then(|(caller, _)| caller).map(|name| name.to_string())
    }

    #[tokio::test(start_paused = true)]
    async fn a_caller_contends_with_the_others_for_a_second() {
        let queue = Arc::new(Queue::new(&SqliteOptions::default()));
        let write = |name| drop(queue.write(caller(name), note(1)).now_or_never());
        let is_contended = |name| queue.is_contended(&caller(name));
        write("a");
        drop(queue.write(None, note(1)).now_or_never());
        assert!(!is_contended("a"), "nobody else but the program itself");
        write("b");
        write("a");
        assert!(is_contended("a") && is_contended("b") && is_contended("c"));
        tokio::time::advance(LATELY).await;
        write("a");
        assert!(!is_contended("a") && is_contended("b"));
    }

    #[tokio::test]
    async fn callers_take_turns_and_light_batches_come_first_where_they_are_preferred() {
        let queue = Arc::new(Queue::new(&SqliteOptions::default()));
        let mut first = pin!(queue.write(caller("heavy"), note(LIGHT_BYTES)));
        let mut second = pin!(queue.write(caller("heavy"), note(LIGHT_BYTES)));
        let mut light = pin!(queue.write(caller("light"), note(LIGHT_BYTES - 1)));
        assert!(first.as_mut().now_or_never().is_none());
        assert!(second.as_mut().now_or_never().is_none());
        assert!(light.as_mut().now_or_never().is_none());

        assert_eq!(
            names(queue.next(Preferred::Light).await).as_deref(),
            Some("light"),
            "light jobs come first"
        );
        assert_eq!(
            names(queue.next(Preferred::Light).await).as_deref(),
            Some("heavy"),
            "no light job is left"
        );
        assert!(light.as_mut().now_or_never().is_some(), "its job was dropped");
        let mut light = pin!(queue.write(caller("light"), note(LIGHT_BYTES - 1)));
        assert!(light.as_mut().now_or_never().is_none());
        assert_eq!(names(queue.next(Preferred::Any).await).as_deref(), Some("heavy"), "in turn");
        assert_eq!(names(queue.next(Preferred::Any).await).as_deref(), Some("light"));
        queue.close();
        assert_eq!(names(queue.next(Preferred::Any).await), None);
    }

    /// Given a caller that has its share of the queue, when it writes more, then that write waits, and a write of another
    /// caller does not; when one of its writes has left the queue, then the next one follows.
    #[tokio::test(start_paused = true)]
    async fn a_caller_beyond_its_share_of_the_queue_waits() {
        let queue = Arc::new(Queue::new(&SqliteOptions { queue: 8, ..SqliteOptions::default() }));
        let callers = ["much", "much", "much", "little"];
        let mut writes = callers.map(|name| Box::pin(queue.write(caller(name), note(1))));
        for write in &mut writes {
            assert!(write.now_or_never().is_none());
        }

        let mut taken: Vec<_> = std::iter::from_fn(|| queue.take(|_, _| true)).collect();

        let names =
            |jobs: &[(Caller, Job)]| jobs.iter().map(|(caller, _)| caller.clone()).collect::<Vec<_>>();
        assert_eq!(names(&taken), ["much", "little", "much"].map(caller), "the share is 2 of 8");
        drop(taken.remove(0));
        let next = timeout(Duration::from_secs(1), queue.next(Preferred::Any)).await.unwrap();
        assert_eq!(next.map(|(caller, _)| caller), Some(caller("much")));
    }

    /// Given a full queue, and a write that has waited for a place and is not polled any more, when places are free, then it is
    /// in the queue, and so is a later write.
    #[tokio::test(start_paused = true)]
    async fn a_write_that_is_not_polled_does_not_block_others() {
        let queue = Arc::new(Queue::new(&SqliteOptions { queue: 1, ..SqliteOptions::default() }));
        let mut writes =
            ["first", "unpolled", "later"].map(|name| Box::pin(queue.write(caller(name), note(1))));
        for write in &mut writes {
            assert!(write.now_or_never().is_none());
        }
        let mut taken = Vec::new();
        for _ in 0..3 {
            let next = timeout(Duration::from_secs(1), queue.next(Preferred::Any)).await;
            taken.extend(next.ok().flatten().map(|(caller, _)| caller));
        }
        assert_eq!(taken, ["first", "unpolled", "later"].map(caller));
    }
}
