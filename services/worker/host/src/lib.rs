//! What all Workers share: their bindings and variables, read by type ([`Bindings`]); other services over `fetch`
//! ([`Upstream`]); tokens ([`authenticator`], [`token_key`]); what an isolate begins with ([`start`]);
//! answers as the runtime wants them ([`answer`]); and the answer of a Worker that cannot start ([`misconfigured`]). The
//! runtime calls a Worker by `handlers.js`; what this side asks of the runtime for a request is in `runtime.js`.
//!
//! A Worker builds its parts from [`Bindings`] when its isolate gets the first request, keeps them by [`once`], and serves
//! every request with them. To add a setting, read it in the Worker's `config.rs`; to add a kind of binding, give
//! [`Bindings`] a method.

mod answer;
mod bindings;
mod cleaning;
mod headers;
mod isolate;
mod keys;
mod log;
mod misconfigured;
mod runtime;
mod start;
mod stream;
mod tokens;
mod upstream;
mod whole;

pub use answer::answer;
pub use bindings::{Bindings, Misconfigured};
pub use cleaning::clean_up;
pub use isolate::once;
pub use misconfigured::misconfigured;
pub use start::start;
pub use stream::{Stream, answer_streamed, head};
pub use tokens::{authenticator, token_key};
pub use upstream::Upstream;
pub use whole::{incoming, taken_in};
