//! The changes of an update: of the fields that its mask names (AIP-134), or, without a mask, of the fields that are set.

use aip::{Violation, Violations, masked_fields};
use prost_types::FieldMask;
use proto::annotations::v1 as pb;

use crate::annotation::{Confidence, Content, Label, Model, NormalizedBox, position, side};

/// The fields that can be changed, as a mask names them.
const CHANGEABLE: [&str; 7] = ["label", "x", "y", "width", "height", "confidence", "model"];

/// New values for some fields. Each value is valid by itself; [`Changes::apply`] checks the whole bounding box.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Changes {
    label: Option<Label>,
    x: Option<f64>,
    y: Option<f64>,
    width: Option<f64>,
    height: Option<f64>,
    confidence: Option<Option<Confidence>>,
    model: Option<Model>,
}

impl Changes {
    /// Decodes the changes of a request. Invalid values are added to `violations`, with the field of the request.
    pub(crate) fn decode(
        message: &pb::Annotation,
        mask: Option<&FieldMask>,
        violations: &mut Violations,
    ) -> Self {
        let mut changes = Self::default();
        let mut set = |field: Result<&str, Violation>| {
            violations.check(field.and_then(|field| changes.set(field, message)));
        };
        match mask {
            Some(mask) => masked_fields("annotation", &mask.paths, &CHANGEABLE).for_each(set),
            None => set_fields(message).into_iter().for_each(|field| set(Ok(field))),
        }
        changes
    }

    /// Sets the new value of `field`, one of [`CHANGEABLE`].
    fn set(&mut self, field: &str, message: &pb::Annotation) -> Result<(), Violation> {
        let within = |violation: Violation| violation.within("annotation");
        match field {
            "label" => self.label = Some(Label::parse(message.label.clone()).map_err(within)?),
            "x" => self.x = Some(position("x", message.x).map_err(within)?),
            "y" => self.y = Some(position("y", message.y).map_err(within)?),
            "width" => self.width = Some(side("width", message.width).map_err(within)?),
            "height" => self.height = Some(side("height", message.height).map_err(within)?),
            "confidence" => {
                let confidence = message.confidence.map(|value| Confidence::new("confidence", value));
                self.confidence = Some(confidence.transpose().map_err(within)?);
            }
            _model => self.model = Some(Model::parse(message.model.clone()).map_err(within)?),
        }
        Ok(())
    }

    /// Returns `content` with the changes. Violations name fields of the request.
    pub(crate) fn apply(&self, content: &Content) -> Result<Content, Violations> {
        let area = NormalizedBox::new(
            self.x.unwrap_or(content.area.x()),
            self.y.unwrap_or(content.area.y()),
            self.width.unwrap_or(content.area.width()),
            self.height.unwrap_or(content.area.height()),
        );
        Ok(Content {
            label: self.label.as_ref().unwrap_or(&content.label).clone(),
            area: area.map_err(|violations| violations.within("annotation"))?,
            confidence: self.confidence.unwrap_or(content.confidence),
            model: self.model.as_ref().unwrap_or(&content.model).clone(),
        })
    }
}

