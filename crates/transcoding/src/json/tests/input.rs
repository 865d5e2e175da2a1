//! JSON that is accepted, compared with the result of prost-reflect.

use super::{decode, expected, kinds, read, shown};

/// Both implementations must read these to the same message.
const ACCEPTED: &[&str] = &[
    "{}",
    "  {\n}\t\r\n",
    r#"{"a_double":1.5,"a_float":-2.25,"an_int32":-7,"a_uint32":7}"#,
    r#"{"aDouble":1.5,"aFloat":-2.25,"anInt32":-7,"aUint32":7}"#,
    r#"{"a_double":1,"a_float":2}"#,
    r#"{"a_double":"1.5","a_float":"-2e3"}"#,
    r#"{"a_double":"NaN","a_float":"Infinity","doubles":["-Infinity"]}"#,
    r#"{"a_double":1e308,"doubles":[0.1,1e-320,123456789012345680000,5e-324,2.2250738585072014e-308]}"#,
    r#"{"a_float":3.4028234663852886e38}"#,
    r#"{"an_int32":2147483647,"int32s":[-2147483648,1.0,1e2,-0.0,"12",-0]}"#,
    r#"{"an_int64":9223372036854775807,"a_sint64":-9223372036854775808}"#,
    r#"{"an_int64":"9223372036854775807","a_sint64":"-9223372036854775808"}"#,
    r#"{"a_uint64":18446744073709551615,"a_fixed64":"18446744073709551615"}"#,
    r#"{"a_uint32":4294967295,"a_fixed32":"4294967295"}"#,
    r#"{"a_sint32":-2147483648,"an_sfixed32":-1,"an_sfixed64":"-1"}"#,
    r#"{"sint64s":["1",-1,0]}"#,
    r#"{"a_bool":true,"bools":[true,false]}"#,
    r#"{"a_string":"caf\u00e9 \ud83d\ude00 \"\\\/\b\f\n\r\t","strings":["","é"]}"#,
    r#"{"some_bytes":"AQIDBA==","byteses":["","AQ==","+/8="]}"#,
    r#"{"a_colour":"COLOUR_RED","colours":["COLOUR_BLUE",1,-1,77]}"#,
    r#"{"a_message":{"a_message":{"a_message":{}}},"messages":[{},{"an_int32":1}]}"#,
    r#"{"a_double":null,"a_string":null,"a_message":null,"doubles":null,"by_string":null,"a_time":null}"#,
    r#"{"maybe_double":0,"maybe_int32":0,"maybe_bool":false,"maybe_string":"","maybe_bytes":"","maybe_colour":0}"#,
    r#"{"maybe_double":null,"maybe_colour":null}"#,
    r#"{"doubles":[],"strings":[],"messages":[],"by_string":{},"unpacked":[]}"#,
    r#"{"unpacked":[1,2,3]}"#,
    r#"{"by_string":{"a":"1","":"2"},"by_int32":{"-1":1,"0":0},"by_uint64":{"18446744073709551615":0.5}}"#,
    r#"{"by_sint64":{"-5":true},"by_fixed32":{"7":"AQ=="},"by_bool":{"true":"COLOUR_RED","false":0}}"#,
    r#"{"messages_by_string":{"a":{"messages_by_string":{"b":{}}}}}"#,
    r#"{"values_by_string":{"a":null,"b":1,"c":[null]}}"#,
    r#"{"chosen_int32":0}"#,
    r#"{"chosen_string":""}"#,
    r#"{"chosen_message":{}}"#,
    r#"{"chosen_colour":"COLOUR_UNSPECIFIED"}"#,
    r#"{"chosen_duration":"0s"}"#,
    r#"{"chosen_int32":null,"chosen_string":"x"}"#,
    r#"{"a_time":"2026-05-01T12:00:00.123456789+02:00","a_duration":"-1.5s"}"#,
    r#"{"times":["0001-01-01T00:00:00Z","9999-12-31T23:59:59.999Z"]}"#,
    r#"{"a_mask":"label,image.createdAt"}"#,
    r#"{"a_mask":""}"#,
    r#"{"a_struct":{}}"#,
    r#"{"a_struct":{"a":null,"b":true,"c":1.5,"d":"x","e":[1,[2,{}]],"f":{"g":{"h":0}}}}"#,
    r#"{"a_value":null}"#,
    r#"{"a_value":0}"#,
    r#"{"a_value":""}"#,
    r#"{"a_value":false}"#,
    r#"{"a_value":[]}"#,
    r#"{"a_value":{}}"#,
    r#"{"a_value":12345678901234567890}"#,
    r#"{"values":[null,1,"NaN",{"a":[{}]}]}"#,
    r#"{"a_list":[1,null,"x",[],{}]}"#,
    r#"{"an_empty":{}}"#,
    r#"{"wrapped_double":0,"wrapped_float":1.5,"wrapped_int64":"-1","wrapped_uint64":"1","wrapped_int32":-1}"#,
    r#"{"wrapped_uint32":1,"wrapped_bool":false,"wrapped_string":"","wrapped_bytes":"AQ=="}"#,
    r#"{"wrapped_double":null,"wrapped_string":null}"#,
    r#"{"out_of_order":"x","renamed":"y"}"#,
    r#"{"outOfOrder":"x","otherName":"y"}"#,
];

