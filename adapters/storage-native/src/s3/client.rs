//! The SDK's client, configured for R2.

use std::time::Duration;

use aws_config::{BehaviorVersion, Region, retry::RetryConfig, timeout::TimeoutConfig};
use aws_sdk_s3::{
    Client,
    config::{Builder, RequestChecksumCalculation, ResponseChecksumValidation},
};
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};

use super::S3Location;

/// The timeout for a new connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How long the store may take to start its response.
const READ_TIMEOUT: Duration = Duration::from_secs(30);

/// The most attempts of one call. Every call here may be retried, because objects are written as a whole.
const ATTEMPTS: u32 = 3;

/// A client of the bucket's endpoint. It connects at its first call.
pub(super) async fn connect(location: &S3Location) -> Client {
    let https =
        aws_smithy_http_client::Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https();
    let timeouts =
        TimeoutConfig::builder().connect_timeout(CONNECT_TIMEOUT).read_timeout(READ_TIMEOUT).build();
    let shared = aws_config::defaults(BehaviorVersion::latest())
        .http_client(https)
        .region(Region::new(location.region.clone()))
        .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS))
        .timeout_config(timeouts)
        .load()
        .await;
    // The SDK appends the bucket's name without a slash before it.
    let endpoint = format!("{}/", location.endpoint.to_string().trim_end_matches('/'));
    let config = Builder::from(&shared)
        .endpoint_url(endpoint)
        // R2's simulator supports no other style, and no TLS certificate matches a bucket's name with dots as a host.
        .force_path_style(true)
        // By default the SDK sends checksums that R2 rejects, in a framing that R2 does not support.
        .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
        .response_checksum_validation(ResponseChecksumValidation::WhenRequired)
        .build();
    Client::from_conf(config)
}
