//! Validates text that is shown to users.

use crate::Violation;

/// Returns `text` if it can be shown in one line next to other text.
///
/// Control characters break lines, exports and some databases. U+2028 and U+2029 separate lines and paragraphs. Characters that
/// change the direction of text (Unicode Standard Annex 9, section 2) disguise it: `gnp.exe` after U+202E is shown as `exe.png`.
///
/// # Errors
/// A violation of `field` if the text contains one of these characters.
pub fn plain_text<T: AsRef<str>>(field: &str, text: T) -> Result<T, Violation> {
    let mut characters = text.as_ref().chars();
    if characters.clone().any(char::is_control) {
        return Err(Violation::new(field, "must not hold control characters"));
    }
    if characters.clone().any(|character| matches!(character, '\u{2028}' | '\u{2029}')) {
        return Err(Violation::new(field, "must not hold line or paragraph separators"));
    }
    if characters.any(changes_direction) {
        return Err(Violation::new(field, "must not hold characters that change the direction of text"));
    }
    Ok(text)
}

const fn changes_direction(character: char) -> bool {
    matches!(
        character,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_any_script_is_plain() {
        for text in ["", "cat 1", "قطة", "חתול", "猫", "e\u{301}", "👩\u{200d}🚀", "\u{2029a}"] {
            assert_eq!(plain_text("label", text), Ok(text));
        }
    }

    #[test]
    fn separators_of_lines_and_paragraphs_are_rejected() {
        for separator in ['\u{2028}', '\u{2029}'] {
            let violation = Violation::new("label", "must not hold line or paragraph separators");
            assert_eq!(plain_text("label", format!("a{separator}b")), Err(violation), "{separator:?}");
        }
    }

    #[test]
    fn control_characters_and_direction_changes_are_rejected() {
        for text in ["\0", "a\n", "\u{7f}", "\u{85}"] {
            let violation = Violation::new("label", "must not hold control characters");
            assert_eq!(plain_text("label", text), Err(violation), "{text:?}");
        }
        for mark in ['\u{61c}', '\u{200e}', '\u{200f}', '\u{202a}', '\u{202e}', '\u{2066}', '\u{2069}'] {
            let violation =
                Violation::new("label", "must not hold characters that change the direction of text");
            assert_eq!(plain_text("label", format!("a{mark}b")), Err(violation), "{mark:?}");
        }
    }
}
