//! Query parameters.

use std::borrow::Cow;

use aip::{Violation, Violations};
use http::HeaderMap;

use super::{
    Body, FieldPath, HeaderField, Route, Upload,
    parameters::{self, Parameters},
    percent::{self, Part},
};
use crate::wire;

/// The most query parameters that a request may have.
pub const MAX_PARAMETERS: usize = 128;

impl Route {
    /// The fields that the query may say, as it names them: those of an upload are fields of its `info`.
    #[must_use]
    pub fn query_parameters(&self) -> Vec<FieldPath> {
        let upload = self.method.upload.as_ref();
        let mut paths =
            parameters::nameable(upload.map_or(&self.method.input, |upload| &upload.info_message));
        paths.retain(|path| {
            let path = upload.map_or_else(|| path.clone(), |upload| path.clone().within(&upload.info));
            self.refusal(&path, &HeaderMap::new()).is_none()
        });
        paths
    }

    /// Returns whether the query says the update mask.
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
