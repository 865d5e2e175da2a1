//! The scripted annotations service.

use proto::annotations::v1::{self as annotations, annotations_service_server::AnnotationsService};
use tonic::{Request, Response, Status, Streaming, async_trait};

use super::Scripted;

fn unscripted<T>() -> Result<Response<T>, Status> {
    Err(Status::unimplemented("not scripted"))
}

#[async_trait]
impl AnnotationsService for Scripted {
    type IngestAnnotationsStream = tonic::codegen::BoxStream<annotations::IngestAnnotationsResponse>;

    async fn ingest_annotations(
        &self,
        request: Request<Streaming<annotations::IngestAnnotationsRequest>>,
    ) -> Result<Response<Self::IngestAnnotationsStream>, Status> {
        self.record(&request);
        unscripted()
    }

    async fn append_annotations(
        &self,
        request: Request<annotations::AppendAnnotationsRequest>,
    ) -> Result<Response<annotations::AppendAnnotationsResponse>, Status> {
        self.record(&request);
        unscripted()
    }

    async fn get_ingest_stream(
        &self,
        request: Request<annotations::GetIngestStreamRequest>,
    ) -> Result<Response<annotations::IngestStream>, Status> {
        self.record(&request);
        unscripted()
    }

    type WatchAnnotationsStream = tonic::codegen::BoxStream<annotations::WatchAnnotationsResponse>;

    async fn watch_annotations(
        &self,
        _: Request<annotations::WatchAnnotationsRequest>,
    ) -> Result<Response<Self::WatchAnnotationsStream>, Status> {
        unscripted()
    }

    async fn create_annotation(
        &self,
        request: Request<annotations::CreateAnnotationRequest>,
    ) -> Result<Response<annotations::CreateAnnotationResponse>, Status> {
        self.record(&request);
        let new = request.into_inner().annotation.unwrap_or_default();
        let annotation = annotations::Annotation {
            id: "a1".to_owned(),
            image_id: new.image_id,
            label: new.label,
            etag: "v1".to_owned(),
            ..Default::default()
        };
        Ok(Response::new(annotations::CreateAnnotationResponse { annotation: Some(annotation) }))
    }

    async fn bulk_create_annotations(
        &self,
        request: Request<annotations::BulkCreateAnnotationsRequest>,
    ) -> Result<Response<annotations::BulkCreateAnnotationsResponse>, Status> {
        self.record(&request);
        let bulk = request.into_inner();
        let count = i32::try_from(bulk.annotations.len()).unwrap();
        self.seen().bulk = Some(bulk);
        Ok(Response::new(annotations::BulkCreateAnnotationsResponse {
            inserted: count,
            total: count,
            ids: vec![],
        }))
    }

    async fn get_annotation(
        &self,
        _: Request<annotations::GetAnnotationRequest>,
    ) -> Result<Response<annotations::GetAnnotationResponse>, Status> {
        unscripted()
    }

    async fn update_annotation(
        &self,
        _: Request<annotations::UpdateAnnotationRequest>,
    ) -> Result<Response<annotations::UpdateAnnotationResponse>, Status> {
        unscripted()
    }

    async fn delete_annotation(
        &self,
        _: Request<annotations::DeleteAnnotationRequest>,
    ) -> Result<Response<annotations::DeleteAnnotationResponse>, Status> {
        unscripted()
    }

    async fn list_annotations(
        &self,
        _: Request<annotations::ListAnnotationsRequest>,
    ) -> Result<Response<annotations::ListAnnotationsResponse>, Status> {
        unscripted()
    }
}
