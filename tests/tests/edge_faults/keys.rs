//! Keys behind a URL, and how they change.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use anyhow::ensure;
use base64::Engine as _;
use identity::REFRESH_INTERVAL_SECONDS;
use jsonwebtoken::{Algorithm, EncodingKey, Header, jwk::Jwk};
use serde_json::json;
use tests::{Answer, Deployment, Picture, User, Worker, token};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
    task::JoinHandle,
};

use crate::target;

/// Given keys of each kind behind a URL, when a token is signed by one of them, then every Worker believes it, and by no
/// other; and when another takes their place, then that one is found, and they do not count any more.
#[tokio::test(flavor = "multi_thread")]
async fn keys_are_read_from_a_url() -> anyhow::Result<()> {
    let known = [
        Pair { algorithm: Algorithm::EdDSA, kid: "first", key: ed25519(1) },
        Pair { algorithm: Algorithm::ES256, kid: "second", key: EncodingKey::from_ec_der(&der(P256)?) },
        Pair { algorithm: Algorithm::RS256, kid: "third", key: EncodingKey::from_rsa_der(&der(RSA)?) },
    ];
    let keys = KeyServer::start(&known).await?;
    let workers = [Worker::Gateway, Worker::Images, Worker::Annotations];
    let running = Deployment::of(&workers)?.with_variable("RETICLE_JWKS", &keys.url).start().await?;
    let mut user = target(&running)?.new_user();
    for pair in &known {
        user.token = pair.sign()?;
        let created = use_each_worker(&user).await?;
        ensure!(created.status == 201, "{}: {created:?}", pair.kid);
    }
    let next = Pair { algorithm: Algorithm::EdDSA, kid: "fourth", key: ed25519(2) };
    user.token = next.sign()?;
    let refused = user.get("/api/images").await?;
    ensure!(refused.status == 401 && refused.text("/code") == "UNAUTHENTICATED", "{refused:?}");

    keys.publish(std::slice::from_ref(&next))?;
    becomes_known(&user).await?;
    for pair in &known {
        user.token = pair.sign()?;
        let withdrawn = user.get("/api/images").await?;
        ensure!(withdrawn.status == 401, "{}: {withdrawn:?}", pair.kid);
    }
    Ok(())
}

/// Stores an image and a box on it: each Worker looks at the token for itself.
async fn use_each_worker(user: &User) -> anyhow::Result<Answer> {
    let uploaded = user.upload(&Picture::png(8, 8), "a.png").await?;
    if uploaded.status != 201 {
        return Ok(uploaded);
    }
    let image_id = uploaded.text("/image/id");
    let a_box =
        json!({"image_id": image_id, "label": "car", "x": 0.1, "y": 0.1, "width": 0.2, "height": 0.2});
    user.post("/api/annotations", &a_box).await
}

/// Asks until each Worker knows the key. Each leaves the keys alone for a while after it has read them, by the machine's
/// own clock.
async fn becomes_known(user: &User) -> anyhow::Result<()> {
    let intervals = Duration::from_secs(6 * REFRESH_INTERVAL_SECONDS.unsigned_abs());
    let began = Instant::now();
    loop {
        let answer = use_each_worker(user).await?;
        if answer.status == 201 {
            return Ok(());
        }
        ensure!(answer.status == 401 && began.elapsed() < intervals, "{answer:?}");
    }
}

/// How a private Ed25519 key begins in PKCS #8 (RFC 8410 section 7); the key itself follows.
const PKCS8: [u8; 16] = [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];

fn ed25519(seed: u8) -> EncodingKey {
    EncodingKey::from_ed_der(&[PKCS8.as_slice(), &[seed; 32]].concat())
}

/// Private keys of tests, in base64.
const P256: &str = include_str!("../../../services/identity/tests/identity/keys/p256-a.txt");
const RSA: &str = include_str!("../../../services/identity/tests/identity/keys/rsa.txt");

fn der(text: &str) -> anyhow::Result<Vec<u8>> {
    let text: String = text.split_ascii_whitespace().collect();
    Ok(base64::engine::general_purpose::STANDARD.decode(text)?)
}

/// A key that signs tokens.
struct Pair {
    algorithm: Algorithm,
    kid: &'static str,
    key: EncodingKey,
}

impl Pair {
    /// The public key, as others publish it.
    fn public(&self) -> anyhow::Result<Jwk> {
        let mut public = Jwk::from_encoding_key(&self.key, self.algorithm)?;
        public.common.key_id = Some(self.kid.to_owned());
        Ok(public)
    }

    fn sign(&self) -> anyhow::Result<String> {
        let claims = json!({"sub": "alice", "exp": token::now().as_seconds() + 3_600});
        let header = Header { kid: Some(self.kid.to_owned()), ..Header::new(self.algorithm) };
        Ok(jsonwebtoken::encode(&header, &claims, &self.key)?)
    }
}

/// Answers every request with the keys that are published.
struct KeyServer {
    url: String,
    document: Arc<Mutex<String>>,
    serving: JoinHandle<()>,
}

impl KeyServer {
    async fn start(pairs: &[Pair]) -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}/jwks.json", listener.local_addr()?);
        let document = Arc::default();
        let serving = tokio::spawn(serve(listener, Arc::clone(&document)));
        let server = Self { url, document, serving };
        server.publish(pairs)?;
        Ok(server)
    }

    /// Puts these keys in the place of those before.
    fn publish(&self, pairs: &[Pair]) -> anyhow::Result<()> {
        let keys = pairs.iter().map(Pair::public).collect::<anyhow::Result<Vec<_>>>()?;
        *self.document.lock().unwrap_or_else(PoisonError::into_inner) = json!({"keys": keys}).to_string();
        Ok(())
    }
}

impl Drop for KeyServer {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn serve(listener: TcpListener, document: Arc<Mutex<String>>) {
    while let Ok((mut stream, _)) = listener.accept().await {
        let document = document.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close";
        let answer = format!("{head}\r\ncontent-length: {}\r\n\r\n{document}", document.len());
        // All of a small request comes at once; a client that goes away gets no answer.
        if stream.read(&mut [0; 4096]).await.is_ok() {
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    }
}
