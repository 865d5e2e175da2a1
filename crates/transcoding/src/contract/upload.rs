//! Uploads: files that a service receives as a client stream.

use aip::{Violation, Violations};
use prost_reflect::{FieldDescriptor, MessageDescriptor};

use super::{Problem, expect, options::Options, parameters::Parameters};
use crate::{fields, json::Schemas};

/// How to encode a file and its description as the messages of a client stream.
#[derive(Clone, Debug)]
pub struct Upload {
    /// The name of the part that holds the file in a `multipart/form-data` body; `None`: forms are not accepted.
    pub file_part: Option<String>,
    /// The field with the file's description, a message. The first message of the stream sets it.
    pub info: FieldDescriptor,
    /// The type of `info`.
    pub info_message: MessageDescriptor,
    /// The field with the file's bytes. The following messages set it.
    pub data: FieldDescriptor,
    filename: Option<FieldDescriptor>,
    content_type: Option<FieldDescriptor>,
    size_bytes: Option<FieldDescriptor>,
    /// The media types of raw bodies, as in `image/*`.
    pub raw_content_types: Vec<String>,
    schemas: Schemas,
}

/// What the headers of a request, or of the file's part in a form, say about a file.
#[derive(Clone, Copy, Debug, Default)]
pub struct FileInfo<'a> {
    /// The name to store it under.
    pub filename: Option<&'a str>,
    /// The declared media type.
    pub content_type: Option<&'a str>,
    /// The length that the request declares.
    pub size_bytes: Option<u64>,
}

impl Upload {
    pub(super) fn read(
        option: &Options,
        request: &MessageDescriptor,
        schemas: &Schemas,
    ) -> Result<Self, (&'static str, Problem)> {
        let (info, info_message) = expect::message(option, "info", request)?;
        let (file_part, raw_content_types) = (option.text("file_part"), option.texts("raw_content_types"));
        if file_part.is_none() && raw_content_types.is_empty() {
            let expected = "the name of a form part, unless raw_content_types is set";
            return Err(("file_part", Problem::Missing { expected }));
        }
        Ok(Self {
            file_part,
            data: expect::bytes(option, "data", request)?,
            filename: expect::text(option, "filename", &info_message)?,
            content_type: expect::text(option, "content_type", &info_message)?,
            size_bytes: expect::integer(option, "size_bytes", &info_message)?,
            raw_content_types,
            schemas: schemas.clone(),
            info,
            info_message,
        })
    }

    /// Whether a raw body of this media type is the file; parameters (`; charset=…`) do not matter.
    #[must_use]
    pub fn accepts_raw(&self, content_type: &str) -> bool {
        let essence = content_type.split(';').next().unwrap_or_default().trim();
        self.raw_content_types.iter().any(|accepted| match accepted.strip_suffix("/*") {
            Some(kind) => essence.split_once('/').is_some_and(|(ours, _)| ours.eq_ignore_ascii_case(kind)),
            None => essence.eq_ignore_ascii_case(accepted),
        })
    }

    /// Whether the headers of a request set this field of [`Self::info`] if the body is the file itself.
    pub(crate) fn is_set_by_headers(&self, field: &FieldDescriptor) -> bool {
        let set_by_headers = [&self.content_type, &self.size_bytes];
        !self.raw_content_types.is_empty() && set_by_headers.into_iter().flatten().any(|set| set == field)
    }

