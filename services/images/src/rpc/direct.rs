//! RPCs of direct uploads: create an upload, receive its bytes, and complete it.

use identity::{Scope, caller};
use proto::images::v1 as pb;
use runtime::{Background, Clock, Entropy};
use storage::{Database, ObjectStore, SignedRequest};
use tonic::{Request, Response, Streaming};

use super::{respond, resume, resume_for};
use crate::{
    ImagesService,
    direct::{self, Declaration, DirectUpload},
    error::{Error, Result},
    image::ImageId,
    repo,
    signed_url::{Permit, Ticket},
    transfers::Holder,
    upload::Incoming,
    view::View,
};

impl<D, O, C, E, B> ImagesService<D, O, C, E, B>
where
    D: Database,
    O: ObjectStore,
    C: Clock,
    E: Entropy,
    B: Background,
{
    pub(super) async fn create_direct(
        &self,
        request: Request<pb::CreateUploadRequest>,
    ) -> Result<Response<pb::CreateUploadResponse>> {
        let (headers, extensions, request) = request.into_parts();
        let owner = caller(&extensions, Scope::ImagesWrite)?.user_id().clone();
        let declaration = Declaration::parse(request, self.settings.max_upload_bytes)?;
        let now = self.ports.clock.now();
        let id = ImageId::generate(now, &self.ports.entropy);
        let upload = DirectUpload { id, owner, created_at: now, declaration };
        let session = resume_for(&self.ports.database, &upload.owner, &headers);
        repo::uploads::insert(&session, &upload).await?;
        let gateway = self.gateway(headers.as_ref());
        let signed =
            direct::request(&self.ports.objects, &gateway, &upload, (now, session.bookmark())).await?;
        Ok(respond(&session, pb::CreateUploadResponse { upload: Some(encode(id, signed)) }))
    }

    pub(super) async fn receive_direct(
        &self,
        request: Request<Streaming<pb::PutUploadRequest>>,
    ) -> Result<Response<pb::PutUploadResponse>> {
        let (headers, _, messages) = request.into_parts();
        let mut incoming = Incoming::new(messages);
        let mut info = incoming.info().await?;
        let id = ImageId::parse("info.upload_id", &info.upload_id)?;
        let ticket = Ticket::new(info.expires_at, std::mem::take(&mut info.signature));
        let ticket = ticket.ok_or(Error::WrongSignature)?;
        let permit = Permit::store(id);
        ticket.check(&self.signer, &permit, self.ports.clock.now())?;
        let _transfer = self.transfers.begin(Holder::from(&permit))?;
        let session = resume(&self.ports.database, &headers);
        let upload = repo::uploads::find(&session, None, id).await?.ok_or(Error::UploadNotFound(id))?;
        direct::receive(&self.ports.objects, &upload, &info, incoming).await?;
        Ok(respond(&session, pb::PutUploadResponse {}))
    }

    pub(super) async fn complete_direct(
        &self,
        request: Request<pb::CompleteUploadRequest>,
    ) -> Result<Response<pb::CompleteUploadResponse>> {
        let owner = caller(request.extensions(), Scope::ImagesWrite)?.user_id();
        let id = ImageId::parse("upload_id", &request.get_ref().upload_id)?;
        let session = resume_for(&self.ports.database, owner, request.metadata());
        let image = match repo::uploads::find(&session, Some(owner), id).await? {
            Some(upload) => direct::complete(self, &session, upload).await?,
            // It may have been completed before: then the image has the same id.
            None => {
                let image = repo::find(&session, &View::Own(owner.clone()), id).await?;
                image.ok_or(Error::UploadNotFound(id))?
            }
        };
        Ok(respond(&session, pb::CompleteUploadResponse { image: Some(image.into()) }))
    }
}

fn encode(id: ImageId, request: SignedRequest) -> pb::Upload {
    pb::Upload {
        id: id.to_string(),
        url: request.url,
        method: request.method.to_string(),
        headers: request.headers.into_iter().collect(),
        expires_at: Some(aip::to_proto(request.expires_at)),
    }
}
