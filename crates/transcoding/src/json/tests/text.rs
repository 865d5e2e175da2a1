//! Values from path segments, query parameters, headers and form parts.

use super::{decode, expected, kinds, shown};
use crate::json::scalar_to_wire;

fn from_text(field: &str, text: &str) -> Result<Vec<u8>, String> {
    let field = kinds().descriptor("kinds.v1.Kinds").get_field_by_name(field).unwrap();
    let mut out = Vec::new();
    let result = scalar_to_wire(&field, text, &mut out);
    assert_eq!(result.is_err(), out.is_empty(), "an error must leave the output unchanged");
    result.map(|()| out)
}

#[test]
fn each_kind_is_read_from_its_text() {
    for (field, text, json) in [
        ("a_double", "0.5", "0.5"),
        ("a_double", "-1e3", "-1000"),
        ("a_double", "Infinity", "\"Infinity\""),
        ("an_int32", "-7", "-7"),
        ("an_int32", "1e2", "100"),
        ("a_uint64", "18446744073709551615", "\"18446744073709551615\""),
        ("a_sint64", "-1", "\"-1\""),
        ("a_fixed32", "1", "1"),
        ("a_bool", "true", "true"),
        ("a_string", "true & false", "\"true & false\""),
        ("some_bytes", "-_8", "\"-_8\""),
        ("a_colour", "COLOUR_RED", "1"),
        ("a_colour", "-1", "-1"),
        ("maybe_string", "", "\"\""),
        ("int32s", "5", "[5]"),
        ("strings", "x", "[\"x\"]"),
        ("a_time", "2026-05-01T12:00:00Z", "\"2026-05-01T12:00:00Z\""),
        ("a_duration", "1.5s", "\"1.5s\""),
        ("a_mask", "a,bC", "\"a,bC\""),
        ("wrapped_int32", "5", "5"),
        ("wrapped_string", "x", "\"x\""),
        ("wrapped_bool", "false", "false"),
    ] {
        let wire = from_text(field, text).unwrap();
        let expected = expected(&format!("{{\"{field}\":{json}}}")).unwrap();
        assert_eq!(shown(&decode(&wire)), shown(&decode(&expected)), "{field}={text}");
    }
}

#[test]
fn a_default_value_is_written_too_so_that_it_overrides() {
    for (field, text) in [("an_int32", "0"), ("a_bool", "false"), ("a_string", "")] {
        assert!(!from_text(field, text).unwrap().is_empty(), "{field}={text}");
    }
}

#[test]
fn invalid_texts_are_rejected() {
    for (field, text, rule) in [
        ("an_int32", "", "must be a whole number from -2147483648 to 2147483647"),
        ("an_int32", "ten", "must be a whole number from -2147483648 to 2147483647"),
        ("an_int32", "2147483648", "must be a whole number from -2147483648 to 2147483647"),
        ("a_double", "1,5", "must be a number"),
        ("a_bool", "1", "must be true or false"),
        ("a_bool", "True", "must be true or false"),
        ("a_colour", "RED", "must be one of COLOUR_UNSPECIFIED, COLOUR_RED, COLOUR_BLUE, COLOUR_NEGATIVE"),
        ("a_time", "2026", "must be a time such as 2026-05-01T12:00:00Z, between the years 1 and 9999"),
        ("wrapped_bool", "yes", "must be true or false"),
        ("a_message", "{}", "cannot be given as text"),
        ("a_struct", "{}", "cannot be given as text"),
        ("by_string", "{}", "cannot be given as text"),
    ] {
        assert_eq!(from_text(field, text), Err(rule.to_owned()), "{field}={text}");
    }
}
