//! The format of durations in settings.

use std::time::Duration;

/// Parses a number and its unit: `90s`, `30m`, `12h` or `7d`.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let problem = || format!("`{text}` is not a duration such as 90s, 30m, 12h or 7d");
    let unit = text.chars().last().ok_or_else(problem)?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 60 * 60,
        'd' => 24 * 60 * 60,
        _ => return Err(problem()),
    };
    let count: u64 = text.strip_suffix(unit).and_then(|n| n.parse().ok()).ok_or_else(problem)?;
    count.checked_mul(seconds).filter(|&n| n > 0).map(Duration::from_secs).ok_or_else(problem)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_needs_a_number_and_a_unit() {
        assert_eq!(duration("90s"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("7d"), Ok(Duration::from_secs(7 * 86_400)));
        for wrong in ["", "h", "1", "0s", "-1s", "1w", "99999999999999999999d", "ä"] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
    }
}
