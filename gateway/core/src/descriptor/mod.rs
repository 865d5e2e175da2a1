//! Protobuf descriptors: the part of a `FileDescriptorSet` that the gateway uses. These are names, types, comments, and
//! options as raw wire bytes.
//!
//! A descriptor is an index into the tables of its [`DescriptorPool`], which `read` builds once. A clone only increments
//! a reference count. Two descriptors are equal if they have the same index in the same pool.

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
