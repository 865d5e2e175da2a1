//! `multipart/form-data` (RFC 7578) with one file, the last part, and text parts ahead of it.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
};

use bytes::Bytes;
use futures_util::stream::{self, Stream};
use multer::{Field, Multipart};

use crate::{
    body::Incoming,
    config::{MAX_CHUNK_BYTES, MAX_FORM_BYTES, MAX_FORM_PARTS},
    contract::FileInfo,
    error::Error,
};

/// The longest name of a part: longer than any field's, and short enough to be told back.
const MAX_NAME_BYTES: usize = 200;

/// Whether a content type is a form's.
pub(super) fn is_form(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("multipart/form-data")
}

/// A form, read up to the bytes of its file.
pub(super) struct Form {
    parts: Multipart<'static>,
    /// The file; `None` once it has ended.
    file: Option<Field<'static>>,
    file_part: String,
    filename: Option<String>,
    content_type: Option<String>,
    fields: Vec<(String, String)>,
}

impl Form {
    /// Reads the parts ahead of the file.
    ///
    /// # Errors
    /// If it is no form, has no file, or has more ahead of it than is reasonable.
    pub(super) async fn begin(
        content_type: &str,
        body: Incoming,
        max_file_bytes: u64,
        file_part: &str,
    ) -> Result<Self, Error> {
        let boundary = multer::parse_boundary(content_type).map_err(Error::Form)?;
        let allowance = Allowance::default();
        let mut parts = Multipart::new(pieces(body, allowance.clone()), boundary);
        let mut fields = Vec::new();
        loop {
            let part = parts.next_field().await.map_err(cause)?;
            let part = part.ok_or_else(|| Error::FilePartMissing { expected: file_part.to_owned() })?;
            if part.name() == Some(file_part) {
                allowance.raise(max_file_bytes.saturating_add(MAX_FORM_BYTES));
                return Ok(Self::at_file(parts, part, fields, file_part));
            }
            if fields.len() == MAX_FORM_PARTS {
                return Err(Error::TooManyParts);
            }
            fields.push(text(part, file_part).await?);
        }
    }

    fn at_file(
        parts: Multipart<'static>,
        file: Field<'static>,
        fields: Vec<(String, String)>,
        file_part: &str,
    ) -> Self {
        Self {
            parts,
            filename: file.file_name().map(str::to_owned),
            content_type: file.content_type().map(ToString::to_string),
            file: Some(file),
            file_part: file_part.to_owned(),
            fields,
        }
    }

    /// What the form tells of the file.
    pub(super) fn file_info(&self) -> FileInfo<'_> {
        FileInfo {
            filename: self.filename.as_deref(),
            content_type: self.content_type.as_deref(),
            size_bytes: None,
        }
    }

    /// The text parts, by name.
    pub(super) fn fields(&self) -> &[(String, String)] {
        &self.fields
    }

    /// The next bytes of the file; `None` when it and the form have ended.
    ///
    /// # Errors
    /// If the form goes on after the file, or breaks off.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        let Some(file) = &mut self.file else { return Ok(None) };
        if let Some(chunk) = file.chunk().await.map_err(cause)? {
            return Ok(Some(chunk));
        }
        // The next part begins only when the one before is gone.
        self.file = None;
        match self.parts.next_field().await.map_err(cause)? {
            None => Ok(None),
            Some(_) => Err(Error::PartAfterFile { file_part: self.file_part.clone() }),
        }
    }
}

/// A part that is not the file, by its name.
async fn text(part: Field<'static>, file_part: &str) -> Result<(String, String), Error> {
    let name = part.name().unwrap_or_default().to_owned();
    if name.is_empty() {
        return Err(Error::field("form", "must name each part"));
    }
    if name.len() > MAX_NAME_BYTES {
        return Err(Error::field("form", format!("must have part names of at most {MAX_NAME_BYTES} bytes")));
    }
    if part.file_name().is_some() {
        return Err(Error::field(name, format!("must not be a file: the file part is `{file_part}`")));
    }
    let bytes = part.bytes().await.map_err(cause)?;
    match String::from_utf8(bytes.into()) {
        Ok(text) => Ok((name, text)),
        Err(_) => Err(Error::field(name, "must be UTF-8")),
    }
}

/// The error of the body, where it is one that the parser only hands on.
fn cause(error: multer::Error) -> Error {
    match error {
        multer::Error::StreamReadFailed(source) => match source.downcast::<Error>() {
            Ok(error) => *error,
            Err(source) => Error::BodyBroke(source),
        },
        error => Error::Form(error),
    }
}

/// How much of the body may be read by now: little until the file begins, so that nobody fills the memory with headers.
#[derive(Clone)]
struct Allowance(Arc<AtomicU64>);

impl Default for Allowance {
    fn default() -> Self {
        Self(Arc::new(AtomicU64::new(MAX_FORM_BYTES)))
    }
}

impl Allowance {
    fn raise(&self, limit: u64) {
        self.0.store(limit, Ordering::Relaxed);
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// The body in small pieces.
fn pieces(body: Incoming, allowance: Allowance) -> OneAtATime<impl Stream<Item = Result<Bytes, Error>>> {
    let state = (body, Bytes::new(), 0_u64, allowance);
    let pieces = stream::try_unfold(state, |(mut body, mut chunk, read, allowance)| async move {
        if chunk.is_empty() {
            let Some(next) = body.next().await? else { return Ok(None) };
            chunk = next;
        }
        let piece = chunk.split_to(chunk.len().min(MAX_CHUNK_BYTES));
        let (read, limit) = (read + piece.len() as u64, allowance.get());
        if read > limit {
            return Err(if limit == MAX_FORM_BYTES {
                Error::FormTooLarge { limit }
            } else {
                Error::BodyTooLarge { limit }
            });
        }
        Ok(Some((piece, (body, chunk, read, allowance))))
    });
    OneAtATime { pieces: Box::pin(pieces), rests: false }
}

/// The parser drains whatever is ready ahead of parsing it, which would be the whole file with a fast sender: this has
/// one piece ready at a time.
struct OneAtATime<S> {
    pieces: Pin<Box<S>>,
    rests: bool,
}

impl<S: Stream> Stream for OneAtATime<S> {
    type Item = S::Item;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<S::Item>> {
        if std::mem::take(&mut self.rests) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let polled = self.pieces.as_mut().poll_next(cx);
        self.rests = matches!(polled, Poll::Ready(Some(_)));
        polled
    }
}