    /// The fields of the description that parameters and form parts can set.
    pub(super) fn parameters(&self) -> Parameters<'_> {
        Parameters::of(&self.info_message).with_json(&self.schemas)
    }

    /// The wire bytes of the message that describes the file: the fields from the form's other parts, then those from
    /// `file`. A form part for a message field contains JSON. The bytes may be appended to those of
    /// [`Route::bind`](super::Route::bind): protobuf merges the two.
    ///
    /// # Errors
    /// A violation for each form part whose name is not a field, or whose text is not valid for the field.
    pub fn info(&self, file: &FileInfo<'_>, form: &[(String, String)]) -> Result<Vec<u8>, Violations> {
        let mut info = Vec::new();
        let mut violations = Violations::default();
        let mut parameters = self.parameters();
        for (name, text) in form {
            violations.check(parameters.put(name, text, &|_| None, &mut info));
        }
        for (field, text) in [(&self.filename, file.filename), (&self.content_type, file.content_type)] {
            if let (Some(field), Some(text)) = (field, text) {
                fields::put_bytes(field.number(), text.as_bytes(), &mut info);
            }
        }
        violations.check(self.put_size(file.size_bytes, &mut info));
        let mut message = Vec::with_capacity(info.len() + fields::MAX_PREFIX);
        fields::put_bytes(self.info.number(), &info, &mut message);
        violations.into_result(Some(message))
    }

    fn put_size(&self, size_bytes: Option<u64>, info: &mut Vec<u8>) -> Result<(), Violation> {
        let (Some(field), Some(size)) = (&self.size_bytes, size_bytes) else { return Ok(()) };
        let largest = expect::largest(field);
        if size > largest {
            return Err(Violation::new(field.name(), format!("must be at most {largest}")));
        }
        fields::put_varint(field.number(), size, info);
        Ok(())
    }

    /// The start of a stream message with `length` bytes of the file. The bytes themselves follow it unchanged, so that
    /// they need not be copied.
    #[must_use]
    pub fn data_prefix(&self, length: usize) -> Vec<u8> {
        let mut prefix = Vec::with_capacity(fields::MAX_PREFIX);
        fields::put_prefix(self.data.number(), length, &mut prefix);
        prefix
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::{
        Contract,
        fixture::{message, shelves},
    };

    fn upload(contract: &Contract) -> &Upload {
        contract.method("/routing.v1.Shelves/Put").unwrap().upload.as_ref().unwrap()
    }

    fn info(file: &FileInfo<'_>, form: &[(&str, &str)]) -> Result<String, String> {
        let contract = shelves();
        let form: Vec<_> = form.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
        let wire = upload(&contract).info(file, &form).map_err(|violations| {
            violations.named().iter().map(|v| format!("{} {}\n", v.field, v.description)).collect::<String>()
        })?;
        Ok(message("routing.v1.PutRequest", &wire).to_string())
    }

    #[test]
    fn the_first_message_describes_the_file() {
        let file = FileInfo { filename: Some("a.png"), content_type: Some("image/png"), size_bytes: Some(0) };
        let expected = r#"info{filename:"a.png",content_type:"image/png",note:"n"}"#;
        assert_eq!(info(&file, &[("note", "n"), ("filename", "form.png")]).as_deref(), Ok(expected));
        assert_eq!(info(&FileInfo::default(), &[]).as_deref(), Ok("info{}"));
    }

    #[test]
    fn a_size_that_is_too_large_for_its_field_is_rejected() {
        let of = |size| FileInfo { size_bytes: Some(size), ..FileInfo::default() };
        assert_eq!(info(&of(2_147_483_647), &[]).as_deref(), Ok("info{size_bytes:2147483647}"));
        let violation = "size_bytes must be at most 2147483647\n";
        assert_eq!(info(&of(2_147_483_648), &[]).as_deref(), Err(&violation.to_owned()));
    }

    #[test]
    fn form_parts_without_a_field_are_rejected() {
        let violations = info(&FileInfo::default(), &[("colour", "red"), ("note", "a"), ("note", "b")]);
        let expected = "colour is not a known parameter\nnote is given more than once\n";
        assert_eq!(violations.as_deref(), Err(&expected.to_owned()));
    }

    #[test]
    fn form_parts_that_are_messages_are_read_as_json() {
        let of = |name, json| info(&FileInfo::default(), &[(name, json)]);
        assert_eq!(of("owner", r#"{"id":"o"}"#).as_deref(), Ok(r#"info{owner{id:"o"}}"#));
        assert!(of("metadata", r#"{"a":1}"#).unwrap().contains(r#"fields"#));
        for (name, json, violation) in [
            ("owner", "{", "owner must be JSON: it ends too early"),
            ("owner", r#"{"colour":1}"#, "owner.colour "),
            ("owners", "[]", "owners cannot be given as a parameter"),
        ] {
            let violations = of(name, json).unwrap_err();
            assert!(violations.starts_with(violation), "{violations}");
        }
    }

    #[test]
    fn bytes_follow_their_prefix_unchanged() {
        let contract = shelves();
        let mut wire = upload(&contract).data_prefix(300);
        wire.extend_from_slice(&[7; 300]);
        let read = message("routing.v1.PutRequest", &wire);
        assert_eq!(read.get_field_by_name("data").unwrap().as_bytes().unwrap().as_ref(), [7; 300]);
    }

    #[test]
    fn raw_bodies_are_accepted_by_media_type() {
        let contract = shelves();
        let upload = upload(&contract);
        for accepted in
            ["image/png", "IMAGE/PNG", "image/svg+xml; charset=utf-8", "application/pdf", "Application/PDF "]
        {
            assert!(upload.accepts_raw(accepted), "{accepted}");
        }
        for rejected in ["", "image", "imagery/png", "application/json", "application/pdfx", "text/image/png"]
        {
            assert!(!upload.accepts_raw(rejected), "{rejected}");
        }
    }
}
