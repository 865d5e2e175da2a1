//! Reads and writes `grpc-timeout`: the time that a caller allows for a call.

use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};

use crate::error::Error;

/// The header with the time that a caller allows for a call, in gRPC and in plain HTTP.
pub const GRPC_TIMEOUT: HeaderName = HeaderName::from_static("grpc-timeout");

/// The most digits that a `grpc-timeout` may have.
const MAX_DIGITS: usize = 8;

/// The shortest accepted time. Timers are too coarse for shorter ones: the result of a call would depend on chance.
const SHORTEST: Duration = Duration::from_millis(1);

/// The time in a request's `grpc-timeout`; `None` if it has none.
///
/// # Errors
/// [`Error::Timeout`] if the value is not one to eight digits and a unit: `H`, `M`, `S`, `m`, `u` or `n`;
/// [`Error::DeadlineExceeded`] if the time is less than a millisecond.
pub fn requested(headers: &HeaderMap) -> Result<Option<Duration>, Error> {
    let Some(value) = headers.get(GRPC_TIMEOUT) else { return Ok(None) };
    let timeout = value.to_str().ok().and_then(parse).ok_or(Error::Timeout)?;
    if timeout < SHORTEST { Err(Error::DeadlineExceeded) } else { Ok(Some(timeout)) }
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

/// The value of `grpc-timeout` for `timeout`: in milliseconds if eight digits are enough, otherwise in the smallest larger
/// unit for which they are. It is rounded up.
#[must_use]
pub fn header(timeout: Duration) -> HeaderValue {
    const MOST: u128 = 99_999_999;
    let millis = timeout.as_nanos().div_ceil(1_000_000);
    let units = [(1, 'm'), (1_000, 'S'), (60_000, 'M'), (3_600_000, 'H')];
    let fits =
        units.into_iter().map(|(size, unit)| (millis.div_ceil(size), unit)).find(|(count, _)| *count <= MOST);
    let (count, unit) = fits.unwrap_or((MOST, 'H'));
    HeaderValue::try_from(format!("{count}{unit}")).unwrap_or(HeaderValue::from_static("99999999H"))
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
    fn a_written_timeout_has_at_most_eight_digits_and_is_rounded_up() {
        assert_eq!(header(Duration::from_secs(30)), "30000m");
        assert_eq!(header(Duration::from_nanos(1)), "1m");
        assert_eq!(header(Duration::from_millis(100_000_000)), "100000S");
        assert_eq!(header(Duration::from_millis(100_000_000_001)), "1666667M");
        assert_eq!(header(Duration::MAX), "99999999H");
    }

    #[test]
    fn a_timeout_below_a_millisecond_is_exceeded_at_once() {
        let of = |value| requested(&HeaderMap::from_iter([(GRPC_TIMEOUT, HeaderValue::from_static(value))]));
        assert_eq!(requested(&HeaderMap::new()), Ok(None));
        assert_eq!(of("1m"), Ok(Some(Duration::from_millis(1))));
        for over in ["0S", "1n", "999999n", "999u"] {
            assert_eq!(of(over), Err(Error::DeadlineExceeded), "{over}");
        }
        assert_eq!(of("soon"), Err(Error::Timeout));
    }
}
