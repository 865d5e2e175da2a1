//! The paths that the gateway itself serves.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::set;

pub(super) const TAG: &str = "Gateway";

/// Path, operation id, summary and the fields of the response.
const PAGES: [(&str, &str, &str, &[&str]); 4] = [
    ("/health", "Health", "Reports that the gateway responds, and its region", &["status", "region"]),
    ("/livez", "Live", "Reports that the gateway runs", &["status"]),
    ("/readyz", "Ready", "Reports whether every service behind the gateway is ready", &["status"]),
    ("/openapi.json", "DescribeApi", "Returns this description", &[]),
];

pub(super) fn describe(paths: &mut BTreeMap<String, Map<String, Value>>) {
    for (path, id, summary, fields) in PAGES {
        let operation = json!({
            "operationId": id,
            "tags": [TAG],
            "summary": summary,
            "description": format!("{summary}. It needs no token."),
            "security": [],
            "responses": responses(path, fields),
        });
        paths.entry(path.to_owned()).or_default().insert("get".to_owned(), operation);
    }
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
        set(&mut responses, "503", unavailable);
    }
    responses
}
