//! The protobuf wire format: a message is a sequence of records, each a tag and a value.

/// Why bytes are not a message of the expected type, or cannot be written as JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the message is not valid: {0}")]
pub struct WireError(pub(crate) &'static str);

/// The encoding of a record's value; the numbers are those of the wire format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WireType {
    Varint = 0,
    Fixed64 = 1,
    Delimited = 2,
    Fixed32 = 5,
}

/// The value of one record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Value<'w> {
    Varint(u64),
    Fixed64(u64),
    Fixed32(u32),
    Delimited(&'w [u8]),
    /// A group. The contract has none, so groups are skipped.
    Group,
}

/// The error for a truncated record.
const TRUNCATED: WireError = WireError("a record is truncated");
/// The wire types that start and end a group.
const GROUP_START: u64 = 3;
const GROUP_END: u64 = 4;
/// The deepest nesting of groups that is accepted.
const MAX_GROUPS: usize = 100;

pub(crate) fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(low_bits(value) | 0x80);
        value >>= 7;
    }
    out.push(low_bits(value));
}

const fn low_bits(value: u64) -> u8 {
    (value & 0x7f) as u8
}

pub(crate) fn put_tag(out: &mut Vec<u8>, number: u32, wire_type: WireType) {
    put_varint(out, u64::from(number) << 3 | wire_type as u64);
}

/// Appends a number's value; `bits` are its low bits.
#[expect(clippy::cast_possible_truncation, reason = "32-bit numbers are in the low half")]
pub(crate) fn put_bits(out: &mut Vec<u8>, wire_type: WireType, bits: u64) {
    match wire_type {
        WireType::Varint => put_varint(out, bits),
        WireType::Fixed64 => out.extend_from_slice(&bits.to_le_bytes()),
        WireType::Fixed32 => out.extend_from_slice(&(bits as u32).to_le_bytes()),
        WireType::Delimited => {}
    }
}

pub(crate) fn put_delimited(out: &mut Vec<u8>, bytes: &[u8]) {
    put_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// A delimited value that is being written. Call [`close`] for each, the innermost first.
pub(crate) struct Open {
    content: usize,
}

/// Starts a delimited value of unknown length. One byte is reserved for the length: most lengths need no more, and
/// [`close`] moves the content of longer values.
pub(crate) fn open(out: &mut Vec<u8>) -> Open {
    out.push(0);
    Open { content: out.len() }
}

/// Ends the value that `open` started.
pub(crate) fn close(out: &mut Vec<u8>, open: &Open) {
    let length = (out.len() - open.content) as u64;
    let start = open.content - 1;
    if length < 0x80 {
        if let Some(byte) = out.get_mut(start) {
            *byte = low_bits(length);
        }
        return;
    }
    let mut varint = Vec::with_capacity(10);
    put_varint(&mut varint, length);
    out.splice(start..open.content, varint);
}

/// Reads the records of a message one by one.
#[derive(Clone)]
pub(crate) struct Records<'w> {
    bytes: &'w [u8],
    position: usize,
}

impl<'w> Value<'w> {
    /// The bytes of a text, of bytes or of a message.
    pub(crate) const fn bytes(self) -> Option<&'w [u8]> {
        match self {
            Self::Delimited(bytes) => Some(bytes),
            Self::Varint(_) | Self::Fixed64(_) | Self::Fixed32(_) | Self::Group => None,
        }
    }
}

impl<'w> Records<'w> {
    pub(crate) const fn starting_at(bytes: &'w [u8], position: usize) -> Self {
        Self { bytes, position }
    }

    pub(crate) const fn position(&self) -> usize {
        self.position
    }

    /// The next record's field number and value; `None` at the end.
    pub(crate) fn next(&mut self) -> Result<Option<(u32, Value<'w>)>, WireError> {
        if self.position >= self.bytes.len() {
            return Ok(None);
        }
        let tag = self.varint()?;
        let number = field_number(tag)?;
        let value = match tag & 7 {
            GROUP_START => {
                self.skip_group(number)?;
                Value::Group
            }
            GROUP_END => return Err(WireError("a group ends without a start")),
            wire_type => self.value(wire_type)?,
        };
        Ok(Some((number, value)))
    }

    /// The next value of a packed list; `None` at the end.
    pub(crate) fn next_packed(&mut self, wire_type: WireType) -> Result<Option<Value<'w>>, WireError> {
        if self.position >= self.bytes.len() {
            return Ok(None);
        }
        self.value(wire_type as u64).map(Some)
    }

    fn value(&mut self, wire_type: u64) -> Result<Value<'w>, WireError> {
        Ok(match wire_type {
            0 => Value::Varint(self.varint()?),
            1 => Value::Fixed64(u64::from_le_bytes(self.array()?)),
            2 => {
                let length = usize::try_from(self.varint()?).map_err(|_| TRUNCATED)?;
                Value::Delimited(self.take(length)?)
            }
            5 => Value::Fixed32(u32::from_le_bytes(self.array()?)),
            _ => return Err(WireError("a record has an unknown wire type")),
        })
    }

    fn skip_group(&mut self, number: u32) -> Result<(), WireError> {
        let mut open = vec![number];
        while let Some(innermost) = open.last().copied() {
            let tag = self.varint()?;
            let number = field_number(tag)?;
            match tag & 7 {
                GROUP_START if open.len() < MAX_GROUPS => open.push(number),
                GROUP_START => return Err(WireError("groups are nested too deeply")),
                GROUP_END if number == innermost => {
                    open.pop();
                }
                GROUP_END => return Err(WireError("a group ends without a start")),
                wire_type => {
                    self.value(wire_type)?;
                }
            }
        }
        Ok(())
    }

    fn varint(&mut self) -> Result<u64, WireError> {
        let rest = self.bytes.get(self.position..).ok_or(TRUNCATED)?;
        let mut value = 0;
        for (index, byte) in rest.iter().take(10).enumerate() {
            // The tenth byte has only the highest bit of a 64-bit number.
            if index == 9 && *byte > 1 {
                break;
            }
            value |= u64::from(byte & 0x7f) << (7 * index);
            if *byte < 0x80 {
                self.position += index + 1;
                return Ok(value);
            }
        }
        Err(if rest.len() < 10 { TRUNCATED } else { WireError("a varint is longer than 64 bits") })
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], WireError> {
        self.take(N)?.try_into().map_err(|_| TRUNCATED)
    }

    fn take(&mut self, length: usize) -> Result<&'w [u8], WireError> {
        let end = self.position.checked_add(length).ok_or(TRUNCATED)?;
        let taken = self.bytes.get(self.position..end).ok_or(TRUNCATED)?;
        self.position = end;
        Ok(taken)
    }
}

fn field_number(tag: u64) -> Result<u32, WireError> {
    match u32::try_from(tag >> 3) {
        Ok(number @ 1..=0x1fff_ffff) => Ok(number),
        _ => Err(WireError("a record has no valid field number")),
    }
}
