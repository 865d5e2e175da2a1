//! Token keys from a URL, and their rotation.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use anyhow::ensure;
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use identity::REFRESH_INTERVAL_SECONDS;
use jsonwebtoken::{Algorithm, EncodingKey, crypto::rust_crypto::DEFAULT_PROVIDER, jwk::EllipticCurve};
use serde_json::{Value, json};
use tests::{Deployment, HttpResponse, ImageFile, User, Worker, fixtures::new_annotation, token};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
    task::JoinHandle,
};

/// Given keys of each kind at a URL, when a token is signed by one of them, then every Worker accepts it; other keys are
/// rejected. When another key replaces them, then it is accepted, and the old keys are rejected.
#[tokio::test(flavor = "multi_thread")]
async fn keys_are_read_from_a_url() -> anyhow::Result<()> {
    let known = [
        Pair { algorithm: Algorithm::EdDSA, kid: "first", key: ed25519(1) },
        Pair { algorithm: Algorithm::ES256, kid: "second", key: EncodingKey::from_ec_der(&der(P256)?) },
        Pair { algorithm: Algorithm::RS256, kid: "third", key: EncodingKey::from_rsa_der(&der(RSA)?) },
    ];
    let keys = KeyServer::start(&known).await?;
    let workers = [Worker::Gateway, Worker::Images, Worker::Annotations];
    let running = Deployment::new(&workers)?.with_variable("RETICLE_JWKS", &keys.url).start().await?;
    let mut user = running.target()?.new_user();
    for pair in &known {
        user.token = pair.sign()?;
        let created = use_each_worker(&user).await?;
        ensure!(created.status == 201, "{}: {created:?}", pair.kid);
    }
    let next = Pair { algorithm: Algorithm::EdDSA, kid: "fourth", key: ed25519(2) };
    user.token = next.sign()?;
    let rejected = user.get("/api/images").await?;
    ensure!(rejected.status == 401 && rejected.text("/code") == "UNAUTHENTICATED", "{rejected:?}");

    keys.publish(std::slice::from_ref(&next))?;
    wait_until_accepted(&user, 401).await?;
    for pair in &known {
        user.token = pair.sign()?;
        let withdrawn = user.get("/api/images").await?;
        ensure!(withdrawn.status == 401, "{}: {withdrawn:?}", pair.kid);
    }
    Ok(())
}

/// Given a URL that redirects to keys, when a token is signed by one of them, then it is not accepted: keys must come from the
/// configured URL. When the URL has the keys itself, then the token is accepted.
#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_to_keys_is_not_followed() -> anyhow::Result<()> {
    let pair = Pair { algorithm: Algorithm::EdDSA, kid: "first", key: ed25519(1) };
    let elsewhere = KeyServer::start(std::slice::from_ref(&pair)).await?;
    let keys = KeyServer::start(&[]).await?;
    keys.redirect_to(&elsewhere.url);
    let workers = [Worker::Gateway, Worker::Images, Worker::Annotations];
    let running = Deployment::new(&workers)?.with_variable("RETICLE_JWKS", &keys.url).start().await?;
    let mut user = running.target()?.new_user();
    user.token = pair.sign()?;

    let rejected = user.get("/api/images").await?;

    ensure!(rejected.status == 503 && rejected.text("/code") == "UNAVAILABLE", "{rejected:?}");
    keys.publish(std::slice::from_ref(&pair))?;
    wait_until_accepted(&user, 503).await
}

/// Stores an image and an annotation on it. Each Worker verifies the token itself.
async fn use_each_worker(user: &User) -> anyhow::Result<HttpResponse> {
    let uploaded = user.upload(&ImageFile::png(8, 8), "a.png").await?;
    if uploaded.status != 201 {
        return Ok(uploaded);
    }
    user.post("/api/annotations", &new_annotation(uploaded.text("/image/id"))).await
}

/// Retries until each Worker accepts the key; each response before that must have the status `until_then`. A Worker that has
/// read the keys does not read them again for a while, by the machine's clock.
async fn wait_until_accepted(user: &User, until_then: u16) -> anyhow::Result<()> {
    let intervals = Duration::from_secs(6 * REFRESH_INTERVAL_SECONDS.unsigned_abs());
    let start = Instant::now();
    loop {
        let response = use_each_worker(user).await?;
        if response.status == 201 {
            return Ok(());
        }
        ensure!(response.status == until_then && start.elapsed() < intervals, "{response:?}");
    }
}

