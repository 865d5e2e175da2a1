//! Downloads: files that a service sends as a server stream.

use bytes::Bytes;
use http::HeaderValue;
use prost_reflect::{FieldDescriptor, MessageDescriptor};

use super::{FieldPath, Problem, expect, options::Options};
use crate::{
    fields::{self, Malformed},
    wire::Value,
};

/// How to read a file and its description from the messages of a server stream.
#[derive(Clone, Debug)]
pub struct Download {
    info: FieldDescriptor,
    data: FieldDescriptor,
    content_type: Option<FieldDescriptor>,
    filename: Option<FieldDescriptor>,
    size_bytes: Option<FieldDescriptor>,
    etag: Option<FieldDescriptor>,
    read_offset: Option<FieldDescriptor>,
    read_length: Option<FieldDescriptor>,
    not_modified: Option<FieldDescriptor>,
    request: RequestFields,
    /// The response's `Cache-Control`.
    pub cache_control: Option<HeaderValue>,
}

/// The request fields that the standard headers of a download fill.
#[derive(Clone, Debug)]
struct RequestFields {
    read_offset: Option<FieldDescriptor>,
    read_limit: Option<FieldDescriptor>,
    if_none_match: Option<FieldDescriptor>,
    if_range: Option<FieldDescriptor>,
}

/// The description of the file, from the first message of the stream.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DownloadInfo {
    /// The media type.
    pub content_type: String,
    /// The name to save the file under; empty if it has none.
    pub filename: String,
    /// The size of the whole file.
    pub size_bytes: u64,
    /// The bare entity tag; empty if it has none.
    pub etag: String,
    /// The offset in the file of the bytes that follow.
    pub read_offset: u64,
    /// How many bytes follow.
    pub read_length: u64,
    /// The caller's copy is current: no bytes follow.
    pub not_modified: bool,
}

/// The requested part of a file, and the conditions.
#[derive(Clone, Copy, Debug, Default)]
pub struct DownloadRequest<'a> {
    /// The offset of the first byte; a negative number counts from the end.
    pub read_offset: i64,
    /// The number of bytes; 0 means up to the end.
    pub read_limit: i64,
    /// The bare entity tags that the caller has, or `*`.
    pub if_none_match: &'a [String],
    /// The offset and the limit apply only if this bare entity tag is current.
    pub if_range: Option<&'a str>,
}

impl Download {
    pub(super) fn read(
        option: &Options,
        request: &MessageDescriptor,
        response: &MessageDescriptor,
    ) -> Result<Self, (&'static str, Problem)> {
        let (info, inner) = expect::message(option, "info", response)?;
        let cache_control = option.text("cache_control").map(|text| {
            let value = HeaderValue::from_str(&text);
            value.map_err(|_| ("cache_control", Problem::value(text, "a header's value")))
        });
        Ok(Self {
            data: expect::bytes(option, "data", response)?,
            content_type: expect::text(option, "content_type", &inner)?,
            filename: expect::text(option, "filename", &inner)?,
            size_bytes: expect::integer(option, "size_bytes", &inner)?,
            etag: expect::text(option, "etag", &inner)?,
            read_offset: expect::integer(option, "read_offset", &inner)?,
            read_length: expect::integer(option, "read_length", &inner)?,
            not_modified: expect::flag(option, "not_modified", &inner)?,
            request: RequestFields {
                read_offset: expect::integer(option, "request_read_offset", request)?,
                read_limit: expect::integer(option, "request_read_limit", request)?,
                if_none_match: expect::texts(option, "request_if_none_match", request)?,
                if_range: expect::text(option, "request_if_range", request)?,
            },
            cache_control: cache_control.transpose()?,
            info,
        })
    }

    /// The wire bytes of the request fields for `wanted`. Append them to those of [`Route::bind`](super::Route::bind).
    /// An offset that does not fit into a 32-bit field becomes the nearest one that does, which is past the end of any
    /// file of such a service.
    #[must_use]
    pub fn request(&self, wanted: &DownloadRequest<'_>) -> Vec<u8> {
        let RequestFields { read_offset, read_limit, if_none_match, if_range } = &self.request;
        let mut out = Vec::new();
        for (field, number) in [(read_offset, wanted.read_offset), (read_limit, wanted.read_limit)] {
            if let Some(field) = field.as_ref().filter(|_| number != 0) {
                fields::put_varint(field.number(), expect::clamp(field, number).cast_unsigned(), &mut out);
            }
        }
        for tag in wanted.if_none_match {
            put_text(if_none_match.as_ref(), tag, &mut out);
        }
        if let Some(tag) = wanted.if_range {
            put_text(if_range.as_ref(), tag, &mut out);
        }
        out
    }

    /// Whether a header of RFC 9110 (`Range`, `If-Range`, `If-None-Match`) sets this request field.
    pub(super) fn is_set_by_headers(&self, path: &FieldPath) -> bool {
        let RequestFields { read_offset, read_limit, if_none_match, if_range } = &self.request;
        let set_by_headers = [read_offset, read_limit, if_none_match, if_range];
        path.parents().is_empty() && set_by_headers.into_iter().flatten().any(|field| field == path.leaf())
    }

