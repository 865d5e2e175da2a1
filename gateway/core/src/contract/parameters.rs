//! Fields that a caller fills by name, one text each: query parameters and form parts.

use aip::Violation;
use prost_reflect::{Cardinality, FieldDescriptor, Kind, MessageDescriptor};

use super::{FieldPath, field_path::is_json_scalar};
use crate::json;

/// The parameters of one request, each checked against those ahead of it.
pub(super) struct Parameters<'m> {
    message: &'m MessageDescriptor,
    given: Vec<FieldPath>,
}

impl<'m> Parameters<'m> {
    /// Parameters that name fields of `message`.
    pub(super) const fn of(message: &'m MessageDescriptor) -> Self {
        Self { message, given: Vec::new() }
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
        if !fits_a_text(path.leaf()) {
            return Err(broken("cannot be given as a parameter: it is a message"));
        }
        if let Some(rule) = refuse(&path).or_else(|| self.clash(&path)) {
            return Err(broken(&rule));
        }
        let mut field = Vec::new();
        json::scalar_to_wire(path.leaf(), text, &mut field).map_err(|rule| broken(&rule))?;
        path.put(field, out);
        self.given.push(path);
        Ok(())
    }

    /// Whether a field was given.
    pub(super) fn has(&self, field: &FieldDescriptor) -> bool {
        self.given.iter().any(|path| path.root() == field)
    }

    fn clash(&self, path: &FieldPath) -> Option<String> {
        let is_singular = path.leaf().cardinality() != Cardinality::Repeated;
        if is_singular && self.given.contains(path) {
            return Some("is given more than once".to_owned());
        }
        let oneof = path.leaf().containing_oneof()?;
        let is_rival = |other: &&FieldPath| {
            other.parents() == path.parents()
                && other.leaf() != path.leaf()
                && other.leaf().containing_oneof().as_ref() == Some(&oneof)
        };
        self.given.iter().find(is_rival).map(|rival| format!("cannot be given together with {rival}"))
    }
}

/// Whether one text can hold the field's value (for a repeated field: one of its values).
pub(super) fn fits_a_text(field: &FieldDescriptor) -> bool {
    match field.kind() {
        Kind::Message(message) => !field.is_map() && is_json_scalar(&message),
        _ => true,
    }
}
