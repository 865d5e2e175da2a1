//! Where a running Reticle is.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use crate::{User, token};

/// The one web origin whose pages may call a target.
pub const ALLOWED_ORIGIN: &str = "https://app.example";

/// How gRPC reaches a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// As it is, over HTTP/2, with reflection and health: what a native host has.
    Grpc,
    /// gRPC-web, which is all that a Worker can have.
    GrpcWeb,
}

/// The addresses of a running Reticle.
#[derive(Clone, Debug)]
pub struct Target {
    /// The gateway.
    pub gateway: SocketAddr,
    /// The images service's own gRPC port.
    pub images: SocketAddr,
    /// The annotations service's own gRPC port.
    pub annotations: SocketAddr,
    /// What its ports take.
    pub protocol: Protocol,
    /// A client that follows no redirects.
    pub client: reqwest::Client,
    users: Arc<AtomicU64>,
}

impl AsRef<Self> for Target {
    fn as_ref(&self) -> &Self {
        self
    }
}

impl Target {
    /// A target at these addresses.
    ///
    /// # Errors
    /// The client cannot be made.
    pub fn new(gateway: SocketAddr, images: SocketAddr, annotations: SocketAddr) -> anyhow::Result<Self> {
        let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build()?;
        let protocol = Protocol::Grpc;
        Ok(Self { gateway, images, annotations, protocol, client, users: Arc::default() })
    }

    /// A target whose services have no ports of their own: all is reached through the gateway, gRPC by gRPC-web.
    ///
    /// # Errors
    /// The client cannot be made.
    pub fn behind(gateway: SocketAddr) -> anyhow::Result<Self> {
        Ok(Self { protocol: Protocol::GrpcWeb, ..Self::new(gateway, gateway, gateway)? })
    }

    /// A URL of the gateway.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.gateway)
    }

    /// A user that nobody else is, with the default scopes.
    #[must_use]
    pub fn new_user(&self) -> User {
        self.new_user_with("")
    }

    /// A user that nobody else is, with these scopes; the default ones if there are none.
    #[must_use]
    pub fn new_user_with(&self, scopes: &str) -> User {
        let id = format!("user-{}", self.users.fetch_add(1, Ordering::Relaxed));
        let token = token::mint(&id, scopes);
        User { id, token, target: self.clone() }
    }
}
