//! Dotted field paths, resolved against descriptors.

use std::fmt;

use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};

use super::Problem;
use crate::{descriptor::is_repeated, fields, json, wire::Value};

/// A path to a field of a message, such as `image.id`. Every field before the last is a singular message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldPath {
    parents: Vec<FieldDescriptor>,
    leaf: FieldDescriptor,
}

impl FieldPath {
    /// Resolves a path from the contract itself, spelled as in the `.proto` file.
    ///
    /// # Errors
    /// If a field does not exist, or is not a message although the path continues after it.
    pub fn resolve(message: &MessageDescriptor, path: &str) -> Result<Self, Problem> {
        Self::walk(message, path, MessageDescriptor::get_field_by_name)
    }

    /// Resolves a path from a caller, spelled as in the `.proto` file or as in JSON (`pageSize`).
    /// `None` if there is no such field.
    #[must_use]
    pub fn lookup(message: &MessageDescriptor, path: &str) -> Option<Self> {
        let either = |m: &MessageDescriptor, name: &str| {
            m.get_field_by_name(name).or_else(|| m.get_field_by_json_name(name))
        };
        Self::walk(message, path, either).ok()
    }

    fn walk(
        message: &MessageDescriptor,
        path: &str,
        find: impl Fn(&MessageDescriptor, &str) -> Option<FieldDescriptor>,
    ) -> Result<Self, Problem> {
        let find = |message: &MessageDescriptor, name: &str| {
            find(message, name).ok_or_else(|| Problem::UnknownField {
                message: message.full_name().to_owned(),
                field: name.to_owned(),
            })
        };
        let mut names = path.split('.');
        let mut parents = Vec::new();
        let mut leaf = find(message, names.next().unwrap_or_default())?;
        for name in names {
            let inner = match leaf.kind() {
                Kind::Message(inner) if !is_repeated(&leaf) && !json::is_scalar(&inner) => inner,
                _ => {
                    return Err(Problem::field(
                        leaf.name(),
                        "a singular message, since the path continues after it",
                    ));
                }
            };
            let next = find(&inner, name)?;
            parents.push(std::mem::replace(&mut leaf, next));
        }
        Ok(Self { parents, leaf })
    }

    /// The path to `field` through `parents`, each of which is a field of the one before it.
    pub(super) fn below(parents: &[FieldDescriptor], field: FieldDescriptor) -> Self {
        Self { parents: parents.to_vec(), leaf: field }
    }

    /// The last field of the path.
    #[must_use]
    pub const fn leaf(&self) -> &FieldDescriptor {
        &self.leaf
    }

    /// The first field of the path: a field of the message that the path starts from.
    #[must_use]
    pub fn root(&self) -> &FieldDescriptor {
        self.parents.first().unwrap_or(&self.leaf)
    }

    /// The fields before the last one; all are messages.
    #[must_use]
    pub fn parents(&self) -> &[FieldDescriptor] {
        &self.parents
    }

    /// The path without its first field, as in `id` for `image.id`; `None` for a path of one field.
    #[must_use]
    pub fn below_root(&self) -> Option<Self> {
        let (_, parents) = self.parents.split_first()?;
        Some(Self { parents: parents.to_vec(), leaf: self.leaf.clone() })
    }

    /// The path with `field` in front, as in `image.id` for `id`.
    #[must_use]
    pub fn within(mut self, field: &FieldDescriptor) -> Self {
        self.parents.insert(0, field.clone());
        self
    }

    /// Appends the last field's wire bytes (tag included) to `out`, inside its parent messages.
    pub(super) fn put(&self, field: Vec<u8>, out: &mut Vec<u8>) {
        let wrap = |inner: Vec<u8>, parent: &FieldDescriptor| {
            let mut outer = Vec::with_capacity(inner.len() + fields::MAX_PREFIX);
            fields::put_bytes(parent.number(), &inner, &mut outer);
            outer
        };
        out.extend(self.parents.iter().rev().fold(field, wrap));
    }

    /// Appends the value of `text`, inside its parent messages.
    pub(super) fn put_text(&self, text: &str, out: &mut Vec<u8>) -> Result<(), String> {
        let mut field = Vec::new();
        json::scalar_to_wire(&self.leaf, text, &mut field)?;
        self.put(field, out);
        Ok(())
    }

