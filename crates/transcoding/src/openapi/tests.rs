use std::collections::HashSet;

use serde_json::{Value, json};

use super::{Api, document};
use crate::contract::{Contract, Rules};

fn described() -> (Contract, Value) {
    let contract = Contract::decode(proto::FILE_DESCRIPTOR_SET).unwrap();
    let api = Api {
        title: "Test",
        version: "1.0.0",
        description: "A test.",
        license: ("Apache-2.0", "Apache License 2.0"),
        token: "A token.",
        own_tag: ("Own", "The server."),
        own_operations: &[("/own", json!({"operationId": "Own", "tags": ["Own"], "responses": {}}))],
    };
    let document = serde_json::from_slice(&document(&contract, &api)).unwrap();
    (contract, document)
}

/// Every value with that key, at any depth.
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
fn every_reference_has_a_target() {
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
fn every_route_and_own_operation_has_a_unique_id() {
    let (contract, document) = described();
    let mut ids = Vec::new();
    all(&document["paths"], "operationId", &mut ids);
    let distinct: HashSet<_> = ids.iter().map(|id| id.as_str().unwrap()).collect();
    assert_eq!(distinct.len(), ids.len());
    assert_eq!(ids.len(), contract.routes().len() + 1);
    assert!(document["paths"]["/own"]["get"].is_object());
    for route in contract.routes() {
        assert!(distinct.contains(route.method.descriptor.name()), "{}", route.method.full_name());
    }
}

#[test]
fn paths_that_differ_only_in_parameter_names_are_merged() {
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
fn requests_are_strict_and_responses_are_complete() {
    let (_, document) = described();
    let schemas = &document["components"]["schemas"];
    assert_eq!(schemas["NewAnnotation"]["additionalProperties"], false);
    assert_eq!(schemas["AnnotationInput"]["additionalProperties"], false);
    assert!(schemas["AnnotationInput"].get("required").is_none());
    assert!(schemas["AnnotationInput"]["properties"].get("created_by").is_none(), "the service sets it");
    assert_eq!(
        schemas["NewAnnotation"]["required"],
        serde_json::json!(["image_id", "label", "width", "height"])
    );
    let required = schemas["Annotation"]["required"].as_array().unwrap();
    assert!(required.contains(&"label".into()) && !required.contains(&"confidence".into()));
    assert_eq!(schemas["Annotation"]["properties"]["created_at"]["format"], "date-time");
    assert_eq!(
        schemas["Annotation"]["properties"]["model"]["description"],
        "The model's name and version, at most 200 characters; empty for annotations that people drew."
    );
}

#[test]
fn uploads_and_downloads_are_files() {
    let (_, document) = described();
    let upload = &document["paths"]["/api/images/upload"]["post"];
    let form = &upload["requestBody"]["content"]["multipart/form-data"]["schema"];
    assert_eq!(form["required"], serde_json::json!(["image"]));
    assert_eq!(form["properties"]["image"]["format"], "binary");
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
    let content = &download["responses"]["200"]["content"];
    assert_eq!(content["application/octet-stream"]["schema"]["format"], "binary");
    let named = |name: &str| download["parameters"].as_array().unwrap().iter().any(|p| p["name"] == name);
    assert!(named("range") && named("if-none-match") && named("signature") && !named("read_offset"));
    assert_eq!(download["security"], serde_json::json!([{"bearer": []}, {}]));
}

#[test]
fn a_stream_with_event_ids_is_described_as_lines_by_default() {
    let (_, document) = described();
    let watch = &document["paths"]["/api/annotations/by-image/{image_id}/watch"]["get"]["responses"]["200"];
    let description = watch["description"].as_str().unwrap();
    assert!(description.ends_with("the default is lines of JSON."), "{description}");
    let get = &document["paths"]["/api/images/{image_id}"]["get"]["responses"]["200"];
    assert_eq!(get["description"], "Success.");
}

#[test]
fn the_rules_of_fields_become_bounds_patterns_and_examples() {
    let (_, document) = described();
    let fields = &document["components"]["schemas"]["NewAnnotation"]["properties"];
    assert_eq!((&fields["width"]["minimum"], &fields["width"]["maximum"]), (&0.001.into(), &1.into()));
    assert_eq!((&fields["label"]["minLength"], &fields["label"]["maxLength"]), (&1.into(), &100.into()));
    assert_eq!(fields["image_id"]["pattern"], "^[0-9a-f]{32}$");
    let in_responses = &document["components"]["schemas"]["Annotation"]["properties"];
    assert!(fields["label"].get("pattern").is_some() && in_responses["label"].get("pattern").is_none());
    let bulk = &document["components"]["schemas"]["BulkCreateAnnotationsRequest"];
    let annotations = &bulk["properties"]["annotations"];
    assert_eq!((&annotations["minItems"], &annotations["maxItems"]), (&1.into(), &500.into()));
    assert_eq!(bulk["required"], serde_json::json!(["annotations"]));
    let mask = &document["paths"]["/api/images/{image_id}"]["patch"]["parameters"];
    let mask = mask.as_array().unwrap().iter().find(|parameter| parameter["name"] == "update_mask").unwrap();
    assert_eq!(mask["schema"]["pattern"], "^(filename|metadata|etag)(,(filename|metadata|etag))*$");
    let declared = &document["components"]["schemas"]["CreateUploadRequest"]["properties"]["content_type"];
    assert!(
        declared["pattern"].as_str().unwrap().contains("[iI][mM][aA][gG][eE]/"),
        "the pattern must match both cases"
    );
}

#[test]
fn a_parameter_describes_the_headers_and_fields_that_it_depends_on() {
    let (_, document) = described();
    let description = |path: &str, method: &str, name: &str| {
        let parameters = document["paths"][path][method]["parameters"].as_array().unwrap();
        let parameter = parameters.iter().find(|parameter| parameter["name"] == name).unwrap();
        parameter["description"].as_str().unwrap().to_owned()
    };
    for name in ["content_type", "size_bytes"] {
        assert!(
            description("/api/images/upload", "post", name).ends_with("the request's headers replace this.")
        );
    }
    let if_match = description("/api/annotations/{annotation_id}", "patch", "if-match");
    assert!(if_match.ends_with("may omit its `etag`; otherwise the two must be the same."), "{if_match}");
}

#[test]
fn every_example_is_json() {
    let contract = Contract::decode(proto::FILE_DESCRIPTOR_SET).unwrap();
    let methods = contract.methods().iter();
    let fields = methods.flat_map(|method| method.input.fields().collect::<Vec<_>>());
    let nested = fields.flat_map(|field| {
        let inner = field.kind().as_message().map(|message| message.fields().collect::<Vec<_>>());
        [vec![field], inner.unwrap_or_default()].concat()
    });
    let examples: Vec<_> = nested.filter_map(|field| Rules::of(&field).example).collect();
    assert!(examples.len() > 20);
    for example in examples {
        assert!(serde_json::from_str::<Value>(&example).is_ok(), "{example}");
    }
}

#[test]
fn a_body_has_no_fields_that_the_path_sets() {
    let (_, document) = described();
    let body = |path: &str| document["paths"][path]["post"]["requestBody"].clone();
    let append = body("/api/annotations/streams/{stream_id}:append");
    let fields = append["content"]["application/json"]["schema"]["properties"].as_object().unwrap();
    assert_eq!(fields.keys().collect::<Vec<_>>(), ["annotations", "offset"]);
    assert_eq!(append["required"], true);
    assert_eq!(body("/api/images/{image_id}:undelete")["required"], false);
}

#[test]
fn an_older_path_is_marked_as_deprecated() {
    let (_, document) = described();
    assert_eq!(document["paths"]["/api/images/{image_id}/url"]["get"]["deprecated"], true);
    assert!(document["paths"]["/api/images/{image_id}/content"]["get"].get("deprecated").is_none());
}
