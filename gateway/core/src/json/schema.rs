//! Field tables, made once from the descriptors, so that no request asks a descriptor for a name or a number.

use std::{collections::HashMap, sync::Arc};

use prost_reflect::{
    Cardinality, DescriptorPool, EnumDescriptor, FieldDescriptor, Kind as DescriptorKind, MessageDescriptor,
};

use super::wire::WireType;

/// The field tables of all messages of a descriptor pool; clones share them.
#[derive(Clone, Debug)]
pub(crate) struct Schemas(Arc<Tables>);

impl Schemas {
    /// Makes the tables of every message in `pool`.
    pub(crate) fn new(pool: &DescriptorPool) -> Self {
        let by_name: HashMap<_, _> = pool
            .all_messages()
            .enumerate()
            .map(|(index, message)| (Box::from(message.full_name()), MessageId(index)))
            .collect();
        let messages = pool.all_messages().map(|message| Message::new(&message, &by_name)).collect();
        Self(Arc::new(Tables { messages, by_name }))
    }

    /// The schema of `message`; none if it is of another pool.
    pub(crate) fn get(&self, message: &MessageDescriptor) -> Option<Schema> {
        self.named(message.full_name())
    }

    /// The schema of the message with that full name, as in `google.rpc.Status`.
    pub(crate) fn named(&self, full_name: &str) -> Option<Schema> {
        let id = self.0.find(full_name)?;
        Some(Schema { tables: Arc::clone(&self.0), id })
    }
}

/// How one message is read from JSON and written as JSON; a clone costs a reference count.
#[derive(Clone, Debug)]
pub(crate) struct Schema {
    tables: Arc<Tables>,
    id: MessageId,
}

impl Schema {
    pub(super) fn tables(&self) -> &Tables {
        &self.tables
    }

    pub(super) fn message(&self) -> &Message {
        self.tables.message(self.id)
    }
}

/// Where a message's table is; valid in the tables that it was made with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct MessageId(usize);

#[derive(Debug)]
pub(super) struct Tables {
    messages: Vec<Message>,
    by_name: HashMap<Box<str>, MessageId>,
}

impl Tables {
    #[expect(clippy::indexing_slicing, reason = "an id is a position in the tables it was made with")]
    pub(super) fn message(&self, id: MessageId) -> &Message {
        &self.messages[id.0]
    }

    pub(super) fn find(&self, full_name: &str) -> Option<MessageId> {
        self.by_name.get(full_name).copied()
    }
}

/// One message's fields, in the order of their declaration.
#[derive(Debug)]
pub(super) struct Message {
    pub(super) form: Form,
    pub(super) fields: Vec<Field>,
    /// Both spellings of every name, sorted by length and then by bytes.
    names: Vec<(Box<str>, usize)>,
    /// Sorted by number.
    numbers: Vec<(u32, usize)>,
}

impl Message {
    fn new(message: &MessageDescriptor, ids: &HashMap<Box<str>, MessageId>) -> Self {
        let mut declared: Vec<_> = message.fields().filter(|field| !field.is_group()).collect();
        declared.sort_by_key(|field| field.path().last().copied());
        let fields: Vec<_> = declared.iter().filter_map(|field| Field::new(field, ids)).collect();

        let mut names: Vec<(Box<str>, usize)> = Vec::new();
        for (position, field) in declared.iter().enumerate() {
            names.push((field.name().into(), position));
            if field.json_name() != field.name() {
                names.push((field.json_name().into(), position));
            }
        }
        names.sort_by(|(a, _), (b, _)| by_length(a, b));
        let mut numbers: Vec<_> =
            fields.iter().enumerate().map(|(position, field)| (field.number, position)).collect();
        numbers.sort_unstable();
        Self { form: Form::of(message.full_name()), fields, names, numbers }
    }

    /// The position of the field with that name, in either spelling.
    pub(super) fn position_of_name(&self, name: &str) -> Option<usize> {
        let found = self.names.binary_search_by(|(candidate, _)| by_length(candidate, name)).ok()?;
        self.names.get(found).map(|(_, position)| *position)
    }

    /// The position of the field with that number.
    pub(super) fn position_of_number(&self, number: u32) -> Option<usize> {
        let found = self.numbers.binary_search_by_key(&number, |(candidate, _)| *candidate).ok()?;
        self.numbers.get(found).map(|(_, position)| *position)
    }
}

/// Names of one message seldom share a length, so most comparisons end at it.
fn by_length(a: &str, b: &str) -> std::cmp::Ordering {
    a.len().cmp(&b.len()).then_with(|| a.cmp(b))
}

#[derive(Debug)]
pub(super) struct Field {
    /// The proto's own name, in snake case.
    pub(super) name: Box<str>,
    /// `"name":`, ready to be written.
    pub(super) json_key: Box<[u8]>,
    pub(super) number: u32,
    pub(super) kind: Kind,
    pub(super) shape: Shape,
    /// Which `oneof` of the message it is a member of.
    pub(super) oneof: Option<usize>,
}

impl Field {
    fn new(field: &FieldDescriptor, ids: &HashMap<Box<str>, MessageId>) -> Option<Self> {
        let kind = match field.kind() {
            DescriptorKind::Message(message) => Kind::Message(*ids.get(message.full_name())?),
            other => Kind::Leaf(Leaf::of(&other)?),
        };
        let oneof = field.containing_oneof().filter(|oneof| !oneof.is_synthetic());
        Some(Self {
            name: field.name().into(),
            json_key: format!("\"{}\":", field.name()).into_bytes().into(),
            number: field.number(),
            kind,
            shape: Shape::of(field),
            oneof: oneof.and_then(|oneof| oneof.path().last().and_then(|index| usize::try_from(*index).ok())),
        })
    }
}

/// How many values a field holds, and what its absence means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// Absent and default are the same.
    Implicit,
    /// Absent is not the default: messages, `optional`, members of a `oneof`.
    Explicit,
    /// A list of numbers in one record.
    Packed,
    /// A list with a record for each value.
    Expanded,
    /// A list of entries: the field's kind is the entry message, with the key first and the value second.
    Map,
}

impl Shape {
    fn of(field: &FieldDescriptor) -> Self {
        if field.is_map() {
            Self::Map
        } else if field.cardinality() != Cardinality::Repeated {
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
    /// The leaf of a field's kind; none for messages.
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

/// The JSON that stands for a message: its fields, or the form of its own that a well-known type has.
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
}
