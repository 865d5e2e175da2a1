//! Custom data that a caller stores with an image.

use aip::Violation;
use prost_types::{ListValue, Struct, Value as Proto, value::Kind};
use serde::de::IgnoredAny;
use serde_json::{Map, Number, Value as Json};

/// The largest metadata, in bytes of its JSON text.
const MAX_JSON_BYTES: usize = 16 * 1024;

/// How deep lists and objects may be nested, including the outermost object.
const MAX_DEPTH: usize = 16;

/// 2^53: a double represents all whole numbers up to this one exactly.
const MAX_EXACT: f64 = 9_007_199_254_740_992.0;

/// A JSON object of at most 16 KiB and at most 16 levels. It is kept as text until it is sent: as a tree it can take 30 times
/// as much memory, and a page of a list can hold 1000 of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Metadata(String);

impl Metadata {
    /// Decodes the metadata in `field`.
    pub(crate) fn parse(field: &str, message: Struct) -> Result<Self, Violation> {
        let object = object(message, MAX_DEPTH).map_err(|rule| Violation::new(field, rule))?;
        let text = Json::Object(object).to_string();
        if text.len() > MAX_JSON_BYTES {
            return Err(Violation::new(field, "must be at most 16 KiB as JSON"));
        }
        Ok(Self(text))
    }

    /// Reads stored metadata; `None` if the text is not a JSON object.
    pub(crate) fn from_json(text: &str) -> Option<Self> {
        let is_json = serde_json::from_str::<IgnoredAny>(text).is_ok();
        (is_json && text.starts_with('{')).then(|| Self(text.to_owned()))
    }

    /// The text to store.
    pub(crate) fn as_json(&self) -> &str {
        &self.0
    }
}

impl From<Metadata> for Struct {
    fn from(metadata: Metadata) -> Self {
        // Both constructors have checked that the text is a JSON object.
        serde_json::from_str(&metadata.0).map(message).unwrap_or_default()
    }
}

/// The rule that a value violates, as a phrase that follows the name of the field.
type Rule = &'static str;

fn object(message: Struct, depth: usize) -> Result<Map<String, Json>, Rule> {
    let depth = depth.checked_sub(1).ok_or("must be at most 16 levels deep")?;
    message.fields.into_iter().map(|(name, value)| Ok((name, json(value, depth)?))).collect()
}

fn list(message: ListValue, depth: usize) -> Result<Vec<Json>, Rule> {
    let depth = depth.checked_sub(1).ok_or("must be at most 16 levels deep")?;
    message.values.into_iter().map(|value| json(value, depth)).collect()
}

fn json(value: Proto, depth: usize) -> Result<Json, Rule> {
    Ok(match value.kind.ok_or("must not hold a value without a kind")? {
        Kind::NullValue(_) => Json::Null,
        Kind::BoolValue(value) => Json::Bool(value),
        Kind::NumberValue(value) => Json::Number(number(value)?),
        Kind::StringValue(text) => Json::String(text),
        Kind::ListValue(values) => Json::Array(list(values, depth)?),
        Kind::StructValue(fields) => Json::Object(object(fields, depth)?),
    })
}

/// Encodes whole numbers without a fraction, as a JSON caller wrote them.
fn number(value: f64) -> Result<Number, Rule> {
    if value.fract() == 0.0 && value.abs() <= MAX_EXACT {
        #[expect(clippy::cast_possible_truncation, reason = "checked: it is whole and within ±2^53")]
        return Ok(Number::from(value as i64));
    }
    Number::from_f64(value).ok_or("must not hold NaN or an infinite number")
}

fn message(fields: Map<String, Json>) -> Struct {
    Struct { fields: fields.into_iter().map(|(name, value)| (name, proto(value))).collect() }
}

fn proto(value: Json) -> Proto {
    let kind = match value {
        Json::Null => Kind::NullValue(0),
        Json::Bool(value) => Kind::BoolValue(value),
        Json::Number(number) => Kind::NumberValue(number.as_f64().unwrap_or_default()),
        Json::String(text) => Kind::StringValue(text),
        Json::Array(values) => Kind::ListValue(ListValue { values: values.into_iter().map(proto).collect() }),
        Json::Object(fields) => Kind::StructValue(message(fields)),
    };
    Proto { kind: Some(kind) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(kind: Kind) -> Proto {
        Proto { kind: Some(kind) }
    }

    fn one(value: Proto) -> Struct {
        Struct { fields: [("k".to_owned(), value)].into() }
    }

    fn nested(levels: usize) -> Struct {
        let innermost = Struct::default();
        (1..levels).fold(innermost, |inner, _| one(value(Kind::StructValue(inner))))
    }

    fn rule(message: Struct) -> String {
        Metadata::parse("metadata", message).unwrap_err().description
    }

    #[test]
    fn a_struct_survives_a_round_trip() {
        let text = r#"{"k":[null,true,1,-2.5,1e300,"ä\u0000"],"o":{"":{}}}"#;
        let message = Struct::from(Metadata::from_json(text).unwrap());
        let metadata = Metadata::parse("metadata", message.clone()).unwrap();
        assert_eq!(Metadata::from_json(metadata.as_json()), Some(metadata.clone()));
        assert_eq!((message.fields.len(), Struct::from(metadata)), (2, message));
    }

    #[test]
    fn text_that_is_not_an_object_is_rejected() {
        for text in ["", "[]", "null", "{", "{}{}", r#"{"k":}"#] {
            assert_eq!(Metadata::from_json(text), None, "{text}");
        }
    }

    #[test]
    fn whole_numbers_have_no_fraction() {
        let metadata = Metadata::parse("metadata", one(value(Kind::NumberValue(3.0)))).unwrap();
        assert_eq!(metadata.as_json(), r#"{"k":3}"#);
    }

    #[test]
    fn numbers_that_json_cannot_represent_are_rejected() {
        for number in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert_eq!(
                rule(one(value(Kind::NumberValue(number)))),
                "must not hold NaN or an infinite number"
            );
        }
        assert_eq!(rule(one(Proto { kind: None })), "must not hold a value without a kind");
    }

    #[test]
    fn the_limit_is_16_kib_of_json() {
        let of_length = |bytes: usize| one(value(Kind::StringValue("x".repeat(bytes - r#"{"k":""}"#.len()))));
        assert!(Metadata::parse("metadata", of_length(16 * 1024)).is_ok());
        assert_eq!(rule(of_length(16 * 1024 + 1)), "must be at most 16 KiB as JSON");
    }

    #[test]
    fn the_limit_is_16_levels() {
        assert!(Metadata::parse("metadata", nested(16)).is_ok());
        assert_eq!(rule(nested(17)), "must be at most 16 levels deep");
        let lists = (0..16)
            .fold(Kind::NullValue(0), |kind, _| Kind::ListValue(ListValue { values: vec![value(kind)] }));
        assert_eq!(rule(one(value(lists))), "must be at most 16 levels deep");
    }
}
