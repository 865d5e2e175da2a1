//! The location of a bucket, as in the settings.

use http::Uri;

/// A bucket at an endpoint, parsed from `s3://bucket?endpoint=https://host&region=auto`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct S3Location {
    pub(super) bucket: String,
    pub(super) endpoint: Uri,
    pub(super) region: String,
}

/// Why a text is not an [`S3Location`], in a phrase that continues the text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidLocation {
    /// It does not begin with `s3://`.
    #[error("must begin with `s3://`")]
    Scheme,
    /// The bucket's name is invalid. R2 accepts 3 to 63 lower-case letters, digits and hyphens.
    #[error("must name a bucket: 3 to 63 lower-case letters, digits, dots and hyphens after `s3://`")]
    Bucket,
    /// There is no endpoint, or it is not an HTTP URL.
    #[error("must have the parameter `endpoint=https://HOST`")]
    Endpoint,
    /// A parameter is unknown.
    #[error("has the unknown parameter `{0}`; only `endpoint` and `region` are allowed")]
    Parameter(String),
}

impl S3Location {
    /// The only region of R2.
    pub const DEFAULT_REGION: &str = "auto";

    /// A location from its text.
    ///
    /// # Errors
    /// The first problem of the text.
    pub fn parse(text: &str) -> Result<Self, InvalidLocation> {
        let rest = text.strip_prefix("s3://").ok_or(InvalidLocation::Scheme)?;
        let (bucket, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (mut endpoint, mut region) = (None, None);
        for parameter in query.split('&').filter(|parameter| !parameter.is_empty()) {
            match parameter.split_once('=') {
                Some(("endpoint", value)) => endpoint = Some(value),
                Some(("region", value)) => region = Some(value),
                _ => return Err(InvalidLocation::Parameter(name_of(parameter))),
            }
        }
        Ok(Self {
            bucket: bucket_name(bucket).ok_or(InvalidLocation::Bucket)?,
            endpoint: endpoint.and_then(endpoint_uri).ok_or(InvalidLocation::Endpoint)?,
            region: region.unwrap_or(Self::DEFAULT_REGION).to_owned(),
        })
    }
}

fn name_of(parameter: &str) -> String {
    parameter.split('=').next().unwrap_or_default().to_owned()
}

fn bucket_name(text: &str) -> Option<String> {
    let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'.');
    let ends = |b: Option<&u8>| b.is_some_and(u8::is_ascii_alphanumeric);
    let bytes = text.as_bytes();
    let is_name = (3..=63).contains(&bytes.len()) && bytes.iter().copied().all(allowed);
    (is_name && ends(bytes.first()) && ends(bytes.last())).then(|| text.to_owned())
}

/// Parses an endpoint. It may have a path: Cloudflare's simulator of R2 has its S3 API below one.
fn endpoint_uri(text: &str) -> Option<Uri> {
    let uri: Uri = text.parse().ok()?;
    let is_web = matches!(uri.scheme_str(), Some("http" | "https")) && uri.authority().is_some();
    (is_web && uri.query().is_none()).then_some(uri)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_location_has_a_bucket_an_endpoint_and_an_optional_region() {
        let location =
            S3Location::parse("s3://reticle?endpoint=https://abc.r2.cloudflarestorage.com").unwrap();
        assert_eq!((location.bucket.as_str(), location.region.as_str()), ("reticle", "auto"));
        assert_eq!(location.endpoint, "https://abc.r2.cloudflarestorage.com");
        let location =
            S3Location::parse("s3://my.bucket-1?region=eu-1&endpoint=http://127.0.0.1:8333").unwrap();
        assert_eq!((location.bucket.as_str(), location.region.as_str()), ("my.bucket-1", "eu-1"));
    }

    #[test]
    fn each_invalid_location_has_its_error() {
        for (text, problem) in [
            ("file:objects", InvalidLocation::Scheme),
            ("s3://?endpoint=https://host", InvalidLocation::Bucket),
            ("s3://Bucket?endpoint=https://host", InvalidLocation::Bucket),
            ("s3://a/b?endpoint=https://host", InvalidLocation::Bucket),
            ("s3://-bucket?endpoint=https://host", InvalidLocation::Bucket),
            ("s3://bucket", InvalidLocation::Endpoint),
            ("s3://bucket?endpoint=host", InvalidLocation::Endpoint),
            ("s3://bucket?endpoint=ftp://host", InvalidLocation::Endpoint),
            ("s3://bucket?endpoint=https://host&key=1", InvalidLocation::Parameter("key".to_owned())),
        ] {
            assert_eq!(S3Location::parse(text), Err(problem), "{text}");
        }
    }
}
