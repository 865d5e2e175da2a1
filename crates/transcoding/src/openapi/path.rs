//! Path templates in the notation of OpenAPI.

use std::collections::HashMap;

use crate::contract::{PathVariable, Route, Segment};

/// A path and its parameters.
pub(super) struct Path<'r> {
    /// As in `/api/images/{image_id}`.
    pub(super) text: String,
    pub(super) parameters: Vec<(String, &'r PathVariable)>,
}

/// The names of path parameters. In OpenAPI, paths that differ only in these names are the same path, so the names that
/// come first are used for all.
#[derive(Default)]
pub(super) struct Names(HashMap<String, Vec<String>>);

impl Names {
    pub(super) fn path<'r>(&mut self, route: &'r Route) -> Path<'r> {
        let placeholders = placeholders(route);
        let shape = text(route, std::iter::repeat("{}"));
        let own = || placeholders.iter().map(|(name, _)| name.clone()).collect();
        let names = self.0.entry(shape).or_insert_with(own);
        let text = text(route, names.iter().map(String::as_str));
        let variables = placeholders.into_iter().map(|(_, variable)| variable);
        let parameters = names.iter().cloned().zip(variables);
        Path { text, parameters: parameters.filter_map(|(name, variable)| Some((name, variable?))).collect() }
    }
}

/// Whether OpenAPI can describe the route: it allows only these methods.
pub(super) fn is_describable(route: &Route) -> bool {
    matches!(
        route.http_method.as_str(),
        "GET" | "PUT" | "POST" | "DELETE" | "OPTIONS" | "HEAD" | "PATCH" | "TRACE"
    )
}

/// The segments that are not literals, with a name for each.
fn placeholders(route: &Route) -> Vec<(String, Option<&PathVariable>)> {
    let segments = route.template.segments().iter().enumerate();
    let open = segments.filter(|(_, segment)| !matches!(segment, Segment::Literal(_)));
    open.map(|(index, _)| {
        let variable = route.variables.iter().find(|variable| variable.segments.contains(&index));
        let name = variable.map_or_else(|| "segment".to_owned(), |variable| name(route, variable));
        let is_alone = variable.is_some_and(|variable| variable.segments.len() == 1);
        (if is_alone { name } else { format!("{name}_{index}") }, variable)
    })
    .collect()
}

/// The name of the variable's field. For a field of an upload's description, it is the name of the query parameter.
fn name(route: &Route, variable: &PathVariable) -> String {
    let upload = route.method.upload.as_ref().filter(|upload| *variable.path.root() == upload.info);
    let within = upload.and_then(|_| variable.path.below_root());
    within.as_ref().unwrap_or(&variable.path).to_string().replace('.', "_")
}

fn text<'n>(route: &Route, mut names: impl Iterator<Item = &'n str>) -> String {
    let mut text = String::new();
    for segment in route.template.segments() {
        text.push('/');
        match segment {
            Segment::Literal(literal) => text.push_str(literal),
            Segment::One | Segment::Rest => {
                text.push('{');
                text.push_str(names.next().unwrap_or_default());
                text.push('}');
            }
        }
    }
    if let Some(verb) = route.template.verb() {
        text.push(':');
        text.push_str(verb);
    }
    text
}
