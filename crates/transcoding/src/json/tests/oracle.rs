//! Random messages of every type, converted in both directions and compared with prost-reflect.

use prost_reflect::{DynamicMessage, SerializeOptions, prost::Message as _};

use super::{Fixture, contract, kinds, random};
use crate::json::{to_json, to_wire};

const ROUNDS: usize = 200;

fn check(fixture: &Fixture, full_name: &str, seed: u64) {
    let (descriptor, schema) = (fixture.descriptor(full_name), fixture.schema(full_name));
    let mut state = seed;
    for _ in 0..ROUNDS {
        let wire = random::message(&descriptor, &mut state, 3).encode_to_vec();
        // Decoded again, so that a field with its default value is absent.
        let message = DynamicMessage::decode(descriptor.clone(), wire.as_slice()).unwrap();
        let mut ours = Vec::new();
        to_json(&schema, &wire, &mut ours).unwrap();
        let ours = String::from_utf8(ours).unwrap();

        let mut theirs = serde_json::Serializer::new(Vec::new());
        let options = SerializeOptions::new().use_proto_field_name(true).skip_default_fields(false);
        message.serialize_with_options(&mut theirs, &options).unwrap();
        let theirs = theirs.into_inner();
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(&ours).unwrap(),
            serde_json::from_slice::<serde_json::Value>(&theirs).unwrap(),
            "{full_name} to JSON"
        );

        let back = to_wire(&schema, ours.as_bytes()).unwrap_or_else(|error| panic!("{error:?}: {ours}")).wire;
        assert!(DynamicMessage::decode(descriptor.clone(), back.as_slice()).unwrap() == message, "{ours}");
        // The same in camel case, as the oracle writes it.
        let mut camel = serde_json::Serializer::new(Vec::new());
        message.serialize_with_options(&mut camel, &SerializeOptions::new()).unwrap();
        let back = to_wire(&schema, &camel.into_inner()).unwrap().wire;
        assert!(DynamicMessage::decode(descriptor.clone(), back.as_slice()).unwrap() == message, "{ours}");
    }
}

#[test]
fn messages_of_every_kind_survive_a_round_trip() {
    check(kinds(), "kinds.v1.Kinds", 1);
    check(kinds(), "kinds.v1.Small", 2);
}

#[test]
fn messages_of_the_contract_survive_a_round_trip() {
    let ours =
        |name: &str| name.starts_with("reticle.images.v1.") || name.starts_with("reticle.annotations.v1.");
    let mut checked = 0;
    for message in contract().pool.all_messages().filter(|message| ours(message.full_name())) {
        check(contract(), message.full_name(), 3 + checked);
        checked += 1;
    }
    assert!(checked > 20, "{checked}");
}
