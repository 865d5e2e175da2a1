//! The OpenAPI document of the gateway: its routes, and its own pages.

use serde_json::{Map, Value, json};
use transcoding::{
    contract::Contract,
    openapi::{self, Api},
};

/// The tag of the gateway's own pages.
const TAG: &str = "Gateway";

/// The description of the whole API.
const INTRODUCTION: &str = "Image annotation: images, and annotations (labelled bounding boxes) on them.\n\n\
    JSON is proto3 JSON with names in snake case: 64-bit integers are strings, times are RFC 3339, unknown fields are \
    rejected by name. Every error has the same shape, and every response has a header `x-request-id`.";

/// Path, operation id, summary and the fields of the response.
const PAGES: [(&str, &str, &str, &[&str]); 4] = [
    ("/health", "Health", "Reports that the gateway responds, and its region", &["status", "region"]),
    ("/livez", "Live", "Reports that the gateway runs", &["status"]),
    ("/readyz", "Ready", "Reports whether every service behind the gateway is ready", &["status"]),
    ("/openapi.json", "DescribeApi", "Returns this description", &[]),
];

/// The document, as JSON.
pub(crate) fn document(contract: &Contract) -> Vec<u8> {
    let api = Api {
        title: "Reticle",
        version: env!("CARGO_PKG_VERSION"),
        description: INTRODUCTION,
        license: ("Apache-2.0", "Apache License 2.0"),
        token: "A token whose `sub` is the caller's user id.",
        own_tag: (TAG, "The gateway itself."),
        own_operations: &PAGES.map(describe),
    };
    openapi::document(contract, &api)
}

/// The path of a page and its operation.
fn describe((path, id, summary, fields): (&'static str, &str, &str, &[&str])) -> (&'static str, Value) {
    let operation = json!({
        "operationId": id,
        "tags": [TAG],
        "summary": summary,
        "description": format!("{summary}. It needs no token."),
        "security": [],
        "responses": responses(path, fields),
    });
    (path, operation)
}

fn responses(path: &str, fields: &[&str]) -> Value {
    let properties: Map<_, _> =
        fields.iter().map(|field| ((*field).to_owned(), json!({"type": "string"}))).collect();
    let schema = json!({"type": "object", "properties": properties, "required": fields});
    let success = json!({"description": "Success.", "content": {"application/json": {"schema": schema}}});
    let error = json!({"$ref": "#/components/responses/Error"});
    let mut responses = json!({"200": success, "4XX": error, "default": error});
    if path == "/readyz" {
        let not_ready = json!({
            "type": "object",
            "properties": {
                "status": {"type": "string"},
                "not_ready": {
                    "type": "array",
                    "items": {"type": "string"},
                    "description": "The services that are not ready.",
                },
                "reasons": {
                    "type": "object",
                    "additionalProperties": {"type": "string"},
                    "description": "The reason for each of these services, by its name.",
                },
            },
            "required": ["status", "not_ready", "reasons"],
        });
        let content = json!({"application/json": {"schema": not_ready}});
        let unavailable = json!({"description": "At least one service is not ready.", "content": content});
        if let Some(responses) = responses.as_object_mut() {
            responses.insert("503".to_owned(), unavailable);
        }
    }
    responses
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_has_the_own_pages_and_what_they_refer_to() {
        let contract = Contract::decode(proto::FILE_DESCRIPTOR_SET).unwrap();
        let document: Value = serde_json::from_slice(&document(&contract)).unwrap();
        for (path, id, ..) in PAGES {
            let page = &document["paths"][path]["get"];
            assert_eq!(page["operationId"], id);
            let error = page["responses"]["default"]["$ref"].as_str().unwrap();
            assert!(document.pointer(error.strip_prefix('#').unwrap()).is_some(), "{error}");
        }
        assert!(document["paths"]["/readyz"]["get"]["responses"]["503"].is_object());
        assert!(document["tags"].as_array().unwrap().iter().any(|tag| tag["name"] == TAG));
    }
}
