"""Explains failures to connect: the target is wrong, or nothing listens there.

They are recognized by the texts of gRPC's transport, which change from version to version. An unknown text stays as it
is.
"""

from __future__ import annotations

from dataclasses import replace

import grpc

from .failure import Failure

# gRPC's text for a target that is certainly wrong, and the explanation. These failures are not retried.
_HTTP_1 = "does not speak HTTP/2: it is not a Reticle server, or an HTTP/1 proxy is in front of it"
_WRONG = {
    "Failed parsing HTTP/2": _HTTP_1,
    "http1.x": _HTTP_1,
    "WRONG_VERSION_NUMBER": "does not speak TLS: begin the target with http://",
}
_CLOSED = "it closed the connection: correct the target, or begin it with https:// if the server requires TLS"
# The target may be wrong, or the failure is temporary. These are retried.
_PERHAPS = {
    "Connection refused": "nothing listens there: start the server, or correct the target",
    "DNS resolution failed": "DNS does not know the host: correct the target",
    "CERTIFICATE_VERIFY_FAILED": "its certificate is not trusted: pass its authority's as root_certificates",
    "SETTINGS frame": "it does not respond: correct the target, or begin it with https:// if the server requires TLS",
    "Socket closed": _CLOSED,
    "Connection reset": _CLOSED,
}
_CONNECTING = "failed to connect to all addresses"
_PORTS = {
    "reticle.annotations.v1.AnnotationsService": "the annotations service's (50052 by default) or the gateway's (8787)",
    "reticle.images.v1.ImagesService": "the images service's (50051 by default) or the gateway's (8787)",
}


def explain(failure: Failure, target: str, service: str) -> Failure:
    """Returns the failure of a call of `service` at `target`, with what is wrong with the target if that is known."""
    original = f" ({failure.message})" if failure.message else ""
    if failure.code is grpc.StatusCode.UNIMPLEMENTED:
        message = f"{target} does not serve {service}: the target's port must be {_PORTS[service]}{original}"
        return replace(failure, message=message, wrong_server=True)
    if failure.code is not grpc.StatusCode.UNAVAILABLE:
        return failure
    for text, meaning in _WRONG.items():
        if text in failure.message:
            message = f"{target} {meaning}; the target's port must be {_PORTS[service]}{original}"
            return replace(failure, message=message, wrong_server=True)
    for text, meaning in _PERHAPS.items():
        if text in failure.message and (_CONNECTING in failure.message or text.startswith("DNS")):
            return replace(failure, message=f"{target}: {meaning}{original}")
    return failure
