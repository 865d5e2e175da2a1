//! Messages.

use std::ops::Range;

use super::{
    FieldDescriptor,
    element::{Element, descriptor},
};

pub(super) struct Message {
    pub(super) element: Element,
    /// Places in the table of fields.
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

    /// The field of that number.
    #[must_use]
    pub fn get_field(&self, number: u32) -> Option<FieldDescriptor> {
        self.fields().find(|field| field.number() == number)
    }

    /// The field of that name, in the spelling of the `.proto` file.
    #[must_use]
    pub fn get_field_by_name(&self, name: &str) -> Option<FieldDescriptor> {
        self.fields().find(|field| field.name() == name)
    }

    /// The field of that name, in the spelling of JSON.
    #[must_use]
    pub fn get_field_by_json_name(&self, name: &str) -> Option<FieldDescriptor> {
        self.fields().find(|field| field.json_name() == name)
    }

    /// Whether it stands for an entry of a map: the key is field 1, the value field 2.
    #[must_use]
    pub fn is_map_entry(&self) -> bool {
        self.entry().is_map_entry
    }
}
