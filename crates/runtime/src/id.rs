//! Time-ordered ids.

use std::{fmt, str::FromStr};

use crate::{Entropy, Timestamp};

/// A UUIDv7 (RFC 9562 section 5.7) written as 32 lower-case hex digits without dashes.
///
/// Sorting ids sorts by creation time, to the millisecond, so that inserts append to the index instead of scattering over it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id([u8; 16]);

/// The text is not 32 lower-case hex digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be 32 lower-case hex digits")]
pub struct InvalidId;

impl Id {
    /// A new id for something created at `now`.
    #[must_use]
    pub fn generate(now: Timestamp, entropy: &impl Entropy) -> Self {
        let mut bytes = [0; 16];
        entropy.fill(&mut bytes);
        Self::from_parts(now, u128::from_be_bytes(bytes))
    }

    /// `count` new ids in ascending order, for a batch created at `now`: the order of the batch is the order of its ids.
    #[must_use]
    pub fn generate_batch(now: Timestamp, entropy: &impl Entropy, count: usize) -> Vec<Self> {
        let mut bytes = [0; 16];
        entropy.fill(&mut bytes);
        // A random start whose lower part has its top bit clear can be counted upwards (RFC 9562 section 6.2, method 2).
        let start = u128::from_be_bytes(bytes) & !(1 << 61);
        (0..count as u128).map(|n| Self::from_parts(now, start.wrapping_add(n))).collect()
    }

    fn from_parts(now: Timestamp, random: u128) -> Self {
        const RANDOM_A: u128 = 0xfff << 64;
        const RANDOM_B: u128 = (1 << 62) - 1;
        const VERSION_7: u128 = 0x7 << 76;
        const VARIANT_RFC: u128 = 0b10 << 62;
        let millis = u128::from(now.as_millis().max(0).unsigned_abs() & 0xffff_ffff_ffff);
        Self(
            ((millis << 80) | VERSION_7 | (random & RANDOM_A) | VARIANT_RFC | (random & RANDOM_B))
                .to_be_bytes(),
        )
    }

    /// The id of the element at `position`, below 2^42, of a sequence that started with this id. The same position always
    /// has the same id, ids ascend with the position, and each has the time of the sequence's start and 32 of its random
    /// bits. No id of another sequence lies between two ids of this one.
    #[must_use]
    pub fn at_position(self, position: u64) -> Self {
        const OWN_HIGH: u128 = 0xfff << 64;
        const OWN_LOW: u128 = ((1 << 20) - 1) << 42;
        let seed = u128::from_be_bytes(self.0);
        let random = (seed & (OWN_HIGH | OWN_LOW)) | u128::from(position);
        let millis = i64::try_from(seed >> 80).unwrap_or(i64::MAX);
        Self::from_parts(Timestamp::from_millis(millis), random)
    }

    /// The smallest id of anything created at `moment` or later.
    #[must_use]
    pub fn first_at(moment: Timestamp) -> Self {
        let millis = u128::from(moment.as_millis().max(0).unsigned_abs().min(0xffff_ffff_ffff));
        Self((millis << 80).to_be_bytes())
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", u128::from_be_bytes(self.0))
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Id {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let canonical = text.len() == 32 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        let value = u128::from_str_radix(text, 16).map_err(|_| InvalidId)?;
        if canonical { Ok(Self(value.to_be_bytes())) } else { Err(InvalidId) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone)]
    struct AllOnes;
    impl Entropy for AllOnes {
        fn fill(&self, buffer: &mut [u8]) {
            buffer.fill(0xff);
        }
    }

    #[test]
    fn an_id_is_a_uuid_v7_with_its_creation_time() {
        let id = Id::generate(Timestamp::from_millis(0x0123_4567_89ab), &AllOnes);
        assert_eq!(id.to_string(), "0123456789ab7fffbfffffffffffffff");
        assert_eq!(id.to_string().parse(), Ok(id));
    }

    #[test]
    fn the_ids_of_a_batch_ascend_even_from_the_highest_start() {
        let ids = Id::generate_batch(Timestamp::from_millis(1), &AllOnes, 5_000);
        assert!(ids.is_sorted_by(|a, b| a < b));
    }

    #[test]
    fn the_ids_of_a_sequence_ascend_and_are_deterministic() {
        let seed = Id::generate(Timestamp::from_millis(0x0123_4567_89ab), &AllOnes);
        assert_eq!(seed.at_position(0).to_string(), "0123456789ab7fffbffffc0000000000");
        let positions = [0, 1, (1 << 30) - 1, 1 << 30, (1 << 42) - 1];
        let ids = positions.map(|position| seed.at_position(position));
        assert!(ids.is_sorted_by(|a, b| a < b));
        assert_eq!(ids[4].to_string(), "0123456789ab7fffbfffffffffffffff");
        assert_eq!(seed.at_position(7).at_position(7), seed.at_position(7));
    }

    #[test]
    fn the_first_id_of_a_moment_is_not_above_any_created_then() {
        let moment = Timestamp::from_millis(77);
        let earlier = Id::generate(Timestamp::from_millis(76), &AllOnes);
        assert!(earlier < Id::first_at(moment) && Id::first_at(moment) <= Id::generate(moment, &AllOnes));
    }

    #[test]
    fn anything_but_32_lower_case_hex_digits_is_rejected() {
        for text in
            ["", "0", "+123456789ab7fffbfffffffffffffff", "0123456789AB7fffbfffffffffffffff", &"0".repeat(33)]
        {
            assert_eq!(text.parse::<Id>(), Err(InvalidId), "{text}");
        }
    }
}
