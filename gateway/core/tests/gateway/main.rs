//! Tests of the gateway as a host uses it: requests in, responses out. The services behind it are real tonic services that
//! fail on demand.

#[cfg(test)]
mod auth;
#[cfg(test)]
mod browsers;
#[cfg(test)]
mod call_limits;
#[cfg(test)]
mod deadlines;
#[cfg(test)]
mod direct_uploads;
#[cfg(test)]
mod discard_unread;
#[cfg(test)]
mod downloads;
#[cfg(test)]
mod errors;
#[cfg(test)]
mod grpc;
#[cfg(test)]
mod largest_batch;
#[cfg(test)]
mod log;
#[cfg(test)]
mod own_pages;
#[cfg(test)]
mod relay;
mod rest;
#[cfg(test)]
mod service;
#[cfg(test)]
mod sockets;
#[cfg(test)]
mod stack;
#[cfg(test)]
mod streams;
#[cfg(test)]
mod upload_paths;
#[cfg(test)]
mod uploads;