/// The prefix of a private Ed25519 key in PKCS #8 (RFC 8410 section 7); the key itself follows.
const PKCS8: [u8; 16] = [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];

fn ed25519(seed: u8) -> EncodingKey {
    EncodingKey::from_ed_der(&[PKCS8.as_slice(), &[seed; 32]].concat())
}

/// Private keys of tests, in base64.
const P256: &str = include_str!("../../../crates/identity/tests/identity/keys/p256-a.txt");
const RSA: &str = include_str!("../../../crates/identity/tests/identity/keys/rsa.txt");

fn der(text: &str) -> anyhow::Result<Vec<u8>> {
    let text: String = text.split_ascii_whitespace().collect();
    Ok(STANDARD.decode(text)?)
}

/// A key that signs tokens.
struct Pair {
    algorithm: Algorithm,
    kid: &'static str,
    key: EncodingKey,
}

impl Pair {
    /// The public key as a JWK.
    fn public(&self) -> anyhow::Result<Value> {
        let (keys, der) = (&DEFAULT_PROVIDER.key_utils, self.key.as_bytes());
        let Self { algorithm, kid, .. } = self;
        let encode = |bytes| URL_SAFE_NO_PAD.encode::<Vec<u8>>(bytes);
        Ok(match algorithm {
            Algorithm::RS256 => {
                let (n, e) = (keys.rsa_pub_components_from_private_key)(der)?;
                json!({"kty": "RSA", "alg": algorithm, "kid": kid, "n": encode(n), "e": encode(e)})
            }
            Algorithm::ES256 => {
                let (crv, x, y) = (keys.ec_pub_components_from_private_key)(der, *algorithm)?;
                json!({"kty": "EC", "crv": crv, "alg": algorithm, "kid": kid, "x": encode(x), "y": encode(y)})
            }
            _ => {
                let x = (keys.ed_pub_components_from_private_key)(der, &EllipticCurve::Ed25519)?;
                json!({"kty": "OKP", "crv": "Ed25519", "alg": algorithm, "kid": kid, "x": encode(x)})
            }
        })
    }

    /// A token. `jsonwebtoken::encode` signs only HS256 here, because it uses the provider that `identity` installs.
    fn sign(&self) -> anyhow::Result<String> {
        let header = json!({"alg": self.algorithm, "kid": self.kid});
        let claims = json!({"sub": "alice", "exp": token::now().as_seconds() + 3_600});
        let message = [header, claims].map(|part| URL_SAFE_NO_PAD.encode(part.to_string())).join(".");
        let signature =
            (DEFAULT_PROVIDER.signer_factory)(&self.algorithm, &self.key)?.try_sign(message.as_bytes())?;
        Ok(format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }
}

/// A server that responds to every request with the published keys, or with a redirect.
struct KeyServer {
    url: String,
    response: Arc<Mutex<String>>,
    serving: JoinHandle<()>,
}

impl KeyServer {
    async fn start(pairs: &[Pair]) -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}/jwks.json", listener.local_addr()?);
        let response = Arc::default();
        let serving = tokio::spawn(serve(listener, Arc::clone(&response)));
        let server = Self { url, response, serving };
        server.publish(pairs)?;
        Ok(server)
    }

    /// Replaces the published keys.
    fn publish(&self, pairs: &[Pair]) -> anyhow::Result<()> {
        let keys = pairs.iter().map(Pair::public).collect::<anyhow::Result<Vec<_>>>()?;
        self.respond_with("200 OK", "content-type: application/json", &json!({"keys": keys}).to_string());
        Ok(())
    }

    /// Responds with a redirect to `url` from now on.
    fn redirect_to(&self, url: &str) {
        self.respond_with("302 Found", &format!("location: {url}"), "");
    }

    fn respond_with(&self, status: &str, header: &str, body: &str) {
        let length = body.len();
        let head = format!("HTTP/1.1 {status}\r\n{header}\r\nconnection: close\r\ncontent-length: {length}");
        let response = format!("{head}\r\n\r\n{body}");
        *self.response.lock().unwrap_or_else(PoisonError::into_inner) = response;
    }
}

impl Drop for KeyServer {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn serve(listener: TcpListener, response: Arc<Mutex<String>>) {
    while let Ok((mut stream, _)) = listener.accept().await {
        let response = response.lock().unwrap_or_else(PoisonError::into_inner).clone();
        // A small request arrives in one read. A client that disconnects gets no response.
        if stream.read(&mut [0; 4096]).await.is_ok() {
            let _ = stream.write_all(response.as_bytes()).await;
        }
    }
}
