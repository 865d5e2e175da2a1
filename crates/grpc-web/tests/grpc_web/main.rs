//! Tests of the public API: each rule of the protocol that implementations are known to violate, every split of a body into
//! chunks, complete calls through client and server, another implementation as the peer, and random bytes.

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
mod responses;
#[cfg(test)]
mod splits;
#[cfg(test)]
mod support;
#[cfg(test)]
mod trailers;
