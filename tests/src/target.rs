//! The addresses of a running Reticle.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use crate::{User, token};

/// The only web origin whose pages may call a target.
pub const ALLOWED_ORIGIN: &str = "https://app.example";

/// How gRPC reaches a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// gRPC over HTTP/2, with reflection and health, as native hosts serve it.
    Grpc,
    /// gRPC-web. Workers support only this.
    GrpcWeb,
}

/// The addresses of a running Reticle, and a client to call it.
#[derive(Clone, Debug)]
pub struct Target {
    /// The gateway.
    pub gateway: SocketAddr,
    /// The images service's own gRPC port.
    pub images: SocketAddr,
    /// The annotations service's own gRPC port.
    pub annotations: SocketAddr,
    /// The protocol of its gRPC ports.
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
    /// The client cannot be created.
    pub fn new(gateway: SocketAddr, images: SocketAddr, annotations: SocketAddr) -> anyhow::Result<Self> {
        let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build()?;
        let protocol = Protocol::Grpc;
        Ok(Self { gateway, images, annotations, protocol, client, users: Arc::default() })
    }

    /// A target whose services have no ports of their own. All calls go through the gateway, gRPC calls as gRPC-web.
    ///
    /// # Errors
    /// The client cannot be created.
    pub fn behind(gateway: SocketAddr) -> anyhow::Result<Self> {
        Ok(Self { protocol: Protocol::GrpcWeb, ..Self::new(gateway, gateway, gateway)? })
    }

    /// A URL of the gateway.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.gateway)
    }

    /// A new user with the default scopes.
    #[must_use]
    pub fn new_user(&self) -> User {
        self.new_user_with("")
    }

    /// The user with this id and the default scopes: the same one at each target with the same data.
    #[must_use]
    pub fn user(&self, id: &str) -> User {
        User { id: id.to_owned(), token: token::mint(id, ""), target: self.clone() }
    }

    /// A new user with these scopes. An empty text means the default scopes.
    #[must_use]
    pub fn new_user_with(&self, scopes: &str) -> User {
        let id = format!("user-{}", self.users.fetch_add(1, Ordering::Relaxed));
        let token = token::mint(&id, scopes);
        User { id, token, target: self.clone() }
    }
}
