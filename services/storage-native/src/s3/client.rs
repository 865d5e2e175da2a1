//! The SDK's client, set up for what R2 takes.

use std::time::Duration;

use aws_config::{BehaviorVersion, Region, retry::RetryConfig, timeout::TimeoutConfig};
use aws_sdk_s3::{
    Client,
    config::{Builder, RequestChecksumCalculation, ResponseChecksumValidation},
};
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};

use super::S3Location;

/// How long a connection may take to come about.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How long the store may take to begin its answer.
const READ_TIMEOUT: Duration = Duration::from_secs(30);

/// How often a call is made before its failure counts. Every call here may be repeated: objects are written whole.
const ATTEMPTS: u32 = 3;

/// A client of the bucket's endpoint; it connects when it is first used.
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
    // The SDK puts the bucket's name right after it.
    let endpoint = format!("{}/", location.endpoint.to_string().trim_end_matches('/'));
    let config = Builder::from(&shared)
        .endpoint_url(endpoint)
        // R2's simulator knows no other style, and a bucket's name with dots in it fits no certificate.
        .force_path_style(true)
        // By default the SDK sends checksums that R2 refuses, in a framing that it does not know.
        .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
        .response_checksum_validation(ResponseChecksumValidation::WhenRequired)
        .build();
    Client::from_conf(config)
}
