//! Tables of paths and the RPCs that they reach.

use http::Method;

use super::*;
use crate::contract::{
    Contract,
    fixture::{contract, reticle, shelves},
};

/// The RPC's name and the captures, or 404, or the allowed methods.
fn find(contract: &Contract, method: &str, path: &str) -> String {
    match contract.find(&Method::from_bytes(method.as_bytes()).unwrap(), path) {
        Ok(found) => {
            let name = found.route.method.descriptor.name().to_owned();
            found.captures.as_slice().iter().fold(name, |text, capture| format!("{text} {capture}"))
        }
        Err(Mismatch::NotFound) => "404".to_owned(),
        Err(Mismatch::MethodNotAllowed { allow }) => {
            format!("allow {}", allow.iter().map(Method::as_str).collect::<Vec<_>>().join(","))
        }
    }
}

#[track_caller]
fn check(contract: &Contract, cases: &[(&str, &str, &str)]) {
    for (method, path, outcome) in cases {
        assert_eq!(find(contract, method, path), *outcome, "{method} {path}");
    }
}

#[test]
fn the_paths_of_the_real_contract_reach_their_rpcs() {
    check(
        &reticle(),
        &[
            ("POST", "/api/images/upload", "UploadImage"),
            ("POST", "/api/images/uploads", "CreateUpload"),
            ("PUT", "/api/images/uploads/0a1b/content", "PutUpload 0a1b"),
            ("POST", "/api/images/uploads/0a1b:complete", "CompleteUpload 0a1b"),
            ("GET", "/api/images/0a1b", "GetImage 0a1b"),
            ("HEAD", "/api/images/0a1b", "GetImage 0a1b"),
            ("GET", "/api/images", "ListImages"),
            ("PATCH", "/api/images/0a1b", "UpdateImage 0a1b"),
            ("DELETE", "/api/images/0a1b", "DeleteImage 0a1b"),
            ("POST", "/api/images/0a1b:undelete", "UndeleteImage 0a1b"),
            ("GET", "/api/images/0a1b/content", "DownloadImage 0a1b"),
            ("HEAD", "/api/images/0a1b/url", "DownloadImage 0a1b"),
            ("GET", "/api/images/0a1b/signed-url", "SignImageUrl 0a1b"),
            ("POST", "/api/annotations", "CreateAnnotation"),
            ("POST", "/api/annotations/bulk", "BulkCreateAnnotations"),
            ("GET", "/api/annotations/0a1b", "GetAnnotation 0a1b"),
            ("GET", "/api/annotations/by-image/0a1b", "ListAnnotations 0a1b"),
        ],
    );
}

#[test]
fn similar_paths_are_not_found() {
    let paths = [
        "",
        "/",
        "api/images",
        "/api",
        "/api/",
        "/api/image",
        "/api/imagess",
        "/API/images",
        "/api/images/",
        "//api/images",
        "/api//images",
        "/api/images//content",
        "/api/images/0a1b/",
        "/api/images/0a1b/contents",
        "/api/images/0a1b/content/x",
        "/api%2Fimages",
        "/reticle.images.v1.ImagesService/GetImage",
    ];
    let contract = reticle();
    for path in paths {
        assert_eq!(find(&contract, "GET", path), "404", "{path}");
    }
}

#[test]
fn another_method_gets_the_allowed_ones() {
    check(
        &reticle(),
        &[
            ("POST", "/api/images/0a1b", "allow GET,HEAD,PATCH,DELETE"),
            ("PUT", "/api/images", "allow GET,HEAD"),
            ("GET", "/api/images/upload", "allow POST"),
            ("HEAD", "/api/images/upload", "allow POST"),
            ("GET", "/api/images/0a1b:undelete", "allow POST"),
            ("DELETE", "/api/images/0a1b:undelete", "allow POST"),
            ("OPTIONS", "/api/images", "allow GET,HEAD"),
            ("get", "/api/images", "allow GET,HEAD"),
        ],
    );
    check(
        &shelves(),
        &[("DELETE", "/v1/shelves", "allow GET,HEAD,POST,REPORT"), ("REPORT", "/v1/shelves", "Report")],
    );
}

#[test]
fn escaped_characters_are_never_separators() {
    check(
        &shelves(),
        &[
            ("GET", "/v1/shelves/a%2Fb", "Get a%2Fb"),
            ("GET", "/v1/shelves/a%2523b", "Get a%2523b"),
            ("POST", "/v1/shelves/a%3Aclear", "allow GET,HEAD,PATCH"),
            ("PATCH", "/v1/shelves/a%3Aclear", "Update a%3Aclear"),
            ("POST", "/v1/shelves/a%3Ab:clear", "Clear a%3Ab"),
            ("GET", "/v1/%73helves/a", "Get a"),
            ("POST", "/v1/shelves/%73pecial", "Special"),
            ("POST", "/v1/shelves/a:%63lear", "Clear a"),
        ],
    );
}

