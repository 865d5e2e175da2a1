//! gRPC-web, both directions. [`GrpcWeb`] lets a native gRPC service answer browsers; [`GrpcWebClient`] lets a gRPC
//! client call through anything that can make an HTTP request, such as a Worker's `fetch`. Both stream: message bytes
//! pass as they come, and only frame headers and trailers are read. Neither knows a host.
//!
//! The protocol is gRPC's `PROTOCOL-WEB.md`. A point that it leaves open is decided in the file of its concern:
//! `media_type` (which requests, which form), `frame` (chunks into frames), `text` (base64), `trailers` (the block at
//! the end), `status` (a call's outcome as headers), `head` (where the outcome is looked for),
//! `request_end` (whether a request came whole), `unbuffered` (what proxies must not do). `read` and `write` are
//! the bodies made of them, `service` and `client` the two ends. To add a rule, begin with a test of it.

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
pub use media_type::{Encoding, is_grpc_web};
pub use request_end::MarkEnd;
pub use service::{GrpcWeb, GrpcWebLayer, ResponseFuture};
pub use status::{
    decode_message, encode_message, is_ok, status_from_http, status_from_trailers, trailers_from_status,
};
pub use unbuffered::forbid_buffering;
