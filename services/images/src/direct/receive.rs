//! Receives the bytes of a direct upload, if the object store cannot sign requests.

use std::pin::pin;

use aip::{Violation, Violations};
use bytes::Bytes;
use futures_util::{Stream, TryFutureExt as _, TryStreamExt as _, future::try_join};
use proto::images::v1 as pb;
use runtime::Clock as _;
use storage::{ObjectStore, PutOptions, Session};

use super::{Declaration, DirectUpload};
use crate::{
    ImagesService,
    error::{Error, Result},
    format::Declared,
    host::Host,
    image::ImageId,
    repo,
    signed_url::{Permit, Ticket},
    transfers::Holder,
    upload::{self, Incoming},
};

impl<H: Host> ImagesService<H> {
    /// Stores the received bytes of the upload that the first message names. Its signature is enough; there is no caller.
    pub(crate) async fn receive_direct(
        &self,
        session: &Session<'_, H::Database>,
        mut incoming: Incoming<pb::PutUploadRequest>,
    ) -> Result<()> {
        let mut info = incoming.info().await?;
        let id = ImageId::parse("info.upload_id", &info.upload_id)?;
        let ticket = Ticket::new(info.expires_at, std::mem::take(&mut info.signature));
        let ticket = ticket.ok_or(Error::WrongSignature)?;
        let permit = Permit::store(id);
        ticket.check(&self.signer, &permit, self.ports.clock.now())?;
        let _transfer = self.transfers.begin(Holder::from(&permit))?;
        let upload = repo::uploads::find(session, None, id).await?.ok_or(Error::UploadNotFound(id))?;
        receive(&self.ports.objects, &upload, &info, incoming).await
    }
}

/// Stores the received bytes of `upload`, in place of earlier ones. If it fails, the earlier ones stay.
async fn receive(
    objects: &impl ObjectStore,
    upload: &DirectUpload,
    info: &pb::PutUploadInfo,
    mut incoming: Incoming<pb::PutUploadRequest>,
) -> Result<()> {
    let declaration = &upload.declaration;
    check(info, declaration)?;
    let (to_store, body) = upload::channel();
    let content_type = declaration.format.media_type().to_owned();
    let options = PutOptions { size: declaration.size_bytes.try_into().ok(), content_type };
    let key = upload.key();
    let put = objects.put(&key, body, options).map_err(Error::from);
    let bytes = pin!(incoming.data());
    let send = send_exactly(bytes, declaration.size_bytes, to_store);
    try_join(put, send).await.map(drop)
}

/// Checks that `info` matches the declaration of the upload.
fn check(info: &pb::PutUploadInfo, declaration: &Declaration) -> Result<(), Violations> {
    let mut violations = Violations::default();
    if Declared::parse(&info.content_type) != Ok(Declared::Format(declaration.format)) {
        let rule = format!("must be {}, as declared for the upload", declaration.format.media_type());
        violations.push(Violation::new("info.content_type", rule));
    }
    if info.size_bytes.is_some_and(|size| size != declaration.size_bytes) {
        let rule = format!("must be {}, as declared for the upload", declaration.size_bytes);
        violations.push(Violation::new("info.size_bytes", rule));
    }
    violations.into_result(Some(()))
}

/// Sends the bytes to the store; there must be exactly `size` of them.
async fn send_exactly(
    mut bytes: impl Stream<Item = Result<Bytes>> + Unpin,
    size: i32,
    mut to_store: upload::BodySender,
) -> Result<()> {
    let mut left = usize::try_from(size).unwrap_or_default();
    while let Some(chunk) = bytes.try_next().await? {
        left = left.checked_sub(chunk.len()).ok_or_else(|| wrong_size(size))?;
        to_store.send(chunk).await?;
    }
    if left > 0 {
        return Err(wrong_size(size).into());
    }
    Ok(to_store.finish().await?)
}

fn wrong_size(size: i32) -> Violation {
    Violation::new("data", format!("must have {size} bytes, as declared for the upload"))
}
