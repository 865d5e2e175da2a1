//! Path, query and header parameters.

use serde_json::{Value, json};

use super::{
    components::{Components, Side},
    path::Path,
    set,
};
use crate::contract::{FieldPath, HeaderField, Route};

/// Everything that a route takes outside of its body.
pub(super) fn describe(route: &Route, path: &Path<'_>, components: &mut Components) -> Vec<Value> {
    let mut parameters = Vec::new();
    for (name, variable) in &path.parameters {
        let mut parameter = parameter("path", name, &variable.path, components);
        set(&mut parameter, "required", true);
        parameters.push(parameter);
    }
    let query = route.query_parameters();
    // A header that says the same is told below.
    let is_header = |path: &FieldPath| route.method.request_headers.iter().any(|header| header.path == *path);
    for path in query.iter().filter(|path| !is_header(path)) {
        parameters.push(parameter("query", &path.to_string(), path, components));
    }
    for header in &route.method.request_headers {
        parameters.push(header_parameter(header, components));
    }
    if route.method.download.is_some() {
        parameters.extend([
            plain_header("range", "The part to send, as in `bytes=0-1023` (RFC 9110 section 14.2)."),
            plain_header("if-range", "An entity tag: the range holds only while it is the current one."),
            plain_header(
                "if-none-match",
                "Entity tags that the caller has: if one is current, the answer is 304.",
            ),
        ]);
    }
    parameters
}

fn parameter(place: &str, name: &str, path: &FieldPath, components: &mut Components) -> Value {
    let mut schema = components.field(path.leaf(), Side::Request);
    let description = schema.as_object_mut().and_then(|schema| schema.remove("description"));
    let mut parameter = json!({"in": place, "name": name, "schema": schema});
    if let Some(description) = description {
        set(&mut parameter, "description", description);
    }
    parameter
}

fn header_parameter(header: &HeaderField, components: &mut Components) -> Value {
    let mut parameter = parameter("header", header.name.as_str(), &header.path, components);
    if header.entity_tag {
        set(
            &mut parameter,
            "description",
            "An entity tag, in quotes: the change is made only while it is the current one.",
        );
    }
    parameter
}

fn plain_header(name: &str, description: &str) -> Value {
    json!({"in": "header", "name": name, "description": description, "schema": {"type": "string"}})
}
