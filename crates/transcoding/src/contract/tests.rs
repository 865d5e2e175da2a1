//! A contract as a whole: which options are rejected, and that every route matches the paths made from its template.

use http::HeaderMap;
use prost::Message as _;
use prost_types::FileDescriptorSet;

use super::{
    fixture::{contract, message, reticle, shelves},
    *,
};

/// The error for `routing.proto` with one more method, which has these options.
fn error_of(method: &str, http: &str, options: &str) -> String {
    let service = format!(
        "service Broken {{ rpc Call{method} {{
            option (google.api.http) = {{ {http} }};
            option (reticle.http.v1.method) = {{ {options} }};
        }} }}"
    );
    contract(&service).map(|_| ()).unwrap_err().to_string()
}

#[test]
fn an_invalid_http_rule_is_rejected() {
    let update = "(UpdateRequest) returns (Shelf)";
    let cases = [
        (update, r#"get: """#, "get: is empty: it must be a path template"),
        (update, r#"body: "*""#, "pattern: is empty: it must be get, put, post, delete, patch or custom"),
        (update, r#"get: "/x/{shelf.id""#, "pattern: `/x/{shelf.id`: expected `}` at character 13"),
        (update, r#"get: "/x/{colour}""#, "pattern: routing.v1.UpdateRequest has no field `colour`"),
        (update, r#"get: "/x/{shelf.colour}""#, "pattern: routing.v1.Shelf has no field `colour`"),
        (update, r#"get: "/x/{shelf}""#, "pattern: `shelf` must be a singular scalar"),
        (update, r#"get: "/x/{tags}""#, "pattern: `tags` must be a singular scalar"),
        (update, r#"get: "/x/{update_mask}""#, "pattern: `update_mask` must be a singular scalar"),
        (update, r#"get: "/x" body: "*""#, "body: GET and DELETE have no body"),
        (update, r#"delete: "/x" body: "shelf""#, "body: GET and DELETE have no body"),
        (update, r#"post: "/x" body: "colour""#, "body: routing.v1.UpdateRequest has no field `colour`"),
        (
            update,
            r#"post: "/x" body: "shelf.owner""#,
            "body: `shelf.owner` must be a singular message at the top",
        ),
        (update, r#"post: "/x" body: "note""#, "body: `note` must be a singular message at the top"),
        (update, r#"post: "/x" body: "tags""#, "body: `tags` must be a singular message at the top"),
        (
            update,
            r#"get: "/x" response_body: "colour""#,
            "response_body: routing.v1.Shelf has no field `colour`",
        ),
        (
            update,
            r#"get: "/x" response_body: "owner.id""#,
            "response_body: `owner.id` must be at the top level",
        ),
        (update, r#"custom: { kind: "HEAD" path: "/x" }"#, "custom.kind: `HEAD` must be an HTTP method"),
        (update, r#"custom: { kind: "report" path: "/x" }"#, "custom.kind: `report` must be an HTTP method"),
        (update, r#"custom: { kind: "*" path: "/x" }"#, "custom.kind: `*` must be an HTTP method"),
        (
            update,
            r#"get: "/x" additional_bindings { get: "y" }"#,
            "additional_bindings.pattern: `y`: a template starts with `/` at character 1",
        ),
        (
            update,
            r#"get: "/x" additional_bindings { get: "/y" additional_bindings { get: "/z" } }"#,
            "additional_bindings.additional_bindings: additional bindings cannot have additional bindings",
        ),
    ];
    for (method, http, problem) in cases {
        let error = error_of(method, http, "");
        let expected = format!("routing.v1.Broken.Call: option google.api.http.{problem}");
        assert!(error.starts_with(&expected), "{http}: {error}");
    }
}

#[test]
fn an_invalid_reticle_option_is_rejected() {
    let unary = "(UpdateRequest) returns (Shelf)";
    let put = "(stream PutRequest) returns (Shelf)";
    let read = "(ReadRequest) returns (stream ReadResponse)";
    let cases = [
        (unary, "success_status: 404", "success_status: `404` must be an HTTP status from 200 to 299"),
        (unary, "success_status: 65736", "success_status: `65736` must be"),
        (
            unary,
            r#"request_headers: { field: "note" }"#,
            "request_headers: is empty: it must be a header's name",
        ),
        (unary, r#"request_headers: { header: "x" }"#, "request_headers: is empty: it must be a field path"),
        (
            unary,
            r#"request_headers: { header: "X-A" field: "note" }"#,
            "request_headers: `X-A` must be a header's name",
        ),
        (
            unary,
            r#"request_headers: { header: "x" field: "shelf.x" }"#,
            "request_headers: routing.v1.Shelf has no field `x`",
        ),
        (
            unary,
            r#"request_headers: { header: "x" field: "shelf" }"#,
            "request_headers: `shelf` must be a scalar",
        ),
        (
            unary,
            r#"request_headers: { header: "x" field: "shelf.owner.page_count" entity_tag: true }"#,
            "request_headers: `shelf.owner.page_count` must be a string",
        ),
        (
            unary,
            r#"response_headers: { header: "x" field: "note" }"#,
            "response_headers: routing.v1.Shelf has no field `note`",
        ),
        (
            unary,
            r#"response_headers: { header: "x" field: "labels" }"#,
            "response_headers: `labels` must be a singular",
        ),
        (
            unary,
            r#"response_headers: { header: "x" field: "owner.picture" }"#,
            "response_headers: `owner.picture` must be",
        ),
        (unary, "upload: {}", "upload: only a client stream"),
        (unary, "download: {}", "download: only a server stream"),
        (unary, r#"event_id: "id""#, "event_id: only a server stream"),
        (read, r#"event_id: "id""#, "event_id: routing.v1.ReadResponse has no field `id`"),
        (read, r#"event_id: "data""#, "event_id: `data` must be a singular string"),
        (put, r#"upload: { info: "info" data: "data" }"#, "upload.file_part: is empty"),
        (
            put,
            r#"upload: { file_part: "f" data: "data" }"#,
            "upload.info: is empty: it must be a singular message",
        ),
        (
            put,
            r#"upload: { file_part: "f" info: "info" }"#,
            "upload.data: is empty: it must be a singular bytes field",
        ),
        (
            put,
            r#"upload: { file_part: "f" info: "data" data: "data" }"#,
            "upload.info: `data` must be a singular message",
        ),
        (
            put,
            r#"upload: { file_part: "f" info: "info" data: "info" }"#,
            "upload.data: `info` must be a singular bytes",
        ),
        (
            put,
            r#"upload: { file_part: "f" info: "info" data: "data" filename: "name" }"#,
            "upload.filename: routing.v1.PutInfo has no field `name`",
        ),
        (
            put,
            r#"upload: { file_part: "f" info: "info" data: "data" size_bytes: "note" }"#,
            "upload.size_bytes: `note` must be a singular int32",
        ),
        (
            read,
            r#"download: { info: "info" data: "data" not_modified: "etag" }"#,
            "download.not_modified: `etag` must be a singular bool",
        ),
        (
            read,
            r#"download: { info: "info" data: "data" request_if_none_match: "if_range" }"#,
            "download.request_if_none_match: `if_range` must be a repeated string",
        ),
        (
            read,
            r#"download: { info: "info" data: "data" request_if_range: "if_none_match" }"#,
            "download.request_if_range: `if_none_match` must be a singular string",
        ),
        (
            read,
            r#"download: { info: "info" data: "data" cache_control: "a\nb" }"#,
            "download.cache_control: `a\nb` must be a header's value",
        ),
    ];
    for (method, options, problem) in cases {
        let error = error_of(method, r#"post: "/x" body: "*""#, options);
        let expected = format!("routing.v1.Broken.Call: option reticle.http.v1.method.{problem}");
        assert!(error.starts_with(&expected), "{options}: {error}");
    }
}

#[test]
fn a_client_stream_without_the_upload_option_cannot_be_bound() {
    let error = error_of("(stream PutRequest) returns (Shelf)", r#"post: "/x" body: "*""#, "");
    assert!(error.contains("google.api.http: a client stream can be bound only with"), "{error}");
    let upload = r#"upload: { file_part: "f" info: "info" data: "data" }"#;
    for http in [r#"post: "/x""#, r#"post: "/x" body: "info""#] {
        let error = error_of("(stream PutRequest) returns (Shelf)", http, upload);
        assert!(error.ends_with("google.api.http.body: an upload needs the body `*`"), "{error}");
    }
}

#[test]
fn a_mask_is_filled_only_if_the_request_has_no_other() {
    let contract = contract(
        r#"message Two { Shelf shelf = 1; google.protobuf.FieldMask a = 2; google.protobuf.FieldMask b = 3; }
        message One { Shelf shelf = 1; google.protobuf.FieldMask a = 2; repeated google.protobuf.FieldMask b = 3; }
        service Masks {
            rpc Two(Two) returns (Shelf) { option (google.api.http) = { patch: "/two" body: "shelf" }; }
            rpc One(One) returns (Shelf) { option (google.api.http) = { patch: "/one" body: "shelf" }; }
            rpc All(One) returns (Shelf) { option (google.api.http) = { patch: "/all" body: "*" }; }
        }"#,
    );
    let contract = contract.unwrap();
    let mask = |path| contract.find(&http::Method::PATCH, path).unwrap().route.update_mask.as_ref();
    assert!(mask("/two").is_none());
    assert_eq!(mask("/one").unwrap().field().name(), "a");
    assert!(mask("/all").is_none());
}

#[test]
fn error_statuses_are_checked_and_read() {
    let contract_with = |statuses: &str| {
        contract(&format!("service Broken {{ option (reticle.http.v1.service) = {{ {statuses} }}; }}"))
    };
    for (statuses, problem) in [
        (
            r#"error_statuses: { reason: "A", http_status: 200 }"#,
            "`200` must be an HTTP status from 400 to 599",
        ),
        ("error_statuses: { http_status: 400 }", "is empty: it must be the reason of an ErrorInfo"),
    ] {
        let error = contract_with(statuses).unwrap_err().to_string();
        let expected = format!("routing.v1.Broken: option reticle.http.v1.service.error_statuses: {problem}");
        assert_eq!(error, expected);
    }
    let contract = shelves();
    let service = &contract.method("/routing.v1.Shelves/Get").unwrap().service;
    assert_eq!(service.error_status("TOO_HEAVY"), Some(http::StatusCode::PAYLOAD_TOO_LARGE));
    assert_eq!(service.error_status("TOO_LIGHT"), None);
}

#[test]
fn bytes_that_are_not_a_descriptor_set_are_rejected() {
    assert!(matches!(Contract::decode(b"\xff"), Err(ContractError::Descriptors(_))));
}

#[test]
fn a_descriptor_set_without_its_imports_is_rejected_with_the_missing_file() {
    let mut set = FileDescriptorSet::decode(proto::FILE_DESCRIPTOR_SET).unwrap();
    set.file.retain(|file| file.name() != "google/api/http.proto");
    let error = Contract::decode(&set.encode_to_vec()).unwrap_err().to_string();
    assert!(
        error.starts_with("the descriptor set cannot be read: imported file 'google/api/http.proto'"),
        "{error}"
    );
}

#[test]
fn the_options_of_the_product_are_read() {
    let contract = reticle();
    let upload = contract.method("/reticle.images.v1.ImagesService/UploadImage").unwrap();
    assert_eq!(upload.success_status, http::StatusCode::CREATED);
    assert_eq!(upload.upload.as_ref().unwrap().file_part.as_deref(), Some("image"));
    let download = contract.method("/reticle.images.v1.ImagesService/DownloadImage").unwrap();
    assert!(download.token_optional && download.download.is_some());
    let update = contract.find(&http::Method::PATCH, "/api/images/a").unwrap().route;
    assert_eq!(update.update_mask.as_ref().unwrap().field().name(), "update_mask");
    assert!(contract.method("/reticle.images.v1.ImagesService/BatchGetImages").is_some());
    assert!(contract.routes().iter().all(|route| route.method.descriptor.name() != "BatchGetImages"));
}

#[test]
fn entity_tags_are_quoted_in_responses() {
    let contract = shelves();
    let header = &contract.method("/routing.v1.Shelves/Get").unwrap().response_headers[0];
    assert_eq!(header.response_value(b"\x1a\x04\x12\x02r1").unwrap(), "\"r1\"");
    assert_eq!(header.response_value(b"\x1a\0"), None);
    assert_eq!(header.response_value(b"\x1a\x05\x12\x03a\nb"), None);
}

/// Texts that a path must carry unchanged.
const AWKWARD: [&str; 12] = [
    "0192f0c1d2e3f4a5b6c7d8e9f0a1b2c3",
    "a/b",
    "a:b",
    "a:undelete",
    "a%2Fb",
    "%23",
    "a b",
    "a+b",
    "caffè",
    "?#[]@!$&'()*,;=",
    "..",
    "\u{10ffff}",
];

#[test]
fn every_route_decodes_the_values_that_its_path_was_made_from() {
    for contract in [reticle(), shelves()] {
        for route in contract.routes() {
            for text in AWKWARD {
                round_trip(&contract, route, text);
            }
        }
    }
}

/// Fills the route's variables with `text`, as a client does, and checks that the gateway reads the same text.
fn round_trip(contract: &Contract, route: &Route, text: &str) {
    let mut path = String::new();
    let mut expected: Vec<String> = vec![String::new(); route.variables.len()];
    for (index, segment) in route.template.segments().iter().enumerate() {
        let text = match segment {
            Segment::Literal(literal) => literal.clone(),
            Segment::One => text.to_owned(),
            Segment::Rest => format!("{text}\u{1}{text}"),
        };
        path.push('/');
        path.push_str(&escape(&text).replace("%01", "/"));
        for (variable, expected) in route.variables.iter().zip(&mut expected) {
            if variable.segments.contains(&index) {
                let joint = if variable.segments.start == index { "" } else { "/" };
                let text = if variable.is_multi_segment { text.replace('/', "%2F") } else { text.clone() };
                expected.push_str(&format!("{joint}{}", text.replace('\u{1}', "/")));
            }
        }
    }
    if let Some(verb) = route.template.verb() {
        path.push_str(&format!(":{verb}"));
    }
    let found = contract.find(&route.http_method, &path).unwrap();
    assert!(std::ptr::eq(found.route.as_ref(), route), "{} {path}", route.template);
    let bound = found.bind(None, &HeaderMap::new()).unwrap();
    let request = message(route.method.input.full_name(), &bound.wire);
    for (variable, expected) in route.variables.iter().zip(expected) {
        assert_eq!(
            variable.path.read_text(&bound.wire).as_deref(),
            Some(expected.as_str()),
            "{path}: {request}"
        );
    }
}

/// Escapes all but the unreserved characters, as `google/api/http.proto` asks of clients.
fn escape(text: &str) -> String {
    let escape = |byte: u8| match byte {
        b'-' | b'_' | b'.' | b'~' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(escape).collect()
}
