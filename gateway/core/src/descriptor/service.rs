//! Services and their methods.

use std::ops::Range;

use super::{
    DescriptorPool, MessageDescriptor,
    element::{Element, descriptor},
};

pub(super) struct Service {
    pub(super) element: Element,
    /// Indexes in the table of methods.
    pub(super) methods: Range<usize>,
    pub(super) options: Vec<u8>,
}

pub(super) struct Method {
    pub(super) element: Element,
    pub(super) service: usize,
    pub(super) input: usize,
    pub(super) output: usize,
    pub(super) is_client_streaming: bool,
    pub(super) is_server_streaming: bool,
    pub(super) options: Vec<u8>,
}

descriptor! {
    /// A service.
    ServiceDescriptor in services of Service
}

impl ServiceDescriptor {
    /// The methods, in the order of their declaration.
    pub fn methods(&self) -> impl Iterator<Item = MethodDescriptor> + '_ {
        self.entry().methods.clone().map(|index| MethodDescriptor { pool: self.pool.clone(), index })
    }

    /// The pool of this descriptor.
    #[must_use]
    pub const fn parent_pool(&self) -> &DescriptorPool {
        &self.pool
    }

    /// The wire bytes of the service's `google.protobuf.ServiceOptions`.
    #[must_use]
    pub fn options(&self) -> &[u8] {
        &self.entry().options
    }
}

descriptor! {
    /// A method of a service.
    MethodDescriptor in methods of Method
}

impl MethodDescriptor {
    /// The service that declares the method.
    #[must_use]
    pub fn parent_service(&self) -> ServiceDescriptor {
        ServiceDescriptor { pool: self.pool.clone(), index: self.entry().service }
    }

    /// The pool of this descriptor.
    #[must_use]
    pub const fn parent_pool(&self) -> &DescriptorPool {
        &self.pool
    }

    /// The type of request messages.
    #[must_use]
    pub fn input(&self) -> MessageDescriptor {
        self.pool.message(self.entry().input)
    }

    /// The type of response messages.
    #[must_use]
    pub fn output(&self) -> MessageDescriptor {
        self.pool.message(self.entry().output)
    }

    /// Whether a call has a stream of request messages.
    #[must_use]
    pub fn is_client_streaming(&self) -> bool {
        self.entry().is_client_streaming
    }

    /// Whether a call has a stream of response messages.
    #[must_use]
    pub fn is_server_streaming(&self) -> bool {
        self.entry().is_server_streaming
    }

    /// The wire bytes of the method's `google.protobuf.MethodOptions`.
    #[must_use]
    pub fn options(&self) -> &[u8] {
        &self.entry().options
    }
}
