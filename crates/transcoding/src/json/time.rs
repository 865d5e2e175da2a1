//! The text forms of `google.protobuf.Timestamp` (RFC 3339) and `google.protobuf.Duration` (`1.5s`).

use std::str::FromStr;

use ::time::{Date, Month, Time, UtcDateTime};

/// Seconds and nanoseconds, as in both messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) seconds: i64,
    pub(super) nanos: i32,
}

/// The years 1 to 9999.
const TIMESTAMPS: std::ops::RangeInclusive<i64> = -62_135_596_800..=253_402_300_799;
/// About 10,000 years either way.
const LONGEST_DURATION: u64 = 315_576_000_000;

/// Reads an RFC 3339 time, as in `2026-05-01T12:00:00.25+02:00`.
pub(super) fn parse_timestamp(text: &str) -> Option<Span> {
    let (date, time) = text.split_once('T')?;
    let date = fixed_width(date, '-', [4, 2, 2])?;
    let (clock, offset) = split_offset(time)?;
    let (clock, nanos) = split_fraction(clock)?;
    let seconds = seconds_of(date, fixed_width(clock, ':', [2, 2, 2])?)? - offset;
    TIMESTAMPS.contains(&seconds).then_some(Span { seconds, nanos })
}

/// The seconds from 1970 to a date and a time of day in UTC; `None` if one of them does not exist.
fn seconds_of([year, month, day]: [u16; 3], [hour, minute, second]: [u16; 3]) -> Option<i64> {
    let byte = |number: u16| u8::try_from(number).ok();
    let month = Month::try_from(byte(month)?).ok()?;
    let date = Date::from_calendar_date(year.into(), month, byte(day)?).ok()?;
    let time = Time::from_hms(byte(hour)?, byte(minute)?, byte(second)?).ok()?;
    Some(UtcDateTime::new(date, time).unix_timestamp())
}

