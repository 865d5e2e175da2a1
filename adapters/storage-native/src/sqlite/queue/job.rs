use storage::{Outcome, Result, Statement, Value};
use tokio::sync::oneshot;

use crate::places::Place;

/// A batch in the queue, and the sender of its result.
#[derive(Debug)]
pub(in crate::sqlite) struct Job {
    pub(in crate::sqlite) batch: Vec<Statement>,
    pub(in crate::sqlite) result: oneshot::Sender<Result<Vec<Outcome>>>,
    /// The bytes of text in its parameters.
    weight: usize,
    _place: Place,
}

/// A batch with less text than this, about 50 annotations, is light: running it takes less time than its commit.
pub(super) const LIGHT_BYTES: usize = 16 * 1024;

impl Job {
    pub(super) fn new(
        batch: Vec<Statement>,
        result: oneshot::Sender<Result<Vec<Outcome>>>,
        place: Place,
    ) -> Self {
        let weight = weight(&batch);
        Self { batch, result, weight, _place: place }
    }

    /// Whether it hardly delays others in the same transaction.
    pub(in crate::sqlite) const fn is_light(&self) -> bool {
        self.weight < LIGHT_BYTES
    }
}

fn weight(batch: &[Statement]) -> usize {
    let text = |value: &Value| if let Value::Text(text) = value { text.len() } else { 0 };
    batch.iter().flat_map(|statement| &statement.parameters).map(text).sum()
}
