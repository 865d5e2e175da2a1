//! Why a part cannot serve.

use std::fmt;

use storage::Error;

/// Whether a part can serve.
pub type Verdict = Result<(), NotReady>;

/// Why a part cannot serve: one plain sentence or more, which anybody may read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotReady(String);

impl NotReady {
    /// For this reason, in ASCII, which names nothing of the machine.
    #[must_use]
    pub fn because(reason: impl Into<String>) -> Self {
        Self(reason.into())
    }

    /// Because `part`, as in "The database", failed so. The cause is logged here.
    #[must_use]
    pub fn failed(part: &str, error: &Error) -> Self {
        tracing::warn!(error = error as &dyn std::error::Error, "{part} fails its probe");
        let reason = error.plain_cause().map(|cause| cause.to_string());
        Self(reason.unwrap_or_else(|| match error {
            Error::Unavailable(_) => format!("{part} is not available."),
            Error::Overloaded(_) => format!("{part} has too much to do."),
            Error::Full(_) => format!("{part} has no room left. Free some space."),
            Error::Constraint(_) | Error::Body(_) | Error::Row { .. } | Error::Broken(_) => {
                format!("{part} is broken. The log of the server says how.")
            }
        }))
    }

    /// All of `verdicts`: ready if each is, else every reason, each once.
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
    fn a_failure_is_told_by_its_plain_cause_or_by_its_class() {
        let told = |error| NotReady::failed("The database", &error).to_string();
        assert_eq!(told(Error::unavailable(PlainCause("The file is gone."))), "The file is gone.");
        assert_eq!(told(Error::unavailable("/data/reticle.db")), "The database is not available.");
        assert_eq!(told(Error::Full("28".into())), "The database has no room left. Free some space.");
    }

    #[test]
    fn all_reasons_are_told_once() {
        let because = |reason: &str| Err(NotReady::because(reason));
        assert_eq!(NotReady::all([Ok(()), Ok(())]), Ok(()));
        assert_eq!(NotReady::all([because("A."), Ok(()), because("B."), because("A.")]), because("A. B."));
    }
}