    /// The last field's value in a message's wire bytes, as the text of a header: a string, an integer in decimal,
    /// or `true`. `None` if the field is unset, empty or zero, or if the bytes are not a message.
    #[must_use]
    pub fn read_text(&self, message: &[u8]) -> Option<String> {
        let value = self.read(message, &self.parents)?;
        let text = match (value, self.leaf.kind()) {
            (Value::Delimited(text), Kind::String) => std::str::from_utf8(text).ok()?.to_owned(),
            (Value::Varint(0), _) => return None,
            (Value::Varint(_), Kind::Bool) => "true".to_owned(),
            (Value::Varint(number), Kind::Uint32 | Kind::Uint64) => number.to_string(),
            (Value::Varint(number), Kind::Int32 | Kind::Int64) => number.cast_signed().to_string(),
            _ => return None,
        };
        (!text.is_empty()).then_some(text)
    }

    /// The last occurrence counts, at every level: protobuf merges repeated occurrences in this way.
    fn read<'a>(&self, message: &'a [u8], parents: &[FieldDescriptor]) -> Option<Value<'a>> {
        let Some((parent, below)) = parents.split_first() else {
            return fields::values(message, self.leaf.number()).last();
        };
        let inner = fields::values(message, parent.number()).filter_map(Value::bytes);
        inner.filter_map(|inner| self.read(inner, below)).last()
    }
}

impl fmt::Display for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for parent in &self.parents {
            write!(f, "{}.", parent.name())?;
        }
        f.write_str(self.leaf.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        contract::{Contract, fixture::shelves},
        fields::put_bytes,
    };

    fn path(contract: &Contract, message: &str, path: &str) -> Result<FieldPath, String> {
        let message = contract.pool().get_message_by_name(message).unwrap();
        FieldPath::resolve(&message, path).map_err(|problem| problem.to_string())
    }

    #[test]
    fn a_path_is_resolved_field_by_field() {
        let contract = shelves();
        let path = path(&contract, "routing.v1.UpdateRequest", "shelf.owner.id").unwrap();
        assert_eq!(path.leaf().full_name(), "routing.v1.Owner.id");
        assert_eq!(path.root().full_name(), "routing.v1.UpdateRequest.shelf");
        assert_eq!(path.to_string(), "shelf.owner.id");
        assert_eq!(path.below_root().unwrap().to_string(), "owner.id");
    }

    #[test]
    fn the_error_of_a_wrong_path_names_the_wrong_field() {
        let contract = shelves();
        let cases = [
            ("", "routing.v1.ListRequest has no field ``"),
            ("colour", "routing.v1.ListRequest has no field `colour`"),
            ("pageSize", "routing.v1.ListRequest has no field `pageSize`"),
            ("owner.colour", "routing.v1.Owner has no field `colour`"),
            ("owner.", "routing.v1.Owner has no field ``"),
            ("page_size.x", "`page_size` must be a singular message"),
            ("owners.id", "`owners` must be a singular message"),
            ("notes.key", "`notes` must be a singular message"),
        ];
        for (text, problem) in cases {
            let error = path(&contract, "routing.v1.ListRequest", text).unwrap_err();
            assert!(error.starts_with(problem), "{text}: {error}");
        }
    }

    #[test]
    fn a_value_is_read_as_text() {
        let contract = shelves();
        // id "o", etag "", page_count -1, trusted, picture "p", weight 2^64-1
        let owner = b"\x0a\x01o\x12\0\x18\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x20\x01\x2a\x01p\
            \x30\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01";
        let mut shelf = Vec::new();
        put_bytes(3, owner, &mut shelf);
        let read = |name: &str| path(&contract, "routing.v1.Shelf", name).unwrap().read_text(&shelf);
        assert_eq!(read("owner.id").as_deref(), Some("o"));
        assert_eq!(read("owner.etag"), None);
        assert_eq!(read("owner.page_count").as_deref(), Some("-1"));
        assert_eq!(read("owner.trusted").as_deref(), Some("true"));
        assert_eq!(read("owner.picture"), None);
        assert_eq!(read("owner.weight").as_deref(), Some("18446744073709551615"));
        assert_eq!(read("id"), None);
    }

    #[test]
    fn the_last_value_of_a_repeated_occurrence_counts() {
        let contract = shelves();
        let mut shelf = Vec::new();
        put_bytes(3, b"\x0a\x01a\x0a\x01b\x12\x01e", &mut shelf);
        put_bytes(3, b"\x0a\x01c", &mut shelf);
        let read = |name: &str| path(&contract, "routing.v1.Shelf", name).unwrap().read_text(&shelf);
        assert_eq!(read("owner.id").as_deref(), Some("c"));
        assert_eq!(read("owner.etag").as_deref(), Some("e"));
    }
}
