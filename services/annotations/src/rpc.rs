//! The RPCs. Each decodes its request into domain types, calls the service, and encodes the response.

use std::pin::Pin;

use aip::{Etag, PageQuery, Sealer, Violation, Violations};
use futures_util::Stream;
use identity::{Scope, UserId};
use proto::annotations::v1::{self as pb, annotations_service_server::AnnotationsService as Rpc};
use tonic::{Request, Response, Status, Streaming};

use crate::{
    AnnotationsService,
    annotation::{AnnotationId, Confidence, ImageId, Label, NewAnnotation, StreamId},
    call::Call,
    changes::Changes,
    error::{Error, Result},
    host::Host,
    ingest::{Accepted, Batch, Ingest},
    repo::Filter,
    watch::{Watch, WatchStart},
};

/// The maximum number of annotations of a bulk request.
const MAX_BULK: usize = 500;

/// The maximum number of annotations of one page, and the default.
const MAX_PAGE: u32 = 1_000;

#[tonic::async_trait]
impl<H: Host> Rpc for AnnotationsService<H> {
    type IngestAnnotationsStream =
        Pin<Box<dyn Stream<Item = Result<pb::IngestAnnotationsResponse, Status>> + Send>>;

    async fn ingest_annotations(
        &self,
        request: Request<Streaming<pb::IngestAnnotationsRequest>>,
    ) -> Result<Response<Self::IngestAnnotationsStream>, Status> {
        let (metadata, extensions, messages) = request.into_parts();
        let ingest = Ingest::begin(self.clone(), metadata, extensions, messages)?;
        Ok(Response::new(Box::pin(ingest.into_stream())))
    }

    async fn append_annotations(
        &self,
        request: Request<pb::AppendAnnotationsRequest>,
    ) -> Result<Response<pb::AppendAnnotationsResponse>, Status> {
        let (metadata, extensions, message) = request.into_parts();
        let call = Call::begin(&self.ports.database, &metadata, &extensions, Scope::AnnotationsWrite)?;
        let mut share = self.budget.open(call.caller.user_id())?;
        share.hold(&message.annotations)?;
        let stream_id = StreamId::parse(message.stream_id).map_err(Error::from)?;
        let batch = Batch::decode(message.offset, message.annotations)?;
        let mut open = self.open_stream(&call, stream_id).await?;
        let Accepted { next_offset, invalid } = self.accept(&call, &mut open, batch).await?;
        Ok(call.respond(pb::AppendAnnotationsResponse { next_offset, invalid }))
    }

    async fn get_ingest_stream(
        &self,
        request: Request<pb::GetIngestStreamRequest>,
    ) -> Result<Response<pb::IngestStream>, Status> {
        let (metadata, extensions, message) = request.into_parts();
        let call = Call::begin(&self.ports.database, &metadata, &extensions, Scope::AnnotationsWrite)?;
        let stream_id = StreamId::parse(message.stream_id).map_err(Error::from)?;
        let progress = self.find_stream(&call, &stream_id).await?;
        Ok(call.respond(pb::IngestStream {
            stream_id: stream_id.as_str().to_owned(),
            next_offset: progress.next_offset.get(),
            created_at: Some(aip::to_proto(progress.created_at)),
            updated_at: Some(aip::to_proto(progress.updated_at)),
        }))
    }

    type WatchAnnotationsStream =
        Pin<Box<dyn Stream<Item = Result<pb::WatchAnnotationsResponse, Status>> + Send>>;

    async fn watch_annotations(
        &self,
        request: Request<pb::WatchAnnotationsRequest>,
    ) -> Result<Response<Self::WatchAnnotationsStream>, Status> {
        let (metadata, extensions, message) = request.into_parts();
        let start = decode_watch(&message, &self.tokens.watch)?;
        let watch = Watch::begin(self.clone(), &metadata, &extensions, start).await?;
        Ok(Response::new(Box::pin(watch.into_stream())))
    }

