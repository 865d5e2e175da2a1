//! Fields that a caller fills by name, one text each: query parameters and form parts.

use aip::Violation;

use super::{FieldPath, field_path::is_json_scalar};
use crate::{
    descriptor::{FieldDescriptor, Kind, MessageDescriptor},
    json::{self, JsonError, Schemas},
    wire,
};

/// The parameters of one request, each checked against those ahead of it.
pub(super) struct Parameters<'m> {
    message: &'m MessageDescriptor,
    /// Messages are read as JSON by these; without them no parameter can be a message.
    schemas: Option<&'m Schemas>,
    given: Vec<FieldPath>,
}

impl<'m> Parameters<'m> {
    /// Parameters that name fields of `message`.
    pub(super) const fn of(message: &'m MessageDescriptor) -> Self {
        Self { message, schemas: None, given: Vec::new() }
    }

    /// The same, where the text of a field that is a message is its JSON.
    pub(super) fn with_json(self, schemas: &'m Schemas) -> Self {
        Self { schemas: Some(schemas), ..self }
    }

    /// Appends the field that `name` names, holding `text`, to `message`'s wire bytes in `out`.
    /// `refuse` says why a field cannot be given this way.
    ///
    /// # Errors
    /// What is wrong with the parameter; `out` is then as before.
    pub(super) fn put(
        &mut self,
        name: &str,
        text: &str,
        refuse: &dyn Fn(&FieldPath) -> Option<String>,
        out: &mut Vec<u8>,
    ) -> Result<(), Violation> {
        let broken = |rule: &str| Violation::new(name, rule);
        let path = FieldPath::lookup(self.message, name).ok_or_else(|| broken("is not a known parameter"))?;
        if let Some(rule) = refuse(&path).or_else(|| self.clash(&path)) {
            return Err(broken(&rule));
        }
        let field = self.value(path.leaf(), text).map_err(|violation| violation.within(name))?;
        path.put(field, out);
        self.given.push(path);
        Ok(())
    }

    /// The field's wire bytes, tag included; a violation is named from the field on.
    fn value(&self, field: &FieldDescriptor, text: &str) -> Result<Vec<u8>, Violation> {
        let broken = |rule: String| Violation::new("", rule);
        let mut out = Vec::new();
        if fits_a_text(field) {
            json::scalar_to_wire(field, text, &mut out).map_err(broken)?;
            return Ok(out);
        }
        let message = field.kind().as_message().filter(|_| !field.is_map() && !field.is_list()).cloned();
        let schema = self.schemas.zip(message).and_then(|(schemas, message)| schemas.get(&message));
        let schema =
            schema.ok_or_else(|| broken("cannot be given as a parameter: it is not one value".to_owned()))?;
        let document = json::to_wire(&schema, text.as_bytes()).map_err(|error| match error {
            JsonError::Syntax(reason) => broken(format!("must be JSON: {reason}")),
            JsonError::TooLarge => broken("is too large".to_owned()),
            JsonError::Fields(violations) => {
                violations.named().first().cloned().unwrap_or_else(|| broken("is not valid".to_owned()))
            }
        })?;
        wire::put_bytes(field.number(), &document.wire, &mut out);
        Ok(out)
    }

    /// Whether a field was given.
    pub(super) fn has(&self, field: &FieldDescriptor) -> bool {
        self.given.iter().any(|path| path.root() == field)
    }

    fn clash(&self, path: &FieldPath) -> Option<String> {
        let is_singular = !path.leaf().is_repeated();
        if is_singular && self.given.contains(path) {
            return Some("is given more than once".to_owned());
        }
        let oneof = path.leaf().oneof()?;
        let is_rival = |other: &&FieldPath| {
            other.parents() == path.parents()
                && other.leaf() != path.leaf()
                && other.leaf().oneof() == Some(oneof)
        };
        self.given.iter().find(is_rival).map(|rival| format!("cannot be given together with {rival}"))
    }
}

/// Every field of `message` that a parameter can name, in the order of declaration. Messages that hold themselves are
/// not entered again.
pub(super) fn nameable(message: &MessageDescriptor) -> Vec<FieldPath> {
    let mut found = Vec::new();
    enter(message, &mut Vec::new(), &mut vec![message.clone()], &mut found);
    found
}

fn enter(
    message: &MessageDescriptor,
    parents: &mut Vec<FieldDescriptor>,
    entered: &mut Vec<MessageDescriptor>,
    found: &mut Vec<FieldPath>,
) {
    for field in message.fields() {
        if fits_a_text(&field) {
            found.push(FieldPath::below(parents, field));
            continue;
        }
        let Kind::Message(inner) = field.kind() else { continue };
        if !field.is_repeated() && !entered.contains(&inner) {
            parents.push(field);
            entered.push(inner.clone());
            enter(&inner, parents, entered, found);
            entered.pop();
            parents.pop();
        }
    }
}

/// Whether one text can hold the field's value (for a repeated field: one of its values).
fn fits_a_text(field: &FieldDescriptor) -> bool {
    match field.kind() {
        Kind::Message(message) => !field.is_map() && is_json_scalar(&message),
        _ => true,
    }
}
