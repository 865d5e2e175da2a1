//! The comments of the `.proto` files, as Markdown.

use std::collections::HashMap;

use prost_reflect::{DescriptorPool, FileDescriptor};

/// The comments of each file of a pool, by the path of the declaration (`SourceCodeInfo.Location.path`).
pub(super) struct Comments(Vec<HashMap<Vec<i32>, String>>);

impl Comments {
    pub(super) fn read(pool: &DescriptorPool) -> Self {
        Self(pool.files().map(|file| of_file(&file)).collect())
    }

    /// The comment before the declaration, otherwise the one after it; empty if there is neither.
    pub(super) fn at(&self, file: &FileDescriptor, path: &[i32]) -> &str {
        self.0.get(file.index()).and_then(|comments| comments.get(path)).map_or("", String::as_str)
    }
}

fn of_file(file: &FileDescriptor) -> HashMap<Vec<i32>, String> {
    let mut comments = HashMap::new();
    let info = file.file_descriptor_proto().source_code_info.as_ref();
    for location in info.into_iter().flat_map(|info| &info.location) {
        let texts = [location.leading_comments(), location.trailing_comments()];
        if let Some(text) = texts.map(tidy).into_iter().find(|text| !text.is_empty()) {
            comments.insert(location.path.clone(), text);
        }
    }
    comments
}

/// The text without the space after each `//`, and with each paragraph on one line.
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
