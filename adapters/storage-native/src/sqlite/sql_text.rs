//! Analyzes the text of a statement.

/// How many parameters `sql` has. The adapter checks their number because SQLite reads a missing one as `NULL`, while D1
/// rejects the call.
pub(super) fn parameter_count(sql: &str) -> usize {
    let mut count = 0;
    let mut rest = sql.bytes().peekable();
    while let Some(byte) = rest.next() {
        match byte {
            b'\'' | b'"' => drop(rest.by_ref().find(|&end| end == byte)),
            b'-' if rest.next_if_eq(&b'-').is_some() => drop(rest.by_ref().find(|&end| end == b'\n')),
            b'?' => {
                let mut number = 0_usize;
                while let Some(digit) = rest.next_if(u8::is_ascii_digit) {
                    number = number.saturating_mul(10).saturating_add((digit - b'0').into());
                }
                count = if number == 0 { count + 1 } else { count.max(number) };
            }
            _ => {}
        }
    }
    count
}

/// Whether `sql` may have a `RETURNING` clause.
pub(super) fn returns_rows(sql: &str) -> bool {
    let mut words = sql.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words.any(|word| word.eq_ignore_ascii_case("RETURNING"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_number_of_a_parameter_counts() {
        for (sql, count) in [
            ("SELECT 1", 0),
            ("SELECT ?1, ?3, ?1", 3),
            ("SELECT ?, ?", 2),
            ("SELECT ?2, ?", 3),
            ("SELECT '?1 it''s ?', \"?2\" -- ?3\n, ?1", 1),
            ("SELECT 1 - -?1", 1),
        ] {
            assert_eq!(parameter_count(sql), count, "{sql}");
        }
    }

    #[test]
    fn a_returning_clause_is_found() {
        for (sql, returns) in [
            ("DELETE FROM t RETURNING *", true),
            ("insert into t values (1)\nreturning id", true),
            ("UPDATE t SET is_returning = 1", false),
            ("", false),
        ] {
            assert_eq!(returns_rows(sql), returns, "{sql}");
        }
    }
}
