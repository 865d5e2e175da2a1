//! Why a service is not ready.

use std::fmt;

use storage::Error;

/// Whether a service is ready.
pub type Verdict = Result<(), NotReady>;

/// Why a service is not ready: one or more plain sentences without internal details. They are sent to unauthenticated
/// clients.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotReady(String);

impl NotReady {
    /// Not ready for this `reason`: ASCII text without paths, addresses or other details of the machine.
    #[must_use]
    pub fn because(reason: impl Into<String>) -> Self {
        Self(reason.into())
    }

    /// Not ready because `part`, for example "The database", failed with `error`. This logs the cause.
    #[must_use]
    pub fn failed(part: &str, error: &Error) -> Self {
        tracing::warn!(error = error as &dyn std::error::Error, "{part} failed its readiness probe");
        let reason = error.plain_cause().map(|cause| cause.to_string());
        Self(reason.unwrap_or_else(|| match error {
            Error::Unavailable(_) => format!("{part} is unavailable."),
            Error::Overloaded(_) => format!("{part} is overloaded."),
            Error::Full(_) => format!("{part} is full. Free some space."),
            Error::Constraint(_) | Error::Body(_) | Error::Row { .. } | Error::Broken(_) => {
                format!("{part} failed. See the log of the server for the cause.")
            }
        }))
    }

    /// Combines `verdicts`: ready if all are ready, else not ready with each distinct reason.
    pub(crate) fn all(verdicts: impl IntoIterator<Item = Verdict>) -> Verdict {
        let mut reasons: Vec<String> = Vec::new();
        for NotReady(reason) in verdicts.into_iter().filter_map(Result::err) {
            if !reasons.contains(&reason) {
                reasons.push(reason);
            }
        }
        if reasons.is_empty() { Ok(()) } else { Err(Self(reasons.join(" "))) }
    }
}

impl fmt::Display for NotReady {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use storage::PlainCause;

    use super::*;

    #[test]
    fn a_failure_is_reported_by_its_plain_cause_or_by_its_class() {
        let reason = |error| NotReady::failed("The database", &error).to_string();
        assert_eq!(reason(Error::unavailable(PlainCause("The file is gone."))), "The file is gone.");
        assert_eq!(reason(Error::unavailable("/data/reticle.db")), "The database is unavailable.");
        assert_eq!(reason(Error::Full("28".into())), "The database is full. Free some space.");
    }

    #[test]
    fn each_reason_is_reported_once() {
        let because = |reason: &str| Err(NotReady::because(reason));
        assert_eq!(NotReady::all([Ok(()), Ok(())]), Ok(()));
        assert_eq!(NotReady::all([because("A."), Ok(()), because("B."), because("A.")]), because("A. B."));
    }
}
