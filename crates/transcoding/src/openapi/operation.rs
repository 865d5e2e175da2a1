//! One route as an OpenAPI operation.

use std::collections::HashMap;

use prost_reflect::ServiceDescriptor;
use serde_json::{Value, json};

use super::{
    comments::{self, Comments},
    components::Components,
    parameters,
    path::Path,
    requests, responses, set,
};
use crate::contract::{Contract, Method, Route};

/// Describes operations, each with a unique id.
#[derive(Default)]
pub(super) struct Operations {
    /// How often each id was used.
    ids: HashMap<String, usize>,
}

impl Operations {
    pub(super) fn describe(&mut self, route: &Route, path: &Path<'_>, components: &mut Components) -> Value {
        let method = &*route.method;
        let comment = components.comments.at(&method.descriptor.parent_file(), method.descriptor.path());
        let mut operation = json!({
            "operationId": self.id(method),
            "tags": [method.descriptor.parent_service().name()],
            "summary": comments::summary(comment),
            "description": comment,
        });
        set(&mut operation, "responses", responses::describe(route, components));
        let parameters = parameters::describe(route, path, components);
        if !parameters.is_empty() {
            set(&mut operation, "parameters", parameters);
        }
        if let Some(body) = requests::describe(route, components) {
            set(&mut operation, "requestBody", body);
        }
        if method.deprecated_paths.iter().any(|path| *path == route.template.to_string()) {
            set(&mut operation, "deprecated", true);
        }
        if method.token_optional {
            set(&mut operation, "security", json!([{"bearer": []}, {}]));
        }
        operation
    }

    /// The method's name, followed by a number if an earlier operation has the same name.
    fn id(&mut self, method: &Method) -> String {
        let name = method.descriptor.name();
        let uses = self.ids.entry(name.to_owned()).or_default();
        *uses += 1;
        if *uses == 1 { name.to_owned() } else { format!("{name}{uses}") }
    }
}

/// The services, as the tags that group their operations.
pub(super) fn tags(contract: &Contract, comments: &Comments, own: (&str, &str)) -> Vec<Value> {
    let services = contract.pool().services();
    let routed = services.filter(|service| {
        contract.routes().iter().any(|route| route.method.descriptor.parent_service() == service)
    });
    let tag = |service: ServiceDescriptor| {
        let description = comments.at(&service.parent_file(), service.path());
        json!({"name": service.name(), "description": description})
    };
    let own = json!({"name": own.0, "description": own.1});
    routed.map(tag).chain([own]).collect()
}
