//! What a newcomer is told once everything listens.

use std::{
    io::{self, IsTerminal as _, Write as _},
    net::SocketAddr,
    path::Path,
    time::Duration,
};

use identity::{Grant, Secret, UserId, mint};
use storage::Timestamp;

use crate::settings::Signing;

/// How long the token in the greeting holds.
const TOKEN_TTL: Duration = Duration::from_secs(24 * 60 * 60);

/// Prints what to try next, with a token that `secret` signs and `signing` accepts. Where standard output is no terminal, it
/// ends up in a log that others read: there, the command that prints a token is named instead.
pub(crate) fn greet(
    [gateway, images, annotations]: [SocketAddr; 3],
    secret: &Secret,
    signing: &Signing,
    now: Timestamp,
    data_dir: &Path,
) {
    let Ok(subject) = UserId::parse("you") else { return };
    let (issuer, audience) = (signing.jwt_issuer.as_deref(), signing.jwt_audience.as_deref());
    let token = if io::stdout().is_terminal() {
        mint(secret, &Grant { subject: &subject, scope: None, ttl: TOKEN_TTL, issuer, audience }, now)
    } else {
        format!("$(reticle token --subject {subject} --ttl 1d --data-dir '{}')", data_dir.display())
    };
    // It works as well if nobody reads this.
    let _ = writeln!(
        io::stdout(),
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
