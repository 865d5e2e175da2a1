//! What the targets share: a gateway, and behind it a service that checks each request that reaches it.

mod gateway;
mod upstream;

pub use gateway::{Client, Reply};

/// The only image of that service.
pub use upstream::{CONTENT_BYTES, content_byte};

/// The secret that signs tokens.
pub const SECRET: &[u8] = b"0123456789abcdef0123456789abcdef";

/// The time of the clock, in seconds since 1970.
pub const NOW: i64 = 1_800_000_000;

/// A clock that always shows [`NOW`].
#[derive(Clone)]
pub struct Clock;

impl runtime::Clock for Clock {
    fn now(&self) -> runtime::Timestamp {
        runtime::Timestamp::from_millis(NOW * 1000)
    }

    fn instant(&self) -> runtime::Instant {
        runtime::Instant::from_elapsed(std::time::Duration::ZERO)
    }
}

/// Splits off the first line.
pub fn first_line(data: &[u8]) -> (&[u8], &[u8]) {
    match data.iter().position(|byte| *byte == b'\n') {
        Some(end) => (&data[..end], &data[end + 1..]),
        None => (data, &[]),
    }
}
