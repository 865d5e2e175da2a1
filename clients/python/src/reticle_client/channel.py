"""Connections: where to, how safely, and with which token."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from urllib.parse import urlsplit

import grpc

# A token, or what gives one: it is asked before every call.
Token = str | Callable[[], str]

# The largest message that either side sends: the server rejects larger ones.
MAX_MESSAGE_BYTES = 7 * 1024 * 1024

_OPTIONS = [
    ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
    ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
    # A peer that is gone without a word is noticed within half a minute.
    ("grpc.keepalive_time_ms", 20_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.http2.max_pings_without_data", 0),
    # A channel knows nothing of the failures of those before it: how long to wait is said in `Attempts`.
    ("grpc.use_local_subchannel_pool", 1),
]

# Makes a channel for one connection. A channel that has failed once is not used again: gRPC would make the next
# connection at a time of its own, and some versions not at all while nobody calls.
Connect = Callable[[], grpc.Channel]


def connector(target: str, root_certificates: bytes | None = None) -> Connect:
    """How to connect to `target`: `https://HOST[:PORT]`, checked by `root_certificates` (PEM) or the usual ones, or
    `http://HOST[:PORT]`, which is not encrypted.
    """
    scheme, address, path, query, fragment = urlsplit(target)
    ports = {"http": 80, "https": 443}
    if scheme not in ports or not address or path not in ("", "/") or query or fragment or "@" in address:
        raise ValueError(f"the target must be http://HOST:PORT or https://HOST:PORT, not {target!r}")
    if urlsplit(target).port is None:
        address = f"{address}:{ports[scheme]}"
    if scheme == "http":
        if root_certificates is not None:
            raise ValueError("root certificates are for https:// targets")
        return partial(grpc.insecure_channel, address, options=_OPTIONS)
    credentials = grpc.ssl_channel_credentials(root_certificates)
    return partial(grpc.secure_channel, address, credentials, options=_OPTIONS)


def authorization(token: Token) -> tuple[tuple[str, str | bytes], ...]:
    """The metadata of one call."""
    return (("authorization", f"Bearer {token() if callable(token) else token}"),)
