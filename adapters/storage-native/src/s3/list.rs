//! Lists objects, page by page.

use aws_sdk_s3::{operation::list_objects_v2::ListObjectsV2Output, types::Object};
use storage::{Error, ObjectInfo, ObjectKey, ObjectList, Result};

use super::{S3Objects, download::info, error::classify};

/// The most objects in one response of a store.
const PAGE: usize = 1_000;

/// Up to `limit` objects, and whether there are more. The first page begins after the key `after`, each later one where the
/// store says that the page before ended: such a page may have no objects.
pub(super) async fn list(
    store: &S3Objects,
    prefix: &str,
    after: Option<&ObjectKey>,
    limit: usize,
) -> Result<ObjectList> {
    let mut listed = ObjectList { objects: Vec::new(), more: true };
    let mut token = None;
    while listed.more && listed.objects.len() < limit {
        let size = PAGE.min(limit - listed.objects.len());
        let call = store.client.list_objects_v2().bucket(&store.bucket).prefix(prefix);
        let call = call.max_keys(i32::try_from(size).unwrap_or(i32::MAX));
        let call = match token.take() {
            None => call.set_start_after(after.map(ToString::to_string)),
            token => call.set_continuation_token(token),
        };
        let page = call.send().await.map_err(classify)?;
        token = continuation_token(&page)?;
        listed.more = token.is_some();
        for object in page.contents() {
            // Objects that Reticle cannot have stored are skipped.
            listed.objects.extend(info_if_ours(object).transpose()?);
        }
    }
    Ok(listed)
}

/// Where the next page begins; `None` after the last page.
fn continuation_token(page: &ListObjectsV2Output) -> Result<Option<String>> {
    if !page.is_truncated().unwrap_or_default() {
        return Ok(None);
    }
    let token = page.next_continuation_token().map(str::to_owned);
    let missing =
        || Error::broken("the store has more objects, but its response lacks the continuation token");
    token.ok_or_else(missing).map(Some)
}

fn info_if_ours(object: &Object) -> Option<Result<ObjectInfo>> {
    let key = ObjectKey::parse(object.key()?)?;
    Some(info(&key, object.size(), object.last_modified()))
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use aws_sdk_s3::{
        Client, Config,
        config::{BehaviorVersion, Credentials, Region},
    };
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::TcpListener,
    };

    use super::*;

    /// A store at a server that sends one of `pages` to each call, and the first lines of its requests.
    struct FakeStore {
        store: S3Objects,
        requests: tokio::task::JoinHandle<Vec<String>>,
    }

    impl FakeStore {
        #[expect(clippy::disallowed_methods, reason = "it ends with the test's runtime")]
        async fn start(pages: &[&str]) -> Self {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let endpoint = format!("http://{}", listener.local_addr().unwrap());
            let pages =
                pages.iter().map(|page| format!("<ListBucketResult>{page}</ListBucketResult>")).collect();
            let config = Config::builder()
                .behavior_version(BehaviorVersion::latest())
                .credentials_provider(Credentials::new("id", "secret", None, None, "test"))
                .region(Region::new("auto"))
                .http_client(aws_smithy_http_client::Builder::new().build_http())
                .endpoint_url(endpoint)
                .force_path_style(true)
                .build();
            let store = S3Objects { client: Client::from_conf(config), bucket: "bucket".to_owned() };
            Self { store, requests: tokio::spawn(serve(listener, pages)) }
        }
    }

    /// Sends the pages, each on its own connection, and returns the first line of each request.
    async fn serve(listener: TcpListener, mut pages: VecDeque<String>) -> Vec<String> {
        let mut lines = Vec::new();
        while let Some(page) = pages.pop_front() {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = Vec::new();
            while !request.ends_with(b"\r\n\r\n") {
                request.push(stream.read_u8().await.unwrap());
            }
            let request = String::from_utf8(request).unwrap();
            lines.push(request.lines().next().unwrap_or_default().to_owned());
            let head = format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}", page.len());
            stream.write_all(format!("{head}\r\n\r\n{page}").as_bytes()).await.unwrap();
        }
        lines
    }

    fn object(key: &str) -> String {
        format!(
            "<Contents><Key>{key}</Key><Size>1</Size><LastModified>2026-01-01T00:00:00Z</LastModified></Contents>"
        )
    }

    /// Given a page without objects that is not the last one, when the objects are listed, then the next page begins at the
    /// continuation token, and each object is listed once.
    #[tokio::test]
    async fn a_page_without_objects_does_not_begin_the_listing_again() {
        let empty = "<IsTruncated>true</IsTruncated><NextContinuationToken>t1</NextContinuationToken>";
        let last = format!("<IsTruncated>false</IsTruncated>{}", object("b"));
        let fake = FakeStore::start(&[empty, &last]).await;

        let listed = list(&fake.store, "", ObjectKey::parse("a").as_ref(), 10).await.unwrap();

        assert_eq!(listed.objects.iter().map(|object| object.key.as_str()).collect::<Vec<_>>(), ["b"]);
        assert!(!listed.more);
        let requests = fake.requests.await.unwrap();
        assert!(requests[0].contains("start-after=a"), "{requests:?}");
        assert!(requests[1].contains("continuation-token=t1"), "{requests:?}");
    }

    #[tokio::test]
    async fn a_page_that_is_not_the_last_one_must_have_a_continuation_token() {
        let fake = FakeStore::start(&[&format!("<IsTruncated>true</IsTruncated>{}", object("a"))]).await;
        let listed = list(&fake.store, "", None, 10).await;
        assert!(matches!(listed, Err(Error::Broken(_))), "{listed:?}");
    }
}
