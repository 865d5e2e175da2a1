//! The domain types. Their constructors check the rules of the contract, so a value that exists is valid.
//!
//! To add a field, add it to [`Content`] with a type that checks its rule, and to the conversions from and to protobuf.

mod area;
mod stream;
mod text;

use std::fmt;

use aip::{Etag, Violation, Violations};
use identity::UserId;
use proto::annotations::v1 as pb;
use runtime::{Id, Timestamp};

pub(crate) use self::{
    area::{Confidence, NormalizedBox, position, side},
    stream::{MAX_STREAM_ID, Offset, Progress, StreamId},
    text::{Label, MAX_LABEL, MAX_MODEL, Model},
};

/// The id of an annotation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct AnnotationId(pub(crate) Id);

impl AnnotationId {
    /// Parses `text`, the value of `field`.
    pub(crate) fn parse(field: &str, text: &str) -> Result<Self, Violation> {
        parse_id(field, text).map(Self)
    }
}

impl fmt::Display for AnnotationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The id of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct ImageId(pub(crate) Id);

impl ImageId {
    /// Parses `text`, the value of `field`.
    pub(crate) fn parse(field: &str, text: &str) -> Result<Self, Violation> {
        parse_id(field, text).map(Self)
    }
}

impl fmt::Display for ImageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

fn parse_id(field: &str, text: &str) -> Result<Id, Violation> {
    text.parse().map_err(|invalid: runtime::InvalidId| Violation::new(field, invalid.to_string()))
}

/// The part of an annotation that can be changed.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Content {
    pub(crate) label: Label,
    pub(crate) area: NormalizedBox,
    /// Absent for annotations that people drew.
    pub(crate) confidence: Option<Confidence>,
    pub(crate) model: Model,
}

/// An annotation to store.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct NewAnnotation {
    pub(crate) image_id: ImageId,
    pub(crate) content: Content,
}

impl TryFrom<pb::NewAnnotation> for NewAnnotation {
    type Error = Violations;

    fn try_from(message: pb::NewAnnotation) -> Result<Self, Violations> {
        let mut violations = Violations::default();
        let image_id = violations.check(ImageId::parse("image_id", &message.image_id));
        let label = violations.check(Label::parse(message.label));
        let area = NormalizedBox::new(message.x, message.y, message.width, message.height)
            .map_err(|invalid| {
                invalid.named().iter().cloned().for_each(|violation| violations.push(violation));
            })
            .ok();
        let confidence = message.confidence.map(|value| Confidence::new("confidence", value)).transpose();
        let confidence = violations.check(confidence);
        let model = violations.check(Model::parse(message.model));
        let content = label
            .zip(area)
            .zip(confidence.zip(model))
            .map(|((label, area), (confidence, model))| Content { label, area, confidence, model });
        violations.into_result(image_id.zip(content).map(|(image_id, content)| Self { image_id, content }))
    }
}

/// A stored annotation.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Annotation {
    pub(crate) id: AnnotationId,
    pub(crate) image_id: ImageId,
    pub(crate) content: Content,
    /// The user who stored it.
    pub(crate) created_by: UserId,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
    pub(crate) etag: Etag,
}

impl From<Annotation> for pb::Annotation {
    fn from(annotation: Annotation) -> Self {
        let Content { label, area, confidence, model } = annotation.content;
        Self {
            id: annotation.id.to_string(),
            image_id: annotation.image_id.to_string(),
            label: label.into(),
            x: area.x(),
            y: area.y(),
            width: area.width(),
            height: area.height(),
            confidence: confidence.map(Confidence::get),
            model: model.into(),
            created_by: annotation.created_by.to_string(),
            created_at: Some(aip::to_proto(annotation.created_at)),
            updated_at: Some(aip::to_proto(annotation.updated_at)),
            etag: annotation.etag.to_string(),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A valid annotation.
    pub(crate) fn message() -> pb::NewAnnotation {
        pb::NewAnnotation {
            image_id: "0190a0b0c0d07abc8000000000000001".to_owned(),
            label: "car".to_owned(),
            x: 0.1,
            y: 0.2,
            width: 0.3,
            height: 0.4,
            confidence: Some(0.9),
            model: "yolo 11".to_owned(),
        }
    }

    #[test]
    fn a_valid_message_is_decoded() {
        let new = NewAnnotation::try_from(message()).unwrap();
        assert_eq!(new.image_id.to_string(), message().image_id);
        assert_eq!(new.content.label.as_str(), "car");
        assert_eq!(new.content.confidence.map(Confidence::get), Some(0.9));
        assert_eq!(new.content.model.as_str(), "yolo 11");
    }

    #[test]
    fn an_invalid_value_is_reported_with_the_name_of_its_field() {
        type Change = fn(&mut pb::NewAnnotation);
        let cases: [(&str, Change); 12] = [
            ("image_id", |m| m.image_id.clear()),
            ("image_id", |m| m.image_id.make_ascii_uppercase()),
            ("image_id", |m| m.image_id.push('0')),
            ("label", |m| m.label.clear()),
            ("x", |m| m.x = -0.1),
            ("y", |m| m.y = f64::NAN),
            ("width", |m| m.width = 0.0),
            ("width", |m| m.x = 0.8),
            ("height", |m| m.height = f64::INFINITY),
            ("height", |m| m.y = 0.8),
            ("confidence", |m| m.confidence = Some(1.1)),
            ("model", |m| m.model = "m".repeat(201)),
        ];
        for (field, make_invalid) in cases {
            let mut message = message();
            make_invalid(&mut message);
            let violations = NewAnnotation::try_from(message).unwrap_err();
            assert_eq!((violations.count(), violations.named()[0].field.as_str()), (1, field));
        }
    }

    #[test]
    fn all_violations_are_reported_in_the_order_of_the_fields() {
        let violations =
            NewAnnotation::try_from(pb::NewAnnotation { x: 7.0, ..Default::default() }).unwrap_err();
        let fields: Vec<_> = violations.named().iter().map(|violation| violation.field.as_str()).collect();
        assert_eq!(fields, ["image_id", "label", "x", "width", "height"]);
    }
}
