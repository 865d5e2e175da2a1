//! Request bodies.

use serde_json::{Map, Value, json};

use super::components::{Components, Side};
use crate::{
    contract::{Body, Route, Upload},
    descriptor::declared_fields,
};

/// The route's body; `None` if it has none.
pub(super) fn describe(route: &Route, components: &mut Components) -> Option<Value> {
    if let Some(upload) = &route.method.upload {
        return Some(file(upload, components));
    }
    let schema = match &route.body {
        Body::None => return None,
        Body::Whole => {
            let in_path: Vec<_> =
                route.variables.iter().map(|variable| variable.path.root().name()).collect();
            components.body(&route.method.input, &in_path)
        }
        Body::Field(field) => components.field(field, Side::Request),
    };
    let content = json!({"application/json": {"schema": schema}});
    Some(json!({"required": route.needs_body(), "content": content}))
}

fn file(upload: &Upload, components: &mut Components) -> Value {
    let mut content = Map::new();
    if let Some(file_part) = &upload.file_part {
        content
            .insert("multipart/form-data".to_owned(), json!({"schema": form(upload, file_part, components)}));
    }
    for media_type in &upload.raw_content_types {
        content.insert(media_type.clone(), json!({"schema": super::bytes()}));
    }
    json!({"required": true, "content": content})
}

fn form(upload: &Upload, file_part: &str, components: &mut Components) -> Value {
    let mut parts = Map::new();
    for field in declared_fields(&upload.info_message) {
        parts.insert(field.name().to_owned(), components.field(&field, Side::Request));
    }
    let mut file = super::bytes();
    super::set(&mut file, "description", "The file.");
    parts.insert(file_part.to_owned(), file);
    json!({
        "type": "object",
        "properties": parts,
        "required": [file_part],
        "additionalProperties": false,
    })
}
