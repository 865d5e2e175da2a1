//! Converts wire bytes to JSON.

use prost_reflect::prost::{Message as _, encoding};

use super::{contract, expected, write};
use crate::json::{WireError, wire};

/// A record with a varint.
fn varint(number: u32, value: u64) -> Vec<u8> {
    let mut out = Vec::new();
    wire::put_tag(&mut out, number, wire::WireType::Varint);
    wire::put_varint(&mut out, value);
    out
}

/// A record with bytes.
fn bytes(number: u32, content: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    wire::put_tag(&mut out, number, wire::WireType::Delimited);
    wire::put_delimited(&mut out, content);
    out
}

fn member(json: &str, name: &str) -> serde_json::Value {
    let mut object: serde_json::Map<String, serde_json::Value> = serde_json::from_str(json).unwrap();
    object.remove(name).unwrap_or_else(|| panic!("no {name} in {json}"))
}

#[test]
fn defaults_are_written_and_unset_optionals_are_not() {
    let json = write(&[]).unwrap();
    let start = r#"{"a_double":0.0,"a_float":0.0,"an_int32":0,"an_int64":"0","a_uint32":0,"a_uint64":"0","a_sint32":0,"a_sint64":"0","a_fixed32":0,"a_fixed64":"0","an_sfixed32":0,"an_sfixed64":"0","a_bool":false,"a_string":"","some_bytes":"","a_colour":"COLOUR_UNSPECIFIED","a_null":null,"doubles":[],"#;
    assert!(json.starts_with(start), "{json}");
    assert!(json.ends_with(r#""values_by_string":{},"out_of_order":"","renamed":""}"#), "{json}");
    for absent in ["maybe_double", "a_message", "chosen_int32", "a_time", "wrapped_bool"] {
        assert!(!json.contains(absent), "{absent}");
    }
}

#[test]
fn set_optionals_are_written_even_if_they_are_defaults() {
    let json = write(
        &expected(r#"{"maybe_double":0,"maybe_string":"","chosen_int32":0,"wrapped_bool":false}"#).unwrap(),
    )
    .unwrap();
    for present in
        [r#""maybe_double":0.0"#, r#""maybe_string":"""#, r#""chosen_int32":0"#, r#""wrapped_bool":false"#]
    {
        assert!(json.contains(present), "{present}");
    }
}

#[test]
fn the_last_record_of_a_scalar_counts() {
    let json = write(&[varint(3, 1), varint(99_999, 7), varint(3, 2)].concat()).unwrap();
    assert_eq!(member(&json, "an_int32"), 2);
}

#[test]
fn a_list_may_be_split_packed_and_unpacked() {
    let wire = [bytes(33, &[1, 2]), varint(3, 9), varint(33, 3), bytes(33, &[]), bytes(33, &[4])].concat();
    assert_eq!(member(&write(&wire).unwrap(), "int32s"), serde_json::json!([1, 2, 3, 4]));
    let wire = [bytes(37, b"a"), varint(3, 9), bytes(37, b"b")].concat();
    assert_eq!(member(&write(&wire).unwrap(), "strings"), serde_json::json!(["a", "b"]));
}

#[test]
fn the_parts_of_a_message_are_merged() {
    let wire =
        [bytes(18, &varint(3, 1)), varint(3, 9), bytes(18, &varint(5, 2)), bytes(18, &varint(3, 4))].concat();
    let message = member(&write(&wire).unwrap(), "a_message");
    assert_eq!((&message["an_int32"], &message["a_uint32"]), (&4.into(), &2.into()));
}

#[test]
fn the_last_member_of_a_oneof_unsets_the_others() {
    let message = |number| bytes(63, &varint(number, 5));
    let json = write(&[message(3), varint(61, 1)].concat()).unwrap();
    assert!(json.contains(r#""chosen_int32":1"#) && !json.contains("chosen_message"), "{json}");
    // The fields that the message had before the other member was set are cleared too.
    let json = write(&[message(3), varint(61, 1), message(5)].concat()).unwrap();
    let chosen = member(&json, "chosen_message");
    assert_eq!((&chosen["an_int32"], &chosen["a_uint32"]), (&0.into(), &5.into()));
}

#[test]
fn the_last_entry_of_a_key_counts_and_keys_are_sorted() {
    let entry =
        |key: &str, value: &str| bytes(51, &[bytes(1, key.as_bytes()), bytes(2, value.as_bytes())].concat());
    let json = write(&[entry("b", "1"), entry("a", "2"), entry("b", "3"), bytes(51, &[])].concat()).unwrap();
    assert!(json.contains(r#""by_string":{"":"","a":"2","b":"3"}"#), "{json}");
}

#[test]
fn numbers_survive_a_round_trip() {
    for value in [0.1, -0.0, 1.0, 1e300, 5e-324, 0.30000000000000004, f64::MAX, 123_456_789.125] {
        let mut wire = Vec::new();
        encoding::double::encode(1, &value, &mut wire);
        let json = write(&wire).unwrap();
        assert_eq!(member(&json, "a_double").as_f64().unwrap().to_bits(), value.to_bits(), "{json}");
    }
    for (value, text) in [(f64::NAN, "NaN"), (f64::INFINITY, "Infinity"), (f64::NEG_INFINITY, "-Infinity")] {
        let mut wire = Vec::new();
        encoding::double::encode(1, &value, &mut wire);
        assert_eq!(member(&write(&wire).unwrap(), "a_double"), text);
    }
}

#[test]
fn strings_are_escaped() {
    let text: String =
        (0..0x80).map(|code| char::from(u8::try_from(code).unwrap())).chain("é😀\u{2028}".chars()).collect();
    let json = write(&bytes(14, text.as_bytes())).unwrap();
    assert_eq!(member(&json, "a_string"), text);
}

#[test]
fn unknown_enum_numbers_stay_numbers() {
    assert_eq!(member(&write(&varint(16, 77)).unwrap(), "a_colour"), 77);
    assert_eq!(member(&write(&varint(16, u64::MAX)).unwrap(), "a_colour"), "COLOUR_NEGATIVE");
}

#[test]
fn unknown_fields_are_skipped() {
    let group = [&[0xab, 0x06][..], &varint(1, 1), &[0xb3, 0x06, 0xb4, 0x06], &[0xac, 0x06]].concat();
    let wire = [bytes(2000, b"x"), group, varint(3, 5)].concat();
    assert_eq!(member(&write(&wire).unwrap(), "an_int32"), 5);
}

#[test]
fn malformed_bytes_are_an_error_and_leave_the_output_unchanged() {
    for wire in [
        &[0x80][..],                                                         // a truncated tag
        &[0x18],                                                             // no value
        &[0x18, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02], // 66 bits
        &[0x00, 0x00],                                                       // field number 0
        &[0x09, 0, 0, 0],                                                    // a short double
        &[0x72, 0x05, b'x'],                                                 // a short string
        &[0x72, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01], // a length past the end of memory
        &[0x72, 0x01, 0xff],                                                 // not UTF-8
        &[0x70, 0x01],                                                       // a string as a varint
        &[0x1a, 0x01, 0x01],                                                 // an int32 as bytes
        &[0x0e],                                                             // wire type 6
        &[0x0c],                                                             // a group's end
        &[0xab, 0x06],                                                       // a group without an end
        &[0x8a, 0x02, 0x01, 0x80],                                           // a truncated packed value
    ] {
        assert!(write(wire).is_err(), "{wire:x?}");
    }
    let mut out = b"before".to_vec();
    let schema = contract().schema("reticle.images.v1.Image");
    assert!(crate::json::to_json(&schema, &[0x0a, 0x01, b'x', 0x80], &mut out).is_err());
    assert_eq!(out, b"before");
}

#[test]
fn values_that_json_cannot_express_are_errors() {
    let time = bytes(71, &varint(1, i64::MAX.cast_unsigned()));
    assert_eq!(write(&time), Err(WireError("a timestamp is out of range")));
    let duration = bytes(72, &[varint(1, 1), varint(2, (-1_i64).cast_unsigned())].concat());
    assert_eq!(write(&duration), Err(WireError("a duration is out of range")));
    let mask = bytes(73, &bytes(1, b"createdAt"));
    assert_eq!(write(&mask), Err(WireError("a field mask has a path that is not in snake case")));
}

/// The JSON of a `google.rpc.Status` with one detail.
fn status(type_url: &str, detail: &[u8]) -> String {
    let any = [bytes(1, type_url.as_bytes()), bytes(2, detail)].concat();
    let mut json = Vec::new();
    let schema = contract().schema("google.rpc.Status");
    crate::json::to_json(&schema, &[varint(1, 5), bytes(3, &any)].concat(), &mut json).unwrap();
    String::from_utf8(json).unwrap()
}

#[test]
fn an_any_has_its_type_and_its_fields() {
    let detail = [bytes(1, b"NOT_FOUND"), bytes(2, b"reticle")].concat();
    assert_eq!(
        status("type.googleapis.com/google.rpc.ErrorInfo", &detail),
        r#"{"code":5,"message":"","details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"NOT_FOUND","domain":"reticle","metadata":{}}]}"#
    );
    let retry = prost_types::Duration { seconds: 1, nanos: 0 }.encode_to_vec();
    assert!(
        status("type.googleapis.com/google.rpc.RetryInfo", &bytes(1, &retry))
            .contains(r#""retry_delay":"1s"}]"#)
    );
    assert!(status("type.googleapis.com/google.rpc.RetryInfo", &[]).contains(r#"google.rpc.RetryInfo"}]"#));
    assert!(status("type.googleapis.com/google.protobuf.Duration", &retry).contains(r#","value":"1s"}]"#));
}

#[test]
fn an_any_of_an_unknown_type_or_with_malformed_bytes_is_written_as_bytes() {
    for type_url in ["example.com/unknown.Type", "no-slash", "type.googleapis.com/google.rpc.ErrorInfo"] {
        let json = status(type_url, &[0x0a, 0x01, b'x', 0xff]);
        assert!(json.contains(&format!(r#"{{"@type":"{type_url}","value":"CgF4/w=="}}"#)), "{json}");
        assert!(json.starts_with(r#"{"code":5,"#) && json.ends_with("}]}"), "{json}");
    }
}
