//! Reads `multipart/form-data` (RFC 7578) with one file, and text parts before and after it.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
};

use bytes::Bytes;
use futures_util::stream::{self, Stream};
use http::{HeaderValue, header::CONTENT_DISPOSITION};
use multer::{Field, Multipart};
use transcoding::contract::FileInfo;

use super::part_head::PartHead;
use crate::{
    body::Incoming,
    config::{MAX_CHUNK_BYTES, MAX_FORM_BYTES, MAX_FORM_PARTS, MAX_FORM_READ_BYTES},
    error::Error,
};

/// The longest name of a part: longer than the name of any field, and short enough for an error message.
const MAX_NAME_BYTES: usize = 200;

/// Whether a content type is that of a form.
pub(super) fn is_form(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("multipart/form-data")
}

/// A form, read up to the bytes of its file.
pub(super) struct Form {
    parts: Multipart<'static>,
    allowance: Allowance,
    /// The file; `None` once it has ended.
    file: Option<Field<'static>>,
    file_part: String,
    filename: Option<String>,
    content_type: Option<String>,
    fields: Vec<(String, String)>,
}

impl Form {
    /// Reads the parts before the file.
    ///
    /// # Errors
    /// If the body is not a form, the form has no file, or the parts before the file exceed a limit.
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
            let head = head(&part)?;
            if head.name.as_deref() == Some(file_part) {
                allowance.allow_file(max_file_bytes);
                return Ok(Self {
                    parts,
                    allowance,
                    filename: head.filename,
                    content_type: part.content_type().map(ToString::to_string),
                    file: Some(part),
                    file_part: file_part.to_owned(),
                    fields,
                });
            }
            push(&mut fields, part, head, file_part, &allowance).await?;
        }
    }

    /// The description of the file in the headers of its part.
    pub(super) fn file_info(&self) -> FileInfo<'_> {
        FileInfo {
            filename: self.filename.as_deref(),
            content_type: self.content_type.as_deref(),
            size_bytes: None,
        }
    }

    /// The names and texts of the text parts that were read so far. Those after the file are added when it has ended.
    pub(super) fn fields(&self) -> &[(String, String)] {
        &self.fields
    }

    /// The next bytes of the file; `None` when the file and the form have ended.
    ///
    /// # Errors
    /// If another file follows, the text parts exceed a limit, or the form is incomplete.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        let Some(file) = &mut self.file else { return Ok(None) };
        if let Some(chunk) = file.chunk().await.map_err(cause)? {
            return Ok(Some(chunk));
        }
        // The parser reads the next part only after this one is dropped.
        self.file = None;
        self.allowance.allow_text();
        while let Some(part) = self.parts.next_field().await.map_err(cause)? {
            let head = head(&part)?;
            if head.name.as_deref() == Some(&self.file_part) {
                return Err(Error::SecondFile { file_part: self.file_part.clone() });
            }
            push(&mut self.fields, part, head, &self.file_part, &self.allowance).await?;
        }
        Ok(None)
    }
}

fn head(part: &Field<'_>) -> Result<PartHead, Error> {
    let header = part.headers().get(CONTENT_DISPOSITION).map_or(&b""[..], HeaderValue::as_bytes);
    PartHead::parse(header).map_err(|problem| Error::Part(problem.to_string()))
}

/// Adds a part that is not the file to `fields`.
async fn push(
    fields: &mut Vec<(String, String)>,
    part: Field<'static>,
    head: PartHead,
    file_part: &str,
    allowance: &Allowance,
) -> Result<(), Error> {
    if fields.len() == MAX_FORM_PARTS {
        return Err(Error::TooManyParts);
    }
    let (name, text) = text(part, head, file_part).await?;
    allowance.count_text(name.len() + text.len())?;
    fields.push((name, text));
    Ok(())
}

/// The name and the text of a part that is not the file.
async fn text(part: Field<'static>, head: PartHead, file_part: &str) -> Result<(String, String), Error> {
    let name = head.name.unwrap_or_default();
    if name.is_empty() {
        return Err(Error::field("form", "must name each part"));
    }
    if name.len() > MAX_NAME_BYTES {
        return Err(Error::field("form", format!("must have part names of at most {MAX_NAME_BYTES} bytes")));
    }
    if head.filename.is_some() {
        return Err(Error::field(name, format!("must not be a file: the file part is `{file_part}`")));
    }
    let bytes = part.bytes().await.map_err(cause)?;
    match String::from_utf8(bytes.into()) {
        Ok(text) => Ok((name, text)),
        Err(_) => Err(Error::field(name, "must be UTF-8")),
    }
}

