//! What is wrong with a request, field by field.

/// One broken rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The path to the field, as in `annotations[3].label`.
    pub field: String,
    /// The rule, as a phrase that continues the field's name: `must be 1 to 100 characters`.
    pub description: String,
}

impl Violation {
    /// A broken rule of `field`.
    pub fn new(field: impl Into<String>, description: impl Into<String>) -> Self {
        Self { field: field.into(), description: description.into() }
    }

    /// The same violation seen from the message that holds the field: `label` becomes `annotations[3].label`.
    #[must_use]
    pub fn within(mut self, parent: &str) -> Self {
        self.field =
            if self.field.is_empty() { parent.to_owned() } else { format!("{parent}.{}", self.field) };
        self
    }
}

/// The most violations that one answer names; the rest only count.
const MOST_NAMED: usize = 100;

/// All that is wrong with a request, so that the caller can mend it in one go.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Violations {
    named: Vec<Violation>,
    count: usize,
}

impl Violations {
    /// Adds one; past a hundred they are only counted.
    pub fn push(&mut self, violation: Violation) {
        self.count += 1;
        if self.named.len() < MOST_NAMED {
            self.named.push(violation);
        }
    }

    /// Keeps the value of `result`, or its violation.
    pub fn check<T>(&mut self, result: Result<T, Violation>) -> Option<T> {
        result.map_err(|violation| self.push(violation)).ok()
    }

    /// Adds what is wrong with a part of the request, seen from the whole.
    pub fn extend_within(&mut self, parent: &str, part: Self) {
        let unnamed = part.count - part.named.len();
        for violation in part.named {
            self.push(violation.within(parent));
        }
        self.count += unnamed;
    }

    /// The same violations seen from the message that holds the part.
    #[must_use]
    pub fn within(self, parent: &str) -> Self {
        let mut whole = Self::default();
        whole.extend_within(parent, self);
        whole
    }

    /// `value` if nothing is wrong.
    ///
    /// # Errors
    /// The violations, if there are any.
    pub fn into_result<T>(self, value: Option<T>) -> Result<T, Self> {
        match value {
            Some(value) if self.count == 0 => Ok(value),
            _ => Err(self),
        }
    }

    /// Whether nothing is wrong.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The violations by name, at most a hundred.
    #[must_use]
    pub fn named(&self) -> &[Violation] {
        &self.named
    }

    /// How many there are in all.
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
