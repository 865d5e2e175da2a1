//! Questions about descriptors that `prost-reflect` has no method for. It iterates over fields and enum values in the order
//! of their numbers, while JSON, parameters and the API description have the order of the declaration.

use prost_reflect::{Cardinality, EnumDescriptor, FieldDescriptor, MessageDescriptor};
use prost_types::EnumValueDescriptorProto;

/// The fields of `message`, in the order of their declaration.
pub(crate) fn declared_fields(message: &MessageDescriptor) -> Vec<FieldDescriptor> {
    let mut fields: Vec<_> = message.fields().collect();
    // The last number of a path is the position in the enclosing declaration.
    fields.sort_by_key(|field| field.path().last().copied());
    fields
}

/// Whether `field` is a list or a map.
pub(crate) fn is_repeated(field: &FieldDescriptor) -> bool {
    field.cardinality() == Cardinality::Repeated
}

/// The names of the values of an enum, in the order of their declaration.
pub(crate) fn value_names(of: &EnumDescriptor) -> impl Iterator<Item = &str> {
    of.enum_descriptor_proto().value.iter().map(EnumValueDescriptorProto::name)
}

/// The name of the first value with that number. `EnumDescriptor::get_value` finds any of them if there are several.
pub(crate) fn value_name(of: &EnumDescriptor, number: i32) -> Option<&str> {
    let mut values = of.enum_descriptor_proto().value.iter();
    values.find(|value| value.number() == number).map(EnumValueDescriptorProto::name)
}

#[cfg(test)]
mod tests {
    use prost_reflect::DescriptorPool;

    use super::*;

    const SOURCE: &str = r#"
        syntax = "proto3";
        enum Colour {
            option allow_alias = true;
            NONE = 0;
            RED = 2;
            BLUE = 1;
            AZURE = 1;
            CRIMSON = 2;
        }
        message Shelf {
            string name = 7;
            repeated Colour colours = 2;
            map<string, string> notes = 9;
            Colour colour = 1;
        }
    "#;

    fn pool() -> DescriptorPool {
        let file = protox::file::File::from_source("shelf.proto", SOURCE).unwrap();
        DescriptorPool::from_file_descriptor_set(prost_types::FileDescriptorSet {
            file: vec![file.file_descriptor_proto().clone()],
        })
        .unwrap()
    }

    #[test]
    fn fields_are_in_the_order_of_their_declaration() {
        let shelf = pool().get_message_by_name("Shelf").unwrap();
        let fields = declared_fields(&shelf);
        let names: Vec<_> = fields.iter().map(|field| (field.name(), is_repeated(field))).collect();
        assert_eq!(names, [("name", false), ("colours", true), ("notes", true), ("colour", false)]);
    }

    #[test]
    fn the_values_of_an_enum_are_in_the_order_of_their_declaration() {
        let colour = pool().get_enum_by_name("Colour").unwrap();
        assert_eq!(value_names(&colour).collect::<Vec<_>>(), ["NONE", "RED", "BLUE", "AZURE", "CRIMSON"]);
    }

    #[test]
    fn a_number_with_several_names_has_the_first_one() {
        let colour = pool().get_enum_by_name("Colour").unwrap();
        let names = [0, 1, 2, 3].map(|number| value_name(&colour, number));
        assert_eq!(names, [Some("NONE"), Some("BLUE"), Some("RED"), None]);
    }
}
