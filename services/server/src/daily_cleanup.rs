//! Runs the clean-up of each service every day.

use std::{error::Error, fmt::Display};

use storage_native::{NativeDatabase, OsEntropy, SystemClock, TokioTimer};

use crate::{parts::Stores, schedule, shutdown::Lifetime};

/// Runs the clean-up of the images service every day until the process stops.
pub(crate) fn clean_images_daily(stores: &Stores, settings: images::CleanupSettings, lifetime: &Lifetime) {
    let stores = stores.clone();
    run_daily(lifetime, move || {
        let Stores { database, objects, .. } = stores.clone();
        async move {
            let (clock, timer) = (SystemClock, TokioTimer);
            log(images::cleanup(&database, &objects, &clock, &timer, &OsEntropy, settings).await);
        }
    });
}

/// Runs the clean-up of the annotations service every day until the process stops.
pub(crate) fn clean_annotations_daily(database: &NativeDatabase, lifetime: &Lifetime) {
    let database = database.clone();
    run_daily(lifetime, move || {
        let database = database.clone();
        async move { log(annotations::cleanup(&database, &SystemClock, &TokioTimer).await) }
    });
}

fn run_daily<J>(lifetime: &Lifetime, job: impl FnMut() -> J + Send + 'static)
where
    J: Future<Output = ()> + Send,
{
    let stopping = lifetime.stopping();
    lifetime.run(async move {
        tokio::select! {
            () = schedule::run_daily(SystemClock, job) => {}
            () = stopping => {}
        }
    });
}

fn log(outcome: Result<impl Display, impl Error + 'static>) {
    match outcome {
        Ok(report) => tracing::info!("clean-up: {report}"),
        Err(error) => {
            tracing::error!(error = &error as &dyn Error, "the clean-up failed; the next one runs in a day");
        }
    }
}
