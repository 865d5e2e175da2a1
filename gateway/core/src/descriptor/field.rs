//! Fields and the types of their values.

use super::{
    DescriptorPool, EnumDescriptor, MessageDescriptor,
    element::{Element, descriptor},
    names::Type,
};

pub(super) struct Field {
    pub(super) element: Element,
    pub(super) json_name: String,
    pub(super) number: u32,
    pub(super) value_type: ValueType,
    pub(super) is_repeated: bool,
    pub(super) is_packed: bool,
    pub(super) is_group: bool,
    pub(super) supports_presence: bool,
    pub(super) oneof: Option<usize>,
    pub(super) options: Vec<u8>,
}

/// The type of a field's values, as the tables store it.
pub(super) enum ValueType {
    /// Neither a message nor an enum.
    Scalar(Kind),
    /// A message or an enum of the set.
    Declared(Type),
}

/// The type of a field's values.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are those of .proto files")]
pub enum Kind {
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
    Message(MessageDescriptor),
    Enum(EnumDescriptor),
}

impl Kind {
    /// The kind for a `FieldDescriptorProto.Type`; `None` for messages, enums and unknown numbers.
    pub(super) const fn scalar(number: u64) -> Option<Self> {
        Some(match number {
            1 => Self::Double,
            2 => Self::Float,
            3 => Self::Int64,
            4 => Self::Uint64,
            5 => Self::Int32,
            6 => Self::Fixed64,
            7 => Self::Fixed32,
            8 => Self::Bool,
            9 => Self::String,
            12 => Self::Bytes,
            13 => Self::Uint32,
            15 => Self::Sfixed32,
            16 => Self::Sfixed64,
            17 => Self::Sint32,
            18 => Self::Sint64,
            _ => return None,
        })
    }

    /// The message, if it is one.
    #[must_use]
    pub const fn as_message(&self) -> Option<&MessageDescriptor> {
        match self {
            Self::Message(message) => Some(message),
            _ => None,
        }
    }
}

descriptor! {
    /// A field of a message.
    FieldDescriptor in fields of Field
}

impl FieldDescriptor {
    /// The field's name in JSON.
    #[must_use]
    pub fn json_name(&self) -> &str {
        &self.entry().json_name
    }

    /// The number on the wire.
    #[must_use]
    pub fn number(&self) -> u32 {
        self.entry().number
    }

    /// The type of each value.
    #[must_use]
    pub fn kind(&self) -> Kind {
        let pool = self.pool.clone();
        match &self.entry().value_type {
            ValueType::Scalar(kind) => kind.clone(),
            ValueType::Declared(Type::Message(index)) => {
                Kind::Message(MessageDescriptor { pool, index: *index })
            }
            ValueType::Declared(Type::Enum(index)) => Kind::Enum(EnumDescriptor { pool, index: *index }),
        }
    }

    /// Whether the field is a list or a map.
    #[must_use]
    pub fn is_repeated(&self) -> bool {
        self.entry().is_repeated
    }

    /// Whether the field is a map.
    #[must_use]
    pub fn is_map(&self) -> bool {
        self.is_repeated() && self.kind().as_message().is_some_and(MessageDescriptor::is_map_entry)
    }

    /// Whether the field is repeated and not a map.
    #[must_use]
    pub fn is_list(&self) -> bool {
        self.is_repeated() && !self.is_map()
    }

    /// Whether the values of a list are written as one record.
    #[must_use]
    pub fn is_packed(&self) -> bool {
        self.entry().is_packed
    }

    /// Whether the field is a group, the deprecated form of a message field in proto2.
    #[must_use]
    pub fn is_group(&self) -> bool {
        self.entry().is_group
    }

    /// Whether an absent value differs from the default value.
    #[must_use]
    pub fn supports_presence(&self) -> bool {
        self.entry().supports_presence
    }

    /// The pool of this descriptor.
    #[must_use]
    pub const fn parent_pool(&self) -> &DescriptorPool {
        &self.pool
    }

    /// The wire bytes of the field's `google.protobuf.FieldOptions`.
    #[must_use]
    pub fn options(&self) -> &[u8] {
        &self.entry().options
    }

    /// The index of the `oneof` in the message that this field is a member of.
    #[must_use]
    pub fn oneof(&self) -> Option<usize> {
        self.entry().oneof
    }
}
