//! Parses the names in the `Content-Disposition` of a form's part, in all encodings that clients use.
//!
//! RFC 7578 requires raw UTF-8 in quotes. Clients also send `filename*` (RFC 8187; every .NET client), encoded words
//! (RFC 2047; also .NET), and bytes of Windows-1252. A name that cannot be decoded is an error, so that a file does not
//! lose its name silently. To add an encoding, add it to [`decode`], with a line in the test.

use base64::{
    Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use percent_encoding::percent_decode;

/// Base64 with or without padding.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The characters of Windows-1252 from 0x80 on, where ISO 8859-1 has control characters. Browsers decode ISO 8859-1 as
/// Windows-1252, too.
const WINDOWS_1252: [char; 32] = [
    '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}', '\u{90}',
    '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
];

/// The names in the headers of a part.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct PartHead {
    /// The field's name.
    pub(super) name: Option<String>,
    /// The file's name, where the part is a file.
    pub(super) filename: Option<String>,
}

/// Why the headers of a part cannot be parsed. The message names the header or the parameter that is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum BadHead {
    #[error("Content-Disposition must close its quotes")]
    Quotes,
    #[error("Content-Disposition must not repeat a parameter")]
    Repeated,
    #[error("{0} must be UTF-8, ISO 8859-1 or Windows-1252, encoded by RFC 8187 or RFC 2047")]
    Charset(&'static str),
    #[error("{0} must be one parameter, not several such as {0}*0 and {0}*1")]
    Pieces(&'static str),
}

impl PartHead {
    /// Reads the value of a `Content-Disposition` header.
    pub(super) fn parse(header: &[u8]) -> Result<Self, BadHead> {
        let parameters = parameters(header)?;
        Ok(Self { name: text(&parameters, "name")?, filename: text(&parameters, "filename")? })
    }
}

/// A parameter: its name in lower case, and its value without quotes.
type Parameter = (String, Vec<u8>);

/// The parameters after the type (`form-data`).
fn parameters(header: &[u8]) -> Result<Vec<Parameter>, BadHead> {
    let mut parameters: Vec<Parameter> = Vec::new();
    let mut rest = after(header, b';');
    while !rest.is_empty() {
        let end = rest.iter().position(|byte| matches!(byte, b';' | b'=')).unwrap_or(rest.len());
        let (name, tail) = rest.split_at(end);
        let Some(value) = tail.strip_prefix(b"=") else {
            rest = after(tail, b';');
            continue;
        };
        let name = String::from_utf8_lossy(name.trim_ascii()).to_ascii_lowercase();
        let (value, tail) = value_of(value.trim_ascii_start())?;
        if parameters.iter().any(|(known, _)| *known == name) {
            return Err(BadHead::Repeated);
        }
        parameters.push((name, value));
        rest = after(tail, b';');
    }
    Ok(parameters)
}

/// The bytes after the first `mark`.
fn after(text: &[u8], mark: u8) -> &[u8] {
    let start = text.iter().position(|byte| *byte == mark).map_or(text.len(), |at| at + 1);
    text.get(start..).unwrap_or_default()
}

/// A value, and the bytes after it. In quotes, a backslash stands for itself, as in `C:\a.png`, unless a quote or another
/// backslash follows it.
fn value_of(text: &[u8]) -> Result<(Vec<u8>, &[u8]), BadHead> {
    let Some(quoted) = text.strip_prefix(b"\"") else {
        let end = text.iter().position(|byte| *byte == b';').unwrap_or(text.len());
        let (value, tail) = text.split_at(end);
        return Ok((value.trim_ascii().to_vec(), tail));
    };
    let (mut value, mut rest) = (Vec::with_capacity(quoted.len()), quoted);
    loop {
        match rest {
            [] => return Err(BadHead::Quotes),
            [b'"', tail @ ..] => return Ok((value, tail)),
            [b'\\', byte @ (b'"' | b'\\'), tail @ ..] | [byte, tail @ ..] => {
                value.push(*byte);
                rest = tail;
            }
        }
    }
}

/// The text of the parameter `name`. `name*` has precedence if it can be decoded, because it names its charset.
fn text(parameters: &[Parameter], name: &'static str) -> Result<Option<String>, BadHead> {
    let find = |wanted: &str| parameters.iter().find(|(name, _)| name == wanted).map(|(_, value)| &**value);
    let extended = find(&format!("{name}*")).map(extended_value);
    match (extended, find(name)) {
        (Some(Some(text)), _) => Ok(Some(text)),
        (Some(None), None) => Err(BadHead::Charset(name)),
        (_, Some(value)) => decode(value).map(Some).ok_or(BadHead::Charset(name)),
        (None, None) => {
            let is_piece = |(key, _): &Parameter| key.starts_with(name) && key.contains('*');
            if parameters.iter().any(is_piece) { Err(BadHead::Pieces(name)) } else { Ok(None) }
        }
    }
}

/// A value in the form of RFC 8187: `UTF-8'en'na%C3%AFve`.
fn extended_value(value: &[u8]) -> Option<String> {
    let mut parts = value.splitn(3, |byte| *byte == b'\'');
    let (charset, _language, text) = (parts.next()?, parts.next()?, parts.next()?);
    Charset::named(charset)?.decode(percent_decode(text).collect())
}

/// A plain value: encoded words, else UTF-8, else Windows-1252. `None`: encoded words in an unknown charset.
fn decode(value: &[u8]) -> Option<String> {
    match encoded_words(value) {
        Some(words) => join(&words),
        None => Charset::Utf8.decode(value.to_vec()).or_else(|| Charset::Windows1252.decode(value.to_vec())),
    }
}

/// One encoded word: its charset and its bytes.
type Word<'a> = (&'a [u8], Vec<u8>);

