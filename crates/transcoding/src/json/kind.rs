//! The types and shapes of fields.

use prost_reflect::{EnumDescriptor, FieldDescriptor, Kind as DescriptorKind};

use super::{schema::MessageId, wire::WireType};
use crate::descriptor::is_repeated;

/// How many values a field has, and what its absence means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// An absent value is the same as the default value.
    Implicit,
    /// An absent value differs from the default value: messages, `optional` fields, members of a `oneof`.
    Explicit,
    /// A list of numbers in one record.
    Packed,
    /// A list with a record for each value.
    Expanded,
    /// A list of entries: the field's kind is the entry message, with the key first and the value second.
    Map,
}

impl Shape {
    pub(super) fn of(field: &FieldDescriptor) -> Self {
        if field.is_map() {
            Self::Map
        } else if !is_repeated(field) {
            if field.supports_presence() { Self::Explicit } else { Self::Implicit }
        } else if field.is_packed() {
            Self::Packed
        } else {
            Self::Expanded
        }
    }
}

/// The type of one value.
#[derive(Debug)]
pub(super) enum Kind {
    Leaf(Leaf),
    Message(MessageId),
}

/// The scalar types, and enums.
#[derive(Clone, Debug)]
pub(super) enum Leaf {
    Double,
    Float,
    Int32,
    Int64,
    Uint32,
    Uint64,
    Sint32,
    Sint64,
    Fixed32,
    Fixed64,
    Sfixed32,
    Sfixed64,
    Bool,
    String,
    Bytes,
    Enum(EnumDescriptor),
    /// `google.protobuf.NullValue`: JSON's `null`.
    Null,
}

impl Leaf {
    /// The leaf for a field's kind; `None` for messages.
    pub(super) fn of(kind: &DescriptorKind) -> Option<Self> {
        Some(match kind {
            DescriptorKind::Double => Self::Double,
            DescriptorKind::Float => Self::Float,
            DescriptorKind::Int32 => Self::Int32,
            DescriptorKind::Int64 => Self::Int64,
            DescriptorKind::Uint32 => Self::Uint32,
            DescriptorKind::Uint64 => Self::Uint64,
            DescriptorKind::Sint32 => Self::Sint32,
            DescriptorKind::Sint64 => Self::Sint64,
            DescriptorKind::Fixed32 => Self::Fixed32,
            DescriptorKind::Fixed64 => Self::Fixed64,
            DescriptorKind::Sfixed32 => Self::Sfixed32,
            DescriptorKind::Sfixed64 => Self::Sfixed64,
            DescriptorKind::Bool => Self::Bool,
            DescriptorKind::String => Self::String,
            DescriptorKind::Bytes => Self::Bytes,
            DescriptorKind::Enum(of) if of.full_name() == "google.protobuf.NullValue" => Self::Null,
            DescriptorKind::Enum(of) => Self::Enum(of.clone()),
            DescriptorKind::Message(_) => return None,
        })
    }

    pub(super) const fn wire_type(&self) -> WireType {
        match self {
            Self::Double | Self::Fixed64 | Self::Sfixed64 => WireType::Fixed64,
            Self::Float | Self::Fixed32 | Self::Sfixed32 => WireType::Fixed32,
            Self::String | Self::Bytes => WireType::Delimited,
            Self::Int32
            | Self::Int64
            | Self::Uint32
            | Self::Uint64
            | Self::Sint32
            | Self::Sint64
            | Self::Bool
            | Self::Enum(_)
            | Self::Null => WireType::Varint,
        }
    }
}

/// The JSON form of a message: an object with its fields, or the special form of a well-known type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Fields,
    Timestamp,
    Duration,
    FieldMask,
    Struct,
    Value,
    ListValue,
    Wrapper,
    Any,
}

impl Form {
    pub(super) fn of(full_name: &str) -> Self {
        match full_name.strip_prefix("google.protobuf.") {
            Some("Timestamp") => Self::Timestamp,
            Some("Duration") => Self::Duration,
            Some("FieldMask") => Self::FieldMask,
            Some("Struct") => Self::Struct,
            Some("Value") => Self::Value,
            Some("ListValue") => Self::ListValue,
            Some("Any") => Self::Any,
            Some(
                "DoubleValue" | "FloatValue" | "Int64Value" | "UInt64Value" | "Int32Value" | "UInt32Value"
                | "BoolValue" | "StringValue" | "BytesValue",
            ) => Self::Wrapper,
            _ => Self::Fields,
        }
    }

    /// Whether the form is one string, number or boolean.
    pub(super) const fn is_scalar(self) -> bool {
        match self {
            Self::Timestamp | Self::Duration | Self::FieldMask | Self::Wrapper => true,
            Self::Fields | Self::Struct | Self::Value | Self::ListValue | Self::Any => false,
        }
    }
}
