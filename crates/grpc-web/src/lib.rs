//! gRPC-web in both directions. [`GrpcWeb`] lets a native gRPC service serve browsers; [`GrpcWebClient`] lets a gRPC
//! client call through anything that can make an HTTP request, such as a Worker's `fetch`. Both stream: message bytes
//! pass as they arrive, and only frame headers and trailers are parsed. Neither depends on a host.
//!
//! The protocol is gRPC's `PROTOCOL-WEB.md`. Each module decides what the protocol leaves open in its field:
//!
//! - `media_type`: which requests are gRPC-web, and in which form.
//! - `frame`: splits chunks into frames. `text`: base64. `trailers`: the trailer block at the end of a body.
//! - `status`: a call's status as headers. `head`: where a response has its status.
//! - `request_end`: whether a request arrived completely. `unbuffered`: headers against buffering in proxies.
//! - `read` and `write`: the bodies, built from the modules above. `service` and `client`: the server's and the client's side.
//!
//! To add a rule, start with a test in `tests/grpc_web`.

mod client;
mod error;
mod frame;
mod head;
mod media_type;
mod read;
mod request_end;
mod service;
mod status;
mod text;
mod trailers;
mod unbuffered;
mod write;

pub use client::{ClientFuture, GrpcWebClient};
pub use media_type::{Encoding, is_grpc_web, is_native_grpc};
pub use request_end::MarkEnd;
pub use service::{GrpcWeb, ResponseFuture};
pub use status::{is_ok, status_from_http, status_from_trailers, trailers_from_status};
pub use unbuffered::forbid_buffering;