/// Parses `=?utf-8?B?…?= =?utf-8?B?…?=` (RFC 2047); `None` if the value does not consist of such words only.
fn encoded_words(value: &[u8]) -> Option<Vec<Word<'_>>> {
    let words: Option<Vec<_>> =
        value.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty()).map(encoded_word).collect();
    words.filter(|words| !words.is_empty())
}

fn encoded_word(word: &[u8]) -> Option<Word<'_>> {
    let mut parts = word.strip_prefix(b"=?")?.strip_suffix(b"?=")?.splitn(3, |byte| *byte == b'?');
    let (charset, encoding, text) = (parts.next()?, parts.next()?, parts.next()?);
    let bytes = match encoding {
        b"B" | b"b" => BASE64.decode(text).ok()?,
        b"Q" | b"q" => quoted(text)?,
        _ => return None,
    };
    Some((charset, bytes))
}

/// The `Q` encoding: `=C3=A4` for bytes, `_` for a space.
fn quoted(mut text: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    while let Some((&byte, mut tail)) = text.split_first() {
        bytes.push(match byte {
            b'_' => b' ',
            b'=' => {
                let (digits, rest) = tail.split_at_checked(2)?;
                tail = rest;
                u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?
            }
            other => other,
        });
        text = tail;
    }
    Some(bytes)
}

