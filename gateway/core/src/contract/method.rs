//! RPCs and their services, with what the options say of them.

use std::{collections::HashMap, sync::Arc};

use http::{HeaderName, HeaderValue, StatusCode};
use prost_reflect::{Cardinality, Kind, MessageDescriptor, MethodDescriptor, ServiceDescriptor};

use super::{ContractError, Download, FieldPath, Problem, Upload, entity_tag, options::Options};
use crate::json::Schemas;

const METHOD_OPTION: &str = "reticle.http.v1.method";
const SERVICE_OPTION: &str = "reticle.http.v1.service";

/// A service.
#[derive(Debug)]
pub struct Service {
    /// The full name, as in `reticle.images.v1.ImagesService`.
    pub full_name: String,
    error_statuses: HashMap<String, StatusCode>,
}

impl Service {
    pub(super) fn read(descriptor: &ServiceDescriptor) -> Result<Self, ContractError> {
        let full_name = descriptor.full_name().to_owned();
        let option = Options::read(descriptor.parent_pool(), &descriptor.options(), SERVICE_OPTION);
        let entries = option.map(|option| option.messages("error_statuses")).unwrap_or_default();
        let read = |entry: &Options| {
            let reason =
                entry.text("reason").ok_or(Problem::Missing { expected: "the reason of an ErrorInfo" })?;
            Ok((reason, status(entry.number("http_status"), 400, 599, "an HTTP status from 400 to 599")?))
        };
        let error_statuses = entries.iter().map(read).collect::<Result<_, Problem>>();
        let error_statuses = error_statuses
            .map_err(|problem| problem.of(&full_name, format!("{SERVICE_OPTION}.error_statuses")))?;
        Ok(Self { full_name, error_statuses })
    }

    /// The HTTP status of errors with this reason in their ErrorInfo; `None` leaves it to the gRPC code.
    #[must_use]
    pub fn error_status(&self, reason: &str) -> Option<StatusCode> {
        self.error_statuses.get(reason).copied()
    }
}

/// One RPC.
#[derive(Debug)]
pub struct Method {
    /// The service that it belongs to.
    pub service: Arc<Service>,
    /// Names, documentation and the rest of what the `.proto` file says.
    pub descriptor: MethodDescriptor,
    /// The path of its gRPC calls, as in `/reticle.images.v1.ImagesService/GetImage`.
    pub grpc_path: String,
    /// The request message.
    pub input: MessageDescriptor,
    /// The response message.
    pub output: MessageDescriptor,
    /// The HTTP status of success.
    pub success_status: StatusCode,
    /// Whether a request without a token goes through to the service.
    pub token_optional: bool,
    /// Request headers that fill request fields.
    pub request_headers: Vec<HeaderField>,
    /// Response fields that are sent as headers too.
    pub response_headers: Vec<HeaderField>,
    /// Says that the HTTP request's body is a file.
    pub upload: Option<Upload>,
    /// Says that the HTTP response's body is a file.
    pub download: Option<Download>,
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
            request_headers: Vec::new(),
            response_headers: Vec::new(),
            upload: None,
            download: None,
            service,
            descriptor,
            input,
            output,
        };
        let options = method.descriptor.options();
        if let Some(option) = Options::read(method.descriptor.parent_pool(), &options, METHOD_OPTION) {
            method
                .apply(&option, schemas)
                .map_err(|(field, problem)| problem.of(&name, format!("{METHOD_OPTION}.{field}")))?;
        }
        Ok(method)
    }

    fn apply(&mut self, option: &Options, schemas: &Schemas) -> Result<(), (String, Problem)> {
        let named = |field: &'static str| move |problem| (field.to_owned(), problem);
        self.token_optional = option.flag("token_optional");
        if option.is_set("success_status") {
            self.success_status =
                status(option.number("success_status"), 200, 299, "an HTTP status from 200 to 299")
                    .map_err(named("success_status"))?;
        }
        for entry in option.messages("request_headers") {
            let header = HeaderField::read(&entry, &self.input).and_then(HeaderField::for_request);
            self.request_headers.push(header.map_err(named("request_headers"))?);
        }
        for entry in option.messages("response_headers") {
            let header = HeaderField::read(&entry, &self.output).and_then(HeaderField::for_response);
            self.response_headers.push(header.map_err(named("response_headers"))?);
        }
        let of = |option: &'static str| {
            move |(field, problem): (&'static str, Problem)| (format!("{option}.{field}"), problem)
        };
        if let Some(upload) = option.message("upload") {
            let fits = self.descriptor.is_client_streaming() && !self.descriptor.is_server_streaming();
            let unfit = Problem::Unfit("only a client stream with one answer can take an upload");
            fits.then_some(()).ok_or(unfit).map_err(named("upload"))?;
            self.upload = Some(Upload::read(&upload, &self.input, schemas).map_err(of("upload"))?);
        }
        if let Some(download) = option.message("download") {
            let fits = self.descriptor.is_server_streaming() && !self.descriptor.is_client_streaming();
            let unfit = Problem::Unfit("only a server stream with one request can be a download");
            fits.then_some(()).ok_or(unfit).map_err(named("download"))?;
            self.download =
                Some(Download::read(&download, &self.input, &self.output).map_err(of("download"))?);
        }
        Ok(())
    }

    /// The full name, as in `reticle.images.v1.ImagesService.GetImage`.
    #[must_use]
    pub fn full_name(&self) -> &str {
        self.descriptor.full_name()
    }

    /// Whether requests are a stream.
    #[must_use]
    pub fn client_streaming(&self) -> bool {
        self.descriptor.is_client_streaming()
    }

    /// Whether answers are a stream.
    #[must_use]
    pub fn server_streaming(&self) -> bool {
        self.descriptor.is_server_streaming()
    }
}

