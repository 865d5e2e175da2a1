"""gRPC channels: the target, TLS, and the token."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from urllib.parse import urlsplit

import grpc

# A token, or a function that returns one and is called before each call.
Token = str | Callable[[], str]

# The largest message in either direction. The server rejects larger ones.
MAX_MESSAGE_BYTES = 7 * 1024 * 1024

_OPTIONS = [
    ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
    ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
    # Detects a peer that disappeared without closing the connection within 30 s.
    ("grpc.keepalive_time_ms", 20_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.http2.max_pings_without_data", 0),
    # Without it, a new channel shares the backoff of earlier ones. `Attempts` decides how long to wait.
    ("grpc.use_local_subchannel_pool", 1),
]

# Makes a channel for one connection. A failed channel is not used again, because gRPC would reconnect it at a time
# of its own, and some versions do not reconnect while there is no call.
Connect = Callable[[], grpc.Channel]


def connector(target: str, root_certificates: bytes | None = None) -> Connect:
    """Returns what connects to `target`: `https://HOST[:PORT]`, verified by `root_certificates` (PEM) or gRPC's default
    ones, or `http://HOST[:PORT]`, which is not encrypted.
    """
    scheme, address, path, query, fragment = urlsplit(target)
    ports = {"http": 80, "https": 443}
    if scheme not in ports or not address or path not in ("", "/") or query or fragment or "@" in address:
        raise ValueError(f"the target must be http://HOST:PORT or https://HOST:PORT, not {target!r}")
    if urlsplit(target).port is None:
        address = f"{address}:{ports[scheme]}"
    if scheme == "http":
        if root_certificates is not None:
            raise ValueError("root_certificates needs an https:// target")
        return partial(grpc.insecure_channel, address, options=_OPTIONS)
    credentials = grpc.ssl_channel_credentials(root_certificates)
    return partial(grpc.secure_channel, address, credentials, options=_OPTIONS)


def authorization(token: Token) -> tuple[tuple[str, str | bytes], ...]:
    """Returns the metadata that authenticates one call."""
    return (("authorization", f"Bearer {token() if callable(token) else token}"),)
