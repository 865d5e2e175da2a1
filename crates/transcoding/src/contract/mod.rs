//! The HTTP side of the API contract: methods, routes, and how parts of a request fill fields.
//!
//! A [`Contract`] is built once, from a descriptor set. All names in its options are resolved then, so that a wrong name
//! stops the gateway at start and not at a request. To add an option for RPCs, add a field to
//! `reticle/http/v1/options.proto` and read it in `method`.

mod binding;
mod download;
mod entity_tag;
mod error;
mod expect;
mod field_path;
#[cfg(test)]
mod fixture;
mod header_field;
mod method;
mod options;
mod parameters;
mod percent;
mod query;
mod route;
mod routes;
mod rules;
mod service;
mod template;
mod upload;

use std::sync::Arc;

use prost_reflect::DescriptorPool;

use self::routes::Routes;
pub(crate) use self::rules::Rules;
pub use self::{
    binding::Bound,
    download::{Download, DownloadInfo, DownloadRequest},
    entity_tag::{EntityTag, EntityTags, quote},
    error::{ContractError, Problem},
    field_path::FieldPath,
    header_field::HeaderField,
    method::Method,
    query::MAX_PARAMETERS,
    route::{Body, PathVariable, Route, UpdateMask},
    routes::{Captures, Match, Mismatch},
    service::Service,
    template::{Segment, Template, TemplateError, Variable},
    upload::{FileInfo, Upload},
};
pub use crate::fields::Malformed;
use crate::json::Schemas;

/// Every service of a descriptor set, with its HTTP bindings.
#[derive(Debug)]
pub struct Contract {
    pool: DescriptorPool,
    schemas: Schemas,
    methods: Vec<Arc<Method>>,
    routes: Routes,
}

impl Contract {
    /// Reads a serialized `FileDescriptorSet`, which must include its imports and options.
    ///
    /// # Errors
    /// If the set cannot be read, an option is not valid, or two bindings match the same requests.
    pub fn decode(descriptor_set: &[u8]) -> Result<Self, ContractError> {
        Self::of_pool(DescriptorPool::decode(descriptor_set)?)
    }

    fn of_pool(pool: DescriptorPool) -> Result<Self, ContractError> {
        let schemas = Schemas::new(&pool);
        let mut methods = Vec::new();
        let mut routes = Routes::default();
        for descriptor in pool.services() {
            let service = Arc::new(Service::read(&descriptor)?);
            for method in descriptor.methods() {
                let method = Arc::new(Method::read(method, Arc::clone(&service), &schemas)?);
                Route::read(&method)?.into_iter().try_for_each(|route| routes.insert(route))?;
                methods.push(method);
            }
        }
        Ok(Self { pool, schemas, methods, routes })
    }

    /// The descriptors.
    #[must_use]
    pub const fn pool(&self) -> &DescriptorPool {
        &self.pool
    }

    /// How the messages are read from JSON and written as JSON.
    pub const fn schemas(&self) -> &Schemas {
        &self.schemas
    }

    /// All RPCs, including those without an HTTP binding, in the order of the descriptors.
    #[must_use]
    pub fn methods(&self) -> &[Arc<Method>] {
        &self.methods
    }

    /// The RPC with that gRPC path, as in `/reticle.images.v1.ImagesService/GetImage`.
    #[must_use]
    pub fn method(&self, grpc_path: &str) -> Option<&Arc<Method>> {
        self.methods.iter().find(|method| method.grpc_path == grpc_path)
    }

    /// All HTTP bindings, in the order of the descriptors.
    #[must_use]
    pub fn routes(&self) -> &[Arc<Route>] {
        self.routes.all()
    }

    /// The route for a request. `path` is the request's path, still percent-encoded.
    ///
    /// # Errors
    /// If no route has that path, or none has that path and method. `OPTIONS` has no route, so it always fails.
    pub fn find<'p>(&self, method: &http::Method, path: &'p str) -> Result<Match<'_, 'p>, Mismatch> {
        self.routes.find(method, path)
    }
}

#[cfg(test)]
mod tests;
