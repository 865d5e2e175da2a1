//! HTTP bindings: the `google.api.http` option of one RPC.

use std::{ops::Range, sync::Arc};

use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};

use super::{ContractError, FieldPath, Method, Problem, Template, options::Options};
use crate::{descriptor::is_repeated, fields};

const OPTION: &str = "google.api.http";
const FIELD_MASK: &str = "google.protobuf.FieldMask";

/// One HTTP binding: a method and a path template for an RPC.
#[derive(Debug)]
pub struct Route {
    /// The RPC.
    pub method: Arc<Method>,
    /// The HTTP method; a `GET` route also serves `HEAD`.
    pub http_method: http::Method,
    /// The path.
    pub template: Template,
    /// The request fields that the path sets, in the order of the path.
    pub variables: Vec<PathVariable>,
    /// What the HTTP request's body contains.
    pub body: Body,
    /// The response field that is the HTTP response's body; `None` means the whole response.
    pub response_body: Option<FieldDescriptor>,
    /// The field mask with the names of the fields in a PATCH's body.
    pub update_mask: Option<UpdateMask>,
}

/// A request field that the path sets.
#[derive(Clone, Debug)]
pub struct PathVariable {
    /// The field: a singular scalar.
    pub path: FieldPath,
    /// The template's segments that it captures.
    pub segments: Range<usize>,
    /// Whether it can capture more than one segment, so that `%2F` must stay encoded.
    pub is_multi_segment: bool,
}

/// What an HTTP request's body contains.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// Nothing: a request must have no body.
    None,
    /// The whole request message. The route then has no query parameters.
    Whole,
    /// One field of the request, a singular message.
    Field(FieldDescriptor),
}

/// The request's only field mask. The gateway fills it from the body of a PATCH (AIP-134).
#[derive(Clone, Debug)]
pub struct UpdateMask {
    field: FieldDescriptor,
    /// Paths in the body that name the resource or a condition, and so are not changes.
    excluded: Vec<String>,
}

impl UpdateMask {
    /// The mask's field in the request.
    #[must_use]
    pub const fn field(&self) -> &FieldDescriptor {
        &self.field
    }

    /// The mask's wire bytes for these paths of the body. Append them to the request's bytes. Fields that the path or
    /// a request header sets are left out: they name the resource or a condition, and are not changes.
    #[must_use]
    pub fn encode(&self, paths: &[String]) -> Vec<u8> {
        let mut mask = Vec::new();
        for path in paths.iter().filter(|path| !self.excluded.contains(path)) {
            fields::put_bytes(1, path.as_bytes(), &mut mask);
        }
        let mut out = Vec::with_capacity(mask.len() + fields::MAX_PREFIX);
        fields::put_bytes(self.field.number(), &mask, &mut out);
        out
    }
}

impl Body {
    /// The request's wire bytes that contain `message`, the wire bytes of the body.
    #[must_use]
    pub fn enclose(&self, message: Vec<u8>) -> Vec<u8> {
        match self {
            Self::None => Vec::new(),
            Self::Whole => message,
            Self::Field(field) => {
                let mut out = Vec::with_capacity(message.len() + fields::MAX_PREFIX);
                fields::put_bytes(field.number(), &message, &mut out);
                out
            }
        }
    }

    /// The type of the message in the body; `request` is the RPC's request type.
    #[must_use]
    pub fn message(&self, request: &MessageDescriptor) -> Option<MessageDescriptor> {
        match self {
            Self::None => None,
            Self::Whole => Some(request.clone()),
            Self::Field(field) => field.kind().as_message().cloned(),
        }
    }
}

impl Route {
    /// All bindings of one RPC; empty if it has no `google.api.http` option.
    pub(super) fn read(method: &Arc<Method>) -> Result<Vec<Self>, ContractError> {
        let Some(rule) = Options::read(&method.descriptor.options(), OPTION) else {
            return Ok(Vec::new());
        };
        let failed =
            |problem: Problem, field: &str| problem.of(method.full_name(), format!("{OPTION}{field}"));
        if method.client_streaming() && method.upload.is_none() {
            let problem = "a client stream can be bound only with the option reticle.http.v1.method.upload";
            return Err(failed(Problem::NotApplicable(problem), ""));
        }
        let mut routes =
            vec![Self::of_rule(method, &rule).map_err(|(f, problem)| failed(problem, &format!(".{f}")))?];
        for additional in rule.messages("additional_bindings") {
            let failed =
                |(f, problem): (&str, Problem)| failed(problem, &format!(".additional_bindings.{f}"));
            if additional.is_set("additional_bindings") {
                let problem = Problem::NotApplicable("additional bindings cannot have additional bindings");
                return Err(failed(("additional_bindings", problem)));
            }
            routes.push(Self::of_rule(method, &additional).map_err(failed)?);
        }
        Ok(routes)
    }

