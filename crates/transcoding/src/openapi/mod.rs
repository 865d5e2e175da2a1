//! The OpenAPI 3.1 description of the contract. Its paths and schemas come from the routes and options, its texts from the
//! comments in the `.proto` files.
//!
//! A message that occurs in requests and in responses has two schemas: a response always has the fields without presence,
//! and a request may have no unknown fields.

mod comments;
mod components;
mod operation;
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

/// What the descriptors do not say about an API.
#[derive(Clone, Copy, Debug)]
pub struct Api<'a> {
    /// Its name.
    pub title: &'a str,
    /// Its version.
    pub version: &'a str,
    /// The text at the beginning of its documentation, in Markdown.
    pub description: &'a str,
    /// The SPDX name of its license, as in `Apache-2.0`, with the license's full name.
    pub license: (&'a str, &'a str),
    /// What its bearer token is.
    pub token: &'a str,
    /// The tag of the server's own operations, with its description.
    pub own_tag: (&'a str, &'a str),
    /// The operations of the server itself, which are no RPCs: the path, and what OpenAPI calls an operation. All are GET.
    pub own_operations: &'a [(&'a str, Value)],
}

/// The description of every route of `contract`, as JSON. [`Api`] has what the descriptors do not say.
pub fn document(contract: &Contract, api: &Api<'_>) -> Vec<u8> {
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
    for (path, operation) in api.own_operations {
        paths.entry((*path).to_owned()).or_default().insert("get".to_owned(), operation.clone());
    }
    let document = json!({
        "openapi": "3.1.0",
        "info": {
            "title": api.title,
            "version": api.version,
            "description": api.description,
            "license": {"name": api.license.1, "identifier": api.license.0},
        },
        "servers": [{"url": "/", "description": "The server of this description."}],
        "security": [{"bearer": []}],
        "tags": operation::tags(contract, &components.comments, api.own_tag),
        "paths": paths,
        "components": {
            "securitySchemes": {"bearer": {
                "type": "http",
                "scheme": "bearer",
                "bearerFormat": "JWT",
                "description": api.token,
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