#[test]
fn accepted_json_is_read_as_the_oracle_reads_it() {
    for json in ACCEPTED {
        let expected =
            decode(&expected(json).unwrap_or_else(|error| panic!("the oracle rejects {json}: {error}")));
        let actual = read(json).unwrap_or_else(|error| panic!("{json}: {error:?}"));
        // Compares the JSON that the oracle writes, because NaN is not equal to itself.
        assert_eq!(shown(&actual), shown(&expected), "{json}");
    }
}

#[test]
fn fields_in_the_order_of_their_numbers_give_the_bytes_that_prost_writes() {
    for json in [
        r#"{"a_double":0,"an_int32":0,"a_bool":false,"a_string":"","some_bytes":"","a_colour":0,"doubles":[0,1]}"#,
        r#"{"a_double":1.5,"a_float":1,"an_int32":-1,"a_sint32":-1,"a_fixed64":1,"int32s":[1,300,-1],"unpacked":[1,0]}"#,
        r#"{"a_message":{"a_string":"x"},"maybe_double":0,"strings":["","x"],"a_value":[1,{"a":null}]}"#,
    ] {
        let wire = super::super::to_wire(&kinds().schema("kinds.v1.Kinds"), json.as_bytes()).unwrap().wire;
        assert_eq!(wire, expected(json).unwrap(), "{json}");
    }
}

#[test]
fn lengths_of_every_size_are_right() {
    // Around each size where a length needs one byte more, for each of the three nested lengths.
    let around = |edge: usize| edge - 10..=edge + 2;
    for length in (0..3).chain(around(1 << 7)).chain(around(1 << 14)).chain(around(1 << 21)) {
        let json = format!(r#"{{"a_message":{{"a_message":{{"a_string":"{}"}}}}}}"#, "x".repeat(length));
        assert!(read(&json).unwrap() == decode(&expected(&json).unwrap()), "{length}");
    }
}

#[test]
fn base64_is_read_in_both_alphabets_with_and_without_padding() {
    let read = |text: &str| read(format!(r#"{{"some_bytes":"{text}"}}"#)).unwrap();
    for (text, bytes) in
        [("+/8=", [0xfb, 0xff]), ("+/8", [0xfb, 0xff]), ("-_8=", [0xfb, 0xff]), ("-_8", [0xfb, 0xff])]
    {
        let message = read(text);
        assert_eq!(
            message.get_field_by_name("some_bytes").unwrap().as_bytes().unwrap().as_ref(),
            bytes,
            "{text}"
        );
    }
    assert_eq!(read("-_").get_field_by_name("some_bytes").unwrap().as_bytes().unwrap().as_ref(), [0xfb]);
}

#[test]
fn a_null_value_is_null() {
    assert!(read(r#"{"a_null":null}"#).unwrap() == decode(&[]));
    assert!(read(r#"{"chosen_null":null}"#).unwrap().has_field_by_name("chosen_null"));
}

#[test]
fn a_field_mask_may_be_in_snake_case() {
    assert!(read(r#"{"a_mask":"created_at"}"#).unwrap() == read(r#"{"a_mask":"createdAt"}"#).unwrap());
}

#[test]
fn an_empty_body_is_the_empty_message() {
    for json in ["", " \r\n\t"] {
        assert!(read(json).unwrap() == decode(&[]));
    }
}

#[test]
fn doubles_are_read_exactly() {
    for text in ["0.1", "0.30000000000000004", "9007199254740993", "1.7976931348623157e308", "0.000244140625"]
    {
        let message = read(format!(r#"{{"a_double":{text}}}"#)).unwrap();
        let value = message.get_field_by_name("a_double").unwrap().as_f64().unwrap();
        assert_eq!(value.to_bits(), text.parse::<f64>().unwrap().to_bits(), "{text}");
    }
}
