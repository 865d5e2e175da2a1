//! How long a call may take.

use std::{future::Future, pin::pin, time::Duration};

use futures_util::future::{Either, select};
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::{
    error::Error,
    ports::{Host, Sleep},
};

/// How long the caller is willing to wait, in gRPC and over HTTP alike.
pub(crate) const GRPC_TIMEOUT: HeaderName = HeaderName::from_static("grpc-timeout");

/// The longest number that a `grpc-timeout` may have.
const MAX_DIGITS: usize = 8;

/// What a caller says in `grpc-timeout`; `None` if it says nothing.
///
/// # Errors
/// If the value is not at most eight digits and a unit: `H`, `M`, `S`, `m`, `u` or `n`.
pub(crate) fn requested(headers: &HeaderMap) -> Result<Option<Duration>, Error> {
    let Some(value) = headers.get(GRPC_TIMEOUT) else { return Ok(None) };
    value.to_str().ok().and_then(parse).map(Some).ok_or(Error::Timeout)
}

fn parse(text: &str) -> Option<Duration> {
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let plain = (1..=MAX_DIGITS).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    let number: u64 = digits.parse().ok().filter(|_| plain)?;
    Some(match unit {
        "H" => Duration::from_secs(number * 60 * 60),
        "M" => Duration::from_secs(number * 60),
        "S" => Duration::from_secs(number),
        "m" => Duration::from_millis(number),
        "u" => Duration::from_micros(number),
        "n" => Duration::from_nanos(number),
        _ => return None,
    })
}

/// The value of a `grpc-timeout`: in milliseconds, or the finest unit that has no more than eight digits, rounded up.
pub(crate) fn header(timeout: Duration) -> HeaderValue {
    const MOST: u128 = 99_999_999;
    let millis = timeout.as_nanos().div_ceil(1_000_000);
    let units = [(1, 'm'), (1_000, 'S'), (60_000, 'M'), (3_600_000, 'H')];
    let fits =
        units.into_iter().map(|(size, unit)| (millis.div_ceil(size), unit)).find(|(count, _)| *count <= MOST);
    let (count, unit) = fits.unwrap_or((MOST, 'H'));
    HeaderValue::try_from(format!("{count}{unit}")).unwrap_or(HeaderValue::from_static("99999999H"))
}

/// A running deadline.
pub(crate) struct Deadline {
    sleep: Sleep,
}

impl Deadline {
    pub(crate) fn start(host: &dyn Host, timeout: Duration) -> Self {
        Self::of(host.sleep(timeout))
    }

    /// The deadline at which `sleep` ends.
    pub(crate) const fn of(sleep: Sleep) -> Self {
        Self { sleep }
    }

    /// The output of `work`, if it comes in time.
    ///
    /// # Errors
    /// [`Error::DeadlineExceeded`] if it does not; `work` is dropped then.
    pub(crate) async fn within<T>(&mut self, work: impl Future<Output = T>) -> Result<T, Error> {
        match select(pin!(work), &mut self.sleep).await {
            Either::Left((output, _)) => Ok(output),
            Either::Right(((), _)) => Err(Error::DeadlineExceeded),
        }
    }

    /// The timer, for a body that goes on after the headers.
    pub(crate) fn into_sleep(self) -> Sleep {
        self.sleep
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timeout_is_up_to_eight_digits_and_a_unit() {
        assert_eq!(parse("1S"), Some(Duration::from_secs(1)));
        assert_eq!(parse("00000250m"), Some(Duration::from_millis(250)));
        assert_eq!(parse("99999999H"), Some(Duration::from_secs(99_999_999 * 3600)));
        assert_eq!(parse("99999999n"), Some(Duration::from_nanos(99_999_999)));
        for wrong in ["", "S", "1", "1s", "-1S", "+1S", "1.5S", "123456789m", "1 S", "ä", "1ä"] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_timeout_that_is_passed_on_never_has_nine_digits_and_never_gets_shorter() {
        assert_eq!(header(Duration::from_secs(30)), "30000m");
        assert_eq!(header(Duration::from_nanos(1)), "1m");
        assert_eq!(header(Duration::from_millis(100_000_000)), "100000S");
        assert_eq!(header(Duration::from_millis(100_000_000_001)), "1666667M");
        assert_eq!(header(Duration::MAX), "99999999H");
    }
}
