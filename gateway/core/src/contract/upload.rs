//! Files that come in as a client stream.

use aip::{Violation, Violations};
use prost_reflect::{FieldDescriptor, MessageDescriptor};

use super::{Problem, expect, options::Options, parameters::Parameters, wire};

/// How a file and what is told of it become the messages of a client stream.
#[derive(Clone, Debug)]
pub struct Upload {
    /// The name of the part that holds the file in a `multipart/form-data` body.
    pub file_part: String,
    /// The message field that the first message of the stream fills.
    pub info: FieldDescriptor,
    /// What `info` holds.
    pub info_message: MessageDescriptor,
    /// The bytes field that the further messages fill.
    pub data: FieldDescriptor,
    filename: Option<FieldDescriptor>,
    content_type: Option<FieldDescriptor>,
    size_bytes: Option<FieldDescriptor>,
    /// The media types of raw bodies, as in `image/*`.
    pub raw_content_types: Vec<String>,
}

/// What a request tells of a file apart from its bytes.
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
    ) -> Result<Self, (&'static str, Problem)> {
        let (info, info_message) = expect::message(option, "info", request)?;
        let missing = Problem::Missing { expected: "the name of a form part" };
        Ok(Self {
            file_part: option.text("file_part").ok_or(("file_part", missing))?,
            data: expect::bytes(option, "data", request)?,
            filename: expect::text(option, "filename", &info_message)?,
            content_type: expect::text(option, "content_type", &info_message)?,
            size_bytes: expect::integer(option, "size_bytes", &info_message)?,
            raw_content_types: option.texts("raw_content_types"),
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

    /// The wire bytes of the stream's first message: the fields that the form's other parts name, then `file`.
    /// They may be appended to those of [`Route::bind`](super::Route::bind): protobuf merges the two.
    ///
    /// # Errors
    /// A violation for each form part that names no field, or whose text does not fit the field.
    pub fn info(&self, file: &FileInfo<'_>, form: &[(String, String)]) -> Result<Vec<u8>, Violations> {
        let mut info = Vec::new();
        let mut violations = Violations::default();
        let mut parameters = Parameters::of(&self.info_message);
        for (name, text) in form {
            violations.check(parameters.put(name, text, &|_| None, &mut info));
        }
        for (field, text) in [(&self.filename, file.filename), (&self.content_type, file.content_type)] {
            if let (Some(field), Some(text)) = (field, text) {
                wire::put_bytes(field.number(), text.as_bytes(), &mut info);
            }
        }
        violations.check(self.put_size(file.size_bytes, &mut info));
        let mut message = Vec::with_capacity(info.len() + wire::MAX_PREFIX);
        wire::put_bytes(self.info.number(), &info, &mut message);
        violations.into_result(Some(message))
    }

    fn put_size(&self, size_bytes: Option<u64>, info: &mut Vec<u8>) -> Result<(), Violation> {
        let (Some(field), Some(size)) = (&self.size_bytes, size_bytes) else { return Ok(()) };
        let largest = expect::largest(field);
        if size > largest {
            return Err(Violation::new(field.name(), format!("must be at most {largest}")));
        }
        wire::put_varint(field.number(), size, info);
        Ok(())
    }

    /// What stands ahead of `length` bytes of the file in a message of the stream: the bytes themselves follow it
    /// unchanged, so that they need not be copied.
    #[must_use]
    pub fn data_prefix(&self, length: usize) -> Vec<u8> {
        let mut prefix = Vec::with_capacity(wire::MAX_PREFIX);
        wire::put_prefix(self.data.number(), length, &mut prefix);
        prefix
    }
}
