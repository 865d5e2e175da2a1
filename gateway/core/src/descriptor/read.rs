//! Builds the tables from the bytes of a descriptor set. The field numbers are those of `google/protobuf/descriptor.proto`.

use super::{
    DescriptorError, Kind,
    enumeration::Enum,
    field::{Field, ValueType},
    message::Message,
    names::Type,
    pool::{Extension, Tables},
    service::{Method, Service},
    source::{Source, join, last_text, text},
};
use crate::wire::{self, Value};

type Read<T> = Result<T, DescriptorError>;

const LABEL_REPEATED: u64 = 3;
const TYPE_GROUP: u64 = 10;

pub(super) fn tables(descriptor_set: &[u8]) -> Read<Tables> {
    let mut tables = Tables::default();
    for (_, file) in parts(descriptor_set, 1)? {
        tables.names.add_file(file)?;
    }
    for (_, file) in parts(descriptor_set, 1)? {
        let source = Source::read(file)?;
        let mut reader = Reader { tables: &mut tables, source: &source };
        reader.file(file)?;
    }
    Ok(tables)
}

/// The messages in one repeated field, each with its index.
fn parts(message: &[u8], number: u32) -> Read<Vec<(u64, &[u8])>> {
    let fields = wire::Fields::of(message).collect::<Result<Vec<_>, _>>()?;
    let of_number = fields.into_iter().filter(|(n, _)| *n == number);
    Ok((0..).zip(of_number.filter_map(|(_, value)| value.bytes())).collect())
}

struct Reader<'r> {
    tables: &'r mut Tables,
    source: &'r Source,
}

