//! Bodies and wire bytes made to attack the codec.

use super::{contract, decode, error_messages, kinds, read, write};
use crate::json::{read::MAX_DEPTH, to_json, to_wire};

#[test]
fn a_hundred_thousand_brackets_are_rejected_at_the_limit() {
    for opening in ["[", r#"{"a":"#, r#"{"a_message":"#, r#"{"a_list":["#] {
        for prefix in ["", r#"{"a_value":"#, r#"{"a_message":"#] {
            let json = format!("{prefix}{}", opening.repeat(100_000));
            let message = error_messages(&json).join("\n");
            let rejected =
                message.contains("nested more than 128 levels deep") || message.contains("ends too early");
            assert!(rejected, "{prefix}{opening}: {message}");
        }
    }
}

/// A body with that many nested messages in its wire bytes.
fn nested(depth: usize) -> String {
    format!("{}{{}}{}", r#"{"a_message":"#.repeat(depth), "}".repeat(depth))
}

#[test]
fn messages_may_be_nested_as_deeply_as_services_can_read() {
    let message = read(nested(MAX_DEPTH)).unwrap();
    assert!(decode(&prost_reflect::prost::Message::encode_to_vec(&message)) == message);
    let error_messages = error_messages(nested(MAX_DEPTH + 1));
    assert_eq!(error_messages.len(), 1);
    assert!(error_messages[0].ends_with(".a_message is nested too deeply"), "{}", error_messages[0]);
}

#[test]
fn structs_that_are_too_deep_for_services_are_rejected() {
    let nested =
        |depth: usize| format!(r#"{{"a_struct":{}0{}}}"#, r#"{"a":"#.repeat(depth), "}".repeat(depth));
    // One level of a struct is three messages: struct, entry and value.
    let deepest = MAX_DEPTH / 3;
    assert!(read(nested(deepest)).is_ok());
    assert!(error_messages(nested(deepest + 1)).join("").contains("is nested too deeply"));
}

#[test]
fn a_megabyte_of_random_bytes_is_rejected() {
    let mut state = 1_u64;
    let garbage: Vec<u8> =
        std::iter::repeat_with(|| super::random::next(&mut state).to_le_bytes()[0]).take(1 << 20).collect();
    assert!(read(&garbage).is_err());
    assert!(write(&garbage).is_err());
    let quoted = format!(r#"{{"{}":1}}"#, "k".repeat(1 << 20));
    assert!(error_messages(&quoted).join("").len() < 400);
}

#[test]
fn wire_bytes_nested_too_deeply_are_rejected() {
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
fn no_truncation_and_no_flipped_bit_panics() {
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
fn schemas_have_only_the_messages_of_their_own_pool() {
    assert!(kinds().schemas.named("google.rpc.Status").is_none());
}
