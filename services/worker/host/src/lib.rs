//! Shared by all Workers: the platform side of a service or a gateway on Cloudflare Workers.
//!
//! | part | task |
//! |---|---|
//! | [`Bindings`], [`Misconfigured`] | bindings and variables, read by type |
//! | [`start`], [`get_or_try_init`] | what an isolate does first, and what it keeps between requests |
//! | [`into_http_request`], [`into_js_response`] | convert requests and responses of the runtime |
//! | [`Upstream`] | other services, called with `fetch` |
//! | [`authenticator`], [`token_key`] | the keys of tokens |
//! | [`misconfigured_response`] | the response of a Worker with a wrong setting |
//!
//! The runtime calls a Worker through `handlers.js`; `runtime.js` has the functions that Rust calls in the runtime.
//!
//! A Worker builds its parts from [`Bindings`] at the first request of an isolate, keeps them with [`get_or_try_init`], and
//! serves every request with them. To add a setting, read it in the Worker's `config.rs`; to add a kind of binding, add a
//! method to [`Bindings`].

mod bindings;
mod buffered;
mod cleanup;
mod headers;
mod isolate;
mod keys;
mod log;
mod misconfigured;
mod response;
mod runtime;
mod start;
mod stream;
mod tokens;
mod upstream;

pub use bindings::{Bindings, Misconfigured};
pub use buffered::{into_http_request, read_body};
pub use cleanup::run_cleanup;
pub use isolate::get_or_try_init;
pub use misconfigured::misconfigured_response;
pub use response::into_js_response;
pub use start::start;
pub use stream::{Stream, into_js_stream_response, request_head};
pub use tokens::{authenticator, token_key};
pub use upstream::Upstream;