#[test]
fn a_registered_verb_takes_precedence_and_any_other_colon_is_part_of_the_id() {
    check(
        &shelves(),
        &[
            ("POST", "/v1/shelves/a:clear", "Clear a"),
            ("POST", "/v1/shelves/a:b:clear", "Clear a:b"),
            ("GET", "/v1/shelves/a:b", "Get a:b"),
            ("GET", "/v1/shelves/a:clear:b", "Get a:clear:b"),
            ("GET", "/v1/shelves/a:", "Get a:"),
            ("GET", "/v1/shelves/:", "Get :"),
            ("GET", "/v1/shelves/:clear", "Get :clear"),
            ("GET", "/v1/shelves/a:CLEAR", "Get a:CLEAR"),
            ("POST", "/v1/shelves/a:unknown", "allow GET,HEAD,PATCH"),
            ("GET", "/v1/shelves:clear", "404"),
            ("GET", "/v1/a:clear/b", "404"),
            ("POST", "/v1/files/a/b:sweep", "Sweep a/b"),
            ("GET", "/v1/files/a:sweep/b", "Get a:sweep/b"),
            ("POST", "/v1/files:sweep", "Sweep "),
        ],
    );
}

#[test]
fn variables_capture_their_segments() {
    check(
        &shelves(),
        &[
            ("GET", "/v1/named/shelves/a", "Get shelves/a"),
            ("GET", "/v1/named/boxes/a", "404"),
            ("GET", "/v1/named/shelves/a/b", "404"),
            ("GET", "/v1/files/a/b/c", "Get a/b/c"),
            ("GET", "/v1/files/a", "Get a"),
            ("GET", "/v1/files", "Get "),
            ("GET", "/v1/files/", "404"),
            ("GET", "/v1/files/a//b", "404"),
            ("GET", "/v1/mixed/a/x/b/y/z", "Get a/x/b/y/z"),
            ("GET", "/v1/mixed/a/x/b", "Get a/x/b"),
            ("GET", "/v1/mixed/a/x", "404"),
            ("GET", "/v1/pairs/o/of/i", "Get o i"),
            ("GET", "/v1/pairs/of/of/of", "Get of of"),
            ("GET", "/v1/any/thing/i", "Get i"),
        ],
    );
}

#[test]
fn the_most_specific_template_decides_after_backtracking() {
    let contract = contract(
        r#"service More {
            rpc A(Shelf) returns (Shelf) { option (google.api.http) = { get: "/m/{id}/x" }; }
            rpc B(Shelf) returns (Shelf) { option (google.api.http) = { get: "/m/lit/y" }; }
            rpc C(Shelf) returns (Shelf) { option (google.api.http) = { get: "/m/{id=**}" }; }
            rpc D(Shelf) returns (Shelf) { option (google.api.http) = { post: "/m/lit/{id}" }; }
        }"#,
    );
    check(
        &contract.unwrap(),
        &[
            ("GET", "/m/lit/x", "allow POST"),
            ("GET", "/m/lit/y", "B"),
            ("GET", "/m/lat/x", "A lat"),
            ("GET", "/m/lit/y/z", "C lit/y/z"),
            ("GET", "/m", "C "),
        ],
    );
}

#[test]
fn two_bindings_for_the_same_requests_are_rejected() {
    let rival = |template: &str| {
        let service = r#"service Rival {
            rpc Take(Shelf) returns (Shelf) { option (google.api.http) = { get: "TEMPLATE" }; }
        }"#;
        contract(&service.replace("TEMPLATE", template)).map(|_| ()).map_err(|error| error.to_string())
    };
    for taken in
        ["/v1/shelves", "/v1/shelves/{name}", "/v1/shelves/*", "/v1/files/**", "/v1/named/shelves/{id}"]
    {
        let error = rival(taken).unwrap_err();
        let both = "routing.v1.Shelves.Get and routing.v1.Rival.Take are both bound to `GET ";
        let list = "routing.v1.Shelves.List and routing.v1.Rival.Take are both bound to `GET ";
        assert!(error.starts_with(both) || error.starts_with(list), "{error}");
        assert!(error.ends_with(&format!("{taken}`")), "{error}");
    }
    for free in ["/v1/shelves/special", "/v1/shelves/{id}:clear", "/v1/files/*", "/v1/**"] {
        rival(free).unwrap();
    }
}
