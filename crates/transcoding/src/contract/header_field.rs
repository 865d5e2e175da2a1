//! Headers that carry a field of the request or of the response.

use aip::Violation;
use http::{HeaderMap, HeaderName, HeaderValue};
use prost_reflect::{Kind, MessageDescriptor};

use super::{
    FieldPath, Problem,
    entity_tag::{self, EntityTags},
    options::Options,
};
use crate::descriptor::is_repeated;

/// A header and the field with its value.
#[derive(Clone, Debug)]
pub struct HeaderField {
    /// The header.
    pub name: HeaderName,
    /// The field in the request, or in the response.
    pub path: FieldPath,
    /// Whether the value is an entity tag: in quotes in the header, without them in the field.
    pub entity_tag: bool,
}

impl HeaderField {
    pub(super) fn read(option: &Options, message: &MessageDescriptor) -> Result<Self, Problem> {
        let header = option.text("header").ok_or(Problem::Missing { expected: "a header's name" })?;
        let field = option.text("field").ok_or(Problem::Missing { expected: "a field path" })?;
        let name = HeaderName::from_lowercase(header.as_bytes());
        let name = name.map_err(|_| Problem::value(header.as_str(), "a header's name in lower case"))?;
        let path = FieldPath::resolve(message, &field)?;
        let entity_tag = option.flag("entity_tag");
        if entity_tag && path.leaf().kind() != Kind::String {
            return Err(Problem::field(path.to_string(), "a string, to contain an entity tag"));
        }
        Ok(Self { name, path, entity_tag })
    }

    pub(super) fn for_request(self) -> Result<Self, Problem> {
        match self.path.leaf().kind() {
            Kind::Message(_) => {
                Err(Problem::field(self.path.to_string(), "a scalar, to be filled by a header"))
            }
            _ => Ok(self),
        }
    }

    pub(super) fn for_response(self) -> Result<Self, Problem> {
        let is_valid = !is_repeated(self.path.leaf())
            && matches!(
                self.path.leaf().kind(),
                Kind::String | Kind::Bool | Kind::Int32 | Kind::Int64 | Kind::Uint32 | Kind::Uint64
            );
        if is_valid {
            return Ok(self);
        }
        Err(Problem::field(
            self.path.to_string(),
            "a singular string, bool, int32, int64, uint32 or uint64, to be sent as a header",
        ))
    }

    /// The header's value for a response message; `None` if the field is unset or is not a valid header value.
    #[must_use]
    pub fn response_value(&self, message: &[u8]) -> Option<HeaderValue> {
        let text = self.path.read_text(message)?;
        let text = if self.entity_tag { entity_tag::quote(&text) } else { text };
        HeaderValue::try_from(text).ok()
    }

    /// Appends the request field that the header sets, if the request has the header.
    pub(super) fn put(&self, headers: &HeaderMap, out: &mut Vec<u8>) -> Result<(), Violation> {
        let violation = |rule: String| Violation::new(self.name.as_str(), rule);
        let mut texts = Vec::new();
        for value in headers.get_all(&self.name) {
            let text =
                std::str::from_utf8(value.as_bytes()).map_err(|_| violation("is not UTF-8".to_owned()))?;
            if self.entity_tag {
                texts.extend(
                    tags(text).ok_or_else(|| {
                        violation("must be an entity tag in double quotes, or *".to_owned())
                    })?,
                );
            } else {
                texts.push(text.to_owned());
            }
        }
        if texts.len() > 1 && !is_repeated(self.path.leaf()) {
            return Err(violation("must have one value".to_owned()));
        }
        texts.iter().try_for_each(|text| self.path.put_text(text, out)).map_err(violation)
    }
}

/// The bare tags of a header. `*` matches any version, so it gives no tag. A weak tag counts as a strong one: caches
/// weaken the tags of responses that they compress, and a record's tag identifies its version, not its bytes.
fn tags(header: &str) -> Option<Vec<String>> {
    match EntityTags::parse(header)? {
        EntityTags::Any => Some(Vec::new()),
        EntityTags::Listed(tags) => Some(tags.into_iter().map(|tag| tag.value).collect()),
    }
}
