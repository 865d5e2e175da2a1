//! What the `.proto` files say in comments.

use std::collections::HashMap;

use prost_reflect::{DescriptorPool, FileDescriptor};

/// The comments of all files, by file and place.
pub(super) struct Comments(HashMap<(String, Vec<i32>), String>);

impl Comments {
    pub(super) fn read(pool: &DescriptorPool) -> Self {
        let mut comments = HashMap::new();
        for file in pool.files() {
            let locations = file.file_descriptor_proto().source_code_info.as_ref();
            for location in locations.into_iter().flat_map(|info| &info.location) {
                let texts = [location.leading_comments(), location.trailing_comments()];
                if let Some(text) = texts.map(tidy).into_iter().find(|text| !text.is_empty()) {
                    comments.insert((file.name().to_owned(), location.path.clone()), text);
                }
            }
        }
        Self(comments)
    }

    /// The comment on what a descriptor's `path()` leads to; empty if there is none.
    pub(super) fn at(&self, file: &FileDescriptor, path: &[i32]) -> &str {
        self.0.get(&(file.name().to_owned(), path.to_vec())).map_or("", String::as_str)
    }
}

/// The text without the space that follows each `//`, and with paragraphs on one line each, since Markdown may break
/// lines where it likes.
fn tidy(comment: &str) -> String {
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
