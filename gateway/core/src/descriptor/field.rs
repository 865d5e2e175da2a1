//! Fields, and what they hold.

use super::{
    DescriptorPool, EnumDescriptor, MessageDescriptor,
    element::{Element, descriptor},
    names::Type,
};

pub(super) struct Field {
    pub(super) element: Element,
    pub(super) json_name: String,
    pub(super) number: u32,
    pub(super) holds: Holds,
    pub(super) is_repeated: bool,
    pub(super) is_packed: bool,
    pub(super) is_group: bool,
    pub(super) supports_presence: bool,
    pub(super) oneof: Option<usize>,
    pub(super) options: Vec<u8>,
}

/// What a field holds, as the tables say it.
pub(super) enum Holds {
    /// Neither a message nor an enum.
    Scalar(Kind),
    Type(Type),
}

/// The type of a field's values.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "they are called as in .proto files")]
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
    /// The kind of a `FieldDescriptorProto.Type`; none for messages and enums, and for numbers that are no type.
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
    /// The name as JSON spells it.
    #[must_use]
    pub fn json_name(&self) -> &str {
        &self.entry().json_name
    }

    /// The number on the wire.
    #[must_use]
    pub fn number(&self) -> u32 {
        self.entry().number
    }

    /// What each of its values is.
    #[must_use]
    pub fn kind(&self) -> Kind {
        let pool = self.pool.clone();
        match &self.entry().holds {
            Holds::Scalar(kind) => kind.clone(),
            Holds::Type(Type::Message(index)) => Kind::Message(MessageDescriptor { pool, index: *index }),
            Holds::Type(Type::Enum(index)) => Kind::Enum(EnumDescriptor { pool, index: *index }),
        }
    }

    /// Whether it can have more than one value: a list or a map.
    #[must_use]
    pub fn is_repeated(&self) -> bool {
        self.entry().is_repeated
    }

    /// Whether its values are the entries of a map.
    #[must_use]
    pub fn is_map(&self) -> bool {
        self.is_repeated() && self.kind().as_message().is_some_and(MessageDescriptor::is_map_entry)
    }

    /// Whether its values are those of a list.
    #[must_use]
    pub fn is_list(&self) -> bool {
        self.is_repeated() && !self.is_map()
    }

    /// Whether a list is written as one record.
    #[must_use]
    pub fn is_packed(&self) -> bool {
        self.entry().is_packed
    }

    /// Whether it is a message in proto2's old spelling.
    #[must_use]
    pub fn is_group(&self) -> bool {
        self.entry().is_group
    }

    /// Whether a value that is absent differs from the default.
    #[must_use]
    pub fn supports_presence(&self) -> bool {
        self.entry().supports_presence
    }

    /// The descriptors that it is one of.
    #[must_use]
    pub const fn parent_pool(&self) -> &DescriptorPool {
        &self.pool
    }

    /// The wire bytes of its options.
    #[must_use]
    pub fn options(&self) -> &[u8] {
        &self.entry().options
    }

    /// Which `oneof` of its message it is a member of.
    #[must_use]
    pub fn oneof(&self) -> Option<usize> {
        self.entry().oneof
    }
}
