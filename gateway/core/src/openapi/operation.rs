//! One route as an OpenAPI operation.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::{
    comments::{self, Comments},
    components::Components,
    parameters,
    path::Path,
    requests, responses, set,
};
use crate::contract::{Contract, Method, Route};

/// Makes operations, each with an id of its own.
pub(super) struct Operations<'c> {
    comments: &'c Comments,
    /// How often each id was used.
    ids: HashMap<String, usize>,
}

impl<'c> Operations<'c> {
    pub(super) fn new(comments: &'c Comments) -> Self {
        Self { comments, ids: HashMap::new() }
    }

    pub(super) fn describe(
        &mut self,
        route: &Route,
        path: &Path<'_>,
        components: &mut Components<'_>,
    ) -> Value {
        let method = &*route.method;
        let comment = self.comments.at(&method.descriptor.parent_file(), method.descriptor.path());
        let mut operation = json!({
            "operationId": self.id(method),
            "tags": [method.descriptor.parent_service().name()],
            "summary": comments::summary(comment),
            "description": comment,
            "responses": responses::describe(route, components),
        });
        let parameters = parameters::describe(route, path, components);
        if !parameters.is_empty() {
            set(&mut operation, "parameters", parameters);
        }
        if let Some(body) = requests::describe(route, components) {
            set(&mut operation, "requestBody", body);
        }
        if method.token_optional {
            set(&mut operation, "security", json!([{"bearer": []}, {}]));
        }
        operation
    }

    /// The method's name; with a number where it has several routes, or shares its name.
    fn id(&mut self, method: &Method) -> String {
        let name = method.descriptor.name();
        let uses = self.ids.entry(name.to_owned()).or_default();
        *uses += 1;
        if *uses == 1 { name.to_owned() } else { format!("{name}{uses}") }
    }

    /// The services, as the tags that group their operations.
    pub(super) fn tags(&self, contract: &Contract) -> Vec<Value> {
        let services = contract.pool().services();
        let routed = services.filter(|service| {
            contract.routes().iter().any(|route| route.method.descriptor.parent_service() == service)
        });
        let tag = |service: prost_reflect::ServiceDescriptor| {
            let description = self.comments.at(&service.parent_file(), service.path());
            json!({"name": service.name(), "description": description})
        };
        let own = json!({"name": super::own_pages::TAG, "description": "The gateway itself."});
        routed.map(tag).chain([own]).collect()
    }
}
