//! Encodes a request's path, query and headers as protobuf fields.

use aip::{Violation, Violations};
use http::HeaderMap;

use super::{
    Body, Captures, Match, Route, UpdateMask,
    percent::{self, Part},
};
use crate::descriptor::is_repeated;

/// The fields that a request sets outside its body.
#[derive(Debug)]
pub struct Bound<'r> {
    /// The wire bytes of these fields. Append them to the body's bytes: they then override it, because protobuf merges
    /// messages and the last value of a scalar counts.
    pub wire: Vec<u8>,
    /// The last part of `wire`: the fields that the path sets. Append it again after bytes that may set them, too.
    pub path: Vec<u8>,
    /// The mask to fill with the names of the body's fields; `None` if the route has none or the query sets it.
    pub update_mask: Option<&'r UpdateMask>,
}

impl<'r> Match<'r, '_> {
    /// See [`Route::bind`].
    ///
    /// # Errors
    /// The violations, each named by its parameter, header or path variable.
    pub fn bind(&self, query: Option<&str>, headers: &HeaderMap) -> Result<Bound<'r>, Violations> {
        self.route.bind(&self.captures, query, headers)
    }
}

impl Route {
    /// Encodes the path's captures, the raw query and the headers as fields of the request message.
    ///
    /// # Errors
    /// The violations, each named by its parameter, header or path variable.
    pub fn bind(
        &self,
        captures: &Captures<'_>,
        query: Option<&str>,
        headers: &HeaderMap,
    ) -> Result<Bound<'_>, Violations> {
        let mut violations = Violations::default();
        let mut out = Vec::new();
        let has_mask = self.bind_query(query.unwrap_or_default(), headers, &mut out, &mut violations);
        for header in &self.method.request_headers {
            violations.check(header.put(headers, &mut out));
        }
        // The path comes last, so that a parameter or header cannot name another resource.
        let mut path = Vec::new();
        violations.check(self.bind_path(captures, &mut path));
        out.extend_from_slice(&path);
        let update_mask = self.update_mask.as_ref().filter(|_| !has_mask);
        violations.into_result(Some(Bound { wire: out, path, update_mask }))
    }

    /// Whether a request must have a body: some field can be set only there.
    #[must_use]
    pub fn needs_body(&self) -> bool {
        let headers = self.method.request_headers.iter().map(|header| &header.path);
        let elsewhere: Vec<_> = self.variables.iter().map(|variable| &variable.path).chain(headers).collect();
        match &self.body {
            Body::None => false,
            Body::Field(_) => true,
            Body::Whole => self.method.input.fields().any(|field| {
                !elsewhere.iter().any(|path| path.parents().is_empty() && *path.leaf() == field)
            }),
        }
    }

    /// The fields whose value in `body` differs from the one in the path or a header, which `bound` has. A request that
    /// names two resources is ambiguous, so it must be rejected. Both arguments are wire bytes of the request.
    #[must_use]
    pub fn find_contradictions(&self, body: &[u8], bound: &[u8]) -> Violations {
        let paths = self.variables.iter().map(|variable| (&variable.path, "path".to_owned()));
        let headers = self.method.request_headers.iter();
        let headers = headers.map(|header| (&header.path, format!("header {}", header.name)));
        let mut violations = Violations::default();
        for (path, place) in paths.chain(headers).filter(|(path, _)| !is_repeated(path.leaf())) {
            if let (Some(in_body), Some(expected)) = (path.read_text(body), path.read_text(bound))
                && in_body != expected
            {
                let name = match &self.body {
                    Body::Field(field) if field == path.root() => path.below_root(),
                    Body::None | Body::Whole | Body::Field(_) => None,
                };
                let name = name.unwrap_or_else(|| path.clone()).to_string();
                violations
                    .push(Violation::new(name, format!("must be the same as in the {place}, or absent")));
            }
        }
        violations
    }

    fn bind_path(&self, captures: &Captures<'_>, out: &mut Vec<u8>) -> Result<(), Violation> {
        for (variable, raw) in self.variables.iter().zip(&captures.0) {
            let part = if variable.is_multi_segment { Part::Segments } else { Part::Segment };
            let violation = |rule: String| Violation::new(variable.path.to_string(), rule);
            let text = percent::decode(raw, part).map_err(|rule| violation(rule.to_owned()))?;
            variable.path.put_text(&text, out).map_err(violation)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderValue, Method};

    use super::*;
    use crate::contract::{
        Contract, MAX_PARAMETERS,
        fixture::{message, shelves},
    };

    /// The request message in prost-reflect's text format, or the violations.
    fn bind(
        method: &str,
        uri: &str,
        headers: &[(&'static str, &'static str)],
    ) -> Result<String, Vec<String>> {
        let contract = shelves();
        bind_in(&contract, method, uri, headers).map(|(wire, input)| message(&input, &wire).to_string())
    }

    fn bind_in(
        contract: &Contract,
        method: &str,
        uri: &str,
        headers: &[(&'static str, &'static str)],
    ) -> Result<(Vec<u8>, String), Vec<String>> {
        let (path, query) = uri.split_once('?').map_or((uri, None), |(path, query)| (path, Some(query)));
        let found = contract.find(&Method::from_bytes(method.as_bytes()).unwrap(), path).unwrap();
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        let bound = found.bind(query, &map).map_err(|violations| {
            violations.named().iter().map(|v| format!("{} {}", v.field, v.description)).collect::<Vec<_>>()
        })?;
        Ok((bound.wire, found.route.method.input.full_name().to_owned()))
    }

    #[track_caller]
    fn binds(method: &str, uri: &str, request: &str) {
        assert_eq!(bind(method, uri, &[]).as_deref(), Ok(request), "{method} {uri}");
    }

    #[track_caller]
    fn rejects(method: &str, uri: &str, violation: &str) {
        let violations = bind(method, uri, &[]).unwrap_err();
        assert_eq!(violations.len(), 1, "{violations:?}");
        assert!(violations[0].starts_with(violation), "{violations:?}");
    }

    #[test]
    fn path_variables_are_decoded_once() {
        binds("GET", "/v1/shelves/a%2Fb", r#"id:"a/b""#);
        binds("GET", "/v1/shelves/a%3Ab:c", r#"id:"a:b:c""#);
        binds("GET", "/v1/shelves/a%2523b", r#"id:"a%23b""#);
        binds("GET", "/v1/shelves/a+b", r#"id:"a+b""#);
        binds("GET", "/v1/named/shelves/a%2Fb%20c", r#"name:"shelves/a%2Fb c""#);
        binds("GET", "/v1/files/a/b%2fc", r#"name:"a/b%2fc""#);
        binds("GET", "/v1/pairs/o/of/i", r#"id:"i",owner{id:"o"}"#);
        binds("PATCH", "/v1/shelves/i", r#"shelf{id:"i"}"#);
    }

    #[test]
    fn invalid_path_variables_are_rejected_by_name() {
        rejects("GET", "/v1/shelves/%zz", "id has a `%`");
        rejects("PATCH", "/v1/shelves/%ff", "shelf.id is not UTF-8");
    }

    #[test]
    fn parameters_fill_fields_by_either_spelling() {
        binds("GET", "/v1/shelves?page_size=5&pageToken=a%26b+c", r#"page_size:5,page_token:"a&b c""#);
        binds("GET", "/v1/shelves?years=1&years=-2", "years:[1,-2]");
        binds("GET", "/v1/shelves?owner.id=o&owner.pageCount=3", r#"owner{id:"o",page_count:3}"#);
        binds("GET", "/v1/shelves?created_after=1970-01-01T00:00:01Z", "created_after{seconds:1}");
        binds("GET", "/v1/shelves?order=NEWEST", "order:NEWEST");
        binds("GET", "/v1/shelves?min_weight=0.5&", "min_weight:0.5");
        binds("GET", "/v1/shelves?readMask=id,ownerName", r#"read_mask{paths:["id","owner_name"]}"#);
        binds("GET", "/v1/shelves?open=true", "open{value:true}");
        binds("GET", "/v1/shelves?%70age_size=5", "page_size:5");
        binds("GET", "/v1/shelves?page_token=a=b", r#"page_token:"a=b""#);
        binds("GET", "/v1/shelves?room=a&inner.hall=b", r#"room:"a",inner{hall:"b"}"#);
        binds("GET", "/v1/shelves?", "");
    }

    #[test]
    fn invalid_parameters_are_rejected_by_name() {
        let rejected = [
            ("colour=red", "colour is not a known parameter"),
            ("owner.colour=red", "owner.colour is not a known parameter"),
            ("page_size.x=1", "page_size.x is not a known parameter"),
            ("owners.id=1", "owners.id is not a known parameter"),
            ("created_after.seconds=1", "created_after.seconds is not a known parameter"),
            ("=1", "query must name each parameter"),
            ("owner=1", "owner cannot be given as a parameter"),
            ("owners=1", "owners cannot be given as a parameter"),
            ("metadata=1", "metadata cannot be given as a parameter"),
            ("notes=1", "notes cannot be given as a parameter"),
            ("page_size=1&pageSize=1", "pageSize is given more than once"),
            ("owner.id=1&owner.id=2", "owner.id is given more than once"),
            ("room=1&hall=2", "hall cannot be given together with room"),
            ("page_size=%zz", "page_size has a `%`"),
            ("page_token=%ff", "page_token is not UTF-8"),
            ("%zz=1", "%zz has a `%`"),
            ("page_size=x", "page_size "),
            ("page_size=", "page_size "),
            ("page_size", "page_size "),
            ("order=LOUDEST", "order "),
        ];
        for (query, violation) in rejected {
            rejects("GET", &format!("/v1/shelves?{query}"), violation);
        }
    }

    #[test]
    fn all_violations_are_reported_at_once() {
        let violations = bind("GET", "/v1/shelves?colour=red&page_size=x", &[]).unwrap_err();
        assert_eq!(violations.len(), 2, "{violations:?}");
    }

    #[test]
    fn fields_of_the_path_the_body_or_a_standard_header_are_not_parameters() {
        rejects("GET", "/v1/shelves/a?id=b", "id is part of the path already");
        rejects("GET", "/v1/pairs/o/of/i?owner.id=b", "owner.id is part of the path already");
        binds("GET", "/v1/pairs/o/of/i?owner.etag=b", r#"id:"i",owner{id:"o",etag:"b"}"#);
        rejects("POST", "/v1/shelves?shelf.name=b", "shelf.name must be in the body");
        rejects("POST", "/v1/shelves/a:clear?name=b", "name must be in the body");
        binds("POST", "/v1/shelves?note=b", r#"note:"b""#);
        for (name, text) in [("offset", "1"), ("limit", "1"), ("if_none_match", "x"), ("ifRange", "x")] {
            rejects(
                "GET",
                &format!("/v1/shelves/a/content?{name}={text}"),
                &format!("{name} must be sent in the headers"),
            );
        }
        binds("GET", "/v1/shelves/a/content?signature=s", r#"id:"a",signature:"s""#);
    }

    #[test]
    fn query_parameters_lists_the_accepted_parameters() {
        let contract = shelves();
        let listed = |method: Method, path: &str| {
            let paths = contract.find(&method, path).unwrap().route.query_parameters();
            paths.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
        };
        let list = "page_size page_token years owner.id owner.etag owner.page_count owner.trusted owner.picture \
                    owner.weight created_after order min_weight read_mask open cursor room hall";
        assert_eq!(listed(Method::GET, "/v1/shelves"), list);
        assert_eq!(listed(Method::GET, "/v1/shelves/a/content"), "signature");
        assert_eq!(listed(Method::POST, "/v1/shelves/a:clear"), "");
        assert_eq!(listed(Method::PATCH, "/v1/shelves/a"), "update_mask note tags");
        let info = "filename content_type size_bytes note owner.id";
        assert!(listed(Method::PUT, "/v1/content").starts_with(info));
    }

    #[test]
    fn parameters_of_an_upload_fill_its_info() {
        binds("PUT", "/v1/content?filename=a.png&note=n", r#"info{filename:"a.png",note:"n"}"#);
        binds("PUT", "/v1/content", "");
        rejects("PUT", "/v1/content?info.note=n", "info.note is not a known parameter");
        rejects("PUT", "/v1/content?data=n", "data is not a known parameter");
    }

    #[test]
    fn the_path_of_an_upload_fills_its_info_too() {
        binds("PUT", "/v1/shelves/a%2Fb/picture?note=n", r#"info{note:"n",owner{id:"a/b"}}"#);
        rejects("PUT", "/v1/shelves/a/picture?owner.id=b", "owner.id is part of the path already");
    }

    #[test]
    fn the_number_of_parameters_is_limited() {
        let query = |count: usize| format!("/v1/shelves?{}", vec!["years=1"; count].join("&"));
        bind("GET", &query(MAX_PARAMETERS), &[]).unwrap();
        rejects("GET", &query(MAX_PARAMETERS + 1), "query must have at most 128 parameters");
    }

    #[test]
    fn headers_fill_fields() {
        let cases: [(&[(&str, &str)], &str); 7] = [
            (&[], r#"shelf{id:"i"}"#),
            (&[("if-match", r#""r1""#)], r#"shelf{id:"i",owner{etag:"r1"}}"#),
            (&[("if-match", r#"W/"r1""#)], r#"shelf{id:"i",owner{etag:"r1"}}"#),
            (&[("if-match", "*")], r#"shelf{id:"i"}"#),
            (&[("x-note", "caffè")], r#"shelf{id:"i"},note:"caff\303\250""#),
            (&[("x-tag", "a"), ("x-tag", "b")], r#"shelf{id:"i"},tags:["a","b"]"#),
            (&[("other", "a")], r#"shelf{id:"i"}"#),
        ];
        for (headers, request) in cases {
            let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, *value)).collect();
            assert_eq!(bind("PATCH", "/v1/shelves/i", &headers).as_deref(), Ok(request), "{headers:?}");
        }
    }

    #[test]
    fn invalid_headers_are_rejected_by_name() {
        let cases: [(&[(&str, &str)], &str); 4] = [
            (&[("if-match", "r1")], "if-match must be an entity tag"),
            (&[("if-match", r#""r1", "r2""#)], "if-match must have one value"),
            (&[("if-match", r#""r1""#), ("if-match", r#""r1""#)], "if-match must have one value"),
            (&[("x-note", "a"), ("x-note", "b")], "x-note must have one value"),
        ];
        for (headers, violation) in cases {
            let violations = bind("PATCH", "/v1/shelves/i", headers).unwrap_err();
            assert!(violations[0].starts_with(violation), "{violations:?}");
        }
        let both = bind("PATCH", "/v1/shelves/i?note=a", &[("x-note", "b")]).unwrap_err();
        assert_eq!(both, ["note is already set by the header x-note"]);
    }

    #[test]
    fn the_path_overrides_the_body() {
        let contract = shelves();
        let found = contract.find(&Method::PATCH, "/v1/shelves/i").unwrap();
        let bound = found.bind(None, &HeaderMap::new()).unwrap();
        // A shelf with the id "other" and the name "n".
        let mut request = found.route.body.enclose(b"\x0a\x05other\x12\x01n".to_vec());
        request.extend(bound.wire);
        request.extend(
            bound.update_mask.unwrap().encode(&["id", "name", "owner.etag", "owner"].map(str::to_owned)),
        );
        let request = message("routing.v1.UpdateRequest", &request).to_string();
        assert_eq!(request, r#"shelf{id:"i",name:"n"},update_mask{paths:["name","owner"]}"#);
    }

    #[test]
    fn a_mask_that_the_query_sets_is_not_filled() {
        let contract = shelves();
        let found = contract.find(&Method::PATCH, "/v1/shelves/i").unwrap();
        assert!(found.bind(Some("updateMask=name"), &HeaderMap::new()).unwrap().update_mask.is_none());
        assert!(found.bind(Some("note=a"), &HeaderMap::new()).unwrap().update_mask.is_some());
        let post = contract.find(&Method::POST, "/v1/shelves").unwrap();
        assert!(post.bind(None, &HeaderMap::new()).unwrap().update_mask.is_none());
    }
}