/// The text of words in one charset. A character may begin in one word and end in the next.
fn join(words: &[Word<'_>]) -> Option<String> {
    let (name, _) = words.first()?;
    let is_one_charset = words.iter().all(|(other, _)| other.eq_ignore_ascii_case(name));
    let charset = Charset::named(name).filter(|_| is_one_charset)?;
    charset.decode(words.iter().flat_map(|(_, bytes)| bytes).copied().collect())
}

/// The charsets of names.
#[derive(Clone, Copy)]
enum Charset {
    Utf8,
    Windows1252,
}

impl Charset {
    fn named(name: &[u8]) -> Option<Self> {
        match &*name.to_ascii_lowercase() {
            b"utf-8" | b"utf8" | b"us-ascii" => Some(Self::Utf8),
            b"iso-8859-1" | b"latin1" | b"windows-1252" => Some(Self::Windows1252),
            _ => None,
        }
    }

    fn decode(self, bytes: Vec<u8>) -> Option<String> {
        match self {
            Self::Utf8 => String::from_utf8(bytes).ok(),
            Self::Windows1252 => Some(bytes.into_iter().map(windows_1252).collect()),
        }
    }
}

fn windows_1252(byte: u8) -> char {
    let special = byte.checked_sub(0x80).and_then(|index| WINDOWS_1252.get(usize::from(index)));
    special.copied().unwrap_or(char::from(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(header: impl AsRef<[u8]>) -> Result<(Option<String>, Option<String>), BadHead> {
        PartHead::parse(header.as_ref()).map(|head| (head.name, head.filename))
    }

    fn filename(parameters: impl AsRef<[u8]>) -> String {
        let header = [b"form-data; name=\"image\"; ", parameters.as_ref()].concat();
        let (name, filename) = parsed(&header).unwrap();
        assert_eq!(name.as_deref(), Some("image"), "{}", String::from_utf8_lossy(&header));
        filename.unwrap()
    }

    #[test]
    fn a_filename_is_decoded_from_every_encoding() {
        for (parameters, expected) in [
            (&b"filename=\"cat.png\""[..], "cat.png"),
            (b"filename=cat.png", "cat.png"),
            (b"Filename = my cat.png ; x=y", "my cat.png"),
            ("filename=\"猫.png\"".as_bytes(), "猫.png"),
            (b"filename=\"Stra\xdfe \x96 5\x80.png\"", "Straße – 5€.png"),
            (b"filename=\"a;b=c.png\"", "a;b=c.png"),
            (br#"filename="a\"b\\c.png""#, r#"a"b\c.png"#),
            (br#"filename="C:\new\a.png""#, r"C:\new\a.png"),
            (b"filename*=utf-8''%E7%8C%AB.png", "猫.png"),
            (b"filename*=UTF-8'de'Stra%C3%9Fe.png", "Straße.png"),
            (b"filename*=\"utf-8''%E7%8C%AB.png\"", "猫.png"),
            (b"filename*=iso-8859-1''Stra%DFe.png", "Straße.png"),
            (b"filename=\"=?utf-8?B?54yrLnBuZw==?=\"; filename*=utf-8''%E7%8C%AB.png", "猫.png"),
            (b"filename=\"=?utf-8?B?54yrLnBuZw==?=\"", "猫.png"),
            (b"filename=\"=?UTF-8?b?54yrLnBuZw?=\"", "猫.png"),
            (b"filename=\"=?utf-8?B?54w=?= =?utf-8?B?qy5wbmc=?=\"", "猫.png"),
            (b"filename=\"=?iso-8859-1?Q?Stra=DFe_5.png?=\"", "Straße 5.png"),
            (b"filename=\"=?utf-8?X?a?=.png\"", "=?utf-8?X?a?=.png"),
            (b"filename=\"100%25.png\"", "100%25.png"),
            (b"filename=cat.png; filename*=koi8-r''%CB.png", "cat.png"),
            (b"filename=\"\"", ""),
        ] {
            assert_eq!(filename(parameters), expected, "{}", String::from_utf8_lossy(parameters));
        }
    }

    #[test]
    fn a_parameter_inside_another_value_is_ignored() {
        let names = |name: &str, filename: &str| Ok((Some(name.to_owned()), Some(filename.to_owned())));
        assert_eq!(
            parsed(r#"form-data; filename="; name=\"x\"; .png"; name="image""#),
            names("image", "; name=\"x\"; .png")
        );
        assert_eq!(parsed(r#"form-data; filename="a; name=x"; name=image"#), names("image", "a; name=x"));
        assert_eq!(parsed(r#"form-data; filename=" name=x"; NAME="image""#), names("image", " name=x"));
        assert_eq!(parsed("form-data; xname=a; name=b"), Ok((Some("b".to_owned()), None)));
    }

    #[test]
    fn a_part_may_have_no_names() {
        for header in ["", "form-data", "form-data;", "form-data; ; x", "name=image"] {
            assert_eq!(parsed(header), Ok((None, None)), "{header}");
        }
    }

    #[test]
    fn a_name_that_cannot_be_decoded_is_an_error() {
        for (header, expected) in [
            ("form-data; name=image; filename*=koi8-r''%CB.png", BadHead::Charset("filename")),
            ("form-data; name=image; filename*=utf-8''%FF.png", BadHead::Charset("filename")),
            ("form-data; name=image; filename*=cat.png", BadHead::Charset("filename")),
            ("form-data; name=image; filename=\"=?gb2312?B?w6g=?=\"", BadHead::Charset("filename")),
            (
                "form-data; name=image; filename=\"=?utf-8?B?YQ==?= =?latin1?B?YQ==?=\"",
                BadHead::Charset("filename"),
            ),
            ("form-data; name=image; filename*0=a; filename*1=b.png", BadHead::Pieces("filename")),
            ("form-data; name=image; filename=\"a.png", BadHead::Quotes),
            ("form-data; name=image; name=metadata", BadHead::Repeated),
        ] {
            assert_eq!(parsed(header), Err(expected), "{header}");
        }
    }
}
