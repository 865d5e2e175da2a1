//! The route table: a trie over path segments, made once.
//!
//! Paths are matched raw, so that an escaped `/` or `:` in an id is never taken for a separator. At each segment a literal
//! beats `*`, and `*` beats `**`. The template that fits the path best decides, whatever its methods: another method
//! on that path is refused, not passed to a looser template.

use std::{collections::BTreeMap, sync::Arc};

use super::{ContractError, Route, percent, template::Segment};

/// All routes, and the way from a path to one of them.
#[derive(Debug, Default)]
pub(super) struct Routes {
    routes: Vec<Arc<Route>>,
    root: Node,
}

/// The templates that are the same up to one segment.
#[derive(Debug, Default)]
struct Node {
    literals: BTreeMap<String, Node>,
    one: Option<Box<Node>>,
    /// Templates that end here.
    end: Endpoints,
    /// Templates that end here with `**`.
    rest: Endpoints,
}

/// The templates of one way through the segments, by their verbs.
#[derive(Debug, Default)]
struct Endpoints(BTreeMap<Option<String>, Endpoint>);

/// Templates that match the same paths: the indexes of their routes, which differ in the HTTP method.
type Endpoint = Vec<usize>;

/// A route that fits a request, and what its path's variables captured.
#[derive(Debug)]
pub struct Match<'r, 'p> {
    /// The route.
    pub route: &'r Arc<Route>,
    /// The captured texts.
    pub captures: Captures<'p>,
}

/// What a path's variables captured: raw, in the order of [`Route::variables`](super::Route::variables).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Captures<'p>(pub(super) Vec<&'p str>);

/// Why no route fits a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mismatch {
    /// There is nothing at that path.
    NotFound,
    /// There is something at that path, for other methods.
    MethodNotAllowed {
        /// The methods for the `Allow` header, `HEAD` included.
        allow: Vec<http::Method>,
    },
}

impl Routes {
    pub(super) fn insert(&mut self, route: Route) -> Result<(), ContractError> {
        let endpoint = self.root.endpoint(route.template.segments(), route.template.verb());
        let others = endpoint.iter().filter_map(|&index| self.routes.get(index));
        if let Some(first) = { others }.find(|other| other.http_method == route.http_method) {
            return Err(ContractError::Conflict {
                binding: format!("{} {}", route.http_method, route.template),
                first: first.method.full_name().to_owned(),
                second: route.method.full_name().to_owned(),
            });
        }
        endpoint.push(self.routes.len());
        self.routes.push(Arc::new(route));
        Ok(())
    }

    pub(super) fn all(&self) -> &[Arc<Route>] {
        &self.routes
    }

    pub(super) fn find<'p>(&self, method: &http::Method, path: &'p str) -> Result<Match<'_, 'p>, Mismatch> {
        let (endpoint, bare) = self.endpoint(path).ok_or(Mismatch::NotFound)?;
        let wanted = if method == http::Method::HEAD { &http::Method::GET } else { method };
        let mut routes = endpoint.iter().filter_map(|&index| self.routes.get(index));
        if let Some(route) = routes.find(|route| route.http_method == wanted) {
            return Ok(Match { route, captures: Captures::of(route, bare) });
        }
        let mut allow = Vec::new();
        for route in endpoint.iter().filter_map(|&index| self.routes.get(index)) {
            allow.push(route.http_method.clone());
            if route.http_method == http::Method::GET {
                allow.push(http::Method::HEAD);
            }
        }
        Err(Mismatch::MethodNotAllowed { allow })
    }

    /// The endpoint that fits the path best, and the segments ahead of its verb. A registered verb goes first; else the
    /// colon is part of an id.
    fn endpoint<'p>(&self, path: &'p str) -> Option<(&Endpoint, &'p str)> {
        let segments = path.strip_prefix('/')?;
        if segments.split('/').any(str::is_empty) && !segments.is_empty() {
            return None;
        }
        let with_verb = segments
            .rsplit_once(':')
            .filter(|(bare, verb)| !bare.is_empty() && !bare.ends_with('/') && !verb.contains('/'));
        if let Some((bare, verb)) = with_verb
            && let Some(endpoint) = self.root.find(Some(bare), Some(verb))
        {
            return Some((endpoint, bare));
        }
        let endpoint = self.root.find(Some(segments).filter(|s| !s.is_empty()), None)?;
        Some((endpoint, segments))
    }
}

