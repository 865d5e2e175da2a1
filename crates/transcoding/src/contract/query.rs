//! Query parameters.

use std::borrow::Cow;

use aip::{Violation, Violations};
use http::HeaderMap;

use super::{
    Body, FieldPath, HeaderField, Route, Upload,
    parameters::{self, Parameters},
    percent::{self, Part},
};
use crate::fields;

/// The most query parameters that a request may have.
pub const MAX_PARAMETERS: usize = 128;

impl Route {
    /// The fields that the query may set, under the names that it uses: for an upload, the fields of its `info`.
    #[must_use]
    pub fn query_parameters(&self) -> Vec<FieldPath> {
        let upload = self.method.upload.as_ref();
        let mut paths =
            parameters::nameable(upload.map_or(&self.method.input, |upload| &upload.info_message));
        paths.retain(|path| {
            let path = upload.map_or_else(|| path.clone(), |upload| path.clone().within(&upload.info));
            self.rejection_reason(&path, &HeaderMap::new()).is_none()
        });
        paths
    }

    /// Appends the query's fields to `out`. Returns whether the query sets the update mask.
    pub(super) fn bind_query(
        &self,
        query: &str,
        headers: &HeaderMap,
        out: &mut Vec<u8>,
        violations: &mut Violations,
    ) -> bool {
        let request = &self.method.input;
        let upload = self.method.upload.as_ref();
        let mut parameters = upload.map_or_else(|| Parameters::of(request), Upload::parameters);
        let rejection_reason = |path: &FieldPath| match upload {
            Some(upload) => self.rejection_reason(&path.clone().within(&upload.info), headers),
            None => self.rejection_reason(path, headers),
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
                decode_pair(pair)
                    .and_then(|(name, text)| parameters.put(&name, &text, &rejection_reason, &mut fields)),
            );
        }
        match upload {
            Some(upload) if !fields.is_empty() => fields::put_bytes(upload.info.number(), &fields, out),
            _ => out.append(&mut fields),
        }
        self.update_mask.as_ref().is_some_and(|mask| parameters.has(mask.field()))
    }

    /// Why the query cannot set this field; `None` if it can.
    fn rejection_reason(&self, path: &FieldPath, headers: &HeaderMap) -> Option<String> {
        if self.variables.iter().any(|variable| variable.path == *path) {
            return Some("is part of the path already".to_owned());
        }
        match &self.body {
            Body::Whole if self.method.upload.is_none() => {
                return Some("must be in the body: the method has no query parameters".to_owned());
            }
            Body::Field(field) if path.root() == field => return Some("must be in the body".to_owned()),
            Body::None | Body::Whole | Body::Field(_) => {}
        }
        if self.method.download.as_ref().is_some_and(|download| download.is_set_by_headers(path)) {
            return Some("must be sent in the headers Range, If-Range and If-None-Match".to_owned());
        }
        let is_sent = |header: &&HeaderField| header.path == *path && headers.contains_key(&header.name);
        let header = self.method.request_headers.iter().find(is_sent)?;
        Some(format!("is already set by the header {}", header.name))
    }
}

fn decode_pair(pair: &str) -> Result<(Cow<'_, str>, Cow<'_, str>), Violation> {
    let (name, text) = pair.split_once('=').unwrap_or((pair, ""));
    let decode =
        |raw, field: &str| percent::decode(raw, Part::Query).map_err(|rule| Violation::new(field, rule));
    let name = decode(name, name)?;
    if name.is_empty() {
        return Err(Violation::new("query", "must name each parameter"));
    }
    let text = decode(text, &name)?;
    Ok((name, text))
}