/// A header and the field that holds its value.
#[derive(Clone, Debug)]
pub struct HeaderField {
    /// The header.
    pub name: HeaderName,
    /// The field in the request, or in the response.
    pub path: FieldPath,
    /// The value is quoted in the header and bare in the field.
    pub entity_tag: bool,
}

impl HeaderField {
    fn read(option: &Options, message: &MessageDescriptor) -> Result<Self, Problem> {
        let header = option.text("header").ok_or(Problem::Missing { expected: "a header's name" })?;
        let field = option.text("field").ok_or(Problem::Missing { expected: "a field path" })?;
        let name = HeaderName::from_lowercase(header.as_bytes());
        let name = name.map_err(|_| Problem::value(header.as_str(), "a header's name in lower case"))?;
        let path = FieldPath::resolve(message, &field)?;
        let entity_tag = option.flag("entity_tag");
        if entity_tag && path.leaf().kind() != Kind::String {
            return Err(Problem::field(path.to_string(), "a string, to hold an entity tag"));
        }
        Ok(Self { name, path, entity_tag })
    }

    fn for_request(self) -> Result<Self, Problem> {
        match self.path.leaf().kind() {
            Kind::Message(_) => {
                Err(Problem::field(self.path.to_string(), "a scalar, to be filled by a header"))
            }
            _ => Ok(self),
        }
    }

    fn for_response(self) -> Result<Self, Problem> {
        let fits = self.path.leaf().cardinality() != Cardinality::Repeated
            && matches!(
                self.path.leaf().kind(),
                Kind::String | Kind::Bool | Kind::Int32 | Kind::Int64 | Kind::Uint32 | Kind::Uint64
            );
        if fits {
            return Ok(self);
        }
        Err(Problem::field(
            self.path.to_string(),
            "a singular string, bool, int32, int64, uint32 or uint64, to be sent as a header",
        ))
    }

    /// The header's value for a response message; `None` where the field is unset or cannot stand in a header.
    #[must_use]
    pub fn response_value(&self, message: &[u8]) -> Option<HeaderValue> {
        let text = self.path.read_text(message)?;
        let text = if self.entity_tag { entity_tag::quote(&text) } else { text };
        HeaderValue::try_from(text).ok()
    }
}

fn status(number: i32, least: u16, most: u16, expected: &'static str) -> Result<StatusCode, Problem> {
    let in_range = u16::try_from(number).ok().filter(|number| (least..=most).contains(number));
    let status = in_range.and_then(|number| StatusCode::from_u16(number).ok());
    status.ok_or_else(|| Problem::value(number.to_string(), expected))
}
