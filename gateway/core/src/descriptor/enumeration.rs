//! Enums.

use super::element::{Element, descriptor};

pub(super) struct Enum {
    pub(super) element: Element,
    pub(super) values: Vec<(String, i32)>,
}

descriptor! {
    /// An enum.
    EnumDescriptor in enums of Enum
}

impl EnumDescriptor {
    /// The names of its values, in the order of their declaration.
    pub fn values(&self) -> impl Iterator<Item = &str> {
        self.entry().values.iter().map(|(name, _)| name.as_str())
    }

    /// The number of the value with that name.
    #[must_use]
    pub fn number_of(&self, name: &str) -> Option<i32> {
        self.entry().values.iter().find(|(candidate, _)| candidate == name).map(|(_, number)| *number)
    }

    /// The name of the first value with that number.
    #[must_use]
    pub fn name_of(&self, number: i32) -> Option<&str> {
        let found = self.entry().values.iter().find(|(_, candidate)| *candidate == number);
        found.map(|(name, _)| name.as_str())
    }
}