impl Reader<'_> {
    fn file(&mut self, file: &[u8]) -> Read<()> {
        let package = &self.source.package;
        for (index, message) in parts(file, 4)? {
            self.message(message, package, &[4, index])?;
        }
        for (index, of) in parts(file, 5)? {
            self.enumeration(of, package, &[5, index])?;
        }
        for (index, service) in parts(file, 6)? {
            self.service(service, package, &[6, index])?;
        }
        for (index, extension) in parts(file, 7)? {
            let field = self.field(extension, package, &[7, index])?;
            if let ValueType::Declared(Type::Message(message)) = field.value_type {
                let extension = Extension { number: field.number, message };
                self.tables.extensions.insert(field.element.full_name, extension);
            }
        }
        Ok(())
    }

    /// Adds a message before the messages that it declares: `Names` assigns indexes in the same order.
    fn message(&mut self, message: &[u8], scope: &str, path: &[u64]) -> Read<()> {
        let element = self.source.element(scope, last_text(message, 1)?, path);
        let full_name = element.full_name.clone();
        let first = self.tables.fields.len();
        for (index, field) in parts(message, 2)? {
            let field = self.field(field, &full_name, &below(path, 2, index))?;
            self.tables.fields.push(field);
        }
        let options = parts(message, 7)?;
        let is_map_entry = options.iter().any(|(_, options)| flag(options, 7));
        let fields = first..self.tables.fields.len();
        self.tables.messages.push(Message { element, fields, is_map_entry });
        for (index, nested) in parts(message, 3)? {
            self.message(nested, &full_name, &below(path, 3, index))?;
        }
        for (index, of) in parts(message, 4)? {
            self.enumeration(of, &full_name, &below(path, 4, index))?;
        }
        Ok(())
    }

    fn field(&self, field: &[u8], scope: &str, path: &[u64]) -> Read<Field> {
        let (mut name, mut json_name, mut type_name) = (String::new(), String::new(), String::new());
        let (mut number, mut label, mut type_number, mut oneof) = (0, 0, 0, None);
        let (mut options, mut is_optional) = (Vec::new(), false);
        for part in wire::Fields::of(field) {
            match part? {
                (1, Value::Bytes(bytes)) => name = text(bytes)?,
                (3, Value::Varint(value)) => number = value,
                (4, Value::Varint(value)) => label = value,
                (5, Value::Varint(value)) => type_number = value,
                (6, Value::Bytes(bytes)) => type_name = text(bytes)?,
                // A message field may occur more than once. Protobuf merges the occurrences by concatenation.
                (8, Value::Bytes(bytes)) => options.extend_from_slice(bytes),
                (9, Value::Varint(value)) => oneof = usize::try_from(value).ok(),
                (10, Value::Bytes(bytes)) => json_name = text(bytes)?,
                (17, Value::Varint(value)) => is_optional = value != 0,
                _ => {}
            }
        }
        let value_type = match Kind::scalar(type_number) {
            Some(kind) => ValueType::Scalar(kind),
            None => ValueType::Declared(self.tables.names.resolve(&join(scope, &name), &type_name)?),
        };
        let is_repeated = label == LABEL_REPEATED;
        let is_message = matches!(value_type, ValueType::Declared(Type::Message(_)));
        let is_packable = !is_message && !matches!(value_type, ValueType::Scalar(Kind::String | Kind::Bytes));
        let is_packed = varint(&options, 2).map_or(self.source.is_proto3, |packed| packed != 0);
        Ok(Field {
            element: self.source.element(scope, name, path),
            json_name,
            number: u32::try_from(number).map_err(|_| DescriptorError::Malformed)?,
            value_type,
            is_repeated,
            is_packed: is_repeated && is_packable && is_packed,
            is_group: type_number == TYPE_GROUP,
            supports_presence: oneof.is_some() || (!is_repeated && (is_message || !self.source.is_proto3)),
            // The compiler puts each `optional` field into a synthetic oneof.
            oneof: oneof.filter(|_| !is_optional),
            options,
        })
    }

    fn enumeration(&mut self, of: &[u8], scope: &str, path: &[u64]) -> Read<()> {
        let mut values = Vec::new();
        for (_, value) in parts(of, 2)? {
            let number = varint(value, 2).unwrap_or_default().cast_signed();
            let number = i32::try_from(number).map_err(|_| DescriptorError::Malformed)?;
            values.push((last_text(value, 1)?, number));
        }
        let element = self.source.element(scope, last_text(of, 1)?, path);
        self.tables.enums.push(Enum { element, values });
        Ok(())
    }

    fn service(&mut self, service: &[u8], scope: &str, path: &[u64]) -> Read<()> {
        let element = self.source.element(scope, last_text(service, 1)?, path);
        let first = self.tables.methods.len();
        for (index, method) in parts(service, 2)? {
            let method = self.method(method, &element.full_name, &below(path, 2, index))?;
            self.tables.methods.push(method);
        }
        let methods = first..self.tables.methods.len();
        self.tables.services.push(Service { element, methods, options: options(service, 3)? });
        Ok(())
    }

    fn method(&self, method: &[u8], scope: &str, path: &[u64]) -> Read<Method> {
        let element = self.source.element(scope, last_text(method, 1)?, path);
        let names = &self.tables.names;
        Ok(Method {
            service: self.tables.services.len(),
            input: names.message(&element.full_name, &last_text(method, 2)?)?,
            output: names.message(&element.full_name, &last_text(method, 3)?)?,
            is_client_streaming: flag(method, 5),
            is_server_streaming: flag(method, 6),
            options: options(method, 4)?,
            element,
        })
    }
}

fn below(path: &[u64], number: u64, index: u64) -> Vec<u64> {
    [path, &[number, index]].concat()
}

/// A message field may occur more than once. Protobuf merges the occurrences by concatenation.
fn options(message: &[u8], number: u32) -> Read<Vec<u8>> {
    let parts = parts(message, number)?;
    Ok(parts.into_iter().flat_map(|(_, options)| options).copied().collect())
}

fn varint(message: &[u8], number: u32) -> Option<u64> {
    wire::values(message, number).filter_map(Value::varint).last()
}

fn flag(message: &[u8], number: u32) -> bool {
    varint(message, number).is_some_and(|value| value != 0)
}
