//! Converts `google.protobuf.Timestamp` to and from the milliseconds of `runtime::Timestamp`.

use runtime::Timestamp;

use crate::Violation;

/// Encodes a time as a protobuf message.
#[must_use]
#[expect(clippy::cast_possible_truncation, reason = "below 1000 ms, so below 10^9 ns")]
pub fn to_proto(moment: Timestamp) -> prost_types::Timestamp {
    let nanos = moment.as_millis().rem_euclid(1000) * 1_000_000;
    prost_types::Timestamp { seconds: moment.as_seconds(), nanos: nanos as i32 }
}

/// Decodes the time in `field`, with millisecond precision.
///
/// # Errors
/// If the time is outside the years 1 to 9999, or the nanoseconds are outside one second.
pub fn from_proto(field: &str, message: &prost_types::Timestamp) -> Result<Timestamp, Violation> {
    const YEARS_1_TO_9999: std::ops::RangeInclusive<i64> = -62_135_596_800..=253_402_300_799;
    if !YEARS_1_TO_9999.contains(&message.seconds) || !(0..1_000_000_000).contains(&message.nanos) {
        return Err(Violation::new(field, "must be a time between the years 1 and 9999"));
    }
    Ok(Timestamp::from_millis(message.seconds * 1000 + i64::from(message.nanos / 1_000_000)))
}