    fn of_rule(method: &Arc<Method>, rule: &Options) -> Result<Self, (&'static str, Problem)> {
        let (http_method, text) = pattern(rule)?;
        let parsed = Template::parse(&text);
        let template = parsed.map_err(|source| ("pattern", Problem::Template { template: text, source }))?;
        let variables =
            template.variables().iter().map(|variable| PathVariable::resolve(&method.input, variable));
        let variables = variables.collect::<Result<Vec<_>, _>>().map_err(|problem| ("pattern", problem))?;
        let body = body(method, rule, &http_method).map_err(|problem| ("body", problem))?;
        let response_body = rule.text("response_body").map(|name| response_body(&method.output, &name));
        let response_body = response_body.transpose().map_err(|problem| ("response_body", problem))?;
        let update_mask = update_mask(method, &http_method, &body, &variables);
        let method = Arc::clone(method);
        Ok(Self { method, http_method, template, variables, body, response_body, update_mask })
    }
}

impl PathVariable {
    fn resolve(request: &MessageDescriptor, variable: &super::template::Variable) -> Result<Self, Problem> {
        let path = FieldPath::resolve(request, &variable.field_path)?;
        if is_repeated(path.leaf()) || matches!(path.leaf().kind(), Kind::Message(_)) {
            return Err(Problem::field(path.to_string(), "a singular scalar, to be filled by the path"));
        }
        let super::template::Variable { segments, is_multi_segment, .. } = variable.clone();
        Ok(Self { path, segments, is_multi_segment })
    }
}

fn pattern(rule: &Options) -> Result<(http::Method, String), (&'static str, Problem)> {
    let plain = [
        ("get", http::Method::GET),
        ("put", http::Method::PUT),
        ("post", http::Method::POST),
        ("delete", http::Method::DELETE),
        ("patch", http::Method::PATCH),
    ];
    if let Some((name, method)) = plain.into_iter().find(|(name, _)| rule.is_set(name)) {
        let path = rule.text(name).ok_or((name, Problem::Missing { expected: "a path template" }))?;
        return Ok((method, path));
    }
    let missing = |expected| ("pattern", Problem::Missing { expected });
    let custom = rule.message("custom").ok_or_else(|| missing("get, put, post, delete, patch or custom"))?;
    let path = custom.text("path").ok_or_else(|| missing("a path template"))?;
    let kind = custom.text("kind").ok_or_else(|| missing("an HTTP method"))?;
    let is_reserved = ["HEAD", "OPTIONS", "CONNECT", "TRACE"].contains(&kind.as_str());
    let method = http::Method::from_bytes(kind.as_bytes()).ok();
    let method = method.filter(|_| !is_reserved && kind.bytes().all(|byte| byte.is_ascii_uppercase()));
    let method = method.ok_or_else(|| {
        let expected = "an HTTP method in upper case, and not HEAD, OPTIONS, CONNECT or TRACE";
        ("custom.kind", Problem::value(kind, expected))
    })?;
    Ok((method, path))
}

fn body(method: &Method, rule: &Options, http_method: &http::Method) -> Result<Body, Problem> {
    let Some(name) = rule.text("body") else {
        return match method.upload {
            Some(_) => Err(Problem::NotApplicable("an upload needs the body `*`")),
            None => Ok(Body::None),
        };
    };
    if [http::Method::GET, http::Method::DELETE].contains(http_method) {
        return Err(Problem::NotApplicable("GET and DELETE have no body"));
    }
    if name == "*" {
        return Ok(Body::Whole);
    }
    if method.upload.is_some() {
        return Err(Problem::NotApplicable("an upload needs the body `*`"));
    }
    let field = FieldPath::resolve(&method.input, &name)?;
    let is_message = !is_repeated(field.leaf()) && field.leaf().kind().as_message().is_some();
    if !field.parents().is_empty() || !is_message {
        return Err(Problem::field(
            name,
            "a singular message at the top level of the request, to hold the body",
        ));
    }
    Ok(Body::Field(field.leaf().clone()))
}

fn response_body(response: &MessageDescriptor, name: &str) -> Result<FieldDescriptor, Problem> {
    let path = FieldPath::resolve(response, name)?;
    if path.parents().is_empty() {
        return Ok(path.leaf().clone());
    }
    Err(Problem::field(path.to_string(), "at the top level of the response"))
}

fn update_mask(
    method: &Method,
    http_method: &http::Method,
    body: &Body,
    variables: &[PathVariable],
) -> Option<UpdateMask> {
    let Body::Field(resource) = body else { return None };
    let is_mask = |field: &FieldDescriptor| {
        !is_repeated(field)
            && field.kind().as_message().is_some_and(|message| message.full_name() == FIELD_MASK)
    };
    let mut masks = method.input.fields().filter(is_mask);
    let (Some(field), None) = (masks.next(), masks.next()) else { return None };
    if *http_method != http::Method::PATCH {
        return None;
    }
    let headers = method.request_headers.iter().map(|header| &header.path);
    let bound = variables.iter().map(|variable| &variable.path).chain(headers);
    let below_body = bound.filter(|path| path.root() == resource).filter_map(FieldPath::below_root);
    Some(UpdateMask { field, excluded: below_body.map(|path| path.to_string()).collect() })
}
