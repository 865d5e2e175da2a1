//! The gateway without its host: an HTTP request in, an HTTP response out.
//!
//! A [`Gateway`] answers HTTP/JSON, gRPC-web and native gRPC on one port and calls gRPC services behind it. It names no
//! RPC: what a path means, what a body holds and which status is a success all come from the descriptors ([`contract`],
//! which [`descriptor`] reads them for).
//! A host builds one from its [`Config`], its [`Upstreams`] and its [`Ports`], and serves it as a tower service.
//!
//! A request passes `gateway` (ids, CORS, secure headers, the log line), then `grpc` if it is gRPC, or `http`: the
//! gateway's own paths, then `rest` by one of its shapes: `unary`, `stream`, `upload`, `download`. To add a shape, say
//! it in `reticle/http/v1/options.proto`, read it in [`contract`], and give it a file in `rest`. To add an error, add a
//! variant to `error`; the compiler leads to its status. To let a header through, name it in `metadata`.

pub mod contract;
pub mod descriptor;

mod answer;
mod body;
mod conditional;
mod config;
mod cors;
mod deadline;
mod discard;
mod error;
mod exchange;
mod gateway;
mod grpc;
mod health;
mod http_api;
mod json;
mod messages;
mod metadata;
mod openapi;
mod own_pages;
mod ports;
mod read_on;
mod relay;
mod rest;
mod secure;
mod shared;
mod upstream;
mod wire;

pub use config::Config;
pub use cors::{AllowedOrigins, InvalidOrigin};
pub use error::StartError;
pub use gateway::Gateway;
pub use health::OWN_HEALTH;
pub use ports::{ClientAddress, Ports};
pub use read_on::ReadOn;
pub use relay::Relayed;
pub use upstream::Upstreams;
