//! Error messages for a body that is not JSON.

use serde_json::error::Category;

/// What is wrong with the body, with the line and the column.
pub(super) fn reason(error: &serde_json::Error) -> String {
    let (line, column) = (error.line(), error.column());
    let text = error.to_string();
    let reason = text.rsplit_once(" at line ").map_or(text.as_str(), |(reason, _)| reason);
    let reason = match (error.classify(), reason) {
        (Category::Eof, _) => "it ends too early",
        (_, "recursion limit exceeded") => "it is nested more than 128 levels deep",
        (_, "trailing characters") => "there are extra characters after its end",
        (_, "expected value" | "expected ident") => "a value is expected",
        (_, "key must be a string") => "a name in quotes is expected",
        (_, "number out of range") => "a number is too large",
        (_, "invalid unicode code point") => "a string is not UTF-8",
        (_, reason) if ["surrogate", "escape"].iter().any(|word| reason.contains(word)) => {
            "a string has an invalid escape"
        }
        (_, reason) if reason.starts_with("control character") => {
            "a string has a control character that is not escaped"
        }
        (_, reason) => reason,
    };
    format!("{reason} at line {line} column {column}")
}
