//! JSON that is rejected, and the error messages.

use super::{error_messages, read};

#[test]
fn each_violation_names_its_field() {
    let int32 = "must be a whole number from -2147483648 to 2147483647";
    let uint32 = "must be a whole number from 0 to 4294967295";
    let uint64 = "must be a whole number from 0 to 18446744073709551615";
    let int64 = "must be a whole number from -9223372036854775808 to 9223372036854775807";
    let time = "must be a time such as 2026-05-01T12:00:00Z, between the years 1 and 9999";
    let colour = "must be one of COLOUR_UNSPECIFIED, COLOUR_RED, COLOUR_BLUE, COLOUR_NEGATIVE";
    for (json, message) in [
        (r"[]", "body must be an object".to_owned()),
        (r"null", "body must be an object".to_owned()),
        (r"7", "body must be an object".to_owned()),
        (r#""x""#, "body must be an object".to_owned()),
        (r#"{"a_double":"x"}"#, "a_double must be a number".to_owned()),
        (r#"{"a_double":" 1"}"#, "a_double must be a number".to_owned()),
        (r#"{"a_double":"1 "}"#, "a_double must be a number".to_owned()),
        (r#"{"a_double":""}"#, "a_double must be a number".to_owned()),
        (r#"{"a_double":"1e400"}"#, "a_double must be a number".to_owned()),
        (r#"{"a_double":"nan"}"#, "a_double must be a number".to_owned()),
        (r#"{"a_double":true}"#, "a_double must be a number".to_owned()),
        (r#"{"a_double":{}}"#, "a_double must be a number".to_owned()),
        (r#"{"a_double":[1]}"#, "a_double must be a number".to_owned()),
        (r#"{"aDouble":"x"}"#, "a_double must be a number".to_owned()),
        (r#"{"a_float":1e39}"#, "a_float must be a number that fits into 32 bits".to_owned()),
        (r#"{"an_int32":2147483648}"#, format!("an_int32 {int32}")),
        (r#"{"an_int32":-2147483649}"#, format!("an_int32 {int32}")),
        (r#"{"an_int32":1.5}"#, format!("an_int32 {int32}")),
        (r#"{"an_int32":1e100}"#, format!("an_int32 {int32}")),
        (r#"{"an_int32":"1.5"}"#, format!("an_int32 {int32}")),
        (r#"{"an_int32":"0x1"}"#, format!("an_int32 {int32}")),
        (r#"{"an_int32":"+1"}"#, format!("an_int32 {int32}")),
        (r#"{"an_int32":false}"#, format!("an_int32 {int32}")),
        (r#"{"a_uint32":-1}"#, format!("a_uint32 {uint32}")),
        (r#"{"a_fixed32":4294967296}"#, format!("a_fixed32 {uint32}")),
        (r#"{"a_uint64":-1}"#, format!("a_uint64 {uint64}")),
        (r#"{"a_uint64":18446744073709551616}"#, format!("a_uint64 {uint64}")),
        (r#"{"an_int64":"9223372036854775808"}"#, format!("an_int64 {int64}")),
        (r#"{"a_bool":1}"#, "a_bool must be true or false".to_owned()),
        (r#"{"a_bool":"true"}"#, "a_bool must be true or false".to_owned()),
        (r#"{"a_string":1}"#, "a_string must be a string".to_owned()),
        (r#"{"some_bytes":"*"}"#, "some_bytes must be a string of base64".to_owned()),
        (r#"{"some_bytes":"+_8="}"#, "some_bytes must be a string of base64".to_owned()),
        (r#"{"some_bytes":"A"}"#, "some_bytes must be a string of base64".to_owned()),
        (r#"{"a_colour":"RED"}"#, format!("a_colour {colour}")),
        (r#"{"a_colour":"1"}"#, format!("a_colour {colour}")),
        (r#"{"a_colour":1.5}"#, format!("a_colour {colour}")),
        (r#"{"a_null":0.5}"#, "a_null must be null".to_owned()),
        (r#"{"a_message":[]}"#, "a_message must be an object".to_owned()),
        (r#"{"a_message":"x"}"#, "a_message must be an object".to_owned()),
        (r#"{"doubles":1}"#, "doubles must be an array".to_owned()),
        (r#"{"doubles":{}}"#, "doubles must be an array".to_owned()),
        (r#"{"doubles":[1,"x"]}"#, "doubles[1] must be a number".to_owned()),
        (r#"{"doubles":[1,null]}"#, "doubles[1] must not be null".to_owned()),
        (
            r#"{"messages":[{},{"a_message":{"doubles":[0,true]}}]}"#,
            "messages[1].a_message.doubles[1] must be a number".to_owned(),
        ),
        (r#"{"messages":[null]}"#, "messages[0] must not be null".to_owned()),
        (r#"{"by_string":[]}"#, "by_string must be an object".to_owned()),
        (r#"{"by_string":{"a":1}}"#, "by_string.a must be a string".to_owned()),
        (r#"{"by_string":{"a":null}}"#, "by_string.a must not be null".to_owned()),
        (r#"{"by_int32":{"x":1}}"#, format!("by_int32.x is a key that {int32}")),
        (r#"{"by_bool":{"1":1}}"#, "by_bool.1 is a key that must be true or false".to_owned()),
        (r#"{"by_string":{"a":"1","a":"2"}}"#, "by_string.a must be given only once".to_owned()),
        (r#"{"a_struct":{"a":{"b":1,"b":2}}}"#, "a_struct.a.b must be given only once".to_owned()),
        (r#"{"a_struct":[]}"#, "a_struct must be an object".to_owned()),
        (r#"{"a_list":{}}"#, "a_list must be an array".to_owned()),
        (r#"{"a_time":"yesterday"}"#, format!("a_time {time}")),
        (r#"{"a_time":1777629600}"#, format!("a_time {time}")),
        (r#"{"a_time":{"seconds":1}}"#, format!("a_time {time}")),
        (r#"{"a_duration":"1m"}"#, "a_duration must be a number of seconds such as 1.5s".to_owned()),
        (
            r#"{"a_mask":{"paths":["x"]}}"#,
            "a_mask must be a string of comma-separated field names".to_owned(),
        ),
        (
            r#"{"an_any":{"@type":"type.googleapis.com/google.protobuf.Empty"}}"#,
            "an_any cannot be given as JSON".to_owned(),
        ),
        (r#"{"wrapped_int32":"x"}"#, format!("wrapped_int32 {int32}")),
        (r#"{"wrapped_bool":{"value":true}}"#, "wrapped_bool must be true or false".to_owned()),
        (r#"{"lable":1}"#, "lable is not a known field".to_owned()),
        (
            r#"{"messages":[{"a_dubble":[{"deep":[]}]}]}"#,
            "messages[0].a_dubble is not a known field".to_owned(),
        ),
        (r#"{"A_DOUBLE":1}"#, "A_DOUBLE is not a known field".to_owned()),
        (r#"{"an_empty":{"x":1}}"#, "an_empty.x is not a known field".to_owned()),
        (r#"{"a_double":1,"a_double":2}"#, "a_double must be given only once".to_owned()),
        (r#"{"a_double":1,"aDouble":2}"#, "a_double must be given only once".to_owned()),
        (r#"{"a_double":null,"aDouble":2}"#, "a_double must be given only once".to_owned()),
        (
            r#"{"wrapped_bytes":"AQ==","wrappedBytes":"AQ=="}"#,
            "wrapped_bytes must be given only once".to_owned(),
        ),
        (
            r#"{"chosen_int32":1,"chosen_string":"x"}"#,
            "chosen_string cannot be given together with chosen_int32".to_owned(),
        ),
        (
            r#"{"chosen_message":{},"chosen_null":null}"#,
            "chosen_null cannot be given together with chosen_message".to_owned(),
        ),
    ] {
        assert_eq!(error_messages(json), [message], "{json}");
    }
}

#[test]
fn all_violations_are_reported_at_once() {
    let json =
        r#"{"a_double":"x","nope":{"a":[1]},"messages":[{"a_bool":0},7],"an_int32":[[]],"a_string":"fine"}"#;
    assert_eq!(
        error_messages(json),
        [
            "a_double must be a number",
            "nope is not a known field",
            "messages[0].a_bool must be true or false",
            "messages[1] must be an object",
            "an_int32 must be a whole number from -2147483648 to 2147483647",
        ]
    );
}

#[test]
fn a_syntax_error_has_its_position() {
    for (json, reason) in [
        (&b"{"[..], "it ends too early at line 1 column 1"),
        (b"{\"a_string\":\"x", "it ends too early at line 1 column 14"),
        (b"{} {}", "there are extra characters after its end at line 1 column 4"),
        (b"{}\0", "there are extra characters after its end at line 1 column 3"),
        (b"{\n  \"a_double\": nope\n}", "a value is expected at line 2 column 16"),
        (b"{a_double: 1}", "a name in quotes is expected at line 1 column 2"),
        (b"{\"a_double\": 01}", "invalid number at line 1 column 15"),
        (b"{\"a_double\": NaN}", "a value is expected at line 1 column 14"),
        (b"{\"a_double\": 1e999}", "a number is too large at line 1 column 18"),
        (b"{\"a_double\": 1,}", "trailing comma at line 1 column 16"),
        (b"{\"a_string\":\"\xff\"}", "a string is not UTF-8 at line 1 column 14"),
        (b"{\"\xff\":1}", "a string is not UTF-8 at line 1 column 3"),
        (b"{\"a_string\":\"\\ud800\"}", "a string has an invalid escape at line 1 column 20"),
        (b"{\"a_string\":\"\\udc00\"}", "a string has an invalid escape at line 1 column 19"),
        (b"{\"a_string\":\"\\u12\"}", "a string has an invalid escape at line 1 column 19"),
        (
            b"{\"a_string\":\"\x01\"}",
            "a string has a control character that is not escaped at line 1 column 14",
        ),
        (b"\xef\xbb\xbf{}", "a value is expected at line 1 column 1"),
        (b"--boundary", "invalid number at line 1 column 2"),
    ] {
        assert_eq!(error_messages(json), [reason], "{}", String::from_utf8_lossy(json));
    }
}

#[test]
fn all_violations_are_counted_but_only_the_first_hundred_are_named() {
    let json = format!("{{\"doubles\":[{}]}}", vec!["{}"; 1000].join(","));
    match read(&json) {
        Err(super::JsonError::Fields(violations)) => {
            assert_eq!((violations.named().len(), violations.count()), (100, 1000));
        }
        _ => panic!("the error must name the invalid fields"),
    }
}
