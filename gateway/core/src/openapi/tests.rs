use std::collections::HashSet;

use serde_json::Value;

use super::document;
use crate::contract::Contract;

fn described() -> (Contract, Value) {
    let contract = Contract::decode(proto::FILE_DESCRIPTOR_SET).unwrap();
    let document = serde_json::from_slice(&document(&contract)).unwrap();
    (contract, document)
}

/// Every value under that key, wherever it is.
fn all<'v>(value: &'v Value, key: &str, found: &mut Vec<&'v Value>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                if name == key {
                    found.push(member);
                }
                all(member, key, found);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| all(item, key, found)),
        _ => {}
    }
}

#[test]
fn every_reference_leads_somewhere() {
    let (_, document) = described();
    let mut references = Vec::new();
    all(&document, "$ref", &mut references);
    assert!(references.len() > 50);
    for reference in references {
        let pointer = reference.as_str().unwrap().strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some_and(Value::is_object), "{reference}");
    }
}

#[test]
fn every_route_is_there_under_an_id_of_its_own() {
    let (contract, document) = described();
    let mut ids = Vec::new();
    all(&document["paths"], "operationId", &mut ids);
    let distinct: HashSet<_> = ids.iter().map(|id| id.as_str().unwrap()).collect();
    assert_eq!(distinct.len(), ids.len());
    assert_eq!(ids.len(), contract.routes().len() + 4);
    for route in contract.routes() {
        assert!(distinct.contains(route.method.descriptor.name()), "{}", route.method.full_name());
    }
}

#[test]
fn paths_that_differ_in_names_alone_are_one() {
    let (_, document) = described();
    let image = document["paths"]["/api/images/{image_id}"].as_object().unwrap();
    assert_eq!(image.keys().collect::<Vec<_>>(), ["delete", "get", "patch"]);
    assert_eq!(image["patch"]["parameters"][0]["name"], "image_id");
    assert!(document["paths"].get("/api/images/{image_id}:undelete").is_some());
}

#[test]
fn every_variable_of_a_path_is_a_parameter() {
    let (_, document) = described();
    for (path, item) in document["paths"].as_object().unwrap() {
        let variables = path.matches('{').count();
        for operation in item.as_object().unwrap().values() {
            let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
            let in_path = parameters.iter().filter(|parameter| parameter["in"] == "path");
            assert_eq!(in_path.count(), variables, "{path}");
        }
    }
}

#[test]
fn requests_are_strict_and_answers_are_complete() {
    let (_, document) = described();
    let schemas = &document["components"]["schemas"];
    assert_eq!(schemas["NewAnnotation"]["additionalProperties"], false);
    assert_eq!(schemas["AnnotationInput"]["additionalProperties"], false);
    assert!(schemas["AnnotationInput"].get("required").is_none());
    let required = schemas["Annotation"]["required"].as_array().unwrap();
    assert!(required.contains(&"label".into()) && !required.contains(&"confidence".into()));
    assert_eq!(schemas["Annotation"]["properties"]["created_at"]["format"], "date-time");
    assert_eq!(
        schemas["Annotation"]["properties"]["model"]["description"],
        "The model's name and version, at most 200 characters; empty for boxes that people drew."
    );
}

#[test]
fn uploads_and_downloads_are_files() {
    let (_, document) = described();
    let upload = &document["paths"]["/api/images/upload"]["post"];
    let form = &upload["requestBody"]["content"]["multipart/form-data"]["schema"];
    assert_eq!(form["required"], serde_json::json!(["image"]));
    assert!(upload["requestBody"]["content"].get("image/*").is_some());
    assert!(upload["responses"].get("201").is_some());

    let put = &document["paths"]["/api/images/uploads/{upload_id}/content"]["put"];
    let content = put["requestBody"]["content"].as_object().unwrap();
    assert_eq!(content.keys().collect::<Vec<_>>(), ["image/*"], "no form");
    assert_eq!(put["parameters"][0]["name"], "upload_id");

    let download = &document["paths"]["/api/images/{image_id}/content"]["get"];
    for status in ["200", "206", "304", "416"] {
        assert!(download["responses"].get(status).is_some(), "{status}");
    }
    let named = |name: &str| download["parameters"].as_array().unwrap().iter().any(|p| p["name"] == name);
    assert!(named("range") && named("if-none-match") && named("signature") && !named("read_offset"));
    assert_eq!(download["security"], serde_json::json!([{"bearer": []}, {}]));
}
