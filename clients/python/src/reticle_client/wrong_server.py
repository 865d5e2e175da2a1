"""Failures that say that the target is wrong, or that nothing is there: what happened, and what to do about it.

gRPC says them in the words of its transport, which change from version to version: a text that is not known here stays
as it is.
"""

from __future__ import annotations

from dataclasses import replace

import grpc

from .failure import Failure

# What an unmistakably wrong server makes gRPC say, and what to tell the user. No later attempt would end differently.
_HTTP_1 = "does not speak HTTP/2: it is no server of Reticle, or an HTTP/1 proxy is in front of it"
_WRONG = {
    "Failed parsing HTTP/2": _HTTP_1,
    "http1.x": _HTTP_1,
    "WRONG_VERSION_NUMBER": "does not speak TLS: its URL begins with http://",
}
_CLOSED = "it closed the connection: correct the target, or begin it with https:// if the server wants TLS"
# What may be a wrong target, and may as well pass.
_PERHAPS = {
    "Connection refused": "nothing listens there: start the server, or correct the target",
    "DNS resolution failed": "the host is not known: correct the target",
    "CERTIFICATE_VERIFY_FAILED": "its certificate is not trusted: pass the authority's as root_certificates",
    "SETTINGS frame": "it answers nothing: correct the target, or begin it with https:// if the server wants TLS",
    "Socket closed": _CLOSED,
    "Connection reset": _CLOSED,
}
_CONNECTING = "failed to connect to all addresses"
_PORTS = {
    "reticle.annotations.v1.AnnotationsService": "the annotations service's (50052 by default) or the gateway's (8787)",
    "reticle.images.v1.ImagesService": "the images service's (50051 by default) or the gateway's (8787)",
}


def explained(failure: Failure, target: str, service: str) -> Failure:
    """The failure of a call of `service` at `target`, in words for who chose the target."""
    said = f" ({failure.message})" if failure.message else ""
    if failure.code is grpc.StatusCode.UNIMPLEMENTED:
        message = f"{target} does not serve {service}: the target's port must be {_PORTS[service]}{said}"
        return replace(failure, message=message)
    if failure.code is not grpc.StatusCode.UNAVAILABLE:
        return failure
    for sign, meaning in _WRONG.items():
        if sign in failure.message:
            message = f"{target} {meaning}; the target's port must be {_PORTS[service]}{said}"
            return replace(failure, message=message, wrong_server=True)
    for sign, meaning in _PERHAPS.items():
        if sign in failure.message and (_CONNECTING in failure.message or sign.startswith("DNS")):
            return replace(failure, message=f"{target}: {meaning}{said}")
    return failure
