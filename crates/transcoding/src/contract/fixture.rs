//! Contracts for tests, compiled from `testdata/routing.proto` and additional declarations.

use std::{path::PathBuf, sync::OnceLock};

use prost_reflect::{DescriptorPool, DynamicMessage};
use protox::{
    Compiler,
    file::{ChainFileResolver, File, FileResolver, GoogleFileResolver, IncludeFileResolver},
};

use super::{Contract, ContractError};

const SOURCE: &str = include_str!("../../testdata/routing.proto");

/// The contract of `routing.proto`.
pub(super) fn shelves() -> Contract {
    contract("").unwrap()
}

/// The contract of `routing.proto` with `more` declarations at its end.
pub(super) fn contract(more: &str) -> Result<Contract, ContractError> {
    Contract::decode(&descriptor_set(more))
}

fn descriptor_set(more: &str) -> Vec<u8> {
    let mut resolver = ChainFileResolver::new();
    resolver.add(Source(format!("{SOURCE}\n{more}")));
    resolver
        .add(IncludeFileResolver::new(PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../proto"))));
    resolver.add(GoogleFileResolver::new());
    let mut compiler = Compiler::with_file_resolver(resolver);
    compiler.include_imports(true).open_file("routing.proto").unwrap();
    compiler.encode_file_descriptor_set()
}

/// The real contract.
pub(super) fn reticle() -> Contract {
    Contract::decode(proto::FILE_DESCRIPTOR_SET).unwrap()
}

/// Decodes the message with that name by prost-reflect.
pub(super) fn message(full_name: &str, wire: &[u8]) -> DynamicMessage {
    static POOL: OnceLock<DescriptorPool> = OnceLock::new();
    let pool = POOL.get_or_init(|| {
        let mut pool = DescriptorPool::decode(descriptor_set("").as_slice()).unwrap();
        pool.decode_file_descriptor_set(proto::FILE_DESCRIPTOR_SET).unwrap();
        pool
    });
    DynamicMessage::decode(pool.get_message_by_name(full_name).unwrap(), wire).unwrap()
}

struct Source(String);

impl FileResolver for Source {
    fn open_file(&self, name: &str) -> Result<File, protox::Error> {
        if name == "routing.proto" {
            return File::from_source(name, &self.0);
        }
        Err(protox::Error::file_not_found(name))
    }
}
