//! Accepts connections on native ports and serves HTTP/1.1 and HTTP/2 on them, within configured [`Limits`].
//!
//! hyper implements the protocols. This crate adds limits, so that one peer cannot block the others:
//!
//! | part | what it limits |
//! |---|---|
//! | [`Connections`] | open connections, in total and per client address |
//! | `activity`, `connection` | how long a connection may be idle, and how old it may become |
//! | [`Descriptors`] | file descriptors of connections and files |
//! | `pace` | how slowly a peer may send a request body or read a response body |
//!
//! Why this project has its own listener: `docs/decisions/listener.md`.
//!
//! It also rejects ambiguous request heads (`strict`) and determines the client address of a request ([`Trust`]), so that
//! services do not have to.
//!
//! To add a limit: add a field to [`Limits`], the part that enforces it, and a setting of the host.

mod activity;
mod connection;
mod connections;
mod descriptors;
mod limits;
mod log_throttle;
mod meter;
mod pace;
mod port;
mod protocol;
mod proxies;
mod request_body;
mod response_body;
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