    async fn create_annotation(
        &self,
        request: Request<pb::CreateAnnotationRequest>,
    ) -> Result<Response<pb::CreateAnnotationResponse>, Status> {
        let (metadata, extensions, message) = request.into_parts();
        let call = Call::begin(&self.ports.database, &metadata, &extensions, Scope::AnnotationsWrite)?;
        let new = decode_new(message.annotation)?;
        let annotation = self.create(&call, new).await?;
        Ok(call.respond(pb::CreateAnnotationResponse { annotation: Some(annotation.into()) }))
    }

    async fn bulk_create_annotations(
        &self,
        request: Request<pb::BulkCreateAnnotationsRequest>,
    ) -> Result<Response<pb::BulkCreateAnnotationsResponse>, Status> {
        let (metadata, extensions, message) = request.into_parts();
        let call = Call::begin(&self.ports.database, &metadata, &extensions, Scope::AnnotationsWrite)?;
        let ids = self.create_all(&call, decode_bulk(message)?).await?;
        // At most `MAX_BULK`.
        let count = i32::try_from(ids.len()).unwrap_or(i32::MAX);
        let ids = ids.iter().map(ToString::to_string).collect();
        Ok(call.respond(pb::BulkCreateAnnotationsResponse { inserted: count, total: count, ids }))
    }

    async fn get_annotation(
        &self,
        request: Request<pb::GetAnnotationRequest>,
    ) -> Result<Response<pb::GetAnnotationResponse>, Status> {
        let (metadata, extensions, message) = request.into_parts();
        let call = Call::begin(&self.ports.database, &metadata, &extensions, Scope::AnnotationsRead)?;
        let id = decode_id("annotation_id", &message.annotation_id)?;
        let annotation = self.get(&call, id).await?;
        Ok(call.respond(pb::GetAnnotationResponse { annotation: Some(annotation.into()) }))
    }

    async fn update_annotation(
        &self,
        request: Request<pb::UpdateAnnotationRequest>,
    ) -> Result<Response<pb::UpdateAnnotationResponse>, Status> {
        let (metadata, extensions, message) = request.into_parts();
        let call = Call::begin(&self.ports.database, &metadata, &extensions, Scope::AnnotationsWrite)?;
        let (id, etag, changes) = decode_update(message)?;
        let annotation = self.update(&call, id, etag, &changes).await?;
        Ok(call.respond(pb::UpdateAnnotationResponse { annotation: Some(annotation.into()) }))
    }

    async fn delete_annotation(
        &self,
        request: Request<pb::DeleteAnnotationRequest>,
    ) -> Result<Response<pb::DeleteAnnotationResponse>, Status> {
        let (metadata, extensions, message) = request.into_parts();
        let call = Call::begin(&self.ports.database, &metadata, &extensions, Scope::AnnotationsWrite)?;
        let id = decode_id("annotation_id", &message.annotation_id)?;
        let annotation = self.delete(&call, id, Etag::parse(&message.etag)).await?;
        Ok(call.respond(pb::DeleteAnnotationResponse { annotation: Some(annotation.into()) }))
    }

    async fn list_annotations(
        &self,
        request: Request<pb::ListAnnotationsRequest>,
    ) -> Result<Response<pb::ListAnnotationsResponse>, Status> {
        let (metadata, extensions, message) = request.into_parts();
        let call = Call::begin(&self.ports.database, &metadata, &extensions, Scope::AnnotationsRead)?;
        let query = list_query(&message);
        let (filter, page) = decode_list(message, &query, &self.tokens.pages)?;
        let scan = self.list(&call, &filter, page).await?;
        let next_page_token =
            scan.next_after.map(|last| aip::next_page_token(&self.tokens.pages, last, &query));
        Ok(call.respond(pb::ListAnnotationsResponse {
            annotations: scan.found.into_iter().map(Into::into).collect(),
            next_page_token: next_page_token.unwrap_or_default(),
        }))
    }
}

