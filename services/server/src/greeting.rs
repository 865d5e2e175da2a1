//! The text that `reticle serve` prints for new users once all ports listen.

use std::{
    io::{self, IsTerminal as _, Write as _},
    net::SocketAddr,
    path::Path,
    time::Duration,
};

use identity::{Grant, Secret, UserId, mint};
use runtime::Timestamp;

use crate::settings::Signing;

/// How long the token in the greeting is valid.
const TOKEN_TTL: Duration = Duration::from_secs(24 * 60 * 60);

/// Prints the first requests to try, with a token that `secret` signs and `signing` accepts. If standard output is not a
/// terminal, it may be a log that other people read, so the command that prints a token is shown instead.
pub(crate) fn print_greeting(
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
    // The program works without this text, so an error is ignored.
    let _ = writeln!(
        io::stdout(),
        "
Reticle is ready.

  HTTP/JSON, gRPC-web, gRPC   http://{gateway}   (GET /openapi.json describes it)
  gRPC with reflection        {images} (images), {annotations} (annotations)

Try it with a token for one day: upload an image and create an annotation on it.

  export TOKEN={token}
  curl -H \"authorization: Bearer $TOKEN\" -F image=@photo.jpg http://{gateway}/api/images/upload
  export IMAGE_ID=…   # the id in the response
  curl -H \"authorization: Bearer $TOKEN\" -H 'content-type: application/json' \\
    -d '{{\"image_id\":\"'$IMAGE_ID'\",\"label\":\"car\",\"x\":0.1,\"y\":0.2,\"width\":0.3,\"height\":0.4}}' \\
    http://{gateway}/api/annotations

Ctrl-C stops it.
"
    );
}
