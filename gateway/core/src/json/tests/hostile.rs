//! Bodies and bytes that nobody sends by accident.

use super::{complaints, contract, decode, kinds, read, write};
use crate::json::{read::MAX_DEPTH, to_json, to_wire};

#[test]
fn a_hundred_thousand_brackets_are_refused_where_the_limit_is() {
    for opening in ["[", r#"{"a":"#, r#"{"a_message":"#, r#"{"a_list":["#] {
        for prefix in ["", r#"{"a_value":"#, r#"{"a_message":"#] {
            let json = format!("{prefix}{}", opening.repeat(100_000));
            let complaint = complaints(&json).join("\n");
            let refused = complaint.contains("nested more than 128 levels deep")
                || complaint.contains("ends too early");
            assert!(refused, "{prefix}{opening}: {complaint}");
        }
    }
}

/// A body whose wire bytes nest that many messages.
fn nested(depth: usize) -> String {
    format!("{}{{}}{}", r#"{"a_message":"#.repeat(depth), "}".repeat(depth))
}

#[test]
fn messages_nest_as_deep_as_services_read_them() {
    let message = read(nested(MAX_DEPTH)).unwrap();
    assert!(decode(&prost_reflect::prost::Message::encode_to_vec(&message)) == message);
    let complaints = complaints(nested(MAX_DEPTH + 1));
    assert_eq!(complaints.len(), 1);
    assert!(complaints[0].ends_with(".a_message is nested too deeply"), "{}", complaints[0]);
}

#[test]
fn structs_that_services_could_not_read_are_refused() {
    let nested =
        |depth: usize| format!(r#"{{"a_struct":{}0{}}}"#, r#"{"a":"#.repeat(depth), "}".repeat(depth));
    // A level of a struct is three messages: struct, entry, value.
    let deepest = MAX_DEPTH / 3;
    assert!(read(nested(deepest)).is_ok());
    assert!(complaints(nested(deepest + 1)).join("").contains("is nested too deeply"));
}

#[test]
fn a_megabyte_of_garbage_is_refused() {
    let mut state = 1_u64;
    let garbage: Vec<u8> =
        std::iter::repeat_with(|| super::random::next(&mut state).to_le_bytes()[0]).take(1 << 20).collect();
    assert!(read(&garbage).is_err());
    assert!(write(&garbage).is_err());
    let quoted = format!(r#"{{"{}":1}}"#, "k".repeat(1 << 20));
    assert!(complaints(&quoted).join("").len() < 400);
}

#[test]
fn bytes_nested_deeper_than_any_service_sends_are_refused() {
    let mut wire = Vec::new();
    for _ in 0..1000 {
        let mut outer = Vec::new();
        crate::json::wire::put_tag(&mut outer, 18, crate::json::wire::WireType::Delimited);
        crate::json::wire::put_delimited(&mut outer, &wire);
        wire = outer;
    }
    assert!(write(&wire).is_err());
}

#[test]
fn every_truncation_and_every_flipped_byte_is_answered() {
    let json = br#"{"annotations":[{"image_id":"x","label":"cat","x":0.5,"y":0.25,"width":0.1,"height":0.1,"confidence":null}]}"#;
    let schema = contract().schema("reticle.annotations.v1.BulkCreateAnnotationsRequest");
    let wire = to_wire(&schema, json).unwrap().wire;
    for end in 1..json.len() {
        assert!(to_wire(&schema, &json[..end]).is_err(), "{end}");
    }
    for end in 0..wire.len() {
        _ = to_json(&schema, &wire[..end], &mut Vec::new());
    }
    for position in 0..wire.len() {
        for bit in 0..8 {
            let mut broken = wire.clone();
            broken[position] ^= 1 << bit;
            let mut out = Vec::new();
            if to_json(&schema, &broken, &mut out).is_ok() {
                assert!(serde_json::from_slice::<serde_json::Value>(&out).is_ok());
            }
        }
    }
}

#[test]
fn schemas_are_of_their_own_pool() {
    assert!(kinds().schemas.named("google.rpc.Status").is_none());
}
