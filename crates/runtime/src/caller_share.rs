//! The part of a shared limit that one caller may use.

use std::{fmt, num::NonZeroUsize, str::FromStr};

/// The part of a limit, in percent, that one caller may use. All callers share the limit, so one of them must not use it
/// up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallerShare(u8);

/// The text is not a [`CallerShare`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be a whole number of percent from 1 to 100")]
pub struct InvalidShare;

impl CallerShare {
    /// A quarter: only four callers together can use up a limit.
    pub const DEFAULT: Self = Self(25);

    /// All of it, for installations with one caller.
    pub const ALL: Self = Self(100);

    /// A share from its percentage.
    ///
    /// # Errors
    /// [`InvalidShare`] if `percent` is not from 1 to 100.
    pub fn from_percent(percent: u8) -> Result<Self, InvalidShare> {
        if (1..=100).contains(&percent) { Ok(Self(percent)) } else { Err(InvalidShare) }
    }

    /// How much of `total` one caller may use, rounded up: at least 1.
    #[must_use]
    pub fn of(self, total: NonZeroUsize) -> NonZeroUsize {
        let share = total.get().div_ceil(100).saturating_mul(self.0.into());
        let exact = total.get().checked_mul(self.0.into()).map_or(share, |product| product.div_ceil(100));
        NonZeroUsize::new(exact).unwrap_or(NonZeroUsize::MIN).min(total)
    }
}

impl Default for CallerShare {
    fn default() -> Self {
        Self::DEFAULT
    }
}

impl FromStr for CallerShare {
    type Err = InvalidShare;

    fn from_str(text: &str) -> Result<Self, InvalidShare> {
        text.parse().map_err(|_| InvalidShare).and_then(Self::from_percent)
    }
}

impl fmt::Display for CallerShare {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_1_to_100_percent_and_never_zero() {
        let share = |text: &str| text.parse::<CallerShare>();
        let of = |text, total| share(text).unwrap().of(NonZeroUsize::new(total).unwrap()).get();
        assert_eq!([of("25", 1_000), of("1", 1), of("100", 7), of("50", 3)], [250, 1, 7, 2]);
        assert_eq!(of("100", usize::MAX), usize::MAX);
        for wrong in ["0", "101", "-1", "1.5", "", "a"] {
            assert_eq!(share(wrong), Err(InvalidShare), "{wrong}");
        }
    }
}