fn decode_id(field: &str, text: &str) -> Result<AnnotationId> {
    Ok(AnnotationId::parse(field, text)?)
}

fn decode_new(message: Option<pb::NewAnnotation>) -> Result<NewAnnotation> {
    let new = NewAnnotation::try_from(message.unwrap_or_default());
    Ok(new.map_err(|violations| violations.within("annotation"))?)
}

fn decode_bulk(message: pb::BulkCreateAnnotationsRequest) -> Result<Vec<NewAnnotation>> {
    let count = message.annotations.len();
    if !(1..=MAX_BULK).contains(&count) {
        let rule = format!("must hold 1 to {MAX_BULK} annotations, not {count}");
        return Err(Violation::new("annotations", rule).into());
    }
    let mut violations = Violations::default();
    let mut all = Vec::with_capacity(count);
    for (index, message) in message.annotations.into_iter().enumerate() {
        match NewAnnotation::try_from(message) {
            Ok(new) => all.push(new),
            Err(invalid) => violations.extend_within(&format!("annotations[{index}]"), invalid),
        }
    }
    Ok(violations.into_result(Some(all))?)
}

fn decode_update(message: pb::UpdateAnnotationRequest) -> Result<(AnnotationId, Option<Etag>, Changes)> {
    let annotation = message.annotation.unwrap_or_default();
    let mut violations = Violations::default();
    let id = violations.check(AnnotationId::parse("annotation.id", &annotation.id));
    let changes = Changes::decode(&annotation, message.update_mask.as_ref(), &mut violations);
    let etag = Etag::parse(&annotation.etag);
    Ok(violations.into_result(id.map(|id| (id, etag, changes)))?)
}

fn decode_watch(message: &pb::WatchAnnotationsRequest, sealer: &Sealer) -> Result<(ImageId, WatchStart)> {
    let image_id = ImageId::parse("image_id", &message.image_id)?;
    if !message.last_event_id.is_empty() {
        return Ok((image_id, WatchStart::from_event_id(&message.last_event_id, image_id, sealer)));
    }
    let start = WatchStart::from_token(&message.resume_token, image_id, sealer)
        .map_err(|_| Violation::new("resume_token", "must be a resume_token of the same image"))?;
    Ok((image_id, start))
}

/// The query that a page token is bound to.
fn list_query(message: &pb::ListAnnotationsRequest) -> String {
    let pb::ListAnnotationsRequest { image_id, label, min_confidence, created_by, .. } = message;
    format!("{image_id:?} {label:?} {min_confidence:?} {created_by:?}")
}

fn decode_list(
    message: pb::ListAnnotationsRequest,
    query: &str,
    sealer: &Sealer,
) -> Result<(Filter, aip::Page)> {
    let mut violations = Violations::default();
    let image_id = violations.check(ImageId::parse("image_id", &message.image_id));
    let label = (!message.label.is_empty()).then(|| Label::stored(message.label)).transpose();
    let label = violations.check(label);
    let min_confidence = message.min_confidence.map(|value| Confidence::new("min_confidence", value));
    let min_confidence = violations.check(min_confidence.transpose());
    let created_by = (!message.created_by.is_empty()).then(|| UserId::parse(&message.created_by)).transpose();
    let created_by =
        violations.check(created_by.map_err(|invalid| Violation::new("created_by", invalid.to_string())));
    let page = PageQuery {
        page_size: message.page_size,
        page_token: &message.page_token,
        default_size: MAX_PAGE,
        max_size: MAX_PAGE,
        query,
        sealer,
    };
    let page = violations.check(page.parse());
    let decoded = image_id.zip(label).zip(min_confidence.zip(created_by)).zip(page).map(
        |(((image_id, label), (min_confidence, created_by)), page)| {
            (Filter { image_id, label, min_confidence, created_by }, page)
        },
    );
    Ok(violations.into_result(decoded)?)
}
