//! The service `grpc.health.v1.Health`, which every port serves.

use std::{fmt, pin::Pin, sync::Arc, time::Duration};

use aip::NOT_READY_REASON;
use futures_util::{Stream, StreamExt as _, future::join_all, stream};
use runtime::Timer;
use tonic::{Request, Response, Status, metadata::MetadataValue};
use tonic_health::pb::{
    HealthCheckRequest, HealthCheckResponse,
    health_check_response::ServingStatus,
    health_server::{Health as HealthRpcs, HealthServer},
};

use crate::{
    Draining, NotReady, Readiness, Verdict,
    watches::{MAX_WATCH_DURATION, OpenWatch, Watches},
};

/// How often a watch checks the verdict.
const WATCH_INTERVAL: Duration = Duration::from_secs(1);

/// The tonic server of [`HealthService`].
pub type Health<T> = HealthServer<HealthService<T>>;

/// Reports whether a service of this port is ready. The empty name reports whether all of them are.
#[derive(Clone)]
pub struct HealthService<T> {
    services: Arc<[(&'static str, Readiness)]>,
    draining: Draining,
    watches: Watches,
    timer: T,
}

impl<T: Timer> HealthService<T> {
    /// Reports the readiness of these services, by their full names. Once `draining` has begun, none is ready.
    pub fn new(services: Vec<(&'static str, Readiness)>, draining: Draining, timer: T) -> Self {
        Self { services: services.into(), draining, watches: Watches::default(), timer }
    }

    /// The server that a host serves.
    #[must_use]
    pub fn into_server(self) -> Health<T> {
        HealthServer::new(self)
    }

    /// The verdict on the service `name`; `None` if this port has no such service.
    async fn verdict(&self, name: &str) -> Option<Verdict> {
        let selected: Vec<_> =
            self.services.iter().filter(|(service, _)| name.is_empty() || *service == name).collect();
        if selected.is_empty() && !name.is_empty() {
            return None;
        }
        if let Some(reason) = self.draining.reason() {
            return Some(Err(reason));
        }
        let verdicts = join_all(selected.into_iter().map(|(_, readiness)| readiness.check())).await;
        Some(NotReady::all(verdicts))
    }

    async fn status(&self, name: &str) -> ServingStatus {
        match self.verdict(name).await {
            None => ServingStatus::ServiceUnknown,
            Some(Ok(())) => ServingStatus::Serving,
            Some(Err(_)) => ServingStatus::NotServing,
        }
    }
}

#[tonic::async_trait]
impl<T: Timer> HealthRpcs for HealthService<T> {
    async fn check(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<HealthCheckResponse>, Status> {
        let name = request.into_inner().service;
        let Some(verdict) = self.verdict(&name).await else {
            return Err(Status::not_found("This port does not serve a service of that name"));
        };
        let mut response = Response::new(encode(match verdict {
            Ok(()) => ServingStatus::Serving,
            Err(_) => ServingStatus::NotServing,
        }));
        if let Some(reason) =
            verdict.err().and_then(|reason| MetadataValue::try_from(reason.to_string()).ok())
        {
            response.metadata_mut().insert(NOT_READY_REASON, reason);
        }
        Ok(response)
    }

    type WatchStream = Pin<Box<dyn Stream<Item = Result<HealthCheckResponse, Status>> + Send>>;

    /// Sends each change of the status within one second. When the server drains, it sends NOT_SERVING and ends. It also ends
    /// after [`MAX_WATCH_DURATION`].
    async fn watch(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        let watcher = Watcher {
            _open: self.watches.open()?,
            health: self.clone(),
            name: request.into_inner().service,
            last_sent: None,
        };
        let changes = stream::unfold(watcher, |mut watcher| async move {
            let status = watcher.next_change().await?;
            Some((Ok(encode(status)), watcher))
        });
        Ok(Response::new(changes.take_until(self.timer.sleep(MAX_WATCH_DURATION)).boxed()))
    }
}

fn encode(status: ServingStatus) -> HealthCheckResponse {
    HealthCheckResponse { status: status.into() }
}

struct Watcher<T> {
    _open: OpenWatch,
    health: HealthService<T>,
    name: String,
    last_sent: Option<ServingStatus>,
}

impl<T: Timer> Watcher<T> {
    /// Waits until the status differs from the last one; `None` once the server drains and NOT_SERVING was sent.
    async fn next_change(&mut self) -> Option<ServingStatus> {
        loop {
            let is_last = self.health.draining.has_begun();
            let status = self.health.status(&self.name).await;
            if self.last_sent != Some(status) {
                self.last_sent = Some(status);
                return Some(status);
            }
            if is_last {
                return None;
            }
            self.health.timer.sleep(WATCH_INTERVAL).await;
        }
    }
}

impl<T> fmt::Debug for HealthService<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HealthService").field("services", &self.services).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use storage_native::TokioTimer;
    use tonic::Code;
    use tonic_types::StatusExt as _;

    use super::*;
    use crate::{MAX_WATCHES, Need};

    /// A port with the services `a`, which is ready while the flag is up, and `b`, which always is.
    fn port() -> (HealthService<TokioTimer>, Arc<AtomicBool>, Draining) {
        let (flag, draining) = (Arc::new(AtomicBool::new(true)), Draining::default());
        let up = Arc::clone(&flag);
        let probe = move || {
            let up = up.load(Ordering::SeqCst);
            async move { if up { Ok(()) } else { Err(NotReady::because("The flag is down.")) } }
        };
        let readiness = |needs| Readiness::new(needs, TokioTimer);
        let services = vec![("a", readiness(vec![Need::new("The flag", probe)])), ("b", readiness(vec![]))];
        (HealthService::new(services, draining.clone(), TokioTimer), flag, draining)
    }

    async fn check(health: &HealthService<TokioTimer>, service: &str) -> Result<(i32, String), Code> {
        let request = HealthCheckRequest { service: service.to_owned() };
        let response = health.check(Request::new(request)).await.map_err(|status| status.code())?;
        let reason =
            response.metadata().get(NOT_READY_REASON).map(|reason| reason.to_str().unwrap().to_owned());
        Ok((response.get_ref().status, reason.unwrap_or_default()))
    }

    #[tokio::test(start_paused = true)]
    async fn each_service_has_its_own_status_and_the_empty_name_means_all_services() {
        let (health, flag, _) = port();
        assert_eq!(check(&health, "").await, Ok((1, String::new())));
        flag.store(false, Ordering::SeqCst);
        tokio::time::sleep(Duration::from_secs(2)).await;
        for (name, status, reason) in
            [("", 2, "The flag is down."), ("a", 2, "The flag is down."), ("b", 1, "")]
        {
            assert_eq!(check(&health, name).await, Ok((status, reason.to_owned())), "{name}");
        }
        assert_eq!(check(&health, "c").await, Err(Code::NotFound));
    }

    #[tokio::test(start_paused = true)]
    async fn no_service_is_ready_while_the_server_drains() {
        let (health, _, draining) = port();
        draining.begin();
        for name in ["", "a", "b"] {
            assert_eq!(check(&health, name).await, Ok((2, "The server is shutting down.".to_owned())));
        }
    }

    type Watched = Pin<Box<dyn Stream<Item = Result<HealthCheckResponse, Status>> + Send>>;

    async fn watch(health: &HealthService<TokioTimer>, service: &str) -> Result<Watched, Status> {
        let request = HealthCheckRequest { service: service.to_owned() };
        health.watch(Request::new(request)).await.map(Response::into_inner)
    }

    #[tokio::test(start_paused = true)]
    async fn a_watch_sends_each_change_and_ends_when_the_server_drains() {
        let (health, flag, draining) = port();
        let mut watched = watch(&health, "a").await.unwrap();
        assert_eq!(watched.next().await.unwrap().unwrap().status, 1);
        flag.store(false, Ordering::SeqCst);
        assert_eq!(watched.next().await.unwrap().unwrap().status, 2);
        flag.store(true, Ordering::SeqCst);
        assert_eq!(watched.next().await.unwrap().unwrap().status, 1);
        draining.begin();
        assert_eq!(watched.next().await.unwrap().unwrap().status, 2);
        assert!(watched.next().await.is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn a_watch_reports_an_unknown_service() {
        let (health, ..) = port();
        let mut watched = watch(&health, "c").await.unwrap();
        assert_eq!(watched.next().await.unwrap().unwrap().status, 3);
    }

    #[tokio::test(start_paused = true)]
    async fn more_watches_than_the_limit_are_rejected_until_one_ends() {
        let (health, ..) = port();
        let mut open = Vec::new();
        for _ in 0..MAX_WATCHES {
            open.push(watch(&health.clone(), "a").await.unwrap());
        }
        let rejected = watch(&health, "a").await.map(drop).unwrap_err();
        assert_eq!(rejected.code(), Code::ResourceExhausted);
        assert!(rejected.get_details_retry_info().is_some());
        assert!(rejected.message().contains("100 health watches"), "{rejected}");
        assert_eq!(check(&health, "a").await, Ok((1, String::new())), "a check is not limited");
        open.pop();
        assert!(watch(&health, "a").await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn a_watch_ends_after_its_longest_duration() {
        let (health, ..) = port();
        let start = tokio::time::Instant::now();
        let mut watched = watch(&health, "a").await.unwrap();
        assert_eq!(watched.next().await.unwrap().unwrap().status, 1);
        assert!(watched.next().await.is_none());
        assert_eq!(start.elapsed(), MAX_WATCH_DURATION);
    }
}
