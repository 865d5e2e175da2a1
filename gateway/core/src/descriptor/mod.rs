//! What a `FileDescriptorSet` says, as far as a gateway asks: names, types, comments, and options as they stand on the
//! wire.
//!
//! A descriptor is a place in the tables of its [`DescriptorPool`], which `read` makes once; a clone costs a reference
//! count. Two are equal if they are the same place of the same pool.

mod element;
mod enumeration;
mod error;
mod field;
mod message;
mod names;
mod pool;
mod read;
mod service;
mod source;
#[cfg(test)]
mod tests;

pub use self::{
    enumeration::EnumDescriptor,
    error::DescriptorError,
    field::{FieldDescriptor, Kind},
    message::MessageDescriptor,
    pool::DescriptorPool,
    service::{MethodDescriptor, ServiceDescriptor},
};
