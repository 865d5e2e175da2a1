//! Path, query and header parameters.

use serde_json::{Value, json};

use super::{
    components::{Components, Side},
    path::Path,
    set,
};
use crate::{
    contract::{Body, FieldPath, HeaderField, Route, Rules},
    descriptor::declared_fields,
};

/// One entity tag, strong or weak (RFC 9110 section 8.8.3), in ASCII.
const ENTITY_TAG: &str = "^(W/)?\"[\\x21\\x23-\\x7e]*\"$";

/// All parameters of a route.
pub(super) fn describe(route: &Route, path: &Path<'_>, components: &mut Components) -> Vec<Value> {
    let mut parameters = Vec::new();
    for (name, variable) in &path.parameters {
        let mut parameter = parameter("path", name, &variable.path, components);
        set(&mut parameter, "required", true);
        parameters.push(parameter);
    }
    let query = route.query_parameters();
    // A field that a header also sets is described below, as a header.
    let is_header = |path: &FieldPath| route.method.request_headers.iter().any(|header| header.path == *path);
    for path in query.iter().filter(|path| !is_header(path)) {
        let mut parameter = parameter("query", &path.to_string(), path, components);
        if let Some(pattern) = mask_pattern(route, path) {
            set(&mut parameter, "schema", json!({"type": "string", "pattern": pattern}));
        }
        let upload = route.method.upload.as_ref();
        if upload.is_some_and(|upload| upload.is_set_by_headers(path.leaf())) {
            let description = parameter.get("description").and_then(Value::as_str).unwrap_or_default();
            let description =
                format!("{description} If the body is the file itself, the request's headers replace this.");
            set(&mut parameter, "description", description.trim());
        }
        if Rules::of(path.leaf()).required {
            set(&mut parameter, "required", true);
        }
        parameters.push(parameter);
    }
    for header in &route.method.request_headers {
        parameters.push(header_parameter(header, route, components));
    }
    if route.method.download.is_some() {
        parameters.extend([
            plain_header("range", "The part to send, as in `bytes=0-1023` (RFC 9110 section 14.2)."),
            plain_header("if-range", "An entity tag: the range applies only if it is the current one."),
            plain_header(
                "if-none-match",
                "Entity tags that the caller has: if one is current, the response is 304.",
            ),
        ]);
    }
    parameters
}

/// The names that an update mask may contain: those of the fields that a body may have.
fn mask_pattern(route: &Route, path: &FieldPath) -> Option<String> {
    let mask = route.update_mask.as_ref().filter(|mask| mask.field() == path.leaf())?;
    let resource = route.body.message(&route.method.input)?;
    let mut fields = declared_fields(&resource);
    fields.retain(|field| !Rules::of(field).output_only && field != mask.field());
    let names = fields.iter().map(|field| field.name().to_owned()).collect::<Vec<_>>().join("|");
    Some(format!("^({names})(,({names}))*$"))
}

fn parameter(location: &str, name: &str, path: &FieldPath, components: &mut Components) -> Value {
    let mut schema = components.field(path.leaf(), Side::Request);
    let description = schema.as_object_mut().and_then(|schema| schema.remove("description"));
    let mut parameter = json!({"in": location, "name": name, "schema": schema});
    if let Some(description) = description {
        set(&mut parameter, "description", description);
    }
    parameter
}

fn header_parameter(header: &HeaderField, route: &Route, components: &mut Components) -> Value {
    let mut parameter = parameter("header", header.name.as_str(), &header.path, components);
    if header.entity_tag {
        set(
            &mut parameter,
            "schema",
            json!({"type": "string", "pattern": ENTITY_TAG, "examples": ["\"r1\""]}),
        );
        let mut description =
            "An entity tag, in quotes: the change is made only if it is the current one.".to_owned();
        if let Body::Field(_) | Body::Whole = route.body {
            description += &format!(
                " The body may omit its `{}`; otherwise the two must be the same.",
                header.path.leaf().name()
            );
        }
        set(&mut parameter, "description", description);
    }
    parameter
}

fn plain_header(name: &str, description: &str) -> Value {
    json!({"in": "header", "name": name, "description": description, "schema": {"type": "string"}})
}
