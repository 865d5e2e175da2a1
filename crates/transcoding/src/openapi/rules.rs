//! The rules for a field's values, as JSON Schema.

use serde_json::{Number, Value, json};

use super::set;
use crate::contract::Rules;

/// Adds `rules` to `schema`. They replace the bounds that the schema has from the field's type.
pub(super) fn describe(rules: &Rules, schema: &mut Value) {
    let counts = [
        ("minLength", rules.min_length),
        ("maxLength", rules.max_length),
        ("minItems", rules.min_items),
        ("maxItems", rules.max_items),
    ];
    for (name, count) in counts {
        if let Some(count) = count {
            set(schema, name, count);
        }
    }
    for (name, bound) in [("minimum", rules.minimum), ("maximum", rules.maximum)] {
        if let Some(bound) = bound.and_then(number) {
            set(schema, name, bound);
        }
    }
    if let Some(pattern) = &rules.pattern {
        set(schema, "pattern", if rules.ignore_case { match_both_cases(pattern) } else { pattern.clone() });
    }
    if let Some(format) = &rules.format {
        set(schema, "format", format.as_str());
    }
    if let Some(example) = rules.example.as_ref().and_then(|json| serde_json::from_str::<Value>(json).ok()) {
        set(schema, "examples", json!([example]));
    }
}

/// Writes a whole number without a fraction: `1`, not `1.0`.
fn number(bound: f64) -> Option<Value> {
    let whole = bound.fract() == 0.0 && bound.abs() <= f64::from(u32::MAX);
    #[expect(clippy::cast_possible_truncation, reason = "checked: it is whole and within 32 bits")]
    let number = if whole { Some(Number::from(bound as i64)) } else { Number::from_f64(bound) };
    number.map(Value::Number)
}

/// Replaces each letter by a class of both its cases, unless it is part of an escape: JSON Schema has no flags for
/// patterns.
fn match_both_cases(pattern: &str) -> String {
    let mut out = String::new();
    let mut escaped = false;
    for character in pattern.chars() {
        if character.is_ascii_alphabetic() && !escaped {
            out.extend(['[', character.to_ascii_lowercase(), character.to_ascii_uppercase(), ']']);
        } else {
            out.push(character);
        }
        escaped = character == '\\' && !escaped;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_match_both_cases_and_escapes_are_unchanged() {
        assert_eq!(match_both_cases(r"^a\\b\tX1[ \t]$"), r"^[aA]\\[bB]\t[xX]1[ \t]$");
    }
}
