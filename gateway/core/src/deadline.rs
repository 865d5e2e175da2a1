//! The time limit of a call.

use std::{future::Future, pin::pin, time::Duration};

use futures_util::future::{Either, select};

use crate::{
    error::Error,
    ports::{Host, Sleep},
};

/// A deadline whose timer runs.
pub(crate) struct Deadline {
    sleep: Sleep,
}

impl Deadline {
    pub(crate) fn start(host: &dyn Host, timeout: Duration) -> Self {
        Self::from_sleep(host.sleep(timeout))
    }

    /// The deadline at which `sleep` ends.
    pub(crate) const fn from_sleep(sleep: Sleep) -> Self {
        Self { sleep }
    }

    /// The output of `work`, if it completes before the deadline.
    ///
    /// # Errors
    /// [`grpc_rules::Error::DeadlineExceeded`] if it does not. `work` is dropped then.
    pub(crate) async fn within<T>(&mut self, work: impl Future<Output = T>) -> Result<T, Error> {
        match select(pin!(work), &mut self.sleep).await {
            Either::Left((output, _)) => Ok(output),
            Either::Right(((), _)) => Err(grpc_rules::Error::DeadlineExceeded.into()),
        }
    }

    /// The timer, for a body that continues after the headers.
    pub(crate) fn into_sleep(self) -> Sleep {
        self.sleep
    }
}
