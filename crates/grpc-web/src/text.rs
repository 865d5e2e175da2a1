//! The text form: base64 in which each flush of the sender may be padded, so that `=` may occur anywhere in the body, also
//! inside a frame. The groups of four characters stay aligned, because a padded flush consists of complete groups.

use base64::{
    Engine as _, alphabet,
    engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD},
};
use bytes::{Bytes, BytesMut};

use crate::error::Error;

/// The number of characters in a group, and of the bytes that they encode.
const GROUP_CHARS: usize = 4;
const GROUP_BYTES: usize = 3;

/// Accepts non-zero bits under the padding, as browsers do.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true),
);

/// Decodes one body, chunk by chunk.
#[derive(Debug, Default)]
pub(crate) struct TextDecoder {
    /// The incomplete group at the end of the last chunk: less than four characters.
    group: Vec<u8>,
}

impl TextDecoder {
    /// Decodes every group that `text` completes.
    pub(crate) fn decode(&mut self, text: &[u8]) -> Result<Bytes, Error> {
        let mut decoded = Vec::with_capacity(text.len() / GROUP_CHARS * GROUP_BYTES + GROUP_BYTES);
        let mut text = text;
        if !self.group.is_empty() {
            let (head, tail) = text.split_at(text.len().min(GROUP_CHARS - self.group.len()));
            self.group.extend_from_slice(head);
            text = tail;
            if self.group.len() < GROUP_CHARS {
                return Ok(Bytes::new());
            }
            decode_run(&self.group, &mut decoded)?;
            self.group.clear();
        }
        let (mut groups, rest) = text.split_at(text.len() - text.len() % GROUP_CHARS);
        while !groups.is_empty() {
            // A run ends with the group that has padding.
            let padding = groups.iter().position(|byte| *byte == b'=');
            let run = padding.map_or(groups.len(), |at| at - at % GROUP_CHARS + GROUP_CHARS);
            let (head, tail) = groups.split_at(run);
            decode_run(head, &mut decoded)?;
            groups = tail;
        }
        self.group.extend_from_slice(rest);
        Ok(decoded.into())
    }

    /// Checks that the body may end here: the sender must pad its last group.
    pub(crate) fn finish(&self) -> Result<(), Error> {
        if self.group.is_empty() { Ok(()) } else { Err(Error::Base64) }
    }
}

fn decode_run(groups: &[u8], decoded: &mut Vec<u8>) -> Result<(), Error> {
    LENIENT.decode_vec(groups, decoded).map_err(|_| Error::Base64)
}

/// Whether the encoder may keep bytes for the next call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flush {
    /// Encode all bytes, because the reader waits for them. The last group is padded.
    All,
    /// Encode only complete groups, without padding, because more bytes follow at once.
    WholeGroups,
}

/// Removes bytes from the start of `binary` and encodes them.
pub(crate) fn encode(binary: &mut BytesMut, flush: Flush) -> Bytes {
    let taken = match flush {
        Flush::All => binary.len(),
        Flush::WholeGroups => binary.len() - binary.len() % GROUP_BYTES,
    };
    STANDARD.encode(binary.split_to(taken)).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(chunks: &[&str]) -> Result<Vec<u8>, Error> {
        let mut decoder = TextDecoder::default();
        let mut decoded = Vec::new();
        for chunk in chunks {
            decoded.extend_from_slice(&decoder.decode(chunk.as_bytes())?);
        }
        decoder.finish()?;
        Ok(decoded)
    }

    #[test]
    fn padding_may_occur_after_any_group() {
        for chunks in [&["YQ==YmM=ZGVm"][..], &["YQ", "==YmM", "=ZGV", "m"], &["", "YQ==", "", "YmM=ZGVm"]] {
            assert_eq!(decode(chunks).unwrap(), b"abcdef", "{chunks:?}");
        }
    }

    #[test]
    fn bits_under_the_padding_are_ignored() {
        assert_eq!(decode(&["YR=="]).unwrap(), b"a");
    }

    #[test]
    fn invalid_base64_is_rejected() {
        for chunks in
            [&["YQ="][..], &["YQ"], &["YWJj", "Y"], &["Y=Jj"], &["===="], &["YQ\r\n"], &["YW-_"], &["YQ=a"]]
        {
            assert_eq!(decode(chunks), Err(Error::Base64), "{chunks:?}");
        }
    }

    #[test]
    fn a_part_that_is_not_the_last_is_encoded_without_padding() {
        let mut binary = BytesMut::from(&b"abcde"[..]);
        assert_eq!(encode(&mut binary, Flush::WholeGroups), "YWJj");
        assert_eq!(binary, "de");
        assert_eq!(encode(&mut binary, Flush::All), "ZGU=");
        assert!(binary.is_empty());
    }
}
