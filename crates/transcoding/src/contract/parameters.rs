//! Fields that a caller sets by name, with one text each: query parameters and form parts.

use aip::Violation;
use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};

use super::FieldPath;
use crate::{
    descriptor::{declared_fields, is_repeated},
    fields,
    json::{self, JsonError, Schemas},
};

/// The parameters of one request. Each is checked against those before it.
pub(super) struct Parameters<'m> {
    message: &'m MessageDescriptor,
    /// The schemas for message fields, whose text is JSON. Without them a parameter cannot be a message.
    schemas: Option<&'m Schemas>,
    given: Vec<FieldPath>,
}

impl<'m> Parameters<'m> {
    /// Parameters that name fields of `message`.
    pub(super) const fn of(message: &'m MessageDescriptor) -> Self {
        Self { message, schemas: None, given: Vec::new() }
    }

    /// Also accepts message fields, whose text is JSON.
    pub(super) fn with_json(self, schemas: &'m Schemas) -> Self {
        Self { schemas: Some(schemas), ..self }
    }

    /// Appends the field called `name` with the value `text` to `message`'s wire bytes in `out`.
    /// `rejection_reason` returns why a field cannot be set in this way.
    ///
    /// # Errors
    /// What is wrong with the parameter; `out` is then unchanged.
    pub(super) fn put(
        &mut self,
        name: &str,
        text: &str,
        rejection_reason: &dyn Fn(&FieldPath) -> Option<String>,
        out: &mut Vec<u8>,
    ) -> Result<(), Violation> {
        let violation = |rule: &str| Violation::new(name, rule);
        let path =
            FieldPath::lookup(self.message, name).ok_or_else(|| violation("is not a known parameter"))?;
        if let Some(rule) = rejection_reason(&path).or_else(|| self.conflict(&path)) {
            return Err(violation(&rule));
        }
        let field = self.value(path.leaf(), text).map_err(|violation| violation.within(name))?;
        path.put(field, out);
        self.given.push(path);
        Ok(())
    }

    /// The field's wire bytes, tag included. A violation's name is relative to the field.
    fn value(&self, field: &FieldDescriptor, text: &str) -> Result<Vec<u8>, Violation> {
        let violation = |rule: String| Violation::new("", rule);
        let mut out = Vec::new();
        if is_single_text(field) {
            json::scalar_to_wire(field, text, &mut out).map_err(violation)?;
            return Ok(out);
        }
        let message = field.kind().as_message().filter(|_| !field.is_map() && !field.is_list()).cloned();
        let schema = self.schemas.zip(message).and_then(|(schemas, message)| schemas.get(&message));
        let schema = schema.ok_or_else(|| {
            violation("cannot be given as a parameter: it is not a single value".to_owned())
        })?;
        let document = json::to_wire(&schema, text.as_bytes()).map_err(|error| match error {
            JsonError::Syntax(reason) => violation(format!("must be JSON: {reason}")),
            JsonError::TooLarge => violation("is too large".to_owned()),
            JsonError::Fields(violations) => {
                violations.named().first().cloned().unwrap_or_else(|| violation("is not valid".to_owned()))
            }
        })?;
        fields::put_bytes(field.number(), &document.wire, &mut out);
        Ok(out)
    }

    /// Whether the request sets the field.
    pub(super) fn has(&self, field: &FieldDescriptor) -> bool {
        self.given.iter().any(|path| path.root() == field)
    }

    /// Why the field cannot be set in addition to those before it.
    fn conflict(&self, path: &FieldPath) -> Option<String> {
        let is_singular = !is_repeated(path.leaf());
        if is_singular && self.given.contains(path) {
            return Some("is given more than once".to_owned());
        }
        let oneof = path.leaf().containing_oneof()?;
        let conflicts = |other: &&FieldPath| {
            other.parents() == path.parents()
                && other.leaf() != path.leaf()
                && other.leaf().containing_oneof().as_ref() == Some(&oneof)
        };
        self.given.iter().find(conflicts).map(|other| format!("cannot be given together with {other}"))
    }
}

/// Every field of `message` that a parameter can name, in the order of declaration. A message is not entered again
/// inside itself.
pub(super) fn nameable(message: &MessageDescriptor) -> Vec<FieldPath> {
    let mut found = Vec::new();
    add_nameable(message, &mut Vec::new(), &mut vec![message.clone()], &mut found);
    found
}

fn add_nameable(
    message: &MessageDescriptor,
    parents: &mut Vec<FieldDescriptor>,
    enclosing: &mut Vec<MessageDescriptor>,
    found: &mut Vec<FieldPath>,
) {
    for field in declared_fields(message) {
        if is_single_text(&field) {
            found.push(FieldPath::below(parents, field));
            continue;
        }
        let Kind::Message(inner) = field.kind() else { continue };
        if !is_repeated(&field) && !enclosing.contains(&inner) {
            parents.push(field);
            enclosing.push(inner.clone());
            add_nameable(&inner, parents, enclosing, found);
            enclosing.pop();
            parents.pop();
        }
    }
}

/// Whether one text can be the field's value (for a repeated field: one of its values).
fn is_single_text(field: &FieldDescriptor) -> bool {
    match field.kind() {
        Kind::Message(message) => !field.is_map() && json::is_scalar(&message),
        _ => true,
    }
}
