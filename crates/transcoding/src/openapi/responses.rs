//! Responses: the success of each route, and the errors that all routes share.

use serde_json::{Map, Value, json};

use super::components::{Components, Side};
use crate::contract::{Body, Method, Route};

/// Status, component name and description of the errors.
const ERRORS: [(&str, &str, &str); 7] = [
    ("400", "InvalidArgument", "A field, parameter or header is invalid; `details` names each one."),
    ("401", "Unauthenticated", "The token is missing or not valid."),
    ("403", "PermissionDenied", "The token lacks a scope."),
    ("404", "NotFound", "The resource does not exist, or the caller may not see it."),
    ("409", "Aborted", "The resource was changed in the meantime: read it again and repeat the change."),
    ("413", "TooLarge", "The body is larger than the limit."),
    ("415", "UnsupportedMediaType", "The body has a content type that is not accepted."),
];

/// Creates the schemas of the route's response messages.
pub(super) fn describe_messages(route: &Route, components: &mut Components) {
    if route.method.download.is_none() {
        message(route, components);
    }
}

pub(super) fn describe(route: &Route, components: &mut Components) -> Value {
    let method = &*route.method;
    let mut responses = Map::new();
    if method.download.is_some() {
        responses.append(&mut file(method));
    } else {
        let content =
            if method.server_streaming() { stream(route, components) } else { single(route, components) };
        let success = json!({
            "description": description(method),
            "headers": headers(method),
            "content": content,
        });
        responses.insert(method.success_status.as_str().to_owned(), success);
    }
    for (status, name, _) in ERRORS.iter().filter(|(status, ..)| can_occur(route, status)) {
        responses.insert((*status).to_owned(), json!({"$ref": format!("#/components/responses/{name}")}));
    }
    responses.insert("default".to_owned(), json!({"$ref": "#/components/responses/Error"}));
    responses.into()
}

/// Whether the route can respond with that error.
fn can_occur(route: &Route, status: &str) -> bool {
    let has_body = route.body != Body::None || route.method.upload.is_some();
    match status {
        "404" => !route.variables.is_empty(),
        "409" => route.method.request_headers.iter().any(|header| header.entity_tag),
        "413" | "415" => has_body,
        _ => true,
    }
}

fn message(route: &Route, components: &mut Components) -> Value {
    match &route.response_body {
        Some(field) => components.field(field, Side::Response),
        None => components.message(&route.method.output, Side::Response),
    }
}

fn single(route: &Route, components: &mut Components) -> Value {
    json!({"application/json": {"schema": message(route, components)}})
}

/// The description of a success. The `Accept` header selects the format of a stream.
fn description(method: &Method) -> &'static str {
    match (method.server_streaming(), &method.event_id) {
        (false, _) => "Success.",
        (true, None) => "Success. The `Accept` header selects the format; the default is a JSON array.",
        (true, Some(_)) => "Success. The `Accept` header selects the format; the default is lines of JSON.",
    }
}

/// The formats of a stream.
fn stream(route: &Route, components: &mut Components) -> Value {
    let item = message(route, components);
    json!({
        "application/json": {"schema": {"type": "array", "items": item}},
        "application/x-ndjson": {"schema": {"type": "string", "description": "One item per line."}},
        "text/event-stream": {"schema": {"type": "string", "description": "One item per event."}},
    })
}

fn headers(method: &Method) -> Value {
    let mut headers = Map::new();
    headers.insert("x-request-id".to_owned(), json!({"$ref": "#/components/headers/RequestId"}));
    for header in &method.response_headers {
        let description =
            if header.entity_tag { "The current entity tag, in quotes." } else { "The field's value." };
        let schema = json!({"description": description, "schema": {"type": "string"}});
        headers.insert(header.name.as_str().to_owned(), schema);
    }
    headers.into()
}

fn file(method: &Method) -> Map<String, Value> {
    let text = |description: &str| json!({"description": description, "schema": {"type": "string"}});
    let mut headers = Map::new();
    headers.insert("x-request-id".to_owned(), json!({"$ref": "#/components/headers/RequestId"}));
    headers.insert("etag".to_owned(), text("The entity tag of the whole file."));
    headers.insert("accept-ranges".to_owned(), text("`bytes`."));
    headers.insert("content-disposition".to_owned(), text("The name to save the file under."));
    headers.insert("cache-control".to_owned(), text("How long the file may be cached."));
    let whole = json!({"description": "The file.", "headers": headers, "content": file_content()});
    headers.insert("content-range".to_owned(), text("Which part it is, as in `bytes 0-1023/4096`."));
    let part = json!({"description": "A part of the file.", "headers": headers, "content": file_content()});
    let mut responses = Map::new();
    responses.insert(method.success_status.as_str().to_owned(), whole);
    responses.insert("206".to_owned(), part);
    responses.insert("304".to_owned(), json!({"description": "The caller's copy is current."}));
    let unsatisfiable = json!({
        "description": "The range is outside the file.",
        "headers": {"content-range": text("The file's size, as in `bytes */4096`.")},
        "content": error_content(),
    });
    responses.insert("416".to_owned(), unsatisfiable);
    responses
}

/// A file can have any type. Client generators do not read `*/*` as bytes, so the second type is listed for them.
fn file_content() -> Value {
    let bytes = super::bytes();
    json!({"*/*": {"schema": bytes}, "application/octet-stream": {"schema": bytes}})
}

fn error_content() -> Value {
    json!({"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}})
}

/// The errors, for `components/responses`.
pub(super) fn shared() -> Value {
    let any = ("default", "Error", "Any other error.");
    let errors = ERRORS.into_iter().chain([any]).map(|(_, name, description)| {
        let headers = json!({"x-request-id": {"$ref": "#/components/headers/RequestId"}});
        (name.to_owned(), json!({"description": description, "headers": headers, "content": error_content()}))
    });
    errors.collect::<Map<_, _>>().into()
}

/// For `components/headers`.
pub(super) fn shared_headers() -> Value {
    json!({"RequestId": {
        "description": "The id of the request in the logs: the caller's own, or a generated one.",
        "schema": {"type": "string"},
    }})
}
