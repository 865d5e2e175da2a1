//! An empty tonic service in its own process: the baseline for the cost of a gRPC call.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    net::SocketAddr,
    process::{Child, Command, Stdio},
};

use anyhow::Context as _;
use proto::images::v1::{
    self as pb,
    images_service_server::{ImagesService, ImagesServiceServer},
};
use tonic::{Request, Response, Status, Streaming};

/// The argument that starts this program as the echo service.
pub(crate) const ARGUMENT: &str = "echo";

/// A running echo service; killed when dropped.
pub(crate) struct Echo {
    child: Child,
    /// Where it listens.
    pub(crate) address: SocketAddr,
}

impl Echo {
    /// Starts it.
    pub(crate) fn start() -> anyhow::Result<Self> {
        let mut child =
            Command::new(std::env::current_exe()?).arg(ARGUMENT).stdout(Stdio::piped()).spawn()?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().context("no output")?).read_line(&mut line)?;
        Ok(Self { child, address: line.trim().parse()? })
    }
}

impl Drop for Echo {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Serves until it is killed.
pub(crate) async fn serve() -> anyhow::Result<()> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?);
    std::io::stdout().flush()?;
    let incoming = tonic::transport::server::TcpIncoming::from(listener).with_nodelay(Some(true));
    tonic::transport::Server::builder()
        .add_service(ImagesServiceServer::new(Empty))
        .serve_with_incoming(incoming)
        .await?;
    Ok(())
}

/// Returns an empty response to every call.
struct Empty;

#[tonic::async_trait]
impl ImagesService for Empty {
    type DownloadImageStream = tokio_stream::Empty<Result<pb::DownloadImageResponse, Status>>;

    async fn get_image(
        &self,
        _: Request<pb::GetImageRequest>,
    ) -> Result<Response<pb::GetImageResponse>, Status> {
        Ok(Response::new(Default::default()))
    }
    async fn upload_image(
        &self,
        _: Request<Streaming<pb::UploadImageRequest>>,
    ) -> Result<Response<pb::UploadImageResponse>, Status> {
        Ok(Response::new(Default::default()))
    }
    async fn create_upload(
        &self,
        _: Request<pb::CreateUploadRequest>,
    ) -> Result<Response<pb::CreateUploadResponse>, Status> {
        Ok(Response::new(Default::default()))
    }
    async fn put_upload(
        &self,
        _: Request<Streaming<pb::PutUploadRequest>>,
    ) -> Result<Response<pb::PutUploadResponse>, Status> {
        Ok(Response::new(Default::default()))
    }
    async fn complete_upload(
        &self,
        _: Request<pb::CompleteUploadRequest>,
    ) -> Result<Response<pb::CompleteUploadResponse>, Status> {
        Ok(Response::new(Default::default()))
    }
    async fn list_images(
        &self,
        _: Request<pb::ListImagesRequest>,
    ) -> Result<Response<pb::ListImagesResponse>, Status> {
        Ok(Response::new(Default::default()))
    }
    async fn update_image(
        &self,
        _: Request<pb::UpdateImageRequest>,
    ) -> Result<Response<pb::UpdateImageResponse>, Status> {
        Ok(Response::new(Default::default()))
    }
    async fn delete_image(
        &self,
        _: Request<pb::DeleteImageRequest>,
    ) -> Result<Response<pb::DeleteImageResponse>, Status> {
        Ok(Response::new(Default::default()))
    }
    async fn undelete_image(
        &self,
        _: Request<pb::UndeleteImageRequest>,
    ) -> Result<Response<pb::UndeleteImageResponse>, Status> {
        Ok(Response::new(Default::default()))
    }
    async fn download_image(
        &self,
        _: Request<pb::DownloadImageRequest>,
    ) -> Result<Response<Self::DownloadImageStream>, Status> {
        Ok(Response::new(tokio_stream::empty()))
    }
    async fn sign_image_url(
        &self,
        _: Request<pb::SignImageUrlRequest>,
    ) -> Result<Response<pb::SignImageUrlResponse>, Status> {
        Ok(Response::new(Default::default()))
    }
    async fn batch_get_images(
        &self,
        _: Request<pb::BatchGetImagesRequest>,
    ) -> Result<Response<pb::BatchGetImagesResponse>, Status> {
        Ok(Response::new(Default::default()))
    }
}
