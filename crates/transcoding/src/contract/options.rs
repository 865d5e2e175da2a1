//! Reads custom options by their descriptors, without generated types.

use std::borrow::Cow;

use prost_reflect::{DynamicMessage, ReflectMessage as _, Value};

/// The value of an option, or of a message inside it.
pub(super) struct Options(DynamicMessage);

impl Options {
    /// The value of the extension with this full name in an element's `options`, if it is set.
    pub(super) fn read(options: &DynamicMessage, extension: &str) -> Option<Self> {
        let extension = options.descriptor().parent_pool().get_extension_by_name(extension)?;
        if !options.has_extension(&extension) {
            return None;
        }
        options.get_extension(&extension).as_message().cloned().map(Self)
    }

    /// A string; `None` if it is unset or empty.
    pub(super) fn text(&self, field: &str) -> Option<String> {
        self.set_value(field)?.as_str().filter(|text| !text.is_empty()).map(str::to_owned)
    }

    /// Whether the field is set. For a field without presence, its default value counts as unset.
    pub(super) fn is_set(&self, field: &str) -> bool {
        self.0.has_field_by_name(field)
    }

    pub(super) fn number(&self, field: &str) -> i32 {
        self.0.get_field_by_name(field).and_then(|value| value.as_i32()).unwrap_or_default()
    }

    /// A count; `None` if it is unset or 0.
    pub(super) fn count(&self, field: &str) -> Option<u32> {
        u32::try_from(self.number(field)).ok().filter(|count| *count > 0)
    }

    pub(super) fn double(&self, field: &str) -> Option<f64> {
        self.set_value(field)?.as_f64()
    }

    pub(super) fn flag(&self, field: &str) -> bool {
        self.0.get_field_by_name(field).and_then(|value| value.as_bool()).unwrap_or_default()
    }

    pub(super) fn message(&self, field: &str) -> Option<Self> {
        self.set_value(field)?.as_message().cloned().map(Self)
    }

    pub(super) fn messages(&self, field: &str) -> Vec<Self> {
        self.list(field, |value| value.as_message().cloned().map(Self))
    }

    pub(super) fn texts(&self, field: &str) -> Vec<String> {
        self.list(field, |value| value.as_str().map(str::to_owned))
    }

    /// The value of a field that is set.
    fn set_value(&self, field: &str) -> Option<Cow<'_, Value>> {
        self.is_set(field).then(|| self.0.get_field_by_name(field)).flatten()
    }

    fn list<T>(&self, field: &str, read: impl Fn(&Value) -> Option<T>) -> Vec<T> {
        let value = self.0.get_field_by_name(field);
        value.as_deref().and_then(Value::as_list).unwrap_or_default().iter().filter_map(read).collect()
    }
}