    /// The description of the file in a message of the stream; `None` in a message that carries the file's bytes.
    ///
    /// # Errors
    /// If the bytes are not a message.
    pub fn parse_info(&self, message: &[u8]) -> Result<Option<DownloadInfo>, Malformed> {
        let mut info = None;
        for field in fields::Fields::of(message) {
            if let (number, Value::Delimited(inner)) = field?
                && number == self.info.number()
            {
                self.merge_info(inner, info.get_or_insert_default())?;
            }
        }
        Ok(info)
    }

    fn merge_info(&self, message: &[u8], info: &mut DownloadInfo) -> Result<(), Malformed> {
        let is =
            |field: &Option<FieldDescriptor>, number| field.as_ref().is_some_and(|f| f.number() == number);
        for field in fields::Fields::of(message) {
            match field? {
                (n, Value::Delimited(text)) if is(&self.content_type, n) => info.content_type = utf8(text)?,
                (n, Value::Delimited(text)) if is(&self.filename, n) => info.filename = utf8(text)?,
                (n, Value::Delimited(text)) if is(&self.etag, n) => info.etag = utf8(text)?,
                (n, Value::Varint(size)) if is(&self.size_bytes, n) => info.size_bytes = size,
                (n, Value::Varint(offset)) if is(&self.read_offset, n) => info.read_offset = offset,
                (n, Value::Varint(length)) if is(&self.read_length, n) => info.read_length = length,
                (n, Value::Varint(flag)) if is(&self.not_modified, n) => info.not_modified = flag != 0,
                _ => {}
            }
        }
        Ok(())
    }

    /// The file's bytes in a message of the stream: a slice of the message, empty if it has none.
    ///
    /// # Errors
    /// If the bytes are not a message.
    pub fn data(&self, message: &Bytes) -> Result<Bytes, Malformed> {
        let mut data = Bytes::new();
        for field in fields::Fields::of(message) {
            if let (number, Value::Delimited(payload)) = field?
                && number == self.data.number()
            {
                data = message.slice_ref(payload);
            }
        }
        Ok(data)
    }
}

fn put_text(field: Option<&FieldDescriptor>, text: &str, out: &mut Vec<u8>) {
    if let Some(field) = field {
        fields::put_bytes(field.number(), text.as_bytes(), out);
    }
}

fn utf8(text: &[u8]) -> Result<String, Malformed> {
    std::str::from_utf8(text).map(str::to_owned).map_err(|_| Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::{
        Contract,
        fixture::{message, shelves},
    };

    fn download(contract: &Contract) -> &Download {
        contract.method("/routing.v1.Shelves/Read").unwrap().download.as_ref().unwrap()
    }

    fn request(wanted: &DownloadRequest<'_>) -> String {
        let contract = shelves();
        let wire = download(&contract).request(wanted);
        message("routing.v1.ReadRequest", &wire).to_string()
    }

    #[test]
    fn a_range_and_its_conditions_fill_the_request() {
        let tags = ["a".to_owned(), "b".to_owned()];
        let wanted =
            DownloadRequest { read_offset: -5, read_limit: 7, if_none_match: &tags, if_range: Some("c") };
        assert_eq!(request(&wanted), r#"offset:-5,limit:7,if_none_match:["a","b"],if_range:"c""#);
        assert!(download(&shelves()).request(&DownloadRequest::default()).is_empty());
    }

    #[test]
    fn offsets_outside_the_range_of_the_field_are_clamped() {
        let from = |read_offset| {
            let read_limit = read_offset;
            request(&DownloadRequest { read_offset, read_limit, ..DownloadRequest::default() })
        };
        assert_eq!(from(i64::MAX), "offset:2147483647,limit:9223372036854775807");
        assert_eq!(from(i64::MIN), "offset:-2147483648,limit:-9223372036854775808");
    }

    #[test]
    fn the_first_message_describes_the_file() {
        let contract = shelves();
        let inner = b"\x0a\x09image/png\x12\x05a.png\x18\xac\x02\x22\x01e\x28\x05\x30\x07\x38\x01";
        let mut first = Vec::new();
        fields::put_bytes(1, inner, &mut first);
        let expected = DownloadInfo {
            content_type: "image/png".to_owned(),
            filename: "a.png".to_owned(),
            size_bytes: 300,
            etag: "e".to_owned(),
            read_offset: 5,
            read_length: 7,
            not_modified: true,
        };
        let download = download(&contract);
        assert_eq!(download.parse_info(&first), Ok(Some(expected)));
        assert_eq!(download.parse_info(b"\x0a\0"), Ok(Some(DownloadInfo::default())));
        assert_eq!(download.parse_info(b"\x12\x01d"), Ok(None));
        assert_eq!(download.parse_info(b"\x0a\x05"), Err(Malformed));
        assert_eq!(download.parse_info(b"\x0a\x03\x0a\x01\xff"), Err(Malformed));
        assert_eq!(download.cache_control.as_ref().unwrap(), "no-store");
    }

    #[test]
    fn data_is_a_slice_of_its_message() {
        let contract = shelves();
        let download = download(&contract);
        let message = Bytes::from_static(b"\x12\x05bytes");
        let data = download.data(&message).unwrap();
        assert_eq!(data, "bytes");
        assert_eq!(data.as_ptr(), message.slice(2..).as_ptr());
        assert_eq!(download.data(&Bytes::from_static(b"\x0a\0")), Ok(Bytes::new()));
        assert_eq!(download.data(&Bytes::from_static(b"\x12\x05byt")), Err(Malformed));
    }
}