/// The changeable fields whose value is not the one that proto3 has for an absent field.
fn set_fields(message: &pb::Annotation) -> Vec<&'static str> {
    let empty = pb::Annotation::default();
    let set = [
        !message.label.is_empty(),
        message.x != empty.x,
        message.y != empty.y,
        message.width != empty.width,
        message.height != empty.height,
        message.confidence.is_some(),
        !message.model.is_empty(),
    ];
    CHANGEABLE.into_iter().zip(set).filter_map(|(field, set)| set.then_some(field)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::annotation::{NewAnnotation, tests::message};

    fn current() -> Content {
        NewAnnotation::try_from(message()).unwrap().content
    }

    fn decoded(sent: &pb::Annotation, mask: Option<&FieldMask>) -> Result<Changes, Violations> {
        let mut violations = Violations::default();
        let changes = Changes::decode(sent, mask, &mut violations);
        violations.into_result(Some(changes))
    }

    /// The current content after the update, or the fields that are rejected.
    fn updated(sent: &pb::Annotation, paths: Option<&[&str]>) -> Result<Content, Vec<String>> {
        let mask =
            paths.map(|paths| FieldMask { paths: paths.iter().map(|&path| path.to_owned()).collect() });
        decoded(sent, mask.as_ref()).and_then(|changes| changes.apply(&current())).map_err(|violations| {
            violations.named().iter().map(|violation| violation.field.clone()).collect()
        })
    }

    #[test]
    fn only_fields_that_the_mask_names_are_changed() {
        let sent = pb::Annotation { label: "bike".to_owned(), x: 0.5, width: 0.5, ..Default::default() };
        let content = updated(&sent, Some(&["label"])).unwrap();
        assert_eq!(content, Content { label: Label::parse("bike".to_owned()).unwrap(), ..current() });
    }

    #[test]
    fn without_a_mask_the_fields_that_are_set_are_changed() {
        let sent = pb::Annotation { x: 0.5, confidence: Some(0.0), ..Default::default() };
        let content = updated(&sent, None).unwrap();
        assert_eq!((content.area.x(), content.area.y()), (0.5, current().area.y()));
        assert_eq!(content.confidence.map(Confidence::get), Some(0.0));
    }

    #[test]
    fn a_field_that_the_mask_names_and_the_message_omits_is_cleared() {
        let content = updated(&pb::Annotation::default(), Some(&["confidence", "model", "x"])).unwrap();
        assert_eq!((content.confidence, content.model.as_str(), content.area.x()), (None, "", 0.0));
        assert_eq!(
            updated(&pb::Annotation::default(), Some(&["label"])),
            Err(vec!["annotation.label".to_owned()])
        );
    }

    #[test]
    fn a_star_names_every_field() {
        let sent = pb::Annotation { label: "bus".to_owned(), width: 1.0, height: 1.0, ..Default::default() };
        let content = updated(&sent, Some(&["*"])).unwrap();
        assert_eq!((content.label.as_str(), content.area.width(), content.confidence), ("bus", 1.0, None));
    }

    #[test]
    fn an_update_without_changeable_fields_changes_nothing() {
        let sent = pb::Annotation { id: "any".to_owned(), etag: "r1".to_owned(), ..Default::default() };
        for paths in [None, Some([].as_slice()), Some(&["id", "etag"])] {
            assert_eq!(updated(&sent, paths), Ok(current()));
        }
    }

    #[test]
    fn fields_that_cannot_be_changed_are_rejected_by_name() {
        for path in ["image_id", "created_by", "created_at", "updated_at", "Label", "annotation.label", ""] {
            let mask = FieldMask { paths: vec![path.to_owned()] };
            let violations = decoded(&pb::Annotation::default(), Some(&mask)).unwrap_err();
            assert_eq!(violations.named()[0].field, format!("annotation.{path}"));
            assert!(violations.named()[0].description.starts_with("cannot be changed"), "{violations:?}");
        }
    }

    #[test]
    fn all_invalid_values_are_reported_before_the_annotation_is_read() {
        let sent = pb::Annotation { x: 2.0, width: 0.0001, confidence: Some(-1.0), ..Default::default() };
        let mask = FieldMask { paths: ["x", "width", "confidence", "label"].map(str::to_owned).to_vec() };
        let violations = decoded(&sent, Some(&mask)).unwrap_err();
        let fields: Vec<_> = violations.named().iter().map(|violation| violation.field.as_str()).collect();
        assert_eq!(fields, ["annotation.x", "annotation.width", "annotation.confidence", "annotation.label"]);
    }

    #[test]
    fn a_field_that_the_mask_repeats_is_checked_once() {
        let sent = pb::Annotation { x: 2.0, ..Default::default() };
        let rejected = updated(&sent, Some(&["x", "label", "x", "*", "label"])).unwrap_err();
        assert_eq!(rejected, ["x", "label", "width", "height"].map(|field| format!("annotation.{field}")));
    }

    #[test]
    fn the_changed_bounding_box_must_lie_within_the_image() {
        let sent = pb::Annotation { x: 0.8, ..Default::default() };
        assert_eq!(updated(&sent, None), Err(vec!["annotation.width".to_owned()]));
    }
}
