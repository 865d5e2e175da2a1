mod hostile;
mod input;
mod oracle;
mod output;
mod presence;
mod random;
mod rejection;
mod text;

use std::sync::OnceLock;

use prost_reflect::{DescriptorPool, DynamicMessage, MessageDescriptor, prost::Message as _};

use super::{JsonError, Schema, Schemas};

/// The descriptors and field tables of a descriptor set.
struct Fixture {
    pool: DescriptorPool,
    schemas: Schemas,
}

impl Fixture {
    fn new(descriptor_set: &[u8]) -> Self {
        let pool = DescriptorPool::decode(descriptor_set).unwrap();
        Self { schemas: Schemas::new(&pool), pool }
    }

    fn descriptor(&self, full_name: &str) -> MessageDescriptor {
        self.pool.get_message_by_name(full_name).unwrap()
    }

    fn schema(&self, full_name: &str) -> Schema {
        self.schemas.named(full_name).unwrap()
    }
}

/// The real contract.
fn contract() -> &'static Fixture {
    static CONTRACT: OnceLock<Fixture> = OnceLock::new();
    CONTRACT.get_or_init(|| Fixture::new(proto::FILE_DESCRIPTOR_SET))
}

/// `testdata/kinds.proto`.
fn kinds() -> &'static Fixture {
    static KINDS: OnceLock<Fixture> = OnceLock::new();
    KINDS.get_or_init(|| {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/json/testdata");
        let mut compiler = protox::Compiler::new([folder]).unwrap();
        compiler.include_imports(true).open_file("kinds.proto").unwrap();
        Fixture::new(&compiler.encode_file_descriptor_set())
    })
}

/// Reads a JSON body for `kinds.v1.Kinds`.
fn read(json: impl AsRef<[u8]>) -> Result<DynamicMessage, JsonError> {
    let document = super::to_wire(&kinds().schema("kinds.v1.Kinds"), json.as_ref())?;
    Ok(decode(&document.wire))
}

fn decode(wire: &[u8]) -> DynamicMessage {
    DynamicMessage::decode(kinds().descriptor("kinds.v1.Kinds"), wire).unwrap()
}

/// The JSON of the message, by the oracle. (`Debug` does not end for recursive messages, because it follows descriptors.)
fn shown(message: &DynamicMessage) -> serde_json::Value {
    serde_json::to_value(message).unwrap()
}

/// The errors of a body: each violation as `field rule`, or why the body is not JSON.
fn error_messages(json: impl AsRef<[u8]>) -> Vec<String> {
    match read(json) {
        Ok(_) => Vec::new(),
        Err(JsonError::Syntax(reason)) => vec![reason],
        Err(error @ JsonError::TooLarge) => vec![error.to_string()],
        Err(JsonError::Fields(violations)) => violations
            .named()
            .iter()
            .map(|violation| format!("{} {}", violation.field, violation.description))
            .collect(),
    }
}

/// Writes a `kinds.v1.Kinds` as JSON.
fn write(wire: &[u8]) -> Result<String, super::WireError> {
    let mut json = Vec::new();
    super::to_json(&kinds().schema("kinds.v1.Kinds"), wire, &mut json)?;
    Ok(String::from_utf8(json).unwrap())
}

/// The wire bytes that prost-reflect, the oracle of these tests, makes of the same JSON.
fn expected(json: &str) -> Result<Vec<u8>, String> {
    let descriptor = kinds().descriptor("kinds.v1.Kinds");
    let mut input = serde_json::Deserializer::from_str(json);
    let message = DynamicMessage::deserialize(descriptor, &mut input).map_err(|error| error.to_string())?;
    input.end().map_err(|error| error.to_string())?;
    Ok(message.encode_to_vec())
}
