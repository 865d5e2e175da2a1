//! The gateway without its host: an HTTP request in, an HTTP response out.
//!
//! A [`Gateway`] serves HTTP/JSON, gRPC-web and native gRPC on one port and calls the gRPC services behind it. Its code
//! names no RPC: the routes, the request and response messages and the success statuses come from protobuf descriptors.
//! The crate [`transcoding`] derives the routes, JSON and OpenAPI from them; this crate has the policy (CORS, limits,
//! deadlines, who may call) and the protocols.
//! A host builds a gateway from a [`Config`], its [`Upstreams`] and its [`Ports`], and serves it as a tower service.
//!
//! A request passes through `gateway` (ids, CORS, secure headers, the log line). Then `grpc` handles it if it is gRPC.
//! Otherwise `http_api` handles it: either one of the gateway's own pages, or a route in `rest`, with one file for each
//! shape of RPC: `unary`, `stream`, `upload`, `download`.
//!
//! To add a shape, declare it in `reticle/http/v1/options.proto`, read it in [`transcoding::contract`], and add a file to `rest`. To
//! add an error, add a variant in `error`; the compiler then asks for its status. To forward a header, name it in
//! `metadata`.

mod api_description;
mod body;
mod conditional;
mod config;
mod cors;
mod deadline;
mod discard;
mod discard_unread;
mod error;
mod exchange;
mod gateway;
mod grpc;
mod health;
mod http_api;
mod messages;
mod metadata;
mod own_pages;
mod ports;
mod relay;
mod response;
mod rest;
mod secure;
mod shared;
mod upstream;

pub use config::Config;
pub use cors::{AllowedOrigins, InvalidOrigin};
pub use discard_unread::DiscardUnread;
pub use error::StartError;
pub use gateway::Gateway;
pub use health::OWN_HEALTH;
pub use ports::{ClientAddress, Ports};
pub use relay::Relayed;
pub use upstream::Upstreams;