/// Writes a time in UTC with 0, 3, 6 or 9 digits of a second; `None` outside the years 1 to 9999.
pub(super) fn format_timestamp(moment: Span) -> Option<String> {
    let nanos = u32::try_from(moment.nanos).ok().filter(|nanos| *nanos < 1_000_000_000)?;
    if !TIMESTAMPS.contains(&moment.seconds) {
        return None;
    }
    let utc = UtcDateTime::from_unix_timestamp(moment.seconds).ok()?;
    let ((year, month, day), (hour, minute, second)) = (utc.to_calendar_date(), utc.as_hms());
    let month = u8::from(month);
    let fraction = fraction(nanos);
    Some(format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{fraction}Z"))
}

/// Reads a number of seconds with at most nine decimals, as in `-1.5s`.
pub(super) fn parse_duration(text: &str) -> Option<Span> {
    let text = text.strip_suffix('s')?;
    let (sign, text) = text.strip_prefix('-').map_or((1, text), |text| (-1, text));
    let (whole, nanos) = split_fraction(text)?;
    let seconds = digits(whole).filter(|seconds: &i64| seconds.unsigned_abs() <= LONGEST_DURATION)?;
    Some(Span { seconds: sign * seconds, nanos: i32::try_from(sign).ok()? * nanos })
}

/// Writes a duration with 0, 3, 6 or 9 decimals; `None` if it is out of range or its parts differ in sign.
pub(super) fn format_duration(duration: Span) -> Option<String> {
    let Span { seconds, nanos } = duration;
    let mixed = (seconds > 0 && nanos < 0) || (seconds < 0 && nanos > 0);
    if mixed || seconds.unsigned_abs() > LONGEST_DURATION || nanos.unsigned_abs() >= 1_000_000_000 {
        return None;
    }
    let sign = if seconds < 0 || nanos < 0 { "-" } else { "" };
    Some(format!("{sign}{}{}s", seconds.unsigned_abs(), fraction(nanos.unsigned_abs())))
}

fn fraction(nanos: u32) -> String {
    if nanos == 0 {
        String::new()
    } else if nanos.is_multiple_of(1_000_000) {
        format!(".{:03}", nanos / 1_000_000)
    } else if nanos.is_multiple_of(1000) {
        format!(".{:06}", nanos / 1000)
    } else {
        format!(".{nanos:09}")
    }
}

/// Splits `Z`, `+hh:mm` or `-hh:mm` off the end, and returns it in seconds east of UTC.
fn split_offset(time: &str) -> Option<(&str, i64)> {
    if let Some(clock) = time.strip_suffix('Z') {
        return Some((clock, 0));
    }
    let at = time.rfind(['+', '-'])?;
    let (clock, offset) = time.split_at_checked(at)?;
    let (sign, offset) = match offset.strip_prefix('-') {
        Some(offset) => (-1, offset),
        None => (1, offset.strip_prefix('+')?),
    };
    let [hours, minutes] = fixed_width(offset, ':', [2, 2])?;
    let seconds = i64::from(hours) * 3600 + i64::from(minutes) * 60;
    (hours <= 23 && minutes <= 59).then_some((clock, sign * seconds))
}

/// Splits a fraction of one to nine digits off the end, and returns it in nanoseconds.
fn split_fraction(text: &str) -> Option<(&str, i32)> {
    let Some((whole, fraction)) = text.split_once('.') else {
        return Some((text, 0));
    };
    if fraction.len() > 9 {
        return None;
    }
    let nanos = digits(&format!("{fraction:0<9}")).filter(|_| !fraction.is_empty())?;
    Some((whole, nanos))
}

/// Numbers with exactly these widths in digits.
fn fixed_width<const N: usize>(text: &str, separator: char, widths: [usize; N]) -> Option<[u16; N]> {
    let mut parts = text.split(separator);
    let mut numbers = [0; N];
    for (number, width) in numbers.iter_mut().zip(widths) {
        *number = parts.next().filter(|part| part.len() == width).and_then(digits)?;
    }
    parts.next().is_none().then_some(numbers)
}

fn digits<T: FromStr>(text: &str) -> Option<T> {
    let all_digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if all_digits { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::{Span, format_duration, format_timestamp, parse_duration, parse_timestamp};

    fn span(seconds: i64, nanos: i32) -> Span {
        Span { seconds, nanos }
    }

    #[test]
    fn timestamps_are_read_and_written_in_utc() {
        for (text, moment, written) in [
            ("1970-01-01T00:00:00Z", span(0, 0), "1970-01-01T00:00:00Z"),
            ("2026-05-01T12:00:00.25+02:00", span(1_777_629_600, 250_000_000), "2026-05-01T10:00:00.250Z"),
            ("1969-12-31T23:59:59.5Z", span(-1, 500_000_000), "1969-12-31T23:59:59.500Z"),
            ("0001-01-01T00:00:00Z", span(-62_135_596_800, 0), "0001-01-01T00:00:00Z"),
            (
                "9999-12-31T23:59:59.999999999Z",
                span(253_402_300_799, 999_999_999),
                "9999-12-31T23:59:59.999999999Z",
            ),
            ("2000-02-29T00:00:00.000001-00:30", span(951_784_200, 1000), "2000-02-29T00:30:00.000001Z"),
        ] {
            assert_eq!(parse_timestamp(text), Some(moment), "{text}");
            assert_eq!(format_timestamp(moment).as_deref(), Some(written));
        }
    }

    #[test]
    fn every_day_of_400_years_survives_a_round_trip() {
        // After 400 years, the calendar repeats.
        let first = parse_timestamp("1700-03-01T23:59:59Z").unwrap();
        assert_eq!(first, span(-8_515_152_001, 0));
        for day in 0..146_097 {
            let moment = span(first.seconds + day * 86_400, 0);
            let text = format_timestamp(moment).unwrap();
            assert_eq!(parse_timestamp(&text), Some(moment), "{text}");
        }
    }

    #[test]
    fn invalid_timestamps_are_rejected() {
        for text in [
            "",
            "T",
            "2026-05-01",
            "2026-05-01T12:00:00",
            "2026-05-01 12:00:00Z",
            "2026-05-01t12:00:00z",
            "2026-02-29T12:00:00Z",
            "2026-02-30T12:00:00Z",
            "1900-02-29T12:00:00Z",
            "2026-04-31T12:00:00Z",
            "2026-13-01T12:00:00Z",
            "2026-00-01T12:00:00Z",
            "2026-01-00T12:00:00Z",
            "2026-05-01T24:00:00Z",
            "2026-05-01T12:60:00Z",
            "2026-05-01T12:00:60Z",
            "2026-05-01T12:00:00.Z",
            "2026-05-01T12:00:00.1234567890Z",
            "2026-05-01T12:00:00+2:00",
            "2026-05-01T12:00:00+24:00",
            "0000-12-31T23:59:59Z",
            "0001-01-01T00:00:00+00:01",
            "9999-12-31T23:59:59-00:01",
            "10000-01-01T00:00:00Z",
            "+026-05-01T12:00:00Z",
            "2026-05-01T12:00:00ZZ",
            "२०२६-05-01T12:00:00Z",
            "2026-05-01T12:00:00é",
        ] {
            assert_eq!(parse_timestamp(text), None, "{text}");
        }
        for moment in
            [span(253_402_300_800, 0), span(-62_135_596_801, 0), span(0, -1), span(0, 1_000_000_000)]
        {
            assert_eq!(format_timestamp(moment), None, "{moment:?}");
        }
    }

    #[test]
    fn durations_are_read_and_written() {
        for (text, duration, written) in [
            ("0s", span(0, 0), "0s"),
            ("1.5s", span(1, 500_000_000), "1.500s"),
            ("-0.000000001s", span(0, -1), "-0.000000001s"),
            ("-315576000000.000001s", span(-315_576_000_000, -1000), "-315576000000.000001s"),
        ] {
            assert_eq!(parse_duration(text), Some(duration), "{text}");
            assert_eq!(format_duration(duration).as_deref(), Some(written));
        }
    }

    #[test]
    fn invalid_durations_are_rejected() {
        for text in [
            "",
            "s",
            "1",
            "1.s",
            ".5s",
            "+1s",
            "--1s",
            "1.0000000000s",
            "315576000001s",
            "99999999999999999999s",
            "1e3s",
        ] {
            assert_eq!(parse_duration(text), None, "{text}");
        }
        for duration in
            [span(1, -1), span(-1, 1), span(315_576_000_001, 0), span(0, 1_000_000_000), span(i64::MIN, 0)]
        {
            assert_eq!(format_duration(duration), None, "{duration:?}");
        }
    }
}
