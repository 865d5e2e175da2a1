//! RPCs and their options.

use std::sync::Arc;

use http::StatusCode;
use prost_reflect::{Kind, MessageDescriptor, MethodDescriptor};

use super::{
    ContractError, Download, FieldPath, HeaderField, Problem, Service, Upload, expect, options::Options,
};
use crate::{descriptor::is_repeated, json::Schemas};

const OPTION: &str = "reticle.http.v1.method";

/// One RPC.
#[derive(Debug)]
pub struct Method {
    /// The service that it belongs to.
    pub service: Arc<Service>,
    /// The RPC's descriptor: its names and its documentation.
    pub descriptor: MethodDescriptor,
    /// The path of its gRPC calls, as in `/reticle.images.v1.ImagesService/GetImage`.
    pub grpc_path: String,
    /// The request message.
    pub input: MessageDescriptor,
    /// The response message.
    pub output: MessageDescriptor,
    /// The HTTP status of success.
    pub success_status: StatusCode,
    /// Whether the gateway passes a request without a token to the service.
    pub token_optional: bool,
    /// The templates of the deprecated paths, which exist for older clients.
    pub deprecated_paths: Vec<String>,
    /// Request headers that fill request fields.
    pub request_headers: Vec<HeaderField>,
    /// Response fields that are also sent as headers.
    pub response_headers: Vec<HeaderField>,
    /// Set if the HTTP request's body is a file.
    pub upload: Option<Upload>,
    /// Set if the HTTP response's body is a file.
    pub download: Option<Download>,
    /// The field of a server stream's messages that is the id of a server-sent event.
    pub event_id: Option<FieldPath>,
}

impl Method {
    pub(super) fn read(
        descriptor: MethodDescriptor,
        service: Arc<Service>,
        schemas: &Schemas,
    ) -> Result<Self, ContractError> {
        let name = descriptor.full_name().to_owned();
        let (input, output) = (descriptor.input(), descriptor.output());
        let mut method = Self {
            grpc_path: format!("/{}/{}", service.full_name, descriptor.name()),
            success_status: StatusCode::OK,
            token_optional: false,
            deprecated_paths: Vec::new(),
            request_headers: Vec::new(),
            response_headers: Vec::new(),
            upload: None,
            download: None,
            event_id: None,
            service,
            descriptor,
            input,
            output,
        };
        if let Some(option) = Options::read(&method.descriptor.options(), OPTION) {
            method
                .apply(&option, schemas)
                .map_err(|(field, problem)| problem.of(&name, format!("{OPTION}.{field}")))?;
        }
        Ok(method)
    }

    fn apply(&mut self, option: &Options, schemas: &Schemas) -> Result<(), (String, Problem)> {
        self.token_optional = option.flag("token_optional");
        self.deprecated_paths = option.texts("deprecated_paths");
        self.apply_plain(option).map_err(|(field, problem)| (field.to_owned(), problem))?;
        if let Some(upload) = option.message("upload") {
            let upload = self.read_upload(&upload, schemas);
            self.upload = Some(upload.map_err(|(field, problem)| (format!("upload{field}"), problem))?);
        }
        if let Some(download) = option.message("download") {
            let download = self.read_download(&download);
            self.download = Some(download.map_err(|(field, problem)| (format!("download{field}"), problem))?);
        }
        if let Some(field) = option.text("event_id") {
            let event_id = self.read_event_id(&field);
            self.event_id = Some(event_id.map_err(|problem| ("event_id".to_owned(), problem))?);
        }
        Ok(())
    }

    fn apply_plain(&mut self, option: &Options) -> Result<(), (&'static str, Problem)> {
        if option.is_set("success_status") {
            let expected = "an HTTP status from 200 to 299";
            let status = expect::status(option.number("success_status"), 200, 299, expected);
            self.success_status = status.map_err(|problem| ("success_status", problem))?;
        }
        for entry in option.messages("request_headers") {
            let header = HeaderField::read(&entry, &self.input).and_then(HeaderField::for_request);
            self.request_headers.push(header.map_err(|problem| ("request_headers", problem))?);
        }
        for entry in option.messages("response_headers") {
            let header = HeaderField::read(&entry, &self.output).and_then(HeaderField::for_response);
            self.response_headers.push(header.map_err(|problem| ("response_headers", problem))?);
        }
        Ok(())
    }

    fn read_upload(&self, option: &Options, schemas: &Schemas) -> Result<Upload, (String, Problem)> {
        if !self.client_streaming() || self.server_streaming() {
            let problem = Problem::NotApplicable("only a client stream with one response can be an upload");
            return Err((String::new(), problem));
        }
        let upload = Upload::read(option, &self.input, schemas);
        upload.map_err(|(field, problem)| (format!(".{field}"), problem))
    }

    fn read_download(&self, option: &Options) -> Result<Download, (String, Problem)> {
        if !self.server_streaming() || self.client_streaming() {
            let problem = Problem::NotApplicable("only a server stream with one request can be a download");
            return Err((String::new(), problem));
        }
        let download = Download::read(option, &self.input, &self.output);
        download.map_err(|(field, problem)| (format!(".{field}"), problem))
    }

    fn read_event_id(&self, field: &str) -> Result<FieldPath, Problem> {
        if !self.server_streaming() || self.client_streaming() {
            return Err(Problem::NotApplicable("only a server stream with one request can have event ids"));
        }
        let path = FieldPath::resolve(&self.output, field)?;
        if is_repeated(path.leaf()) || path.leaf().kind() != Kind::String {
            return Err(Problem::field(path.to_string(), "a singular string, to be an event's id"));
        }
        Ok(path)
    }

    /// The full name, as in `reticle.images.v1.ImagesService.GetImage`.
    #[must_use]
    pub fn full_name(&self) -> &str {
        self.descriptor.full_name()
    }

    /// Whether a call has a stream of request messages.
    #[must_use]
    pub fn client_streaming(&self) -> bool {
        self.descriptor.is_client_streaming()
    }

    /// Whether a call has a stream of response messages.
    #[must_use]
    pub fn server_streaming(&self) -> bool {
        self.descriptor.is_server_streaming()
    }
}