/// The original error of the body, if the parser only wraps it.
fn cause(error: multer::Error) -> Error {
    match error {
        multer::Error::StreamReadFailed(source) => match source.downcast::<Error>() {
            Ok(error) => *error,
            Err(source) => Error::BodyIncomplete(source),
        },
        error => Error::Form(error),
    }
}

/// How much of the body may be read. The limit is small outside of the file, so that headers and texts cannot fill the
/// memory.
#[derive(Clone)]
struct Allowance(Arc<Mutex<Allowed>>);

#[derive(Clone, Copy)]
struct Allowed {
    read: u64,
    limit: u64,
    /// The names and texts before the file, or after it.
    texts: u64,
    part: Part,
}

/// The kind of the part that is being read.
#[derive(Clone, Copy)]
enum Part {
    Text,
    /// The file, which may have this many bytes.
    File {
        max_bytes: u64,
    },
}

impl Default for Allowance {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(Allowed {
            read: 0,
            limit: MAX_FORM_READ_BYTES,
            texts: 0,
            part: Part::Text,
        })))
    }
}

impl Allowance {
    /// From now on, allows a file of `max_file_bytes`, and the end of its part.
    fn allow_file(&self, max_file_bytes: u64) {
        let limit = |allowed: &Allowed| {
            allowed.read.saturating_add(max_file_bytes).saturating_add(MAX_FORM_READ_BYTES)
        };
        self.set(limit, Part::File { max_bytes: max_file_bytes });
    }

    /// From now on, allows text parts only.
    fn allow_text(&self) {
        self.set(|allowed| allowed.read.saturating_add(MAX_FORM_READ_BYTES), Part::Text);
    }

    fn set(&self, limit: impl FnOnce(&Allowed) -> u64, part: Part) {
        let mut allowed = self.allowed();
        allowed.limit = limit(&allowed);
        allowed.part = part;
        allowed.texts = 0;
    }

    /// Counts `bytes` of a text part: its name and its text.
    fn count_text(&self, bytes: usize) -> Result<(), Error> {
        let mut allowed = self.allowed();
        allowed.texts = allowed.texts.saturating_add(bytes as u64);
        let fits = allowed.texts <= MAX_FORM_BYTES;
        if fits { Ok(()) } else { Err(Error::FormTooLarge { limit: MAX_FORM_BYTES }) }
    }

    /// Counts `bytes` that were read.
    fn count(&self, bytes: usize) -> Result<(), Error> {
        let mut allowed = self.allowed();
        allowed.read = allowed.read.saturating_add(bytes as u64);
        let Allowed { read, limit, part, .. } = *allowed;
        match part {
            _ if read <= limit => Ok(()),
            Part::Text => Err(Error::FormTooLarge { limit: MAX_FORM_BYTES }),
            Part::File { max_bytes } => Err(Error::BodyTooLarge { limit: max_bytes }),
        }
    }

    fn allowed(&self) -> MutexGuard<'_, Allowed> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Splits the body into small pieces, and counts their bytes.
fn pieces(body: Incoming, allowance: Allowance) -> OneAtATime<impl Stream<Item = Result<Bytes, Error>>> {
    let state = (body, Bytes::new(), allowance);
    let pieces = stream::try_unfold(state, |(mut body, mut chunk, allowance)| async move {
        if chunk.is_empty() {
            let Some(next) = body.next().await? else { return Ok(None) };
            chunk = next;
        }
        let piece = chunk.split_to(chunk.len().min(MAX_CHUNK_BYTES));
        allowance.count(piece.len())?;
        Ok(Some((piece, (body, chunk, allowance))))
    });
    OneAtATime { pieces: Box::pin(pieces), pause: false }
}

/// A stream with only one piece ready at a time. The parser buffers all pieces that are ready before it parses them: with
/// a fast sender, that would be the whole file.
struct OneAtATime<S> {
    pieces: Pin<Box<S>>,
    /// The next poll is pending, so that the parser parses the last piece first.
    pause: bool,
}

impl<S: Stream> Stream for OneAtATime<S> {
    type Item = S::Item;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<S::Item>> {
        if std::mem::take(&mut self.pause) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let polled = self.pieces.as_mut().poll_next(cx);
        self.pause = matches!(polled, Poll::Ready(Some(_)));
        polled
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_may_follow_text_parts_and_the_error_has_its_own_limit() {
        let (bytes, max_bytes) = (200 * 1024, 300 * 1024);
        let allowance = Allowance::default();
        allowance.count(bytes).unwrap();
        allowance.allow_file(max_bytes);
        allowance.count(usize::try_from(max_bytes + MAX_FORM_READ_BYTES).unwrap()).unwrap();
        let error = allowance.count(1).unwrap_err();
        assert!(matches!(error, Error::BodyTooLarge { limit } if limit == max_bytes), "{error:?}");
    }
}
