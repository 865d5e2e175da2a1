//! The comments of the `.proto` files, as Markdown.

/// The text without the space after each `//`, and with each paragraph on one line.
pub(super) fn tidy(comment: &str) -> String {
    let mut text = String::new();
    for line in comment.lines().map(str::trim) {
        if line.is_empty() {
            text.push_str("\n\n");
        } else {
            if !text.is_empty() && !text.ends_with('\n') {
                text.push(' ');
            }
            text.push_str(line);
        }
    }
    text.trim().to_owned()
}

/// The first sentence, without its full stop.
pub(super) fn summary(text: &str) -> &str {
    let paragraph = text.split("\n\n").next().unwrap_or_default();
    let sentence = paragraph.split_once(". ").map_or(paragraph, |(sentence, _)| sentence);
    sentence.trim_end_matches('.')
}

#[cfg(test)]
mod tests {
    use super::{summary, tidy};

    #[test]
    fn paragraphs_are_one_line_each() {
        assert_eq!(tidy(" One\n two.\n\n Three.\n"), "One two.\n\nThree.");
        assert_eq!(tidy("\n \n"), "");
    }

    #[test]
    fn a_summary_is_the_first_sentence() {
        assert_eq!(summary("Reads it. Then more.\n\nAnd more."), "Reads it");
        assert_eq!(summary("Reads it, e.g.x.\n\nMore."), "Reads it, e.g.x");
        assert_eq!(summary(""), "");
    }
}
