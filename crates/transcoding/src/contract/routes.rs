//! The route table: a trie over path segments, built once.
//!
//! Paths are matched before percent-decoding, so that an escaped `/` or `:` in an id is never a separator. At each segment
//! a literal takes precedence over `*`, and `*` over `**`. The most specific template that matches the path decides: if it
//! does not allow the method, the request is rejected and no less specific template is tried.

use std::{collections::BTreeMap, sync::Arc};

use super::{ContractError, Route, percent, template::Segment};

/// All routes, and the trie that finds one by its path.
#[derive(Debug, Default)]
pub(super) struct Routes {
    routes: Vec<Arc<Route>>,
    root: Node,
}

/// A node of the trie: the templates with the same first segments.
#[derive(Debug, Default)]
struct Node {
    literals: BTreeMap<String, Node>,
    one: Option<Box<Node>>,
    /// Templates that end here.
    end: Endpoints,
    /// Templates that end here with `**`.
    rest: Endpoints,
}

/// Templates with the same segments, by their verbs.
#[derive(Debug, Default)]
struct Endpoints(BTreeMap<Option<String>, Endpoint>);

/// Templates that match the same paths: the indexes of their routes, which differ in the HTTP method.
type Endpoint = Vec<usize>;

/// The route of a request, and the captures of its path variables.
#[derive(Debug)]
pub struct Match<'r, 'p> {
    /// The route.
    pub route: &'r Arc<Route>,
    /// The captured texts.
    pub captures: Captures<'p>,
}

/// The texts that the path variables captured, not percent-decoded, in the order of
/// [`Route::variables`](super::Route::variables).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Captures<'p>(pub(super) Vec<&'p str>);

/// Why a request has no route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mismatch {
    /// No route has that path.
    NotFound,
    /// Routes have that path, but for other methods.
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

    /// The most specific endpoint for the path, and the segments before its verb. A registered verb takes precedence;
    /// otherwise the colon is part of an id.
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

    /// Visits each node at most once, because each node is reached by one sequence of segments.
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
        self.literals
            .iter()
            .find(|(literal, _)| percent::matches_literal(segment, literal))
            .map(|(_, node)| node)
    }
}

impl Endpoints {
    fn entry(&mut self, verb: Option<&str>) -> &mut Endpoint {
        self.0.entry(verb.map(str::to_owned)).or_default()
    }

    fn find(&self, verb: Option<&str>) -> Option<&Endpoint> {
        let matches = |ours: &Option<String>| match (ours, verb) {
            (Some(ours), Some(theirs)) => percent::matches_literal(theirs, ours),
            (None, None) => true,
            (Some(_), None) | (None, Some(_)) => false,
        };
        self.0.iter().find(|(ours, _)| matches(ours)).map(|(_, endpoint)| endpoint)
    }
}

impl<'p> Captures<'p> {
    /// The texts, not percent-decoded.
    #[must_use]
    pub fn as_slice(&self) -> &[&'p str] {
        &self.0
    }

    /// `path` must match the route. It has no leading slash and no verb.
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
mod tests;
