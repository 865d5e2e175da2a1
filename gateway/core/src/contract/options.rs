//! Custom options, read from descriptors as dynamic messages: no generated type has to know them.

use prost_reflect::{DescriptorPool, DynamicMessage, Value};

/// The value of an option, or of a message inside it.
pub(super) struct Options(DynamicMessage);

impl Options {
    /// The option that the extension of this full name sets on an element, if it sets one.
    pub(super) fn read(pool: &DescriptorPool, element: &DynamicMessage, extension: &str) -> Option<Self> {
        let extension = pool.get_extension_by_name(extension)?;
        if !element.has_extension(&extension) {
            return None;
        }
        element.get_extension(&extension).as_message().cloned().map(Self)
    }

    /// A text; `None` where it is unset or empty.
    pub(super) fn text(&self, field: &str) -> Option<String> {
        let value = self.0.get_field_by_name(field)?;
        value.as_str().filter(|text| !text.is_empty()).map(str::to_owned)
    }

    /// The member of a oneof of texts that is set, whatever it holds.
    pub(super) fn is_set(&self, field: &str) -> bool {
        self.0.has_field_by_name(field)
    }

    pub(super) fn number(&self, field: &str) -> i32 {
        self.0.get_field_by_name(field).and_then(|value| value.as_i32()).unwrap_or_default()
    }

    pub(super) fn flag(&self, field: &str) -> bool {
        self.0.get_field_by_name(field).and_then(|value| value.as_bool()).unwrap_or_default()
    }

    pub(super) fn message(&self, field: &str) -> Option<Self> {
        if !self.is_set(field) {
            return None;
        }
        self.0.get_field_by_name(field)?.as_message().cloned().map(Self)
    }

    pub(super) fn messages(&self, field: &str) -> Vec<Self> {
        self.list(field, |value| value.as_message().cloned().map(Self))
    }

    pub(super) fn texts(&self, field: &str) -> Vec<String> {
        self.list(field, |value| value.as_str().map(str::to_owned))
    }

    fn list<T>(&self, field: &str, read: impl Fn(&Value) -> Option<T>) -> Vec<T> {
        let value = self.0.get_field_by_name(field);
        value.as_deref().and_then(Value::as_list).unwrap_or_default().iter().filter_map(read).collect()
    }
}
