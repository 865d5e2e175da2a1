//! The OpenAPI 3.1 description of the contract. Its paths and schemas come from the routes and options, its texts from the
//! comments in the `.proto` files.
//!
//! A message that occurs in requests and in responses has two schemas: a response always has the fields without presence,
//! and a request may have no unknown fields.

mod comments;
mod components;
mod operation;
mod own_pages;
mod parameters;
mod path;
mod requests;
mod responses;
mod rules;
#[cfg(test)]
mod tests;
mod types;

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use self::{components::Components, operation::Operations};
use crate::contract::{Contract, Route};

/// The description of the whole API.
const INTRODUCTION: &str = "Image annotation: images, and annotations (labelled bounding boxes) on them.\n\n\
    JSON is proto3 JSON with names in snake case: 64-bit integers are strings, times are RFC 3339, unknown fields are \
    rejected by name. Every error has the same shape, and every response has a header `x-request-id`.";

/// The description of every route of `contract`, as JSON.
pub(crate) fn document(contract: &Contract) -> Vec<u8> {
    let mut components = Components::new(contract.pool());
    let routes: Vec<_> = contract.routes().iter().filter(|route| path::is_describable(route)).collect();
    // Responses first: if a message has two schemas, the one for requests gets the longer name.
    for route in &routes {
        responses::describe_messages(route, &mut components);
    }
    let mut operations = Operations::default();
    let mut paths: BTreeMap<String, Map<String, Value>> = BTreeMap::new();
    let mut names = path::Names::default();
    for route in routes {
        let path = names.path(route);
        let operation = operations.describe(route, &path, &mut components);
        paths.entry(path.text).or_default().insert(http_method(route), operation);
    }
    own_pages::describe(&mut paths);
    let document = json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Reticle",
            "version": env!("CARGO_PKG_VERSION"),
            "description": INTRODUCTION,
            "license": {"name": "Apache License 2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/", "description": "The gateway that served this description."}],
        "security": [{"bearer": []}],
        "tags": operation::tags(contract, &components.comments),
        "paths": paths,
        "components": {
            "securitySchemes": {"bearer": {
                "type": "http",
                "scheme": "bearer",
                "bearerFormat": "JWT",
                "description": "A token whose `sub` is the caller's user id.",
            }},
            "schemas": components.into_schemas(),
            "responses": responses::shared(),
            "headers": responses::shared_headers(),
        },
    });
    document.to_string().into_bytes()
}

fn http_method(route: &Route) -> String {
    route.http_method.as_str().to_ascii_lowercase()
}

/// The schema of a file. OpenAPI 3.1 does not need it, but client generators recognize bytes by this format.
fn bytes() -> Value {
    json!({"type": "string", "format": "binary"})
}

/// Sets a member of an object.
fn set(object: &mut Value, name: &str, member: impl Into<Value>) {
    if let Some(members) = object.as_object_mut() {
        members.insert(name.to_owned(), member.into());
    }
}
