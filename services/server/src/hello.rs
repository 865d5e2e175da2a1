//! What a newcomer is told once everything listens.

use std::{net::SocketAddr, time::Duration};

use identity::{Grant, Secret, UserId, mint};
use storage::Timestamp;

/// How long the token in the greeting holds.
const TOKEN_TTL: Duration = Duration::from_secs(24 * 60 * 60);

/// Prints what to try next, with a token that `secret` signs.
pub(crate) fn greet([gateway, images, annotations]: [SocketAddr; 3], secret: &Secret, now: Timestamp) {
    let Ok(subject) = UserId::parse("you") else { return };
    let grant = Grant { subject: &subject, scope: None, ttl: TOKEN_TTL, issuer: None, audience: None };
    let token = mint(secret, &grant, now);
    println!(
        "
Reticle is ready.

  HTTP/JSON, gRPC-web, gRPC   http://{gateway}   (GET /openapi.json describes it)
  gRPC with reflection        {images} (images), {annotations} (annotations)

Try it: a token for one day, a picture, and a box on it.

  export TOKEN={token}
  curl -H \"authorization: Bearer $TOKEN\" -F image=@photo.jpg http://{gateway}/api/images/upload
  export IMAGE_ID=…   # the id in the answer
  curl -H \"authorization: Bearer $TOKEN\" -H 'content-type: application/json' \\
    -d '{{\"image_id\":\"'$IMAGE_ID'\",\"label\":\"car\",\"x\":0.1,\"y\":0.2,\"width\":0.3,\"height\":0.4}}' \\
    http://{gateway}/api/annotations

Ctrl-C stops it.
"
    );
}
