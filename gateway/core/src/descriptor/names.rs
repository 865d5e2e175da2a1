//! The names of all types. They are read first, because a type may be used before it is declared.

use std::collections::HashMap;

use super::{DescriptorError, source};
use crate::wire::{self, Malformed, Value};

/// A type, as an index in the tables.
#[derive(Clone, Copy)]
pub(super) enum Type {
    Message(usize),
    Enum(usize),
}

/// Every type of a set, by its full name. Indexes are assigned in the order in which `read` adds the types: a message
/// before the messages that it declares.
#[derive(Default)]
pub(super) struct Names {
    types: HashMap<String, Type>,
    messages: usize,
    enums: usize,
}

impl Names {
    pub(super) fn get(&self, full_name: &str) -> Option<Type> {
        self.types.get(full_name).copied()
    }

    /// The type that `element` refers to as `name`, as in `.google.rpc.Status`.
    pub(super) fn resolve(&self, element: &str, name: &str) -> Result<Type, DescriptorError> {
        let full_name = name.strip_prefix('.').unwrap_or(name);
        self.get(full_name).ok_or_else(|| DescriptorError::Unknown {
            element: element.to_owned(),
            name: full_name.to_owned(),
        })
    }

    /// Like [`Self::resolve`], for a type that must be a message.
    pub(super) fn message(&self, element: &str, name: &str) -> Result<usize, DescriptorError> {
        match self.resolve(element, name)? {
            Type::Message(index) => Ok(index),
            Type::Enum(_) => Err(DescriptorError::Malformed),
        }
    }

    /// Adds the types of a file.
    pub(super) fn add_file(&mut self, file: &[u8]) -> Result<(), Malformed> {
        let package = source::last_text(file, 2)?;
        for field in wire::Fields::of(file) {
            match field? {
                (4, Value::Bytes(message)) => self.add_message(message, &package)?,
                (5, Value::Bytes(of)) => self.add_enum(of, &package)?,
                _ => {}
            }
        }
        Ok(())
    }

    fn add_message(&mut self, message: &[u8], scope: &str) -> Result<(), Malformed> {
        let full_name = source::join(scope, &source::last_text(message, 1)?);
        self.types.insert(full_name.clone(), Type::Message(self.messages));
        self.messages += 1;
        for field in wire::Fields::of(message) {
            match field? {
                (3, Value::Bytes(nested)) => self.add_message(nested, &full_name)?,
                (4, Value::Bytes(of)) => self.add_enum(of, &full_name)?,
                _ => {}
            }
        }
        Ok(())
    }

    fn add_enum(&mut self, of: &[u8], scope: &str) -> Result<(), Malformed> {
        let full_name = source::join(scope, &source::last_text(of, 1)?);
        self.types.insert(full_name, Type::Enum(self.enums));
        self.enums += 1;
        Ok(())
    }
}
