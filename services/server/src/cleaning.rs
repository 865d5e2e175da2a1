//! The clean-up of each service, at the hour of the schedule.

use std::{error::Error, fmt::Display};

use storage_native::{NativeDatabase, OsEntropy, SystemClock};

use crate::{parts::Stores, schedule, shutdown::Lifetime};

/// Cleans up for the images service every day, for as long as the process lives.
pub(crate) fn clean_images_daily(stores: &Stores, settings: images::CleanupSettings, lifetime: &Lifetime) {
    let stores = stores.clone();
    daily(lifetime, move || {
        let Stores { database, objects, .. } = stores.clone();
        async move { log(images::cleanup(&database, &objects, &SystemClock, &OsEntropy, settings).await) }
    });
}

/// Cleans up for the annotations service every day, for as long as the process lives.
pub(crate) fn clean_annotations_daily(database: &NativeDatabase, lifetime: &Lifetime) {
    let database = database.clone();
    daily(lifetime, move || {
        let database = database.clone();
        async move { log(annotations::cleanup(&database, &SystemClock).await) }
    });
}

fn daily<J>(lifetime: &Lifetime, job: impl FnMut() -> J + Send + 'static)
where
    J: Future<Output = ()> + Send,
{
    let stopping = lifetime.stopping();
    lifetime.run(async move {
        tokio::select! {
            () = schedule::daily(SystemClock, job) => {}
            () = stopping => {}
        }
    });
}

fn log(outcome: Result<impl Display, impl Error + 'static>) {
    match outcome {
        Ok(report) => tracing::info!("clean-up: {report}"),
        Err(error) => tracing::error!(error = &error as &dyn Error, "the clean-up failed"),
    }
}
