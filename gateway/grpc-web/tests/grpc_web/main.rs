//! gRPC-web from outside: each rule of the protocol that implementations are known to break, every split of a body,
//! whole calls through both ends, another implementation as the peer, and noise.

#[cfg(test)]
mod answers;
#[cfg(test)]
mod calls;
#[cfg(test)]
mod client;
#[cfg(test)]
mod echo;
#[cfg(test)]
mod negotiation;
#[cfg(test)]
mod noise;
#[cfg(test)]
mod outcomes;
#[cfg(test)]
mod peer;
#[cfg(test)]
mod request_end;
mod requests;
#[cfg(test)]
mod splits;
#[cfg(test)]
mod support;
#[cfg(test)]
mod trailers;
