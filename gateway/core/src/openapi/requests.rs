//! Request bodies.

use serde_json::{Map, Value, json};

use super::components::{Components, Side};
use crate::contract::{Body, Route, Upload};

/// The route's body; none if it takes none.
pub(super) fn describe(route: &Route, components: &mut Components) -> Option<Value> {
    if let Some(upload) = &route.method.upload {
        return Some(file(upload, components));
    }
    let schema = match &route.body {
        Body::None => return None,
        Body::Whole => components.message(&route.method.input, Side::Request),
        Body::Field(field) => components.field(field, Side::Request),
    };
    Some(json!({"required": true, "content": {"application/json": {"schema": schema}}}))
}

fn file(upload: &Upload, components: &mut Components) -> Value {
    let mut content = Map::new();
    if let Some(file_part) = &upload.file_part {
        content
            .insert("multipart/form-data".to_owned(), json!({"schema": form(upload, file_part, components)}));
    }
    for media_type in &upload.raw_content_types {
        content.insert(media_type.clone(), json!({"schema": {}}));
    }
    json!({"required": true, "content": content})
}

fn form(upload: &Upload, file_part: &str, components: &mut Components) -> Value {
    let mut parts = Map::new();
    for field in upload.info_message.fields() {
        parts.insert(field.name().to_owned(), components.field(&field, Side::Request));
    }
    let bytes = json!({
        "type": "string",
        "contentMediaType": "application/octet-stream",
        "description": "The file.",
    });
    parts.insert(file_part.to_owned(), bytes);
    json!({
        "type": "object",
        "properties": parts,
        "required": [file_part],
        "additionalProperties": false,
    })
}
