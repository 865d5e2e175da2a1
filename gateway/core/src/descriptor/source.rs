//! Reads strings from descriptors, and the comments of a file.

use std::collections::HashMap;

use super::element::Element;
use crate::wire::{self, Malformed, Value};

pub(super) fn text(bytes: &[u8]) -> Result<String, Malformed> {
    std::str::from_utf8(bytes).map(str::to_owned).map_err(|_| Malformed)
}

/// The string in a field; empty if the field is absent.
pub(super) fn last_text(message: &[u8], number: u32) -> Result<String, Malformed> {
    wire::values(message, number).filter_map(Value::bytes).last().map_or(Ok(String::new()), text)
}

pub(super) fn join(scope: &str, name: &str) -> String {
    if scope.is_empty() { name.to_owned() } else { format!("{scope}.{name}") }
}

/// What the declarations of one file have in common.
pub(super) struct Source {
    pub(super) package: String,
    pub(super) is_proto3: bool,
    /// Keyed by the path to the declaration (`SourceCodeInfo.Location.path`).
    comments: HashMap<Vec<u64>, String>,
}

impl Source {
    pub(super) fn read(file: &[u8]) -> Result<Self, Malformed> {
        let mut comments = HashMap::new();
        for info in wire::values(file, 9).filter_map(Value::bytes) {
            for location in wire::values(info, 1).filter_map(Value::bytes) {
                let [leading, trailing] = [last_text(location, 3)?, last_text(location, 4)?];
                let comment = if leading.trim().is_empty() { trailing } else { leading };
                if !comment.is_empty() {
                    comments.insert(wire::varints(location, 1)?, comment);
                }
            }
        }
        Ok(Self { package: last_text(file, 2)?, is_proto3: last_text(file, 12)? == "proto3", comments })
    }

    /// The names and the comment of the declaration `name` in `scope`; `path` locates its comment.
    pub(super) fn element(&self, scope: &str, name: String, path: &[u64]) -> Element {
        let comment = self.comments.get(path).cloned().unwrap_or_default();
        Element { full_name: join(scope, &name), name, comment }
    }
}
