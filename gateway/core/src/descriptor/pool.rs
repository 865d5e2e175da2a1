//! All descriptors of a descriptor set.

use std::{collections::HashMap, fmt, sync::Arc};

use super::{
    DescriptorError, MessageDescriptor, ServiceDescriptor,
    enumeration::Enum,
    field::Field,
    message::Message,
    names::{Names, Type},
    read,
    service::{Method, Service},
};

/// All declarations of a descriptor set. Clones share them.
#[derive(Clone)]
pub struct DescriptorPool(Arc<Tables>);

/// The declarations, each kind in the order of the files.
#[derive(Default)]
pub(super) struct Tables {
    pub(super) names: Names,
    pub(super) messages: Vec<Message>,
    pub(super) fields: Vec<Field>,
    pub(super) enums: Vec<Enum>,
    pub(super) services: Vec<Service>,
    pub(super) methods: Vec<Method>,
    /// The extensions whose value is a message, by their full names.
    pub(super) extensions: HashMap<String, Extension>,
}

/// A field that is added to messages declared elsewhere.
#[derive(Clone, Copy)]
pub(super) struct Extension {
    pub(super) number: u32,
    pub(super) message: usize,
}

impl DescriptorPool {
    /// Reads a serialized `FileDescriptorSet`, which must include its imports.
    ///
    /// # Errors
    /// [`DescriptorError`] if the bytes are not a descriptor set, or if a type is missing.
    pub fn decode(descriptor_set: &[u8]) -> Result<Self, DescriptorError> {
        read::tables(descriptor_set).map(|tables| Self(Arc::new(tables)))
    }

    pub(super) fn tables(&self) -> &Tables {
        &self.0
    }

    pub(super) fn message(&self, index: usize) -> MessageDescriptor {
        MessageDescriptor { pool: self.clone(), index }
    }

    /// Every service.
    pub fn services(&self) -> impl Iterator<Item = ServiceDescriptor> + '_ {
        (0..self.0.services.len()).map(|index| ServiceDescriptor { pool: self.clone(), index })
    }

    /// Every message, nested ones included.
    pub fn all_messages(&self) -> impl Iterator<Item = MessageDescriptor> + '_ {
        (0..self.0.messages.len()).map(|index| self.message(index))
    }

    /// The message with that full name.
    #[must_use]
    pub fn get_message_by_name(&self, full_name: &str) -> Option<MessageDescriptor> {
        match self.0.names.get(full_name)? {
            Type::Message(index) => Some(self.message(index)),
            Type::Enum(_) => None,
        }
    }

    /// The field number and the message type of the extension with that full name.
    #[must_use]
    pub fn extension(&self, full_name: &str) -> Option<(u32, MessageDescriptor)> {
        let Extension { number, message } = *self.0.extensions.get(full_name)?;
        Some((number, self.message(message)))
    }
}

impl PartialEq for DescriptorPool {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for DescriptorPool {}

impl fmt::Debug for DescriptorPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DescriptorPool").finish_non_exhaustive()
    }
}
