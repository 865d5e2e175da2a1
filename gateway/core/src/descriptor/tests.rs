//! Compares our descriptors with those of prost-reflect, a complete implementation.

use prost_reflect as oracle;

use super::{DescriptorError, DescriptorPool, FieldDescriptor, Kind};

/// `json/testdata/kinds.proto`: every kind of field.
fn kinds() -> Vec<u8> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/json/testdata");
    let mut compiler = protox::Compiler::new([folder]).unwrap();
    compiler.include_imports(true).include_source_info(true).open_file("kinds.proto").unwrap();
    compiler.encode_file_descriptor_set()
}

/// The name of our kind, or of the message or enum that it refers to.
fn kind(kind: &Kind) -> String {
    match kind {
        Kind::Message(message) => message.full_name().to_owned(),
        Kind::Enum(of) => of.full_name().to_owned(),
        scalar => format!("{scalar:?}").to_lowercase(),
    }
}

fn oracle_kind(kind: &oracle::Kind) -> String {
    match kind {
        oracle::Kind::Message(message) => message.full_name().to_owned(),
        oracle::Kind::Enum(of) => of.full_name().to_owned(),
        scalar => format!("{scalar:?}").to_lowercase(),
    }
}

fn compare_fields(ours: &FieldDescriptor, theirs: &oracle::FieldDescriptor) {
    let name = theirs.full_name();
    assert_eq!((ours.name(), ours.full_name()), (theirs.name(), name));
    assert_eq!((ours.json_name(), ours.number()), (theirs.json_name(), theirs.number()), "{name}");
    assert_eq!(kind(&ours.kind()), oracle_kind(&theirs.kind()), "{name}");
    assert_eq!((ours.is_list(), ours.is_map()), (theirs.is_list(), theirs.is_map()), "{name}");
    assert_eq!((ours.is_packed(), ours.is_group()), (theirs.is_packed(), theirs.is_group()), "{name}");
    assert_eq!(ours.supports_presence(), theirs.supports_presence(), "{name}");
    let oneof = theirs.containing_oneof().filter(|oneof| !oneof.is_synthetic());
    assert_eq!(
        ours.oneof().map(|index| i32::try_from(index).unwrap()),
        oneof.map(|of| of.path()[of.path().len() - 1])
    );
}

#[test]
fn every_message_is_read_as_prost_reflect_reads_it() {
    for set in [kinds(), proto::FILE_DESCRIPTOR_SET.to_vec()] {
        let ours = DescriptorPool::decode(&set).unwrap();
        let theirs = oracle::DescriptorPool::decode(set.as_slice()).unwrap();
        assert_eq!(ours.all_messages().count(), theirs.all_messages().count());
        for theirs in theirs.all_messages() {
            let ours = ours.get_message_by_name(theirs.full_name()).unwrap();
            assert_eq!((ours.name(), ours.is_map_entry()), (theirs.name(), theirs.is_map_entry()));
            assert_eq!(ours.fields().count(), theirs.fields().count());
            for field in theirs.fields() {
                compare_fields(&ours.get_field(field.number()).unwrap(), &field);
            }
        }
    }
}

#[test]
fn every_enum_is_read_as_prost_reflect_reads_it() {
    let set = kinds();
    let ours = DescriptorPool::decode(&set).unwrap();
    let theirs = oracle::DescriptorPool::decode(set.as_slice()).unwrap();
    let kinds = ours.get_message_by_name("kinds.v1.Kinds").unwrap();
    let Kind::Enum(colour) = kinds.get_field_by_name("a_colour").unwrap().kind() else { panic!("an enum") };
    for value in theirs.get_enum_by_name("kinds.v1.Colour").unwrap().values() {
        assert_eq!(colour.number_of(value.name()), Some(value.number()));
        assert_eq!(colour.name_of(value.number()), Some(value.name()));
    }
    assert_eq!((colour.number_of("COLOUR_NONE"), colour.name_of(7)), (None, None));
    assert_eq!(colour.values().next(), Some("COLOUR_UNSPECIFIED"));
}

#[test]
fn every_method_is_read_as_prost_reflect_reads_it() {
    let ours = DescriptorPool::decode(proto::FILE_DESCRIPTOR_SET).unwrap();
    let theirs = oracle::DescriptorPool::decode(proto::FILE_DESCRIPTOR_SET).unwrap();
    assert!(ours.services().count() > 1);
    for (ours, theirs) in ours.services().zip(theirs.services()) {
        assert_eq!((ours.name(), ours.full_name()), (theirs.name(), theirs.full_name()));
        assert!(ours.methods().count() == theirs.methods().count() && !ours.comment().is_empty());
        for (ours, theirs) in ours.methods().zip(theirs.methods()) {
            let streaming = (ours.is_client_streaming(), ours.is_server_streaming());
            assert_eq!(ours.full_name(), theirs.full_name());
            assert_eq!(streaming, (theirs.is_client_streaming(), theirs.is_server_streaming()));
            assert_eq!(ours.input().full_name(), theirs.input().full_name());
            assert_eq!(ours.output().full_name(), theirs.output().full_name());
            assert!(!ours.comment().is_empty(), "{}", ours.full_name());
        }
    }
}

#[test]
fn a_set_without_its_imports_is_rejected_with_the_missing_type() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/json/testdata");
    let mut compiler = protox::Compiler::new([folder]).unwrap();
    compiler.include_imports(false).open_file("kinds.proto").unwrap();
    let error = DescriptorPool::decode(&compiler.encode_file_descriptor_set()).unwrap_err();
    assert!(matches!(error, DescriptorError::Unknown { .. }));
    assert!(error.to_string().starts_with("kinds.v1.Kinds.a_null has the type google.protobuf.NullValue"));
}

#[test]
fn bytes_that_are_not_a_set_are_rejected() {
    let mut cut = proto::FILE_DESCRIPTOR_SET.to_vec();
    cut.pop();
    for bytes in [&b"\xff"[..], b"\x0a\x02\x0a\xff", &cut] {
        assert_eq!(DescriptorPool::decode(bytes).unwrap_err(), DescriptorError::Malformed);
    }
}
