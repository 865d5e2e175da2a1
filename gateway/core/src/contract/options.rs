//! Reads custom options by their descriptors, without generated types.

use crate::{
    descriptor::{DescriptorPool, FieldDescriptor, Kind, MessageDescriptor},
    wire::{self, Value},
};

/// The value of an option, or of a message inside it.
pub(super) struct Options {
    message: MessageDescriptor,
    wire: Vec<u8>,
}

impl Options {
    /// The value of the extension with this full name in an element's `options`, if it is set.
    pub(super) fn read(pool: &DescriptorPool, options: &[u8], extension: &str) -> Option<Self> {
        let (number, message) = pool.extension(extension)?;
        Self::merged(message, options, number)
    }

    /// A message field may occur more than once. Protobuf merges the occurrences by concatenation.
    fn merged(message: MessageDescriptor, wire: &[u8], number: u32) -> Option<Self> {
        let mut parts = wire::values(wire, number).filter_map(Value::bytes).peekable();
        parts.peek()?;
        Some(Self { message, wire: parts.flatten().copied().collect() })
    }

    /// A string; `None` if it is unset or empty.
    pub(super) fn text(&self, field: &str) -> Option<String> {
        self.texts(field).pop().filter(|text| !text.is_empty())
    }

    /// Whether the field is set, even to its default value.
    pub(super) fn is_set(&self, field: &str) -> bool {
        self.values(field).next().is_some()
    }

    pub(super) fn number(&self, field: &str) -> i32 {
        self.varint(field).and_then(|number| i32::try_from(number.cast_signed()).ok()).unwrap_or_default()
    }

    /// A count; `None` if it is unset or 0.
    pub(super) fn count(&self, field: &str) -> Option<u32> {
        u32::try_from(self.number(field)).ok().filter(|count| *count > 0)
    }

    pub(super) fn double(&self, field: &str) -> Option<f64> {
        self.values(field).filter_map(Value::double).last()
    }

    pub(super) fn flag(&self, field: &str) -> bool {
        self.varint(field).is_some_and(|flag| flag != 0)
    }

    pub(super) fn message(&self, field: &str) -> Option<Self> {
        let (field, message) = self.message_field(field)?;
        Self::merged(message, &self.wire, field.number())
    }

    pub(super) fn messages(&self, field: &str) -> Vec<Self> {
        let Some((field, message)) = self.message_field(field) else { return Vec::new() };
        let parts = wire::values(&self.wire, field.number()).filter_map(Value::bytes);
        parts.map(|part| Self { message: message.clone(), wire: part.to_vec() }).collect()
    }

    pub(super) fn texts(&self, field: &str) -> Vec<String> {
        let texts = self.values(field).filter_map(Value::bytes);
        texts.filter_map(|text| std::str::from_utf8(text).ok()).map(str::to_owned).collect()
    }

    fn varint(&self, field: &str) -> Option<u64> {
        self.values(field).filter_map(Value::varint).last()
    }

    fn message_field(&self, name: &str) -> Option<(FieldDescriptor, MessageDescriptor)> {
        let field = self.message.get_field_by_name(name)?;
        match field.kind() {
            Kind::Message(message) => Some((field, message)),
            _ => None,
        }
    }

    fn values(&self, field: &str) -> impl Iterator<Item = Value<'_>> {
        let number = self.message.get_field_by_name(field).map(|field| field.number());
        number.into_iter().flat_map(|number| wire::values(&self.wire, number))
    }
}
