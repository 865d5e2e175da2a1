//! Messages.

use std::ops::Range;

use super::{
    FieldDescriptor,
    element::{Element, descriptor},
};

pub(super) struct Message {
    pub(super) element: Element,
    /// Indexes in the table of fields.
    pub(super) fields: Range<usize>,
    pub(super) is_map_entry: bool,
}

descriptor! {
    /// A message.
    MessageDescriptor in messages of Message
}

impl MessageDescriptor {
    /// The fields, in the order of their declaration.
    pub fn fields(&self) -> impl Iterator<Item = FieldDescriptor> + use<> {
        let pool = self.pool.clone();
        self.entry().fields.clone().map(move |index| FieldDescriptor { pool: pool.clone(), index })
    }

    /// The field with that number.
    #[must_use]
    pub fn get_field(&self, number: u32) -> Option<FieldDescriptor> {
        self.fields().find(|field| field.number() == number)
    }

    /// The field with that name, as the `.proto` file spells it.
    #[must_use]
    pub fn get_field_by_name(&self, name: &str) -> Option<FieldDescriptor> {
        self.fields().find(|field| field.name() == name)
    }

    /// The field with that name, as JSON spells it.
    #[must_use]
    pub fn get_field_by_json_name(&self, name: &str) -> Option<FieldDescriptor> {
        self.fields().find(|field| field.json_name() == name)
    }

    /// Whether the message is the entry type of a map field. Its field 1 is the key and field 2 the value.
    #[must_use]
    pub fn is_map_entry(&self) -> bool {
        self.entry().is_map_entry
    }
}
