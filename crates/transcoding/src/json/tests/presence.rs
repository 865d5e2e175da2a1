//! The list of fields in a body, for the field masks of PATCH.

use super::kinds;

fn present(json: &str) -> Vec<String> {
    super::super::to_wire(&kinds().schema("kinds.v1.Kinds"), json.as_bytes()).unwrap().present
}

#[test]
fn the_fields_of_a_body_are_listed_in_snake_case() {
    assert_eq!(
        present(r#"{"aDouble":1,"a_string":"","otherName":"x"}"#),
        ["a_double", "a_string", "renamed"]
    );
    assert!(present("{}").is_empty());
}

#[test]
fn a_null_field_is_listed() {
    assert_eq!(
        present(r#"{"a_double":null,"a_message":null,"doubles":null}"#),
        ["a_double", "a_message", "doubles"]
    );
}

#[test]
fn a_message_is_listed_by_its_fields_and_an_empty_one_by_its_name() {
    let json = r#"{"a_message":{"a_message":{"a_double":1,"a_bool":true},"a_string":""},"chosen_message":{},"an_empty":{}}"#;
    assert_eq!(
        present(json),
        [
            "a_message.a_message.a_double",
            "a_message.a_message.a_bool",
            "a_message.a_string",
            "chosen_message",
            "an_empty"
        ]
    );
}

#[test]
fn lists_maps_and_well_known_types_are_listed_as_a_whole() {
    let json = r#"{"messages":[{"a_double":1}],"messages_by_string":{"a":{"a_double":1}},"a_struct":{"b":{"c":1}},
        "a_value":{"d":1},"a_list":[{"e":1}],"a_time":"2026-05-01T12:00:00Z","a_mask":"x","wrapped_bool":true}"#;
    assert_eq!(
        present(json),
        [
            "messages",
            "messages_by_string",
            "a_struct",
            "a_value",
            "a_list",
            "a_time",
            "a_mask",
            "wrapped_bool"
        ]
    );
}

#[test]
fn fields_after_a_list_are_listed() {
    let json = r#"{"a_message":{"messages":[{}],"by_string":{},"a_double":1},"a_bool":true}"#;
    assert_eq!(present(json), ["a_message.messages", "a_message.by_string", "a_message.a_double", "a_bool"]);
}
