//! The invalid fields of a request.

/// One invalid field, and the rule that its value violates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The path to the field, for example `annotations[3].label`.
    pub field: String,
    /// The rule, as a phrase that follows the name of the field: `must be 1 to 100 characters`.
    pub description: String,
}

impl Violation {
    /// A violation of `field`.
    pub fn new(field: impl Into<String>, description: impl Into<String>) -> Self {
        Self { field: field.into(), description: description.into() }
    }

    /// Prefixes the path of the field with `parent`: `label` becomes `annotations[3].label`.
    #[must_use]
    pub fn within(mut self, parent: &str) -> Self {
        self.field =
            if self.field.is_empty() { parent.to_owned() } else { format!("{parent}.{}", self.field) };
        self
    }
}

/// The most violations that one response lists; further ones are only counted.
const MAX_NAMED: usize = 100;

/// All violations of a request, so that the caller can correct them all at once. At most 100 are kept, the rest is counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Violations {
    named: Vec<Violation>,
    count: usize,
}

impl Violations {
    /// Adds a violation. After the first 100, they are only counted.
    pub fn push(&mut self, violation: Violation) {
        self.count += 1;
        if self.named.len() < MAX_NAMED {
            self.named.push(violation);
        }
    }

    /// Returns the value of `result`, or adds its violation.
    pub fn check<T>(&mut self, result: Result<T, Violation>) -> Option<T> {
        result.map_err(|violation| self.push(violation)).ok()
    }

    /// Adds the violations of a part of the request, and prefixes their fields with `parent`.
    pub fn extend_within(&mut self, parent: &str, part: Self) {
        let unnamed = part.count - part.named.len();
        for violation in part.named {
            self.push(violation.within(parent));
        }
        self.count += unnamed;
    }

    /// Prefixes the fields of all violations with `parent`.
    #[must_use]
    pub fn within(self, parent: &str) -> Self {
        let mut whole = Self::default();
        whole.extend_within(parent, self);
        whole
    }

    /// Returns `value` if there are no violations.
    ///
    /// # Errors
    /// The violations, if there are any.
    pub fn into_result<T>(self, value: Option<T>) -> Result<T, Self> {
        match value {
            Some(value) if self.count == 0 => Ok(value),
            _ => Err(self),
        }
    }

    /// Whether there are no violations.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The listed violations, at most 100.
    #[must_use]
    pub fn named(&self) -> &[Violation] {
        &self.named
    }

    /// The number of all violations, including those that are not listed.
    #[must_use]
    pub const fn count(&self) -> usize {
        self.count
    }
}

impl From<Violation> for Violations {
    fn from(violation: Violation) -> Self {
        Self { named: vec![violation], count: 1 }
    }
}