impl Node {
    fn endpoint(&mut self, segments: &[Segment], verb: Option<&str>) -> &mut Endpoint {
        match segments.split_first() {
            Some((Segment::Literal(text), rest)) => {
                self.literals.entry(text.clone()).or_default().endpoint(rest, verb)
            }
            Some((Segment::One, rest)) => self.one.get_or_insert_default().endpoint(rest, verb),
            Some((Segment::Rest, _)) => self.rest.entry(verb),
            None => self.end.entry(verb),
        }
    }

    /// Visits each node once at most, since a node is one way through the segments.
    fn find(&self, segments: Option<&str>, verb: Option<&str>) -> Option<&Endpoint> {
        let Some(segments) = segments else {
            return self.end.find(verb).or_else(|| self.rest.find(verb));
        };
        let (segment, after) = split_segment(segments);
        self.literal(segment)
            .and_then(|node| node.find(after, verb))
            .or_else(|| self.one.as_ref()?.find(after, verb))
            .or_else(|| self.rest.find(verb))
    }

    fn literal(&self, segment: &str) -> Option<&Self> {
        if !segment.contains('%') {
            return self.literals.get(segment);
        }
        self.literals.iter().find(|(literal, _)| percent::says(segment, literal)).map(|(_, node)| node)
    }
}

impl Endpoints {
    fn entry(&mut self, verb: Option<&str>) -> &mut Endpoint {
        self.0.entry(verb.map(str::to_owned)).or_default()
    }

    fn find(&self, verb: Option<&str>) -> Option<&Endpoint> {
        let fits = |ours: &Option<String>| match (ours, verb) {
            (Some(ours), Some(theirs)) => percent::says(theirs, ours),
            (None, None) => true,
            (Some(_), None) | (None, Some(_)) => false,
        };
        self.0.iter().find(|(ours, _)| fits(ours)).map(|(_, endpoint)| endpoint)
    }
}

impl<'p> Captures<'p> {
    /// The texts, raw.
    #[must_use]
    pub fn as_slice(&self) -> &[&'p str] {
        &self.0
    }

    /// `path` must fit the route: segments without the leading slash and the verb.
    fn of(route: &Route, path: &'p str) -> Self {
        let capture = |variable: &super::PathVariable| {
            let start = skip_segments(path, variable.segments.start);
            let reaches_end = variable.segments.end == route.template.segments().len();
            if reaches_end {
                return start;
            }
            let after = skip_segments(start, variable.segments.len());
            start.strip_suffix(after).map_or(start, |captured| captured.trim_end_matches('/'))
        };
        Self(route.variables.iter().map(capture).collect())
    }
}

fn split_segment(segments: &str) -> (&str, Option<&str>) {
    segments.split_once('/').map_or((segments, None), |(segment, after)| (segment, Some(after)))
}

fn skip_segments(segments: &str, count: usize) -> &str {
    (0..count).fold(segments, |rest, _| split_segment(rest).1.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use http::Method;

    use super::*;
    use crate::contract::{
        Contract,
        fixture::{contract, reticle, shelves},
    };

    /// The RPC's name and the captures; or 404; or what is allowed instead.
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
    fn the_products_paths_reach_their_rpcs() {
        check(
            &reticle(),
            &[
                ("POST", "/api/images/upload", "UploadImage"),
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
    fn near_misses_are_not_found() {
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
    fn another_method_is_told_which_are_allowed() {
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
    fn escapes_never_separate() {
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
    fn a_registered_verb_comes_first_and_any_other_colon_is_part_of_the_id() {
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
    fn the_closest_template_decides_and_dead_ends_are_left_again() {
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
    fn bindings_that_no_request_can_tell_apart_are_refused() {
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
}
