//! Field tables, built once from the descriptors, so that no request needs to search the descriptors.

use std::{collections::HashMap, sync::Arc};

use prost_reflect::{DescriptorPool, FieldDescriptor, Kind as DescriptorKind, MessageDescriptor};

use super::kind::{Form, Kind, Leaf, Shape};
use crate::descriptor::declared_fields;

/// The field tables of all messages of a descriptor pool; clones share them.
#[derive(Clone, Debug)]
pub struct Schemas(Arc<Tables>);

impl Schemas {
    /// Builds the tables of every message in `pool`.
    pub fn new(pool: &DescriptorPool) -> Self {
        let by_name: HashMap<_, _> = pool
            .all_messages()
            .enumerate()
            .map(|(index, message)| (Box::from(message.full_name()), MessageId(index)))
            .collect();
        let messages = pool.all_messages().map(|message| Message::new(&message, &by_name)).collect();
        Self(Arc::new(Tables { messages, by_name }))
    }

    /// The schema of `message`; `None` if the message is from another pool.
    pub fn get(&self, message: &MessageDescriptor) -> Option<Schema> {
        self.named(message.full_name())
    }

    /// The schema of the message with that full name, as in `google.rpc.Status`.
    pub fn named(&self, full_name: &str) -> Option<Schema> {
        let id = self.0.find(full_name)?;
        Some(Schema { tables: Arc::clone(&self.0), id })
    }
}

/// How one message is read from JSON and written as JSON. A clone only increments a reference count.
#[derive(Clone, Debug)]
pub struct Schema {
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

/// The index of a message's table; valid only in the tables that it was made with.
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
        let mut declared = declared_fields(message);
        declared.retain(|field| !field.is_group());
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

/// The names in one message seldom have equal lengths, so most comparisons need only the length.
fn by_length(a: &str, b: &str) -> std::cmp::Ordering {
    a.len().cmp(&b.len()).then_with(|| a.cmp(b))
}

#[derive(Debug)]
pub(super) struct Field {
    /// The name in the `.proto` file, in snake case.
    pub(super) name: Box<str>,
    /// `"name":`, ready for the output.
    pub(super) json_key: Box<[u8]>,
    pub(super) number: u32,
    pub(super) kind: Kind,
    pub(super) shape: Shape,
    /// The index of the `oneof` in the message that this field is a member of.
    pub(super) oneof: Option<usize>,
}

impl Field {
    fn new(field: &FieldDescriptor, ids: &HashMap<Box<str>, MessageId>) -> Option<Self> {
        let kind = match field.kind() {
            DescriptorKind::Message(message) => Kind::Message(*ids.get(message.full_name())?),
            other => Kind::Leaf(Leaf::of(&other)?),
        };
        Some(Self {
            name: field.name().into(),
            json_key: format!("\"{}\":", field.name()).into_bytes().into(),
            number: field.number(),
            kind,
            shape: Shape::of(field),
            oneof: oneof_index(field),
        })
    }
}

/// The compiler puts each `optional` field into a synthetic oneof, which does not count.
fn oneof_index(field: &FieldDescriptor) -> Option<usize> {
    let oneof = field.containing_oneof().filter(|oneof| !oneof.is_synthetic())?;
    usize::try_from(*oneof.path().last()?).ok()
}
