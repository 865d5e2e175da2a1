//! The field mask of an update (AIP-134).

use std::mem;

use crate::Violation;

/// The fields that select the resource. A mask that was made from a whole body names them too.
const ADDRESS: [&str; 2] = ["id", "etag"];

/// The path that names all changeable fields.
const EVERYTHING: &str = "*";

/// How many characters of a path that names no changeable field its violation repeats.
const MAX_REPEATED: usize = 64;

/// Returns those of the fields `changeable` of a `resource` that `paths` name, in the order of the paths: each once, so that a
/// mask that repeats a path costs no more than one that does not. A path that names another field becomes a violation.
///
/// ```
/// let paths = ["label", "label", "id", "color"].map(str::to_owned);
/// let mut fields = aip::masked_fields("annotation", &paths, &["label", "model"]);
/// assert_eq!(fields.next(), Some(Ok("label")));
/// assert_eq!(fields.next().unwrap().unwrap_err().field, "annotation.color");
/// assert_eq!(fields.next(), None);
/// ```
pub fn masked_fields<'a>(
    resource: &'a str,
    paths: &'a [String],
    changeable: &'a [&'static str],
) -> impl Iterator<Item = Result<&'static str, Violation>> + 'a {
    let mut unnamed = changeable.to_vec();
    paths.iter().flat_map(move |path| match path.as_str() {
        EVERYTHING => mem::take(&mut unnamed).into_iter().map(Ok).collect(),
        path if ADDRESS.contains(&path) => Vec::new(),
        path if changeable.contains(&path) => {
            unnamed.extract_if(.., |field| *field == path).map(Ok).collect()
        }
        path => vec![Err(not_changeable(resource, path, changeable))],
    })
}

fn not_changeable(resource: &str, path: &str, changeable: &[&str]) -> Violation {
    let path: String = path.chars().take(MAX_REPEATED).collect();
    Violation::new(
        format!("{resource}.{path}"),
        format!("cannot be changed: only {} can", listed(changeable)),
    )
}

/// `["x", "y", "z"]` as `x, y and z`.
fn listed(names: &[&str]) -> String {
    match names {
        [others @ .., last] if !others.is_empty() => format!("{} and {last}", others.join(", ")),
        few => few.concat(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHANGEABLE: [&str; 3] = ["label", "x", "model"];

    /// The named fields, and the fields of the violations in brackets.
    fn named(paths: &[&str]) -> Vec<String> {
        let paths: Vec<_> = paths.iter().map(|&path| path.to_owned()).collect();
        let fields = masked_fields("annotation", &paths, &CHANGEABLE);
        fields
            .map(|field| field.map_or_else(|invalid| format!("[{}]", invalid.field), str::to_owned))
            .collect()
    }

    #[test]
    fn each_field_is_returned_once_in_the_order_of_the_paths() {
        assert_eq!(named(&["x", "label", "x", "x"]), ["x", "label"]);
        assert_eq!(named(&["model", "*", "x", "*"]), ["model", "label", "x"]);
        assert!(named(&[]).is_empty());
    }

    #[test]
    fn the_fields_that_select_the_resource_are_skipped() {
        assert_eq!(named(&["id", "x", "etag"]), ["x"]);
    }

    #[test]
    fn paths_of_other_fields_are_violations_at_their_place() {
        assert_eq!(
            named(&["Label", "x", "", "x.y"]),
            ["[annotation.Label]", "x", "[annotation.]", "[annotation.x.y]"]
        );
        let long = ["ä".repeat(65)];
        let violation = masked_fields("annotation", &long, &CHANGEABLE).next().unwrap().unwrap_err();
        assert_eq!(violation.field, format!("annotation.{}", "ä".repeat(64)));
        assert_eq!(violation.description, "cannot be changed: only label, x and model can");
    }
}
