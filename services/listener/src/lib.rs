//! The front of native ports: accepts connections and serves HTTP/1.1 and HTTP/2 on them, within named [`Limits`].
//!
//! hyper speaks the protocols; this crate adds what keeps one peer from stopping the others:
//!
//! | part | what it bounds |
//! |---|---|
//! | [`Connections`] | how many connections are open, in all and for each client address |
//! | `activity` | how long a connection may be idle, and how long it may live |
//! | [`Descriptors`] | how many file descriptors connections and files may take |
//! | `pace` | how slowly a peer may send a request's body or read a response's |
//!
//! Why this is own code: `docs/decisions/listener.md`.
//!
//! It also rejects heads that may be understood in two ways (`strict`), and finds out who a request comes from
//! ([`Trust`]), so that nobody behind it needs to.
//!
//! To add a limit: a field of [`Limits`], the part that enforces it, and a setting of the host.

mod activity;
mod connection;
mod connections;
mod descriptors;
mod limits;
mod meter;
mod pace;
mod port;
mod protocol;
mod proxies;
mod request_body;
mod response_body;
mod seldom;
mod strict;

pub use connection::MAX_GATEWAY_STREAMS;
pub use connections::Connections;
pub use descriptors::Descriptors;
pub use ipnet::IpNet;
pub use limits::Limits;
pub use pace::Pace;
pub use port::Port;
pub use proxies::{ClientAddress, Trust};
pub use request_body::RequestBody;
pub use response_body::ResponseBody;
