//! Downloads: selects the requested part of an image, and streams its bytes in messages of limited size.

use aip::Violation;
use bytes::Bytes;
use futures_util::{Stream, StreamExt as _, stream};
use http::Extensions;
use identity::{Caller, Scope};
use proto::images::v1::{self as pb, download_image_response::Payload};
use runtime::Clock as _;
use storage::{ByteRange, ByteStream, ObjectStore, Session};

use crate::{
    ImagesService,
    error::{Error, Result},
    host::Host,
    image::{Image, ImageId},
    repo,
    signed_url::{Permit, Ticket},
    transfers::Holder,
    view::View,
};

/// The most bytes that one message carries.
pub(crate) const MESSAGE_BYTES: usize = 64 * 1024;

/// Which part of an image to send, and on which conditions (RFC 9110 sections 13 and 14).
#[derive(Clone, Debug, Default)]
pub(crate) struct DownloadOptions {
    /// A negative value counts from the end.
    offset: i32,
    /// At least 1; `None` means all remaining bytes.
    limit: Option<i32>,
    if_none_match: Vec<String>,
    if_range: Option<String>,
}

/// A range of bytes inside an image, at least one byte long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    offset: i32,
    length: i32,
}

impl TryFrom<pb::DownloadImageRequest> for DownloadOptions {
    type Error = Violation;

    fn try_from(request: pb::DownloadImageRequest) -> Result<Self, Violation> {
        if request.read_limit < 0 {
            return Err(Violation::new("read_limit", "must not be negative"));
        }
        Ok(Self {
            offset: request.read_offset,
            limit: (request.read_limit > 0).then_some(request.read_limit),
            if_none_match: request.if_none_match,
            if_range: (!request.if_range.is_empty()).then_some(request.if_range),
        })
    }
}

impl DownloadOptions {
    /// The part of `image` to send; `None` if the caller has a current copy.
    fn select_part(&self, image: &Image) -> Result<Option<Part>> {
        if self.if_none_match.iter().any(|tag| tag == "*" || *tag == image.sha256) {
            return Ok(None);
        }
        let size = image.size_bytes;
        if self.if_range.as_ref().is_some_and(|tag| *tag != image.sha256) {
            return Ok(Some(Part { offset: 0, length: size }));
        }
        let offset = if self.offset < 0 { size.saturating_add(self.offset).max(0) } else { self.offset };
        if offset >= size {
            return Err(Error::RangeNotSatisfiable { size });
        }
        let left = size - offset;
        Ok(Some(Part { offset, length: self.limit.map_or(left, |limit| limit.min(left)) }))
    }
}

/// Which images a download may read, and to whose limit of transfers it counts.
pub(crate) struct Reader {
    view: View,
    holder: Holder,
}

impl From<&Caller> for Reader {
    fn from(caller: &Caller) -> Self {
        Self { view: caller.into(), holder: caller.user_id().into() }
    }
}

impl<H: Host> ImagesService<H> {
    /// The reader of a download. A valid ticket is enough. With an invalid one, the token of the caller decides.
    pub(crate) fn reader(
        &self,
        extensions: &Extensions,
        ticket: Option<&Ticket>,
        id: ImageId,
    ) -> Result<Reader> {
        let of_caller = || identity::caller(extensions, Scope::ImagesRead).map(Reader::from);
        let Some(ticket) = ticket else { return Ok(of_caller()?) };
        let permit = Permit::read(id);
        match ticket.check(&self.signer, &permit, self.ports.clock.now()) {
            Ok(()) => Ok(Reader { view: View::All, holder: Holder::from(&permit) }),
            Err(rejection) => of_caller().map_err(|_| rejection),
        }
    }

    /// Opens the image for download. It counts as a transfer until the stream is dropped.
    pub(crate) async fn download(
        &self,
        session: &Session<'_, H::Database>,
        reader: Reader,
        id: ImageId,
        options: &DownloadOptions,
    ) -> Result<impl Stream<Item = Result<pb::DownloadImageResponse>> + Send + 'static> {
        let image = repo::find(session, &reader.view, id).await?.ok_or(Error::NotFound(id))?;
        let transfer = self.transfers.begin(reader.holder)?;
        let messages = open(&self.ports.objects, image, options).await?;
        Ok(messages.inspect(move |_| {
            // The stream owns the transfer.
            let _ = &transfer;
        }))
    }
}

/// Opens `image` for download. The first message describes the part that follows.
async fn open(
    objects: &impl ObjectStore,
    image: Image,
    options: &DownloadOptions,
) -> Result<impl Stream<Item = Result<pb::DownloadImageResponse>> + Send + 'static> {
    let part = options.select_part(&image)?;
    let body = match part {
        Some(part) => {
            let object = objects.get(&image.key, range(part, image.size_bytes)).await?;
            object.ok_or(Error::BytesLost(image.id))?.body
        }
        None => stream::empty().boxed(),
    };
    let length = part.map_or(0, |part| part.length.unsigned_abs());
    let data = read_exactly(image.id, body, length).map(|data| data.map(Payload::Data));
    let content = stream::iter([Ok(Payload::Content(content(image, part)))]);
    Ok(content
        .chain(data)
        .map(|payload| payload.map(|payload| pb::DownloadImageResponse { payload: Some(payload) })))
}

/// The range to read; `None` for a whole image, which every store serves best.
fn range(part: Part, size: i32) -> Option<ByteRange> {
    let range =
        ByteRange { offset: part.offset.unsigned_abs().into(), length: part.length.unsigned_abs().into() };
    (part.length < size).then_some(range)
}

fn content(image: Image, part: Option<Part>) -> pb::ImageContent {
    pb::ImageContent {
        content_type: image.format.media_type().to_owned(),
        filename: image.filename.for_download(image.format),
        size_bytes: image.size_bytes,
        etag: image.sha256,
        read_offset: part.map_or(0, |part| part.offset),
        read_length: part.map_or(0, |part| part.length),
        not_modified: part.is_none(),
    }
}

/// A body of known length that is split into messages.
struct ExactBody {
    image: ImageId,
    body: ByteStream,
    chunk: Bytes,
    /// How many bytes remain to be sent, including `chunk`.
    left: usize,
}

/// Streams exactly `length` bytes of `body` in messages of limited size. A shorter body ends with an error.
pub(crate) fn read_exactly(
    image: ImageId,
    body: ByteStream,
    length: u32,
) -> impl Stream<Item = Result<Bytes>> + Send {
    let left = usize::try_from(length).unwrap_or(usize::MAX);
    let exact = ExactBody { image, body, chunk: Bytes::new(), left };
    stream::try_unfold(exact, |mut exact| async move {
        Ok(exact.next_message().await?.map(|message| (message, exact)))
    })
}

impl ExactBody {
    async fn next_message(&mut self) -> Result<Option<Bytes>> {
        if self.left == 0 {
            return Ok(None);
        }
        while self.chunk.is_empty() {
            self.chunk = self.body.next().await.ok_or(Error::BytesLost(self.image))??;
        }
        let message = self.chunk.split_to(self.chunk.len().min(MESSAGE_BYTES).min(self.left));
        self.left -= message.len();
        Ok(Some(message))
    }
}
