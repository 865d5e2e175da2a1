//! Parses the setting that names a source of keys.

use bytes::Bytes;
use identity::{BoxError, KeySource};

use crate::{FileKeys, InvalidKeySource, UrlKeys};

/// The source of keys that a setting names.
#[derive(Debug)]
pub enum ConfiguredKeys {
    /// A path.
    File(FileKeys),
    /// An http or https URL.
    Url(Box<UrlKeys>),
}

/// Parses a setting: a path, or an http(s) URL.
///
/// # Errors
/// [`InvalidKeySource`] if it is neither. Whether the file or the URL exists is not checked.
pub fn parse_key_source(text: &str) -> Result<ConfiguredKeys, InvalidKeySource> {
    if text.is_empty() {
        return Err(InvalidKeySource::Empty);
    }
    let Some((scheme, _)) = text.split_once("://") else {
        return Ok(ConfiguredKeys::File(FileKeys::new(text.into())));
    };
    match scheme.to_ascii_lowercase().as_str() {
        "http" | "https" => Ok(ConfiguredKeys::Url(Box::new(UrlKeys::new(text.parse()?)?))),
        _ => Err(InvalidKeySource::Scheme(format!("{scheme}://"))),
    }
}

impl KeySource for ConfiguredKeys {
    async fn fetch(&self) -> Result<Bytes, BoxError> {
        match self {
            Self::File(file) => file.fetch().await,
            Self::Url(url) => url.fetch().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_without_a_scheme_is_a_path() {
        for text in ["jwks.json", "/etc/reticle/jwks.json", "a:b"] {
            assert!(matches!(parse_key_source(text), Ok(ConfiguredKeys::File(_))), "{text}");
        }
    }

    #[test]
    fn http_and_https_are_urls() {
        for text in ["http://127.0.0.1:1/jwks", "HTTPS://id.example/.well-known/jwks.json"] {
            assert!(matches!(parse_key_source(text), Ok(ConfiguredKeys::Url(_))), "{text}");
        }
    }

    #[test]
    fn other_text_is_rejected_and_the_error_names_the_scheme() {
        assert!(matches!(parse_key_source(""), Err(InvalidKeySource::Empty)));
        assert!(matches!(parse_key_source("http://"), Err(InvalidKeySource::Url(_))));
        let error = parse_key_source("ftp://id.example/jwks").map(drop).unwrap_err();
        assert_eq!(error.to_string(), "must be a path or an http(s) URL, not `ftp://`");
    }
}
