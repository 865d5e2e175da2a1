//! From a request's path, query and headers to protobuf.

use std::borrow::Cow;

use aip::{Violation, Violations};
use http::HeaderMap;
use prost_reflect::Cardinality;

use super::{
    Body, Captures, FieldPath, HeaderField, Match, Route, UpdateMask,
    entity_tag::EntityTags,
    parameters::Parameters,
    percent::{self, Part},
    wire,
};
use crate::json;

/// The most query parameters that a request may have.
pub const MAX_PARAMETERS: usize = 128;

/// What a request says apart from its body.
#[derive(Debug)]
pub struct Bound<'r> {
    /// Fields of the request message on the wire. Appended to the body's bytes they win over it: protobuf merges
    /// messages, and of a scalar the last one counts.
    pub wire: Vec<u8>,
    /// The mask to fill with the body's fields; `None` where there is none, or the query has said it already.
    pub update_mask: Option<&'r UpdateMask>,
}

impl<'r> Match<'r, '_> {
    /// See [`Route::bind`].
    ///
    /// # Errors
    /// What is wrong with the request, each named by parameter, header or path variable.
    pub fn bind(&self, query: Option<&str>, headers: &HeaderMap) -> Result<Bound<'r>, Violations> {
        self.route.bind(&self.captures, query, headers)
    }
}

impl Route {
    /// Reads what the path captured, the raw query and the headers into the request message's fields.
    ///
    /// # Errors
    /// What is wrong with the request, each named by parameter, header or path variable.
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
        // Last, so that nothing else can name another resource than the path does.
        violations.check(self.bind_path(captures, &mut out));
        let update_mask = self.update_mask.as_ref().filter(|_| !has_mask);
        violations.into_result(Some(Bound { wire: out, update_mask }))
    }

    /// Returns whether the query says the update mask.
    fn bind_query(
        &self,
        query: &str,
        headers: &HeaderMap,
        out: &mut Vec<u8>,
        violations: &mut Violations,
    ) -> bool {
        let request = &self.method.input;
        let upload = self.method.upload.as_ref();
        let mut parameters = Parameters::of(upload.map_or(request, |upload| &upload.info_message));
        let refuse = |path: &FieldPath| match upload {
            Some(upload) => self.refusal(&path.clone().within(&upload.info), headers),
            None => self.refusal(path, headers),
        };
        let mut fields = Vec::new();
        let pairs = query.split('&').filter(|pair| !pair.is_empty());
        for (index, pair) in pairs.enumerate() {
            if index == MAX_PARAMETERS {
                let rule = format!("must have at most {MAX_PARAMETERS} parameters");
                violations.push(Violation::new("query", rule));
                break;
            }
            violations.check(
                decode_pair(pair).and_then(|(name, text)| parameters.put(&name, &text, &refuse, &mut fields)),
            );
        }
        match upload {
            Some(upload) if !fields.is_empty() => wire::put_bytes(upload.info.number(), &fields, out),
            _ => out.append(&mut fields),
        }
        self.update_mask.as_ref().is_some_and(|mask| parameters.has(mask.field()))
    }

    /// Why the query cannot say this field; `None` if it can.
    fn refusal(&self, path: &FieldPath, headers: &HeaderMap) -> Option<String> {
        if self.variables.iter().any(|variable| variable.path == *path) {
            return Some("is part of the path already".to_owned());
        }
        match &self.body {
            Body::Whole if self.method.upload.is_none() => {
                return Some("must be in the body: the method has no parameters".to_owned());
            }
            Body::Field(field) if path.root() == field => return Some("must be in the body".to_owned()),
            Body::None | Body::Whole | Body::Field(_) => {}
        }
        if self.method.download.as_ref().is_some_and(|download| download.is_said_by_headers(path)) {
            return Some("must be said by the headers Range, If-Range and If-None-Match".to_owned());
        }
        let is_sent = |header: &&HeaderField| header.path == *path && headers.contains_key(&header.name);
        let header = self.method.request_headers.iter().find(is_sent)?;
        Some(format!("is said by the header {} already", header.name))
    }

    fn bind_path(&self, captures: &Captures<'_>, out: &mut Vec<u8>) -> Result<(), Violation> {
        for (variable, raw) in self.variables.iter().zip(&captures.0) {
            let part = if variable.is_multi_segment { Part::Segments } else { Part::Segment };
            let broken = |rule: String| Violation::new(variable.path.to_string(), rule);
            let text = percent::decode(raw, part).map_err(|rule| broken(rule.to_owned()))?;
            put(&variable.path, &text, out).map_err(broken)?;
        }
        Ok(())
    }
}

impl HeaderField {
    fn put(&self, headers: &HeaderMap, out: &mut Vec<u8>) -> Result<(), Violation> {
        let broken = |rule: String| Violation::new(self.name.as_str(), rule);
        let mut texts = Vec::new();
        for value in headers.get_all(&self.name) {
            let text =
                std::str::from_utf8(value.as_bytes()).map_err(|_| broken("is not UTF-8".to_owned()))?;
            if self.entity_tag {
                texts.extend(
                    tags(text)
                        .ok_or_else(|| broken("must be an entity tag in double quotes, or *".to_owned()))?,
                );
            } else {
                texts.push(text.to_owned());
            }
        }
        if texts.len() > 1 && self.path.leaf().cardinality() != Cardinality::Repeated {
            return Err(broken("must hold one value".to_owned()));
        }
        texts.iter().try_for_each(|text| put(&self.path, text, out)).map_err(broken)
    }
}

/// The bare tags of a header. `*` asks for no version in particular, and so names none. A weak tag counts as the same
/// tag: caches on the way weaken the tags of what they compress, and a record's tag names its version, not its bytes.
fn tags(header: &str) -> Option<Vec<String>> {
    match EntityTags::parse(header)? {
        EntityTags::Any => Some(Vec::new()),
        EntityTags::Listed(tags) => Some(tags.into_iter().map(|tag| tag.value).collect()),
    }
}

fn put(path: &FieldPath, text: &str, out: &mut Vec<u8>) -> Result<(), String> {
    let mut field = Vec::new();
    json::scalar_to_wire(path.leaf(), text, &mut field)?;
    path.put(field, out);
    Ok(())
}

fn decode_pair(pair: &str) -> Result<(Cow<'_, str>, Cow<'_, str>), Violation> {
    let (name, text) = pair.split_once('=').unwrap_or((pair, ""));
    let decode =
        |raw, field: &str| percent::decode(raw, Part::Query).map_err(|rule| Violation::new(field, rule));
    let name = decode(name, name)?;
    let text = decode(text, &name)?;
    Ok((name, text))
}
